/** A plugin whose operations do what the test says, and that remembers what it was asked. Function names are free. */
import type { OperationOutcome, OperationRequest, Plugin } from '../../src/plugins/plugin.js';

export type Behaviour = (request: OperationRequest) => Promise<OperationOutcome> | OperationOutcome;

export interface ScriptedPlugin extends Plugin {
  /** `function instance attempt`, in the order of the starts. */
  readonly calls: string[];
  /** What `scripted.NAME` does from now on; without it an operation is done at once. */
  on(name: string, behaviour: Behaviour): void;
}

export const DONE: OperationOutcome = { kind: 'done', result: null };

/** `fragile.*` functions must not run twice; all others are resumable. */
export function scriptedPlugin(): ScriptedPlugin {
  const behaviours = new Map<string, Behaviour>();
  const calls: string[] = [];
  return {
    name: 'scripted',
    calls,
    on: (name, behaviour) => behaviours.set(name, behaviour),
    describe: (functionName) => ({ resumable: !functionName.startsWith('fragile.') }),
    async run(request) {
      const name = request.functionName;
      const instance = request.context.self?.instance.id ?? request.context.relationship!.source.instance.id;
      calls.push(`${name} ${instance.replace(/_[a-z0-9]{6}$/, '')} ${request.operation.attempt}`);
      return (await behaviours.get(name)?.(request)) ?? DONE;
    },
  };
}

/** Resolves when the operation is told to stop, with the reason. */
export function stopped(request: OperationRequest): Promise<string> {
  return new Promise((resolve) => {
    if (request.signal.aborted) resolve(String(request.signal.reason));
    request.signal.addEventListener('abort', () => resolve(String(request.signal.reason)));
  });
}
