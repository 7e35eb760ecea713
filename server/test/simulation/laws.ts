/**
 * The promises of docs/executions.md, checked against what the database has taken and what the world has seen: after every
 * commit, at every start of an operation, and at the end. `laws-of-rows.ts` says which moves a row may make.
 */
import type { JsonObject } from '../../src/dsl/plan.js';
import {
  type ExecutionStatus,
  isActive,
  isCancelling,
  isFinal,
} from '../../src/orchestration/execution-state.js';
import { isDone, type Task, type TaskGraph, type TaskState } from '../../src/orchestration/planning/graph.js';
import { outcome } from '../../src/orchestration/planning/outcome.js';
import { firstOpen } from '../../src/orchestration/planning/staged.js';
import type { OperationRequest } from '../../src/plugins/plugin.js';
import { EventLaws } from './laws-of-events.js';
import { illegalMove, illegalStatus } from './laws-of-rows.js';
import type { Change, Commit, ModelDatabase } from './model-database.js';
import type { ExecutionRow, OperationRow } from './model-rows.js';
import type { SimulatedProcess } from './process.js';
import type { Scheduler } from './scheduler.js';

/** Whoever is not a worker: people, through the API. */
export const PERSON = 'person';

export interface LawsParts {
  readonly database: ModelDatabase;
  readonly scheduler: Scheduler;
  /** By name; also dead ones. */
  readonly processes: ReadonlyMap<string, SimulatedProcess>;
  /** Seconds. */
  readonly lease: number;
  readonly maxOperations: number;
  /** When the database had trouble, or its clock jumped, for the last time. */
  troubledAt(): number;
  /** When the database's clock jumped for the last time: leases may have ended earlier than their holders can know. */
  jumpedAt(): number;
}

interface Run {
  readonly process: SimulatedProcess;
  readonly execution: number;
  readonly fence: number;
  readonly counted: boolean;
}

export class Laws {
  readonly #parts: LawsParts;
  readonly #events: EventLaws;
  /** Who holds a fence: `execution fence`. */
  readonly #holders = new Map<string, string>();
  /** Attempts whose intent was durable, that began, and that are running: `x1:5 2`. */
  readonly #intents = new Set<string>();
  readonly #begun = new Set<string>();
  readonly #running = new Map<string, Run>();
  readonly #deaf = new Set<string>();
  readonly #marks = new Map<string, Readonly<Record<string, JsonObject>>>();
  /** Claims of which the claimer has not heard: `execution fence`. */
  readonly #unheard = new Set<string>();
  /** Cancels that were acknowledged, and not taken back by a resume. */
  readonly #cancelled = new Set<string>();
  readonly #problems: string[] = [];

  constructor(parts: LawsParts) {
    this.#parts = parts;
    this.#events = new EventLaws(parts.database, (problem) => this.broken(problem));
  }

  get problem(): string | null {
    return this.#problems[0] ?? null;
  }

  broken(problem: string): void {
    this.#problems.push(problem);
  }

  get claims(): number {
    return this.#holders.size;
  }

  get attempts(): number {
    return this.#begun.size;
  }

  // ---- what the database takes

  committed({ session, changes, events }: Commit): void {
    const by = session.owner;
    for (const change of changes) {
      if (change.table === 'executions') this.#execution(by, change as Change<'executions'>);
    }
    const operations = changes.filter((one): one is Change<'operations'> => one.table === 'operations');
    for (const change of operations) this.#operation(by, change, changes);
    for (const change of operations) this.#dependencies(change);
    this.#events.committed({ by, operations, events, begun: this.#begun });
    for (const change of changes) {
      if (change.table !== 'executions' || by === PERSON) continue;
      this.#counted(change.after as ExecutionRow, (change.before as ExecutionRow).batches);
    }
  }

  #execution(by: string, { before, after }: Change<'executions'>): void {
    if (before === undefined) return;
    const what = `execution ${after.id}`;
    const move = illegalStatus(before.status, after.status, by === PERSON);
    if (move !== null) this.broken(`${what}: ${move}, by ${by}`);
    if (after.fence !== before.fence) this.#fence(by, before, after);
    // Whoever ends an execution lets the next in line go.
    else if (by !== PERSON && (after.batches !== before.batches || !isPromoted(before, after))) {
      this.#writer(by, before, after);
    }
    if (after.batches !== before.batches && after.batches !== before.batches + 1) {
      this.broken(`${what}: batch ${after.batches} after ${before.batches}`);
    }
    if (before.graph !== null && !startsWith(after.graph, before.graph)) {
      this.broken(`${what}: its stored graph was replaced`);
    }
    if (isFinal(after.status) && !isFinal(before.status)) this.#ended(before, after);
  }

  #fence(by: string, before: ExecutionRow, after: ExecutionRow): void {
    if (after.fence !== before.fence + 1) this.broken(`fence ${after.fence} after ${before.fence}`);
    const key = `${after.uid} ${after.fence}`;
    if (this.#holders.has(key)) this.broken(`fence ${key} was given twice`);
    this.#holders.set(key, by);
    if (by === PERSON) return;
    if (!isActive(before.status)) this.broken(`execution ${after.id} is claimed while ${before.status}`);
    const holder = this.#parts.processes.get(this.#holders.get(`${after.uid} ${before.fence}`) ?? '');
    if (this.#unheard.has(`${after.uid} ${before.fence}`)) return;
    const { scheduler, lease, troubledAt } = this.#parts;
    if (holder === undefined || !holder.alive || holder.frozen || before.leaseUntil === null) return;
    const quiet = scheduler.now - Math.max(holder.troubledAt, troubledAt());
    if (quiet > (lease + 1) * 1000) {
      this.broken(`execution ${after.id} was taken from ${holder.name}, which was well and at work`);
    }
  }

  #writer(by: string, before: ExecutionRow, after: ExecutionRow): void {
    const holder = this.#holders.get(`${before.uid} ${before.fence}`);
    if (holder !== by) {
      this.broken(`execution ${after.id}: ${by} wrote under fence ${before.fence}, which is ${holder}'s`);
    }
  }

  #operation(by: string, change: Change<'operations'>, all: readonly Change[]): void {
    const { before, after } = change;
    const execution = this.#parts.database.row('executions', after.executionUid)!;
    const move = illegalMove(before, after, by === PERSON);
    const what = `operation ${execution.id}:${after.task}`;
    if (move !== null) this.broken(`${what}: ${move}, by ${by}`);
    const batch = all.find((one) => one.table === 'executions' && one.key === String(after.executionUid));
    if (batch === undefined) this.broken(`${what}: written outside of a batch, by ${by}`);
    if (after.state === 'started') this.#intents.add(`${execution.id}:${after.task} ${after.attempt}`);
    if (after.state === 'succeeded' && by !== PERSON) this.#marked(execution, after);
  }

  #dependencies({ before, after }: Change<'operations'>): void {
    if (before !== undefined) return;
    const graph = this.#graph(after.executionUid);
    for (const dependency of graph.tasks[after.task]!.dependsOn) {
      if (isDone(this.#state(after.executionUid, dependency))) continue;
      this.broken(`task ${after.task} of ${after.executionUid} begins before task ${dependency} is done`);
    }
  }

  /** What an operation wrote to properties is there with its success. */
  #marked(execution: ExecutionRow, row: OperationRow): void {
    const id = `${execution.id}:${row.task}`;
    for (const [instance, marks] of Object.entries(this.#marks.get(`${id} ${row.attempt}`) ?? {})) {
      const now = this.#parts.database.row('instances', instance)!.runtimeProperties;
      if (now[id] !== marks[id])
        this.broken(`operation ${id} succeeded without what it wrote to ${instance}`);
    }
  }

  #counted(row: ExecutionRow, batchesBefore: number): void {
    if (row.graph === null || row.batches === batchesBefore) return;
    const done = row.graph.tasks.filter(({ id, call }) => call !== null && isDone(this.#state(row.uid, id)));
    if (row.finished !== done.length) {
      this.broken(`execution ${row.id} counts ${row.finished} finished operations, ${done.length} are`);
    }
  }

  #ended(before: ExecutionRow, after: ExecutionRow): void {
    const what = `execution ${after.id}`;
    if (after.graph !== null) {
      const open = firstOpen(after.graph);
      const states = this.states(after.uid);
      if ([...states.values()].includes('started'))
        this.broken(`${what} ended while an operation is under way`);
      const cancelling = isCancelling(before.status) || after.status === 'cancelled';
      const wanted = outcome(openPart(after.graph, open), shifted(states, open), { cancelling });
      // A workflow in stages may fail for what the stage before has left.
      if (after.status !== wanted && after.graph.stages === undefined) {
        this.broken(`${what} ended ${after.status}, its tasks say ${wanted}`);
      }
    }
    if (isCancelling(before.status) && after.status !== 'cancelled') {
      this.broken(`${what} was being cancelled and ended ${after.status}`);
    }
    if (after.status === 'failed' && (after.error ?? '') === '') this.broken(`${what} failed without a word`);
  }

  /** The answer to a claim was lost. */
  unheard(claimed: readonly object[]): void {
    for (const { uid, fence } of claimed as { uid: number; fence: number }[])
      this.#unheard.add(`${uid} ${fence}`);
  }

  // ---- what the world sees

  runs(process: SimulatedProcess, { operation }: OperationRequest): void {
    const key = `${operation.id} ${operation.attempt}`;
    const [execution, task] = this.#find(operation.id);
    if (!this.#intents.has(key)) this.broken(`attempt ${key} runs, and its intent is not durable`);
    if (this.#begun.has(key)) this.broken(`attempt ${key} runs twice`);
    this.#begun.add(key);
    this.#running.set(key, { process, execution: execution.uid, fence: execution.fence, counted: true });
    const state = this.#state(execution.uid, task.id);
    const { scheduler, lease, jumpedAt } = this.#parts;
    const mayHaveLost = scheduler.now - jumpedAt() < (lease + 1) * 1000;
    if (isDone(state) && !mayHaveLost)
      this.broken(`attempt ${key} runs on ${process.name}, and the operation was ${state}`);
    for (const dependency of task.dependsOn) {
      if (!isDone(this.#state(execution.uid, dependency))) {
        this.broken(`attempt ${key} runs before task ${dependency} is done`);
      }
    }
    if (this.#holders.get(`${execution.uid} ${execution.fence}`) === process.name && state !== 'started') {
      this.broken(`attempt ${key} runs, and the operation is ${state}`);
    }
    const together = [...this.#running.values()].filter(
      (run) => run.process === process && this.#counts(run),
    );
    if (together.length > this.#parts.maxOperations) {
      this.broken(`${process.name} runs ${together.length} operations at once`);
    }
  }

  /** One that was fenced, or whose execution has ended, was told to stop, and is no longer waited for. */
  #counts({ counted, execution, fence }: Run): boolean {
    const row = this.#parts.database.row('executions', execution);
    return counted && row?.fence === fence && isActive(row.status);
  }

  answered(_process: SimulatedProcess, { operation }: OperationRequest): void {
    this.#running.delete(`${operation.id} ${operation.attempt}`);
  }

  /** It will not answer in time; the engine may go on without it. */
  deaf({ operation }: OperationRequest): void {
    const key = `${operation.id} ${operation.attempt}`;
    this.#deaf.add(key);
    const run = this.#running.get(key);
    if (run !== undefined) this.#running.set(key, { ...run, counted: false });
  }

  /** `saveRuntimeProperties` has said that they are durable. */
  saved({ operation }: OperationRequest, changes: Readonly<Record<string, JsonObject>>): void {
    for (const [instance, properties] of Object.entries(changes)) {
      const now = this.#parts.database.row('instances', instance)!.runtimeProperties;
      // A later attempt may have written by now.
      if (!(Number(now[operation.id]) >= Number(properties[operation.id]))) {
        this.broken(`operation ${operation.id} was told that its properties are durable, and they are not`);
      }
    }
  }

  /** The operation is about to answer that it is done, with these properties. */
  marked({ operation }: OperationRequest, changes: Readonly<Record<string, JsonObject>>): void {
    this.#marks.set(`${operation.id} ${operation.attempt}`, changes);
  }

  // ---- what people are told

  acknowledgedCancel(id: string): void {
    this.#cancelled.add(id);
  }

  acknowledgedResume(id: string): void {
    this.#cancelled.delete(id);
  }

  /** At rest: everything has ended. */
  atRest(): void {
    for (const row of this.#parts.database.all('executions')) {
      if (this.#cancelled.has(row.id) && row.status !== 'cancelled') {
        this.broken(`the cancel of ${row.id} was acknowledged, and it ended ${row.status}`);
      }
      if (row.breakdowns > 0) this.broken(`the engine broke down at execution ${row.id}`);
      if (row.graph !== null) this.#events.atRest(row);
    }
  }

  states(uid: number): Map<number, TaskState> {
    const states = new Map<number, TaskState>();
    for (const task of this.#graph(uid).tasks) states.set(task.id, this.#state(uid, task.id));
    return states;
  }

  #state(uid: number, task: number): TaskState {
    return this.#parts.database.row('operations', `${uid}:${task}`)?.state ?? 'pending';
  }

  #graph(uid: number): TaskGraph {
    return this.#parts.database.row('executions', uid)?.graph ?? { workflow: '', tasks: [] };
  }

  #find(operation: string): [ExecutionRow, Task] {
    const [id, task] = operation.split(':') as [string, string];
    const execution = this.#parts.database.row('executions', id.slice(1))!;
    return [execution, execution.graph!.tasks[Number(task)]!];
  }
}

function isPromoted(before: ExecutionRow, after: ExecutionRow): boolean {
  return after.status === before.status || (before.status === 'queued' && after.status === 'pending');
}

function startsWith(graph: TaskGraph | null, before: TaskGraph): boolean {
  if (graph === before) return true;
  if (graph === null || graph.tasks.length < before.tasks.length) return false;
  const same = JSON.stringify(graph.tasks.slice(0, before.tasks.length)) === JSON.stringify(before.tasks);
  return same && (graph.stages?.length ?? 0) >= (before.stages?.length ?? 0);
}

function openPart(graph: TaskGraph, open: number): TaskGraph {
  const tasks = graph.tasks.slice(open).map((task) => ({ ...task, id: task.id - open }));
  return { workflow: graph.workflow, tasks };
}

function shifted(states: ReadonlyMap<number, TaskState>, open: number): Map<number, TaskState> {
  return new Map([...states].filter(([task]) => task >= open).map(([task, state]) => [task - open, state]));
}

export type { ExecutionStatus };
