/** What outside workflow code says of its operations, as events of their execution (specs: cloudify.md §6.4). */
import type { Json, JsonObject } from '../dsl/plan.js';
import type { FailureCause } from '../errors.js';
import type { EventType, NewEvent } from '../events/events.js';
import type { KeptState } from './task-graphs.store.js';

interface Told {
  readonly type: EventType;
  readonly words: (kind: string, name: string) => string;
}

const TOLD: Partial<Record<KeptState, Told>> = {
  sending: { type: 'sending_task', words: (_, name) => `Sending task '${name}'` },
  started: { type: 'task_started', words: (kind, name) => `${kind} started '${name}'` },
  succeeded: { type: 'task_succeeded', words: (kind, name) => `${kind} succeeded '${name}'` },
  rescheduled: { type: 'task_rescheduled', words: (kind, name) => `${kind} rescheduled '${name}'` },
  failed: { type: 'task_failed', words: (kind, name) => `${kind} failed '${name}'` },
};

/** Of these tasks people read; the others order those. */
const KINDS: Readonly<Record<string, string>> = { RemoteWorkflowTask: 'Task', SubgraphTask: 'Subgraph' };
const LONGEST_TEXT = 20_000;

/** The event of a report: one, or none where the task or its state is nothing to read of. */
export function reportEvents(
  operation: { readonly name: string | null; readonly type: string; readonly parameters: JsonObject },
  report: {
    readonly state: KeptState | null;
    readonly result: Json;
    readonly exception: Json;
    readonly causes: readonly FailureCause[] | null;
  },
): NewEvent[] {
  const told = report.state === null ? undefined : TOLD[report.state];
  const kind = Object.hasOwn(KINDS, operation.type) ? KINDS[operation.type] : undefined;
  if (told === undefined || kind === undefined) return [];
  const words = told.words(kind, operation.name ?? '');
  const { operation: name, ...place } = placeOf(operation.parameters);
  return [
    {
      kind: 'event',
      type: told.type,
      message: `${words}${outcomeOf(report)}${retryOf(operation.parameters)}`,
      ...(name === undefined ? {} : { operation: name }),
      ...place,
      ...(report.causes === null ? {} : { causes: report.causes }),
    },
  ];
}

function outcomeOf(report: {
  readonly state: KeptState | null;
  readonly result: Json;
  readonly exception: Json;
}): string {
  const { state, result, exception } = report;
  if (state === 'succeeded' && result !== null) return ` - ${textOf(result)}`;
  if ((state === 'failed' || state === 'rescheduled') && exception !== null)
    return ` -> ${textOf(exception)}`;
  return '';
}

function retryOf({ current_retries: current, total_retries: total }: JsonObject): string {
  if (typeof current !== 'number' || current <= 0) return '';
  return ` [retry ${current}${typeof total === 'number' && total >= 0 ? `/${total}` : ''}]`;
}

/** Where the task says that it runs. */
function placeOf(parameters: JsonObject): {
  readonly operation?: string;
  readonly node?: string;
  readonly instance?: string;
  readonly source?: string;
  readonly target?: string;
} {
  const context = within(parameters, ['task_kwargs', 'kwargs', '__cloudify_context']);
  const text = (name: string) => {
    const value = context[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const name = within(context, ['operation']).name;
  const [node, instance] = [text('node_name'), text('node_id')];
  const [source, target] = [text('source_id'), text('target_id')];
  return {
    ...(typeof name === 'string' ? { operation: name } : {}),
    ...(node === undefined ? {} : { node }),
    ...(instance === undefined ? {} : { instance }),
    ...(source === undefined ? {} : { source }),
    ...(target === undefined ? {} : { target }),
  };
}

function within(value: JsonObject, path: readonly string[]): JsonObject {
  let at: Json | undefined = value;
  for (const name of path) {
    at = isObject(at) ? at[name] : undefined;
  }
  return isObject(at) ? at : {};
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: Json): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, LONGEST_TEXT);
}
