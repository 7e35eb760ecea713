/** What a plugin is asked where an operation runs away from its walk: what it says and asks goes over the dispatcher. */
import type { Json } from '../../../dsl/plan.js';
import { notFound } from '../../../errors.js';
import type { OperationRequest } from '../../../plugins/plugin.js';
import type { Dispatcher, Patches, Question, Work } from './dispatcher.js';
import { SeenProperties } from './property-patches.js';
import type { Speech } from './speech.js';

export interface HeldRequest {
  readonly request: OperationRequest;
  /** What the operation's last word changes. */
  patches(changes: Parameters<SeenProperties['patches']>[0]): Patches;
}

export function heldRequest(
  { order, ...hold }: Work,
  {
    dispatcher,
    speech,
    stop,
    atOnce,
  }: {
    readonly dispatcher: Dispatcher;
    readonly speech: Speech;
    readonly stop: AbortSignal;
    readonly atOnce: AbortSignal;
  },
): HeldRequest {
  const seen = new SeenProperties(order.context);
  const ask = async <Q extends Question>(question: Q) => {
    // What was said before it is heard before it.
    await speech.flush();
    return dispatcher.ask(hold, speech.count(hold), question, atOnce);
  };
  const request: OperationRequest = {
    functionName: order.functionName,
    inputs: order.inputs,
    operation: order.operation,
    context: order.context,
    signal: stop,
    atOnce,
    log: (level, message) => speech.say(hold, { kind: 'log', level, message }),
    event: (message) => speech.say(hold, { kind: 'event', message }),
    async saveRuntimeProperties(changes) {
      const patches = seen.patches(changes);
      if (Object.keys(patches).length > 0) await ask({ kind: 'save', patches });
      seen.take(changes);
    },
    async readRuntimeProperties(instance) {
      if (!seen.has(instance)) throw notFound('Node instance of this operation', instance);
      const properties = await ask({ kind: 'read', instance });
      seen.see(instance, properties);
      return properties;
    },
    resource: (path) => dispatcher.file(hold, path),
    resources: (folder) => dispatcher.files(hold, folder),
    evaluate: (expression: Json) => ask({ kind: 'evaluate', expression }),
    surroundings: {
      node: (name, instance) => ask({ kind: 'node', name, instance }),
      instance: (id) => ask({ kind: 'instance', id }),
    },
    agentScript: () => ask({ kind: 'agent-script' }),
    token: () => ask({ kind: 'token' }),
    ...(order.declared === null ? {} : { plugin: order.declared, package: () => dispatcher.package(hold) }),
  };
  return { request, patches: (changes) => seen.patches(changes) };
}
