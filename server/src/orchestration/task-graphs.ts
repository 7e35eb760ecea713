/**
 * Task graphs and their operations, to look at: of executions that the engine walks they are the engine's own, and what it
 * has stored is the truth. Workflow code outside may keep graphs here for an execution that the engine has no graph of.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { appendEvents } from '../events/events.js';
import type { DeploymentUid, ExecutionUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { inMoment, inTransaction } from '../store/transaction.js';
import { EngineOperations, type Wanted } from './engine-operations.js';
import { type ExecutionRecord, selectExecution } from './executions.store.js';
import { reportEvents } from './operation-reports.js';
import { isDone } from './planning/graph.js';
import { RememberedGraphs } from './remembered-graphs.js';
import {
  countGraphOperations,
  countKeptOperations,
  deleteGraphOperation,
  executionOfOperation,
  insertGraph,
  insertGraphOperations,
  type KeptGraph,
  type KeptOperation,
  keptGraph,
  keptGraphs,
  keptOperation,
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

export class TaskGraphs {
  readonly #pool: Pool;
  /** For others who look at them too. */
  readonly graphs = new RememberedGraphs();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Operations in the order of their numbers, with where they stand: up to `limit` of those after number `after` (-1: from the first).
   * With `markers` also tasks that run nothing. None before a worker has planned the execution. Needs `executions.read`. Throws
   * `not-found`.
   */
  async page(
    caller: Caller,
    execution: string,
    { after, limit, markers = false }: { after: number; limit: number; markers?: boolean },
  ): Promise<{ readonly items: readonly OperationRecord[]; readonly isLast: boolean }> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const tasks = await this.graphs.of(this.#pool, found.uid);
    const numbers: number[] = [];
    let next = after + 1;
    for (; tasks !== null && next < tasks.length && numbers.length <= limit; next += 1) {
      if (markers || tasks.runs(next)) numbers.push(next);
    }
    const shown = numbers.slice(0, limit);
    if (tasks === null || shown.length === 0) return { items: [], isLast: true };
    const items = await new EngineOperations(this.#pool, found, tasks).records(shown);
    return { items, isLast: numbers.length <= limit };
  }

  /**
   * Numbers of those operations of an instance, or of the one operation, that somebody has decided about, and of all that wait for a
   * decision. Needs `executions.read`. Throws `not-found`.
   */
  async decisions(
    caller: Caller,
    execution: string,
    of: { readonly task: number } | { readonly instance: string },
  ): Promise<{ readonly decided: readonly number[]; readonly undecided: readonly number[] }> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const tasks = await this.graphs.of(this.#pool, found.uid);
    if (tasks === null) return { decided: [], undecided: [] };
    const operations = new EngineOperations(this.#pool, found, tasks);
    const states = await operations.states();
    const all = [...Array(tasks.length).keys()];
    const undecided = all.filter((task) => states(task) === 'interrupted');
    if ('task' in of) return { decided: all.filter((task) => task === of.task), undecided };
    const place = tasks.instances.indexOf(of.instance);
    const own = await operations.records(
      place === -1 ? [] : all.filter((task) => tasks.placeOf(task) === place),
    );
    return { decided: own.filter(({ row }) => row?.decidedAt != null).map(({ task }) => task), undecided };
  }

  /** How many operations there are for `instances`, and how many of them are done. Needs `executions.read`. Throws `not-found`. */
  async progress(
    caller: Caller,
    execution: string,
    instances: ReadonlySet<string>,
  ): Promise<{ readonly total: number; readonly completed: number }> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const tasks = await this.graphs.of(this.#pool, found.uid);
    if (tasks === null) return { total: 0, completed: 0 };
    const states = await new EngineOperations(this.#pool, found, tasks).states();
    const isOwn = tasks.instances.map((id) => instances.has(id));
    let [total, completed] = [0, 0];
    for (let task = 0; task < tasks.length; task += 1) {
      if (!tasks.runs(task) || isOwn[tasks.placeOf(task)] !== true) continue;
      total += 1;
      if (isDone(states(task))) completed += 1;
    }
    return { total, completed };
  }

  /** Graphs of an execution, in the order of their making: one for each stage. Needs `executions.read`. Throws `not-found`. */
  async graphsOf(caller: Caller, execution: string): Promise<GraphRecord[]> {
    const found = await this.#execution(scopeFor(caller, 'executions.read'), execution);
    const tasks = await this.graphs.of(this.#pool, found.uid);
    if (tasks === null) return keptGraphs.all(this.#pool, found.tenantId, [found.uid]);
    return new EngineOperations(this.#pool, found, tasks).graphs();
  }

  /**
   * Operations of an execution, or of one of its graphs: `size` of them after the first `offset`, and how many there are. Needs
   * `executions.read`. Throws `not-found`.
   */
  async operations(
    caller: Caller,
    of: { readonly execution: string } | { readonly graph: string },
    { offset, size, ...wanted }: Wanted & { readonly offset: number; readonly size: number },
  ): Promise<{ readonly items: readonly ToldOperation[]; readonly total: number }> {
    const scope = scopeFor(caller, 'executions.read');
    const graph = 'graph' in of ? of.graph : null;
    const execution = await this.#execution(scope, await this.#executionOf(scope, of));
    return inMoment(this.#pool, async (client) => {
      const tasks = await this.graphs.of(client, execution.uid);
      if (tasks !== null) {
        const operations = new EngineOperations(client, execution, tasks);
        const numbers = await operations.numbers(graph, wanted);
        const items = await operations.told(numbers.slice(offset, offset + size));
        return { items, total: numbers.length };
      }
      const states = wanted.states.size === 0 ? null : [...wanted.states];
      const which = [execution.uid, graph, states, wanted.runsOnly ? RUNS : null];
      const { total } = (await countKeptOperations.one(client, execution.tenantId, which))!;
      const kept = await keptOperations.all(client, execution.tenantId, [...which, size, offset]);
      return { items: kept.map(toldOf), total };
    });
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
    const key = [id, scope.userId, scope.seesPrivate];
    if ((await executionOfOperation.one(this.#pool, scope.tenantId, key)) !== null) {
      const kept = await keptOperation.one(this.#pool, scope.tenantId, [id]);
      if (kept !== null) return toldOf(kept);
    }
    const [, engines, number] = /^(.*):(\d{1,9})$/.exec(id) ?? [];
    const execution = engines === undefined ? null : await this.#visible(scope, engines);
    const tasks = execution === null ? null : await this.graphs.of(this.#pool, execution.uid);
    // As it is told: without zeros before it.
    const isThere = tasks !== null && Number(number) < tasks.length && id === `${engines}:${Number(number)}`;
    if (!isThere) throw notFound('Operation', id);
    return (await new EngineOperations(this.#pool, execution!, tasks).told([Number(number)]))[0]!;
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
    if ((await this.graphs.of(this.#pool, execution.uid)) !== null) throw ofEngine(id);
    return execution;
  }
}

/** The type of kept operations that run something. */
const RUNS = 'RemoteWorkflowTask';

function toldOf(kept: KeptOperation): ToldOperation {
  return { ...kept, runs: kept.type === RUNS };
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
