/** Where each task of a walk stands, and how a move of one is written: row, states and events, in the outbox. */
import type { Json, PlanOperation } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Effect, Task, TaskState } from '../planning/graph.js';
import { afterInterruption } from '../planning/interrupted.js';
import { type RetryLimits, retryLimits } from '../planning/retry.js';
import type { WalkedDeployment } from './deployment.js';
import { implementationOf } from './operation.js';
import type { Outbox } from './outbox.js';
import { taskEvents } from './task-events.js';

/** What a task's row says, as far as a walk must remember it. */
export interface TaskMemory {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly dueAt: Date | null;
  readonly failure: TaskFailure | null;
}

export interface TaskBookParts {
  readonly execution: { readonly id: string; readonly dryRun: boolean };
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  /** Where an operation does not say. */
  readonly limits: RetryLimits;
  readonly memory: readonly TaskMemory[];
  readonly outbox: Outbox;
}

interface Progress {
  attempt: number;
  retries: number;
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
  readonly #progress = new Map<number, Progress>();

  constructor(parts: TaskBookParts) {
    this.#parts = parts;
    this.#outbox = parts.outbox;
    for (const { task, attempt, retries } of parts.memory) this.#progress.set(task, { attempt, retries });
  }

  /** Starts so far. */
  attempt(task: Task): number {
    return this.#progress.get(task.id)?.attempt ?? 0;
  }

  /** Failed attempts so far. */
  retries(task: Task): number {
    return this.#progress.get(task.id)?.retries ?? 0;
  }

  limits(task: Task): RetryLimits {
    const operation = this.implementation(task) ?? { maxRetries: null, retryInterval: null };
    return retryLimits(task.call ?? {}, operation, this.#parts.limits);
  }

  implementation(task: Task): PlanOperation | null {
    return task.call === null ? null : implementationOf(this.#parts.deployment, task, task.call);
  }

  /** Its author has said that it bears being run twice. */
  mayRunAgain(task: Task): boolean {
    const implementation = this.implementation(task);
    if (implementation === null) return false;
    const plugin = this.#parts.plugins.find(implementation.plugin);
    const verdict = afterInterruption(
      implementation,
      plugin?.describe(implementation.function)?.resumable ?? null,
    );
    return verdict.kind === 'run-again';
  }

  /** A task without an operation is over as soon as it may start. */
  passMarker(task: Task): void {
    this.#tell(task.before);
    this.#tell(task.after);
    this.#outbox.touch(task.id, 'succeeded');
    this.#progress.set(task.id, { attempt: 0, retries: 0 });
  }

  /** The intent of the next attempt. What belongs to the first start is told with the first. */
  intend(task: Task): void {
    const progress = this.#progress.get(task.id);
    if (progress === undefined) {
      this.#tell(task.before);
      this.#outbox.touch(task.id, 'started');
      this.#progress.set(task.id, { attempt: 1, retries: 0 });
    } else {
      progress.attempt += 1;
      this.#move(task, 'started', {});
    }
    for (const event of taskEvents.starting(this.#parts, task, this.retries(task), this.#most(task))) {
      this.#outbox.event(event);
    }
  }

  succeed(task: Task, result: Json): void {
    this.#outbox.event(taskEvents.succeeded(this.#parts, task, result, this.retries(task), this.#most(task)));
    this.#move(task, 'succeeded', { result });
    this.#finish(task);
  }

  /** A final failure that does not count. */
  passOver(task: Task, failure: TaskFailure, message: string): void {
    this.#outbox.event(taskEvents.note(this.#parts, task, message));
    this.#move(task, 'skipped', { failure, reason: 'failure ignored' });
    this.#finish(task);
  }

  /** `asked`: the operation itself wants to be called again. */
  tellFailure(task: Task, failure: TaskFailure, asked = false): void {
    const told = asked ? taskEvents.rescheduled : taskEvents.failed;
    this.#outbox.event(told(this.#parts, task, failure, this.retries(task), this.#most(task)));
  }

  tellInterrupted(task: Task): void {
    this.#outbox.event(taskEvents.interrupted(this.#parts, task, this.attempt(task) + 1));
  }

  countRetry(task: Task): void {
    this.#progress.get(task.id)!.retries += 1;
  }

  wait(task: Task, due: Date, failure: TaskFailure | null): void {
    this.#move(task, 'waiting', failure === null ? { due } : { failure, due });
  }

  fail(task: Task, state: 'failed' | 'interrupted', failure: TaskFailure, reason?: string): void {
    this.#move(task, state, reason === undefined ? { failure } : { failure, reason });
  }

  #finish(task: Task): void {
    this.#tell(task.after);
    this.#outbox.finishOperation();
  }

  #tell(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'event') this.#outbox.event(taskEvents.node(this.#parts, effect));
      else if (!this.#parts.execution.dryRun) this.#outbox.state(effect.instance, effect.state);
    }
  }

  #move(task: Task, state: Exclude<TaskState, 'pending'>, more: Move): void {
    this.#outbox.move({ task: task.id, state, ...this.#progress.get(task.id)!, ...more });
  }

  #most(task: Task): number {
    return this.limits(task).maxRetries;
  }
}
