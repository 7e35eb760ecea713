/** Operations of an execution that the engine walks: objects are made, and rows read, of those alone that are asked for. */
import type { TaskFailure } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import type { ExecutionRecord, OperationRow } from './executions.store.js';
import type { TaskState } from './planning/graph.js';
import type { PackedTasks } from './planning/packed-tasks.js';
import { type KeptState, operationsByNumber, operationsByState } from './task-graphs.store.js';
import type { GraphRecord, OperationRecord, ToldOperation } from './told-operations.js';

const TOLD: Readonly<Record<TaskState, KeptState>> = {
  pending: 'pending',
  started: 'started',
  waiting: 'rescheduled',
  succeeded: 'succeeded',
  failed: 'failed',
  interrupted: 'failed',
  skipped: 'succeeded',
};

/** Which operations; no states: in any. */
export interface Wanted {
  readonly states: ReadonlySet<KeptState>;
  /** Only those that run something. */
  readonly runsOnly: boolean;
}

export class EngineOperations {
  readonly #db: Queryable;
  readonly #execution: ExecutionRecord;
  readonly #tasks: PackedTasks;

  constructor(db: Queryable, execution: ExecutionRecord, tasks: PackedTasks) {
    this.#db = db;
    this.#execution = execution;
    this.#tasks = tasks;
  }

  graphs(): GraphRecord[] {
    const { id, startedAt, createdAt } = this.#execution;
    return this.#tasks.stages.map(({ name }, place) => ({
      id: graphId(id, place),
      name,
      executionId: id,
      state: null,
      createdAt: startedAt ?? createdAt,
    }));
  }

  /** Numbers of the operations of one of its graphs, or of all (null), in their order. */
  async numbers(graph: string | null, wanted: Wanted): Promise<number[]> {
    const { stages, length } = this.#tasks;
    const place = stages.findIndex((_, at) => graphId(this.#execution.id, at) === graph);
    if (graph !== null && place === -1) return [];
    const [from, to] =
      graph === null ? [0, length] : [stages[place]!.from, stages[place + 1]?.from ?? length];
    const states = wanted.states.size === 0 ? null : await this.states();
    const numbers: number[] = [];
    for (let id = from; id < to; id += 1) {
      if (wanted.runsOnly && !this.#tasks.runs(id)) continue;
      if (states === null || wanted.states.has(TOLD[states(id)])) numbers.push(id);
    }
    return numbers;
  }

  /** Where each stands. */
  async states(): Promise<(task: number) => TaskState> {
    const { tenantId, uid } = this.#execution;
    const names: TaskState[] = ['pending'];
    const states = new Uint8Array(this.#tasks.length);
    for (const { state, tasks } of await operationsByState.all(this.#db, tenantId, [uid])) {
      const code = names.push(state) - 1;
      for (const task of tasks) states[task] = code;
    }
    return (task) => names[states[task]!]!;
  }

  /** In the order of `numbers`. */
  async records(numbers: readonly number[]): Promise<OperationRecord[]> {
    const { tenantId, uid } = this.#execution;
    const found = await operationsByNumber.all(this.#db, tenantId, [uid, numbers]);
    const rows = new Map(found.map((row) => [row.task, row]));
    return numbers.map((number) => {
      const { call, instance, dependsOn } = this.#tasks.task(number);
      const row = rows.get(number) ?? null;
      return {
        task: number,
        name: call?.operation ?? 'marker',
        instance,
        state: row?.state ?? 'pending',
        dependsOn,
        attempt: row?.attempt ?? 0,
        row,
      };
    });
  }

  /** As operations that outside code keeps are told. */
  async told(numbers: readonly number[]): Promise<ToldOperation[]> {
    const { id, startedAt, createdAt } = this.#execution;
    return (await this.records(numbers)).map(({ task, name, instance, state, dependsOn, row }) => {
      const { call } = this.#tasks.task(task);
      return {
        id: `${id}:${task}`,
        graphId: graphId(id, this.#stageOf(task)),
        name,
        runs: call !== null,
        type: null,
        state: TOLD[state],
        dependencies: dependsOn.map((other) => `${id}:${other}`),
        parameters: {
          instance,
          task_kwargs:
            call === null ? {} : { operation: call.operation, side: call.side, function: call.function },
          current_retries: row?.retries ?? 0,
        },
        managerName: null,
        agentName: null,
        // What operations answer is the engine's affair; why one failed is in its event as well.
        result: null,
        ...failureOf(row),
        createdAt: row?.startedAt ?? startedAt ?? createdAt,
      };
    });
  }

  #stageOf(task: number): number {
    return this.#tasks.stages.findLastIndex(({ from }, place) => place === 0 || from <= task);
  }
}

function failureOf(row: OperationRow | null): Pick<ToldOperation, 'exception' | 'causes'> {
  const failure = row?.failure as TaskFailure | null | undefined;
  if (failure === null || failure === undefined) return { exception: null, causes: null };
  return { exception: failure.message, causes: failure.causes };
}

function graphId(execution: string, place: number): string {
  return `${execution}.${place}`;
}
