/** How things stand now, many at once, for those who follow them live (`streaming/`). */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { DeploymentUid, ExecutionUid, TenantId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { selectGraph } from './executions.store.js';
import {
  type DeploymentNow,
  deploymentsNow,
  type ExecutionNow,
  executionsNow,
  followableDeployment,
  followableExecution,
  graphSize,
  type InstanceNow,
  instancesNow,
  statesNow,
  type TaskNow,
  tasksNow,
} from './followed.store.js';
import type { TaskGraph } from './planning/graph.js';
import { unpacked } from './planning/packed.js';

export type { DeploymentNow, ExecutionNow, InstanceNow, TaskNow } from './followed.store.js';

/** A graph whose stored form is larger is not read whole into a process that serves many. About 100,000 tasks. */
const LARGEST_GRAPH = 4 * 1024 * 1024;
/** Graphs that are remembered, so that what an event names leads to its tasks. */
const MOST_GRAPHS = 32;

/** Which tasks of a graph a change of an instance may concern. */
interface GraphIndex {
  readonly bytes: number;
  readonly ofInstance: ReadonlyMap<string, readonly number[]>;
  readonly ofNone: readonly number[];
}

export class Followed {
  readonly #pool: Pool;
  readonly #graphs = new Map<ExecutionUid, GraphIndex>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `executions.read` and `events.read`. Throws `not-found`. */
  async execution(
    caller: Caller,
    id: string,
  ): Promise<{ tenantId: TenantId; uid: ExecutionUid; deploymentUid: DeploymentUid | null }> {
    scopeFor(caller, 'events.read');
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'executions.read');
    const found = await followableExecution.one(this.#pool, tenantId, [id, userId, seesPrivate]);
    if (found === null) throw notFound('Execution', id);
    return { tenantId, ...found };
  }

  /** Needs `deployments.read`, `nodes.read`, `executions.read` and `events.read`. Throws `not-found`. */
  async deployment(caller: Caller, id: string): Promise<{ tenantId: TenantId; uid: DeploymentUid }> {
    for (const permission of ['events.read', 'executions.read', 'nodes.read'] as const)
      scopeFor(caller, permission);
    const { tenantId, userId, seesPrivate } = scopeFor(caller, 'deployments.read');
    const found = await followableDeployment.one(this.#pool, tenantId, [id, userId, seesPrivate]);
    if (found === null) throw notFound('Deployment', id);
    return { tenantId, ...found };
  }

  async executions(uids: readonly ExecutionUid[]): Promise<ExecutionNow[]> {
    return uids.length === 0 ? [] : executionsNow.all(this.#pool, [uids]);
  }

  async deployments(uids: readonly DeploymentUid[]): Promise<DeploymentNow[]> {
    return uids.length === 0 ? [] : deploymentsNow.all(this.#pool, [uids]);
  }

  /** @param wanted ids of instances with their deployments; those that are gone are left out */
  async instances(wanted: readonly (readonly [DeploymentUid, string])[]): Promise<InstanceNow[]> {
    if (wanted.length === 0) return [];
    return instancesNow.all(this.#pool, [wanted.map(([uid]) => uid), wanted.map(([, id]) => id)]);
  }

  /** How many instances of each deployment are in which state. */
  async states(uids: readonly DeploymentUid[]) {
    return uids.length === 0 ? [] : statesNow.all(this.#pool, [uids]);
  }

  /**
   * How those tasks stand that what happened to `instances` may have moved; all of them where `instances` is null.
   * Tasks that were never touched are left out.
   */
  async tasks(execution: ExecutionUid, instances: ReadonlySet<string> | null): Promise<TaskNow[]> {
    const graph = await this.#graph(execution);
    if (graph === null) return [];
    const tasks =
      instances === null
        ? [...graph.ofNone, ...[...graph.ofInstance.values()].flat()]
        : [...graph.ofNone, ...[...instances].flatMap((id) => graph.ofInstance.get(id) ?? [])];
    return tasks.length === 0 ? [] : tasksNow.all(this.#pool, [execution, tasks]);
  }

  /** @throws DomainError `conflict` (`graph-too-large`) where its tasks cannot be followed one by one */
  async requireFollowableGraph(execution: ExecutionUid): Promise<void> {
    const found = await graphSize.one(this.#pool, [execution]);
    if (found !== null) requireSmall(found.id, found.bytes ?? 0);
  }

  async #graph(execution: ExecutionUid): Promise<GraphIndex | null> {
    const bytes = (await graphSize.one(this.#pool, [execution]))?.bytes ?? null;
    if (bytes === null || bytes > LARGEST_GRAPH) return null;
    const known = this.#graphs.get(execution);
    if (known?.bytes === bytes) return known;
    const stored = (await selectGraph.one(this.#pool, [execution]))?.graph ?? null;
    if (stored === null) return null;
    const index = indexOf(unpacked(stored), bytes);
    this.#graphs.delete(execution);
    this.#graphs.set(execution, index);
    if (this.#graphs.size > MOST_GRAPHS) this.#graphs.delete(this.#graphs.keys().next().value!);
    return index;
  }
}

/** @throws DomainError `conflict` (`graph-too-large`) */
export function requireSmall(execution: string, bytes: number, largest = LARGEST_GRAPH): void {
  if (bytes <= largest) return;
  const megabytes = (count: number) => `${Math.round(count / 1024 / 1024)} MB`;
  throw new DomainError(
    'conflict',
    'graph-too-large',
    `The task graph of execution ${execution} is ${megabytes(bytes)}: graphs up to ${megabytes(largest)} are told task by task`,
    { details: { execution, bytes } },
  );
}

function indexOf({ tasks }: TaskGraph, bytes: number): GraphIndex {
  const ofInstance = new Map<string, number[]>();
  const ofNone: number[] = [];
  for (const { id, instance } of tasks) {
    if (instance === null) ofNone.push(id);
    else {
      const there = ofInstance.get(instance);
      if (there === undefined) ofInstance.set(instance, [id]);
      else there.push(id);
    }
  }
  return { bytes, ofInstance, ofNone };
}
