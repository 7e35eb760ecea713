/**
 * What a walk remembers of its graph's tasks when it begins: where an earlier walk left off. Of a hundred thousand instances most
 * operations have succeeded, and nothing else is to be known of those: they are numbers. Only the rest are rows.
 */
import type { TaskFailure } from '../../errors.js';
import type { Pool } from '../../store/pool.js';
import { type OperationRow, recallOperations } from '../executions.store.js';
import { isOfCode } from '../planning/asked.js';
import { isDone, type TaskGraph, type TaskState } from '../planning/graph.js';
import { Frontier, stateOf, statesOf } from '../planning/ready.js';
import { firstOpen } from '../planning/staged.js';
import type { Counts } from './ledger.js';
import type { ClaimedExecution } from './running.store.js';

/** What a task's row says, as far as a walk must remember it. */
export interface TaskMemory {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly dueAt: Date | null;
  readonly failure: TaskFailure | null;
}

export interface WalkMemory {
  /** Tasks, ascending. */
  readonly succeeded: readonly number[];
  /** Begun, and not that; ascending. */
  readonly rest: readonly TaskMemory[];
}

export const NOTHING_YET: WalkMemory = { succeeded: [], rest: [] };

export async function readMemory(
  pool: Pool,
  execution: Pick<ClaimedExecution, 'tenantId' | 'uid'>,
): Promise<WalkMemory> {
  const row = await recallOperations.one(pool, execution.tenantId, [execution.uid]);
  const { succeeded, rest } = row!;
  return {
    succeeded,
    rest: rest.map((one) => ({
      ...one,
      state: one.state,
      dueAt: one.dueAt === null ? null : new Date(one.dueAt),
      failure: one.failure as TaskMemory['failure'],
    })),
  };
}

/** The same of whole rows. */
export function memoryOf(rows: readonly OperationRow[]): WalkMemory {
  return {
    succeeded: rows.filter(({ state }) => state === 'succeeded').map(({ task }) => task),
    rest: rows
      .filter(({ state }) => state !== 'succeeded')
      .map(({ task, state, attempt, retries, dueAt, failure }) => ({
        ...{ task, state, attempt, retries, dueAt },
        failure: failure as TaskMemory['failure'],
      })),
  };
}

/** What may start without being asked for: of a graph of code, the code. */
function plannedOf(graph: TaskGraph): TaskGraph {
  return isOfCode(graph) ? { ...graph, tasks: graph.tasks.slice(0, 1) } : graph;
}

/** What may start, as far as it is planned. */
export function frontierOf(graph: TaskGraph, { succeeded, rest }: WalkMemory): Frontier {
  return new Frontier(plannedOf(graph), statesOf(graph.tasks.length, succeeded, rest));
}

export function countsIn(graph: TaskGraph, memory: WalkMemory): Counts {
  const states = statesOf(graph.tasks.length, memory.succeeded, memory.rest);
  let [total, finished] = [0, 0];
  for (const task of graph.tasks) {
    if (task.call === null || task.kind === 'workflow') continue;
    total += 1;
    if (isDone(stateOf(states, task.id))) finished += 1;
  }
  return { total, finished };
}

/** What stands before the open stage is over, however it ended. */
export function fromOpenStage(graph: TaskGraph, { succeeded, rest }: WalkMemory): WalkMemory {
  const from = firstOpen(graph);
  return {
    succeeded: [
      ...Array.from({ length: from }, (_, task) => task),
      ...succeeded.filter((task) => task >= from),
    ],
    rest: rest.filter(({ task }) => task >= from),
  };
}
