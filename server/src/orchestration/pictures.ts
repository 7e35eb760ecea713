/**
 * A deployment, or the task graph of an execution, as of one moment, in one answer.
 *
 * Each is read in one transaction that sees one moment, begun after the position of streams was taken: whoever then follows
 * from that position (`streaming/`) misses nothing, and may be told again what the picture shows already.
 */
import { type Caller, scopeFor } from '../caller.js';
import { notFound } from '../errors.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany, inMoment } from '../store/transaction.js';
import { holdDeploymentOf } from './deployments.store.js';
import { selectGraph } from './executions.store.js';
import { requireSmall } from './followed.js';
import {
  holdVersion,
  type PicturedExecution,
  pictureCounts,
  pictureDeployment,
  pictureExecution,
  pictureInstanceNodes,
  pictureInstances,
  pictureNodes,
  pictureOperations,
  pictureRunning,
} from './pictures.store.js';
import type { Task, TaskGraph, TaskState } from './planning/graph.js';
import { unpacked } from './planning/packed.js';

export interface GraphPicture extends Omit<PicturedExecution, 'uid' | 'deploymentUid' | 'graphBytes'> {
  readonly tasks: readonly PicturedTask[];
  readonly subgraphs: readonly Subgraph[];
  /** Parts that were planned one after the other; each begins with a task. */
  readonly stages: readonly { readonly name: string; readonly from: number }[];
}

export interface PicturedTask {
  readonly id: number;
  /** The operation; null for a task that only orders and tells others. */
  readonly operation: string | null;
  /** Of an operation of a relationship: which end runs it, and to which instance it leads. */
  readonly side?: 'source' | 'target';
  readonly instance: string | null;
  readonly dependsOn: readonly number[];
  readonly state: TaskState;
  readonly tries: number;
  readonly start: string | null;
  readonly end: string | null;
  readonly error?: string;
  readonly reason?: string;
}

/** What is done for one instance. */
export interface Subgraph {
  readonly instance: string;
  /** Null for an instance that is gone. */
  readonly node: string | null;
  readonly tasks: readonly number[];
}

export class Pictures {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** JSON, without the position. Needs `deployments.read`, `nodes.read` and `executions.read`. Throws `not-found`. */
  async deployment(caller: Caller, id: string): Promise<string> {
    for (const permission of ['deployments.read', 'executions.read'] as const) scopeFor(caller, permission);
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'nodes.read');
    return inMoment(this.#pool, async (client) => {
      const found = await pictureDeployment.one(client, tenantId, [id, userId, seesPrivate]);
      if (found === null) throw notFound('Deployment', id);
      const { uid, head } = found;
      const running = (await pictureRunning.one(client, [uid]))?.text ?? 'null';
      const counts = (await pictureCounts.one(client, [uid]))!.text;
      const nodes = (await pictureNodes.one(client, [uid]))!.text;
      const instances = (await pictureInstances.one(client, [uid]))!.text;
      return `{"deployment":${head},"runningExecution":${running},"counts":${counts},"nodes":${nodes},"instances":${instances}}`;
    });
  }

  /**
   * What stands for the state of an execution and its operations: the same as long as nothing has moved. Needs
   * `executions.read`. Throws `not-found`.
   */
  async version(caller: Caller, id: string): Promise<string> {
    return (await this.#execution(this.#pool, caller, id)).version;
  }

  /**
   * Does `change` to an execution, in whose transaction `requires` is asked first, with the version that the execution then
   * has and keeps until the change.
   */
  whileIs<T>(
    caller: Caller,
    id: string,
    requires: (version: string) => void,
    change: () => Promise<T>,
  ): Promise<T> {
    const before = async (client: Client) => {
      const { tenantId } = scopeFor(caller, 'executions.run');
      // In the order in which everybody locks.
      await holdDeploymentOf.run(client, tenantId, [id]);
      await holdVersion.run(client, tenantId, [id]);
      requires((await this.#execution(client, caller, id)).version);
    };
    return accompany({ before }, change);
  }

  /**
   * Tasks, dependencies, what is done for each instance, and how it all stands. Without tasks before a worker has planned it.
   * Needs `executions.read`.
   *
   * @throws DomainError `not-found`; `conflict` (`graph-too-large`)
   */
  async graph(caller: Caller, id: string): Promise<GraphPicture> {
    scopeFor(caller, 'executions.read');
    return inMoment(this.#pool, async (client) => {
      const { uid, deploymentUid, graphBytes, ...execution } = await this.#execution(client, caller, id);
      requireSmall(id, graphBytes ?? 0);
      const stored = (await selectGraph.one(client, [uid]))?.graph ?? null;
      if (stored === null) return { ...execution, tasks: [], subgraphs: [], stages: [] };
      const graph = unpacked(stored);
      const rows = new Map((await pictureOperations.all(client, [uid])).map((row) => [row.task, row]));
      const nodes =
        deploymentUid === null
          ? []
          : (await pictureInstanceNodes.all(client, [deploymentUid])).map(
              ({ id, node }) => [id, node] as const,
            );
      const tasks = graph.tasks.map((task): PicturedTask => {
        const row = rows.get(task.id);
        return {
          ...planned(task),
          state: (row?.state ?? 'pending') as TaskState,
          tries: row?.attempt ?? 0,
          start: row?.start ?? null,
          end: row?.end ?? null,
          ...(row?.error == null ? {} : { error: row.error }),
          ...(row?.reason == null ? {} : { reason: row.reason }),
        };
      });
      const stages = graph.stages?.map(({ name, from }) => ({ name, from })) ?? [
        { name: graph.workflow, from: 0 },
      ];
      return { ...execution, tasks, subgraphs: subgraphsOf(graph, new Map(nodes)), stages };
    });
  }

  async #execution(db: Client | Pool, caller: Caller, id: string): Promise<PicturedExecution> {
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'executions.read');
    const found = await pictureExecution.one(db, tenantId, [id, userId, seesPrivate]);
    if (found === null) throw notFound('Execution', id);
    return found;
  }
}

function planned({ id, call, instance, dependsOn }: Task) {
  return {
    id,
    operation: call?.operation ?? null,
    ...(call === null || call.side === 'node' ? {} : { side: call.side }),
    instance,
    dependsOn,
  };
}

function subgraphsOf({ tasks }: TaskGraph, nodes: ReadonlyMap<string, string>): Subgraph[] {
  const all = new Map<string, number[]>();
  for (const { id, instance } of tasks) {
    if (instance === null) continue;
    const there = all.get(instance);
    if (there === undefined) all.set(instance, [id]);
    else there.push(id);
  }
  return [...all].map(([instance, of]) => ({ instance, node: nodes.get(instance) ?? null, tasks: of }));
}
