/** What the process that runs the code of a workflow asks of the worker, beside the words of `ctx`: see host/workflow.py. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import { CtxCallable, CtxError, CtxObject, type CtxThing, isMapping } from '../script/ctx-values.js';
import { refuseUnstorable, said, shown, storableText } from '../script/storable.js';
import type { KeptStep, WorkflowRequest, WorkflowWish } from '../workflow.js';
import { hostWorkflowInstance, hostWorkflowNode } from './workflow-context.js';

/** Characters of an event, and of a name. */
const MOST_TEXT = 8192;
const MOST_NAME = 1024;

export interface WorkflowDoor {
  readonly words: CtxObject;
  /** The code has said that it ends because it was told to. */
  readonly cancelled: boolean;
}

export function workflowDoor(request: WorkflowRequest): WorkflowDoor {
  let cancelled = false;
  const { graphs, context } = request;
  const deployment = context.deployment.id;
  const words = new CtxObject('workflow', {
    call: () => ({
      resumed: request.isResumed,
      broken_off: request.wasBrokenOff,
      dry_run: request.isDryRun,
      task_retries: request.limits.maxRetries,
      task_retry_interval: request.limits.retryInterval,
    }),
    nodes: () => asked(async () => (await request.nodes()).map((node) => hostWorkflowNode(node, deployment))),
    instances: () =>
      asked(async () => (await request.instances()).map((one) => hostWorkflowInstance(one, deployment))),
    declare: () =>
      asked(async ([resumable]) => {
        request.declare({ resumable: resumable === true });
        return null;
      }),
    ask: () =>
      asked(async ([wishes]) => {
        request.ask(listed(wishes).map(wishOf));
        return null;
      }),
    answers: () =>
      asked(async () => {
        const answers = await request.answers();
        return {
          answers: answers.map((one) => ({ ...one }) as unknown as JsonObject),
          stop: request.signal.aborted ? String(request.signal.reason) : null,
        };
      }),
    log: () =>
      asked(async ([level, message, instance]) => {
        request.log(
          levelOf(level),
          said((message ?? '') as Json),
          typeof instance === 'string' ? instance : null,
        );
        return null;
      }),
    event: () =>
      asked(async ([type, message]) => {
        request.event(named(type), storableText(shown((message ?? '') as Json), MOST_TEXT));
        return null;
      }),
    graph: () => asked(async ([name]) => plainly(await graphs.find(named(name)))),
    keep: () =>
      asked(async ([name, steps]) => plainly(await graphs.keep(named(name), listed(steps).map(stepOf)))),
    steps: () =>
      asked(async ([graph]) =>
        (await graphs.steps(named(graph))).map((step) => ({ ...step }) as unknown as Json),
      ),
    add: () =>
      asked(async ([graph, steps]) => {
        for (const step of listed(steps)) await graphs.add(named(graph), stepOf(step));
        return null;
      }),
    state: () =>
      asked(async ([step, state]) => {
        await graphs.setState(named(step), named(state));
        return null;
      }),
    remove: () =>
      asked(async ([step]) => {
        await graphs.remove(named(step));
        return null;
      }),
    cancelled: () =>
      asked(async () => {
        cancelled = true;
        return null;
      }),
  });
  return {
    words,
    get cancelled() {
      return cancelled;
    },
  };
}

function asked(answer: (args: readonly CtxThing[]) => Promise<CtxThing>): CtxCallable {
  return new CtxCallable(async (args) => {
    try {
      return await answer(args);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw new CtxError('NonRecoverableError', error.message);
    }
  });
}

function wishOf(thing: Json): WorkflowWish {
  if (!isMapping(thing)) throw new CtxError('TypeError', 'a wish is a mapping');
  const key = named(thing.key);
  switch (thing.kind) {
    case 'state':
      return { key, kind: 'state', instance: named(thing.instance), state: named(thing.state) };
    case 'event': {
      const instance = thing.instance === null ? null : named(thing.instance);
      return { key, kind: 'event', instance, message: storableText(shown(thing.message ?? ''), MOST_TEXT) };
    }
    case 'operation': {
      const { side, parameters, max_retries: most, retry_interval: pause } = thing;
      if (side !== 'node' && side !== 'source' && side !== 'target') {
        throw new CtxError('ValueError', 'side is one of node, source, target');
      }
      if (!isMapping(parameters)) throw new CtxError('TypeError', 'parameters are a mapping');
      refuseUnstorable(parameters);
      return {
        key,
        kind: 'operation',
        operation: named(thing.operation),
        instance: named(thing.instance),
        side,
        target: side === 'node' ? null : named(thing.target),
        parameters,
        maxRetries: typeof most === 'number' && Number.isInteger(most) && most >= -1 ? most : null,
        retryInterval: typeof pause === 'number' && pause >= 0 ? pause : null,
      };
    }
    default:
      throw new CtxError('ValueError', 'a wish is for an operation, a state or an event');
  }
}

function stepOf(thing: Json): KeptStep {
  if (!isMapping(thing)) throw new CtxError('TypeError', 'a step is a mapping');
  const { id, name, type, dependencies, parameters } = thing;
  if (!isMapping(parameters)) throw new CtxError('TypeError', 'parameters are a mapping');
  refuseUnstorable(parameters);
  return {
    id: named(id),
    name: typeof name === 'string' ? name : null,
    type: named(type),
    dependencies: listed(dependencies).map(named),
    parameters,
  };
}

function plainly(graph: { readonly id: string } | null): Json {
  return graph === null ? null : { id: graph.id };
}

function listed(value: CtxThing | undefined): Json[] {
  if (Array.isArray(value)) return value;
  throw new CtxError('TypeError', 'a list is missing');
}

function named(value: CtxThing | undefined): string {
  if (typeof value === 'string' && value !== '') return storableText(value, MOST_NAME);
  throw new CtxError('TypeError', 'a name is missing');
}

function levelOf(value: CtxThing | undefined) {
  const known = ['debug', 'info', 'warning', 'error', 'critical'] as const;
  return known.find((level) => level === value) ?? 'info';
}
