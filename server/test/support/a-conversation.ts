/** What the code of a workflow asks and is answered, as the hosts of plugins do it. */
import type { JsonObject } from '../../src/dsl/plan.js';
import type { WorkflowAnswer, WorkflowRequest } from '../../src/plugins/workflow.js';

interface Wanted {
  readonly instance?: string;
  readonly side?: 'source' | 'target';
  readonly target?: string;
  readonly parameters?: JsonObject;
  readonly maxRetries?: number;
}

/** Operations are those of the interface `own`; instances are named by their nodes. */
export function conversation(request: WorkflowRequest) {
  const waiting = new Map<string, (answer: WorkflowAnswer) => void>();
  const seen = new Map<string, number>();
  const key = (of: string) => {
    seen.set(of, (seen.get(of) ?? 0) + 1);
    return `${of} ${seen.get(of)}`;
  };
  void (async () => {
    while (!request.signal.aborted)
      for (const answer of await request.answers()) waiting.get(answer.key)?.(answer);
  })();
  const wish = (made: Parameters<WorkflowRequest['ask']>[0][number]) =>
    new Promise<WorkflowAnswer>((resolve) => {
      waiting.set(made.key, resolve);
      request.ask([made]);
    });
  return {
    wish,
    operation(name: string, wanted: Wanted = {}): Promise<WorkflowAnswer> {
      const { instance = 'one', side = 'node', target = null, parameters = {}, maxRetries = null } = wanted;
      return request.instances().then((all) => {
        const idOf = (node: string) => all.find((one) => one.node === node)?.id ?? node;
        return wish({
          key: key(`${name} ${instance} ${side}`),
          kind: 'operation',
          operation: `own.${name}`,
          instance: idOf(instance),
          side,
          target: target === null ? null : idOf(target),
          parameters,
          maxRetries,
          retryInterval: 0,
        });
      });
    },
    async state(node: string, state: string): Promise<WorkflowAnswer> {
      const instance = (await request.instances()).find((one) => one.node === node)!.id;
      return wish({ key: key(`${node} ${state}`), kind: 'state', instance, state });
    },
    event: (message: string) => wish({ key: key(message), kind: 'event', instance: null, message }),
  };
}

export type Conversation = ReturnType<typeof conversation>;
