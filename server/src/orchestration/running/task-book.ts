/** Where each task of a walk stands, and how a move of one is written: row, states and events, in the outbox. */
import type { Json, PlanOperation } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Effect, Task, TaskGraph, TaskState } from '../planning/graph.js';
import { afterInterruption } from '../planning/interrupted.js';
import { type RetryLimits, retryLimits } from '../planning/retry.js';
import { firstOpen } from '../planning/staged.js';
import { implementationOf, instancesOf } from './about-task.js';
import type { AskedTasks } from './asked-tasks.js';
import type { WalkedDeployment } from './deployment.js';
import { placeOf } from './dispatch/pools.js';
import type { Outbox } from './outbox.js';
import { poolLine } from './slots.js';
import type { Teller } from './teller.js';
import type { TaskMemory, WalkMemory } from './walk-memory.js';

export interface TaskBookParts {
  readonly execution: { readonly id: string; readonly dryRun: boolean };
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  /** Where an operation does not say. */
  readonly limits: RetryLimits;
  readonly graph: TaskGraph;
  /** Where the graph is one of code. */
  readonly asked?: AskedTasks | undefined;
  readonly memory: WalkMemory;
  readonly outbox: Outbox;
  readonly teller: Teller;
}

interface Move {
  readonly failure?: TaskFailure;
  readonly due?: Date;
  readonly reason?: string;
  readonly result?: Json;
}

export class TaskBook {
  readonly #parts: TaskBookParts;
  readonly #outbox: Outbox;
  readonly #teller: Teller;
  /** Per task: it has a row. */
  #touched: Uint8Array;
  /** Per task: starts so far, and failed attempts so far. */
  #attempts: Int32Array;
  #retries: Int32Array;
  readonly #left = new Set<string>();

  constructor(parts: TaskBookParts) {
    this.#parts = parts;
    this.#outbox = parts.outbox;
    this.#teller = parts.teller;
    const count = parts.graph.tasks.length;
    this.#touched = new Uint8Array(count);
    this.#attempts = new Int32Array(count);
    this.#retries = new Int32Array(count);
    for (const task of parts.memory.succeeded) this.#touched[task] = 1;
    for (const { task, attempt, retries } of parts.memory.rest) {
      this.#touched[task] = 1;
      this.#attempts[task] = attempt;
      this.#retries[task] = retries;
    }
    for (const id of leftIn(parts.graph, parts.memory.rest)) this.#left.add(id);
  }

  /** The graph has so many tasks now. */
  grow(count: number): void {
    if (count <= this.#touched.length) return;
    const room = Math.max(count, 2 * this.#touched.length);
    const wider = <T extends Uint8Array | Int32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#touched = wider(new Uint8Array(room), this.#touched);
    this.#attempts = wider(new Int32Array(room), this.#attempts);
    this.#retries = wider(new Int32Array(room), this.#retries);
  }

  /** Starts so far. */
  attempt(task: Task): number {
    return this.#attempts[task.id]!;
  }

  /** Failed attempts so far. */
  retries(task: Task): number {
    return this.#retries[task.id]!;
  }

  limits(task: Task): RetryLimits {
    const operation = this.implementation(task) ?? { maxRetries: null, retryInterval: null };
    return retryLimits(task.call ?? {}, operation, this.#parts.limits);
  }

  implementation(task: Task): PlanOperation | null {
    return task.call === null ? null : implementationOf(this.#parts.deployment, task, task.call);
  }

  /** The pool that runs it; null: the process that walks. */
  pool(task: Task, implementation = this.implementation(task)): string | null {
    const place = placeOf(this.#parts.deployment, task, implementation);
    return 'pool' in place ? place.pool : null;
  }

  /** Where it waits for room. */
  line(task: Task): string {
    const implementation = this.implementation(task);
    const pool = this.pool(task, implementation);
    return pool === null ? (implementation?.plugin ?? '') : poolLine(pool);
  }

  /** Its author has said that it bears being run twice. */
  mayRunAgain(task: Task): boolean {
    // Before anything is known of it, the code itself is asked when it is run again.
    if (task.kind === 'workflow') return this.#parts.asked?.resumable ?? true;
    const implementation = this.implementation(task);
    if (implementation === null) return false;
    const plugin = this.#parts.plugins.find(implementation.plugin);
    const verdict = afterInterruption(
      implementation,
      plugin?.describe(implementation.function)?.resumable ?? null,
    );
    return verdict.kind === 'run-again';
  }

  /** Code that failed half-way and does not bear being run again: whether it may be is for a person to say. */
  endsUnknown(task: Task): boolean {
    return task.kind === 'workflow' && !this.mayRunAgain(task);
  }

  /** It belongs to an instance of which nothing more is done in this stage. */
  isLeft(task: Task): boolean {
    return task.onFailure === 'leave' && this.#left.has(task.instance!);
  }

  /** A task without an operation is over as soon as it may start; so is one that is left, in silence. */
  pass(task: Task): void {
    const left = this.isLeft(task);
    if (!left) {
      this.#tell(task, task.before);
      this.#tell(task, task.after);
    } else if (task.call !== null) this.#outbox.finishOperation();
    this.#outbox.touch(task.id, left ? 'skipped' : 'succeeded');
    this.#touched[task.id] = 1;
  }

  /** The intent of the next attempt. What belongs to the first start is told with the first. */
  intend(task: Task): void {
    if (this.#touched[task.id] === 0) {
      this.#touched[task.id] = 1;
      this.#attempts[task.id] = 1;
      this.#tell(task, task.before);
      this.#outbox.touch(task.id, 'started');
    } else {
      this.#attempts[task.id]! += 1;
      this.#move(task, 'started', {});
    }
    if (task.kind === 'workflow') return;
    this.#teller.starting(task, this.retries(task), this.#most(task));
    if (this.#parts.execution.dryRun) return;
    for (const id of instancesOf(this.#parts.deployment, task)) this.#outbox.want(id);
  }

  succeed(task: Task, result: Json): void {
    if (task.kind === 'workflow') {
      this.#outbox.done(task.id);
      return;
    }
    this.#teller.succeeded(task, result, this.retries(task), this.#most(task));
    if (result === null) this.#outbox.done(task.id);
    else this.#move(task, 'succeeded', { result });
    this.#keep(task, true, result);
    this.#finish(task);
  }

  /** A final failure that does not count. */
  passOver(task: Task, failure: TaskFailure, message: string): void {
    this.#teller.note(task, message);
    this.#move(task, 'skipped', { failure, reason: 'failure ignored' });
    this.#keep(task, false, failure.message);
    if (task.onFailure !== 'leave') this.#finish(task);
    else {
      this.#left.add(task.instance!);
      this.#outbox.finishOperation();
    }
  }

  /** `asked`: the operation itself wants to be called again. */
  tellFailure(task: Task, failure: TaskFailure, asked = false): void {
    if (task.kind === 'workflow') return;
    const retries = this.retries(task);
    if (asked) this.#teller.rescheduled(task, failure, retries, this.#most(task));
    else this.#teller.failed(task, failure, retries, this.#most(task));
  }

  tellInterrupted(task: Task): void {
    this.#teller.interrupted(task, this.attempt(task) + 1);
  }

  countRetry(task: Task): void {
    this.#retries[task.id]! += 1;
  }

  wait(task: Task, due: Date, failure: TaskFailure | null): void {
    this.#move(task, 'waiting', failure === null ? { due } : { failure, due });
  }

  fail(task: Task, state: 'failed' | 'interrupted', failure: TaskFailure, reason?: string): void {
    if (state === 'failed' && reason === undefined) this.#keep(task, false, failure.message);
    if (state === 'failed' && reason === undefined && task.onFailure === 'tell')
      this.#outbox.finishOperation();
    this.#move(task, state, reason === undefined ? { failure } : { failure, reason });
  }

  /** It was stopped before it was done. `begun`: its plugin had been asked. */
  writeOff(task: Task, failure: TaskFailure, begun: boolean): void {
    this.tellFailure(task, failure);
    this.fail(task, !begun || this.mayRunAgain(task) ? 'failed' : 'interrupted', failure, 'cancelled');
  }

  #finish(task: Task): void {
    this.#tell(task, task.after);
    this.#outbox.finishOperation();
  }

  #tell({ instance }: Task, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'event') this.#teller.effect(instance, effect.message);
      else if (this.#parts.execution.dryRun || instance === null) continue;
      else if (effect.kind === 'state') this.#outbox.state(instance, effect.state);
      else this.#outbox.note(instance, effect.name, effect.value);
    }
  }

  #keep(task: Task, ok: boolean, result: Json): void {
    const keep = task.call?.keep;
    if (keep === undefined || this.#parts.execution.dryRun) return;
    this.#outbox.note(keep.instance, keep.name, { ok, task: task.call!.function, result }, keep.of);
  }

  #move(task: Task, state: Exclude<TaskState, 'pending'>, more: Move): void {
    this.#outbox.move({
      task: task.id,
      state,
      attempt: this.attempt(task),
      retries: this.retries(task),
      ...more,
    });
  }

  /** Nobody is told of it before there was a retry. */
  #most(task: Task): number {
    return this.retries(task) === 0 ? 0 : this.limits(task).maxRetries;
  }
}

/** Instances whose chain in the open stage was left after a failure. */
export function leftIn(graph: TaskGraph, memory: readonly TaskMemory[]): string[] {
  const from = firstOpen(graph);
  const left = memory.flatMap(({ task, state, failure }) => {
    const { onFailure, instance } = graph.tasks[task]!;
    const isLeft = task >= from && state === 'skipped' && failure !== null && onFailure === 'leave';
    return isLeft && instance !== null ? [instance] : [];
  });
  return [...new Set(left)];
}
