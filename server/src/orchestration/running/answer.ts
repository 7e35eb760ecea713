/**
 * What a plugin answered, checked before it may reach the record. A plugin is not ours: whatever it answers, the walk
 * goes on, its batch can be written, and what cannot be written is a failure of this operation alone.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { FailureCause, TaskFailure } from '../../errors.js';
import type { OperationOutcome, RuntimePropertyChanges } from '../../plugins/plugin.js';
import { storable } from './outbox.js';

/** Characters of JSON that one operation may bring as its result and as properties. */
export const ANSWER_LIMIT = 16 * 1024 * 1024;
/** How deep; PostgreSQL's own parser has a bound too. */
const DEPTH_LIMIT = 200;
/** Characters of a failure's message and of each cause's parts. */
const TEXT_LIMIT = 64 * 1024;
const CAUSES_LIMIT = 50;
/** Seconds; more is as good as never, and no date. */
const LONGEST_WAIT = 10 * 365 * 86_400;

export interface Answer {
  readonly outcome: OperationOutcome;
  /** Characters that it will take in a batch, roughly. */
  readonly size: number;
}

const NOTHING = { kind: 'done', result: null } as const;

/** @param instances ids of those whose properties the operation may write */
export function checkedAnswer(answer: unknown, instances: readonly string[]): Answer {
  if (typeof answer !== 'object' || answer === null) return refused(`it answered ${String(answer)}`);
  const said = answer as Record<string, unknown>;
  if (said.kind === 'done' && (said.result ?? null) === null && said.runtimeProperties === undefined) {
    return { outcome: NOTHING, size: 0 };
  }
  try {
    const checked = outcomeOf(said);
    const changes =
      said.runtimeProperties === undefined ? null : checkedProperties(said.runtimeProperties, instances);
    if (changes === null) return checked;
    return {
      outcome: { ...checked.outcome, runtimeProperties: changes.changes },
      size: checked.size + changes.size,
    };
  } catch (error) {
    return refused((error as Error).message);
  }
}

/** @throws Error in words for the operation's author */
export function checkedProperties(
  changes: unknown,
  instances: readonly string[],
): { changes: RuntimePropertyChanges; size: number } {
  const checked: Record<string, JsonObject> = {};
  let size = 0;
  for (const [id, properties] of Object.entries(changes as object)) {
    if (!instances.includes(id))
      throw new Error(`it wrote runtime properties of ${id}, which is not part of it`);
    const { value, length } = data(properties, 'runtime properties');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Error('runtime properties must be a mapping');
    }
    checked[id] = value;
    size += length;
  }
  if (size > ANSWER_LIMIT) throw tooLarge('runtime properties', size);
  return { changes: checked, size };
}

function outcomeOf(said: Record<string, unknown>): Answer {
  switch (said.kind) {
    case 'done': {
      const { value, length } = data(said.result, 'result');
      return { outcome: { kind: 'done', result: value }, size: length };
    }
    case 'again':
      return {
        outcome: { kind: 'again', after: seconds(said.after), message: text(said.message) },
        size: 0,
      };
    case 'failed':
      return { outcome: { kind: 'failed', failure: failureOf(said.failure) }, size: 0 };
    case 'aborted':
      return { outcome: { kind: 'aborted' }, size: 0 };
    default:
      throw new Error(`it answered with the kind ${String(said.kind)}`);
  }
}

function failureOf(said: unknown): TaskFailure {
  const { type, message, retryable, retryAfter, causes } = (said ?? {}) as Record<string, unknown>;
  const after = seconds(retryAfter);
  return {
    type: text(type ?? 'PluginError'),
    message: text(message),
    retryable: retryable === true,
    ...(after === null ? {} : { retryAfter: after }),
    causes: Array.isArray(causes) ? causes.slice(0, CAUSES_LIMIT).map(causeOf) : [],
  };
}

function causeOf(said: unknown): FailureCause {
  const { type, message, traceback } = (said ?? {}) as Record<string, unknown>;
  return {
    type: text(type),
    message: text(message),
    ...(traceback === undefined ? {} : { traceback: text(traceback) }),
  };
}

function seconds(value: unknown): number | null {
  if (typeof value !== 'number' || Number.isNaN(value)) return null;
  return Math.min(Math.max(value, 0), LONGEST_WAIT);
}

/** Prose: repaired rather than refused. */
export function text(value: unknown): string {
  const whole = typeof value === 'string' ? value : value === undefined ? '' : String(value);
  const cut = whole.length > TEXT_LIMIT ? `${whole.slice(0, TEXT_LIMIT)}…` : whole;
  return storable(cut);
}

/** A copy that is nothing but JSON. */
function data(value: unknown, what: string): { value: Json; length: number } {
  if (value === undefined || value === null) return { value: null, length: 0 };
  if (isTooDeep(value, DEPTH_LIMIT))
    throw new Error(`its ${what} are nested deeper than ${DEPTH_LIMIT} levels, or in a circle`);
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) return { value: null, length: 0 };
  if (json.length > ANSWER_LIMIT) throw tooLarge(what, json.length);
  return { value: JSON.parse(json) as Json, length: json.length };
}

function isTooDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return parts.some((part) => isTooDeep(part, left - 1));
}

function tooLarge(what: string, size: number): Error {
  return new Error(`its ${what} take ${size} characters, more than the ${ANSWER_LIMIT} allowed`);
}

function refused(why: string): Answer {
  const message = `the operation's answer cannot be kept: ${text(why)}`;
  return {
    outcome: { kind: 'failed', failure: { type: 'PluginError', message, retryable: false, causes: [] } },
    size: 0,
  };
}
