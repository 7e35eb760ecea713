/**
 * Task graphs and their operations, to look at: of executions that the engine walks they are the engine's own, and what it
 * has stored is the truth. Workflow code outside may keep graphs here for an execution that the engine has no graph of.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound, type TaskFailure } from '../errors.js';
import { appendEvents } from '../events/events.js';
import type { DeploymentUid, ExecutionUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  type ExecutionRecord,
  type OperationRow,
  selectExecution,
  selectGraph,
  selectOperations,
} from './executions.store.js';
import { reportEvents } from './operation-reports.js';
import type { TaskGraph, TaskState } from './planning/graph.js';
import { unpacked } from './planning/packed.js';
import {
  countGraphOperations,
  deleteGraphOperation,
  executionOfOperation,
  insertGraph,
  insertGraphOperations,
  type KeptGraph,
  type KeptState,
  keptGraph,
  keptGraphs,
  keptOperations,
  updateGraphOperation,
  updateGraphState,
} from './task-graphs.store.js';
import type {
  GraphRecord,
  NewOperation,
  OperationRecord,
  OperationReport,
  ToldOperation,
} from './told-operations.js';

const TOLD: Readonly<Record<TaskState, KeptState>> = {
  pending: 'pending',
  started: 'started',
  waiting: 'rescheduled',
  succeeded: 'succeeded',
  failed: 'failed',
  interrupted: 'failed',
  skipped: 'succeeded',
};

export class TaskGraphs {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Every task of the stored graph with where it stands; empty before a worker has planned it. Needs `executions.read`.
   * Throws `not-found`.
   */
  async tasks(caller: Caller, execution: string): Promise<OperationRecord[]> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const graph = await this.#graph(found);
    if (graph === null) return [];
    const rows = new Map(
      (await selectOperations.all(this.#pool, found.tenantId, [found.uid])).map((row) => [row.task, row]),
    );
    return graph.tasks.map((task) => {
      const row = rows.get(task.id) ?? null;
      return {
        task: task.id,
        name: task.call?.operation ?? 'marker',
        instance: task.instance,
        state: row?.state ?? 'pending',
        dependsOn: task.dependsOn,
        attempt: row?.attempt ?? 0,
        row,
      };
    });
  }

  /** Graphs of an execution, in the order of their making: one for each stage. Needs `executions.read`. Throws `not-found`. */
  async graphs(caller: Caller, execution: string): Promise<GraphRecord[]> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const graph = await this.#graph(found);
    if (graph === null) return keptGraphs.all(this.#pool, found.tenantId, [found.uid]);
    return stagesOf(graph).map(({ name }, place) => ({
      id: graphId(found.id, place),
      name,
      executionId: found.id,
      state: null,
      createdAt: found.startedAt ?? found.createdAt,
    }));
  }

  /** Operations of an execution, or of one of its graphs. Needs `executions.read`. Throws `not-found`. */
  async operations(
    caller: Caller,
    of: { readonly execution: string } | { readonly graph: string },
  ): Promise<ToldOperation[]> {
    const scope = scopeFor(caller, 'executions.read');
    const wanted = 'graph' in of ? of.graph : null;
    const execution = await this.#execution(scope, await this.#executionOf(scope, of));
    const graph = await this.#graph(execution);
    if (graph === null) {
      const kept = await keptOperations.all(this.#pool, execution.tenantId, [execution.uid, wanted]);
      return kept.map((one) => ({ ...one, runs: one.type === 'RemoteWorkflowTask' }));
    }
    const stages = stagesOf(graph);
    const tasks = await this.tasks(caller, execution.id);
    const told: ToldOperation[] = [];
    let place = 0;
    for (const { task, name, instance, state, dependsOn, row } of tasks) {
      while (place + 1 < stages.length && stages[place + 1]!.from <= task) place += 1;
      if (wanted !== null && wanted !== graphId(execution.id, place)) continue;
      const { call } = graph.tasks[task]!;
      told.push({
        id: `${execution.id}:${task}`,
        graphId: graphId(execution.id, place),
        name,
        runs: call !== null,
        type: null,
        state: TOLD[state],
        dependencies: dependsOn.map((id) => `${execution.id}:${id}`),
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
        createdAt: row?.startedAt ?? execution.startedAt ?? execution.createdAt,
      });
    }
    return told;
  }

  /**
   * Keeps a graph for an execution that the engine has none of. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `conflict` (`graph-of-engine`, `graph-exists`)
   */
  async create(
    caller: Caller,
    graph: {
      readonly execution: string;
      readonly name: string;
      readonly id?: string;
      readonly operations: readonly NewOperation[];
    },
  ): Promise<GraphRecord> {
    const scope = scopeFor(caller, 'executions.run');
    const execution = await this.#own(scope, graph.execution);
    const id = graph.id ?? randomUUID();
    try {
      return await inTransaction(this.#pool, async (client) => {
        const row = await insertGraph.one(client, scope.tenantId, [
          id,
          execution.uid,
          graph.name,
          scope.userId,
        ]);
        const rows = JSON.stringify(graph.operations.map(rowOf));
        await insertGraphOperations.run(client, scope.tenantId, [row!.uid, rows]);
        await countGraphOperations.run(client, scope.tenantId, [execution.uid]);
        const { createdAt } = row!;
        return { id, name: graph.name, executionId: execution.id, state: null, createdAt };
      });
    } catch (error) {
      throw taken(error, `task graph ${graph.name} of execution ${execution.id}`);
    }
  }

  /** Adds an operation to a kept graph. Needs `executions.run`. Throws as `create` does. */
  async add(caller: Caller, graph: string, operation: NewOperation & { readonly id: string }): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    const found = await this.#kept(scope, graph);
    const execution = await this.#own(scope, found.executionId);
    try {
      await inTransaction(this.#pool, async (client) => {
        const rows = JSON.stringify([rowOf(operation)]);
        await insertGraphOperations.run(client, scope.tenantId, [found.uid, rows]);
        await countGraphOperations.run(client, scope.tenantId, [execution.uid]);
      });
    } catch (error) {
      throw taken(error, `operation ${operation.id}`);
    }
  }

  /** Keeps what outside code says of its graph. Needs `executions.run`. Throws `not-found`, `conflict` (`graph-of-engine`). */
  async setState(caller: Caller, graph: string, state: string): Promise<GraphRecord> {
    const scope = scopeFor(caller, 'executions.run');
    const engines = /^(.*)\.\d+$/.exec(graph)?.[1];
    if (engines !== undefined && (await this.#visible(scope, engines)) !== null) throw ofEngine(engines);
    const found = await this.#kept(scope, graph);
    await updateGraphState.run(this.#pool, scope.tenantId, [graph, state]);
    return { ...found, state };
  }

  /** An operation, the engine's or a kept one. Needs `executions.read`. Throws `not-found`. */
  async operation(caller: Caller, id: string): Promise<ToldOperation> {
    const scope = scopeFor(caller, 'executions.read');
    const engines = /^(.*):\d+$/.exec(id)?.[1];
    const kept = await executionOfOperation.one(this.#pool, scope.tenantId, [
      id,
      scope.userId,
      scope.seesPrivate,
    ]);
    const execution = kept?.executionId ?? engines;
    if (execution === undefined || (await this.#visible(scope, execution)) === null) {
      throw notFound('Operation', id);
    }
    const found = (await this.operations(caller, { execution })).find((one) => one.id === id);
    if (found === undefined) throw notFound('Operation', id);
    return found;
  }

  /**
   * Keeps what outside code says of an operation; a state that people follow is told as an event of the execution, in the
   * same transaction. Needs `executions.run`. Throws `not-found`, `conflict` (`graph-of-engine`).
   */
  async set(caller: Caller, operation: string, now: OperationReport): Promise<void> {
    const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
    await this.#change(caller, operation, async (client, scope, found) => {
      const row = await updateGraphOperation.one(client, scope.tenantId, [
        operation,
        now.state,
        now.manager,
        now.agent,
        json(now.result),
        json(now.exception),
        json(now.causes),
      ]);
      if (row === null || now.state === null) return;
      await appendEvents(client, scope.tenantId, found, reportEvents(row, now));
    });
  }

  /** Needs `executions.run`. Throws `not-found`, `conflict` (`graph-of-engine`). */
  async remove(caller: Caller, operation: string): Promise<void> {
    await this.#change(caller, operation, (client, scope) =>
      deleteGraphOperation.run(client, scope.tenantId, [operation]),
    );
  }

  async #change(
    caller: Caller,
    operation: string,
    work: (
      client: Parameters<Parameters<typeof inTransaction>[1]>[0],
      scope: TenantScope,
      found: { readonly executionUid: ExecutionUid; readonly deploymentUid: DeploymentUid | null },
    ) => Promise<unknown>,
  ): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    const [engines] = operation.split(':');
    const isEngines = engines !== operation && (await this.#visible(scope, engines!)) !== null;
    if (isEngines) throw ofEngine(engines!);
    const key = [operation, scope.userId, scope.seesPrivate];
    const found = await executionOfOperation.one(this.#pool, scope.tenantId, key);
    if (found === null) throw notFound('Operation', operation);
    await inTransaction(this.#pool, async (client) => {
      await work(client, scope, found);
      await countGraphOperations.run(client, scope.tenantId, [found.executionUid]);
    });
  }

  async #executionOf(
    scope: TenantScope,
    of: { readonly execution: string } | { readonly graph: string },
  ): Promise<string> {
    if ('execution' in of) return of.execution;
    const engines = /^(.*)\.\d+$/.exec(of.graph)?.[1];
    if (engines !== undefined) return engines;
    return (await this.#kept(scope, of.graph)).executionId;
  }

  async #kept(scope: TenantScope, graph: string): Promise<KeptGraph> {
    const kept = await keptGraph.one(this.#pool, scope.tenantId, [graph, scope.userId, scope.seesPrivate]);
    if (kept === null) throw notFound('Tasks graph', graph);
    return kept;
  }

  async #execution(scope: TenantScope, id: string): Promise<ExecutionRecord> {
    const execution = await this.#visible(scope, id);
    if (execution === null) throw notFound('Execution', id);
    return execution;
  }

  #visible(scope: TenantScope, id: string): Promise<ExecutionRecord | null> {
    return selectExecution.one(this.#pool, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
  }

  /** Of the caller's tenant, and without a graph of the engine's. */
  async #own(scope: TenantScope, id: string): Promise<ExecutionRecord> {
    const execution = await this.#execution(scope, id);
    if (execution.tenantId !== scope.tenantId) throw notFound('Execution', id);
    if ((await this.#graph(execution)) !== null) throw ofEngine(id);
    return execution;
  }

  async #graph({ uid }: ExecutionRecord): Promise<TaskGraph | null> {
    const stored = (await selectGraph.one(this.#pool, [uid]))?.graph ?? null;
    return stored === null ? null : unpacked(stored);
  }
}

function failureOf(row: OperationRow | null): Pick<ToldOperation, 'exception' | 'causes'> {
  const failure = row?.failure as TaskFailure | null | undefined;
  if (failure === null || failure === undefined) return { exception: null, causes: null };
  return { exception: failure.message, causes: failure.causes };
}

function stagesOf(graph: TaskGraph): readonly { readonly name: string; readonly from: number }[] {
  return graph.stages ?? [{ name: graph.workflow, from: 0 }];
}

function graphId(execution: string, place: number): string {
  return `${execution}.${place}`;
}

function rowOf(operation: NewOperation) {
  const { id = randomUUID(), name = null, type, state, dependencies = [], parameters = {} } = operation;
  return { id, name, type, state: state ?? null, dependencies, parameters };
}

function ofEngine(execution: string): DomainError {
  return new DomainError(
    'conflict',
    'graph-of-engine',
    `Execution ${execution} is carried out by the engine: its graph can be looked at, and not changed`,
  );
}

function taken(error: unknown, what: string): unknown {
  if ((error as { code?: string }).code !== '23505') return error;
  return new DomainError('conflict', 'graph-exists', `${what} already exists`);
}
