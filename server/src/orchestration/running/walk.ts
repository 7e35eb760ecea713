/**
 * Walks one execution's graph: the only place where thinking meets the world.
 *
 * What always holds, and must:
 *  - No operation is started before the batch that says so is durable (*intent before side effect*).
 *  - An operation's result, the properties it wrote, the instance's state and the events that tell of them are one
 *    batch, and a batch is one transaction, written once, under the fence of the claim.
 *  - What may start is decided by `planning/`; this file never looks at an edge.
 *
 * One batch is on its way at a time. While it is, operations whose intent is durable run and end, and what they bring
 * is collected for the next: the more happens, the larger the batches. Rejected: a batch for each transition (4,000
 * operations/s on the reference machine instead of tens of thousands), and the graph as rows that SQL releases (decision 0002).
 */
import type { JsonObject } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { AbortReason, OperationOutcome } from '../../plugins/plugin.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import { type ExecutionStatus, isCancelling } from '../execution-state.js';
import type { Task, TaskGraph } from '../planning/graph.js';
import { failureMessage } from '../planning/outcome.js';
import { Frontier } from '../planning/ready.js';
import {
  afterAgain,
  afterFailure,
  asksAgain,
  ignoredFailureMessage,
  type Verdict,
} from '../planning/retry.js';
import { Attempts } from './attempts.js';
import { Bell } from './bell.js';
import type { WalkedDeployment } from './deployment.js';
import { cancelled, interruption, unknownFailure } from './failures.js';
import { Fenced, type Ledger } from './ledger.js';
import { Outbox } from './outbox.js';
import type { ClaimedExecution } from './running.store.js';
import type { Slots } from './slots.js';
import { TaskBook, type TaskMemory } from './task-book.js';

export interface WalkSettings {
  /** Retries after the first attempt where an operation does not say; -1 without end. */
  readonly taskRetries: number;
  /** Seconds. */
  readonly taskRetryInterval: number;
  /** Seconds that operations get to stop after a cancel before the execution ends without them. */
  readonly cancelGrace: number;
}

export interface WalkParts {
  readonly execution: ClaimedExecution;
  readonly graph: TaskGraph;
  readonly memory: readonly TaskMemory[];
  readonly deployment: WalkedDeployment;
  readonly ledger: Ledger;
  readonly plugins: PluginRegistry;
  readonly slots: Slots;
  readonly settings: WalkSettings;
  /** Runtime properties now, by instance id. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
}

/** `released`: the worker shuts down; somebody else goes on from here. `fenced`: somebody already does. */
export type WalkEnd =
  | { readonly kind: 'ended'; readonly status: 'terminated' | 'failed' | 'cancelled'; readonly error: string }
  | { readonly kind: 'released' }
  | { readonly kind: 'fenced' };

/** At most so many starts in one batch: large enough to be cheap, small enough that results flow meanwhile. */
const STARTS_PER_BATCH = 512;
const LONGEST_TIMER = 2 ** 31 - 1;

export class Walk {
  readonly #parts: WalkParts;
  readonly #outbox = new Outbox();
  readonly #book: TaskBook;
  readonly #attempts: Attempts;
  readonly #frontier: Frontier;
  readonly #bell = new Bell();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Ready, in order, waiting for room. */
  readonly #ready: number[] = [];
  /** Intent written or about to be, not running yet. */
  #starting = 0;
  /** Until their next attempt is due. */
  #waiting = 0;
  readonly #failed: { task: Task; failure: TaskFailure }[] = [];
  #status: ExecutionStatus;
  #stop: AbortReason | null = null;
  #gaveUp = false;
  #committing = false;
  #trouble: unknown = null;

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#status = parts.execution.status;
    const { taskRetries, taskRetryInterval } = parts.settings;
    this.#book = new TaskBook({
      ...parts,
      outbox: this.#outbox,
      limits: { maxRetries: taskRetries, retryInterval: taskRetryInterval },
    });
    this.#attempts = new Attempts({
      ...parts,
      book: this.#book,
      outbox: this.#outbox,
      loadProperties: (ids) => parts.loadProperties(ids),
      ring: () => this.#bell.ring(),
      flushed: () => this.#flushed(),
    });
    this.#frontier = new Frontier(parts.graph, new Map(parts.memory.map((row) => [row.task, row.state])));
    for (const row of parts.memory) this.#takeOver(row);
  }

  /** The execution's status as the database has it, told by a heartbeat or a notification. */
  observe(status: ExecutionStatus): void {
    if (status === this.#status && !isCancelling(status)) return;
    this.#status = status;
    if (isCancelling(status)) this.#halt(status === 'kill-cancelling' ? 'killed' : 'cancelled');
    this.#bell.ring();
  }

  /** Stop starting; what runs is stopped too, and taken up by whoever claims the execution next. */
  release(): void {
    this.#halt('shutdown');
    this.#bell.ring();
  }

  /** Somebody else has it: stop everything at once, write nothing more. */
  fence(): void {
    this.#trouble ??= new Fenced();
    this.#halt('fenced');
    this.#bell.ring();
  }

  async run(): Promise<WalkEnd> {
    if (isCancelling(this.#status)) this.observe(this.#status);
    try {
      for (;;) {
        if (this.#trouble !== null) throw this.#trouble;
        this.#settle();
        this.#admit();
        this.#send();
        if (this.#idle()) return this.#conclude();
        await this.#bell.wait();
      }
    } catch (error) {
      this.#halt('fenced');
      if (error instanceof Fenced) return { kind: 'fenced' };
      throw error;
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#parts.slots.forget(this);
    }
  }

  // --- deciding what starts ---------------------------------------------------------------------------------

  /** What was under way when an earlier walk of this execution ended. */
  #takeOver(row: TaskMemory): void {
    const task = this.#task(row.task);
    if (row.state === 'waiting') this.#wait(task, row.dueAt ?? new Date(0));
    if (row.state === 'failed' || row.state === 'interrupted') {
      this.#failed.push({ task, failure: row.failure ?? unknownFailure() });
    }
    if (row.state !== 'started') return;
    if (this.#book.mayRunAgain(task)) {
      this.#book.tellInterrupted(task);
      this.#ready.push(task.id);
      return;
    }
    const failure = interruption(task);
    this.#book.tellFailure(task, failure);
    this.#book.fail(task, 'interrupted', failure);
    this.#failed.push({ task, failure });
  }

  get #stopping(): boolean {
    return this.#stop !== null || this.#failed.length > 0;
  }

  #admit(): void {
    if (this.#stopping) return;
    for (;;) {
      const room = STARTS_PER_BATCH - this.#starting;
      if (room <= 0) return;
      if (this.#ready.length === 0) this.#ready.push(...this.#frontier.take(room));
      if (this.#ready.length === 0) return;
      const kept: number[] = [];
      let admitted = 0;
      for (const id of this.#ready) {
        if (admitted < room && this.#start(this.#task(id))) admitted += 1;
        else kept.push(id);
      }
      this.#ready.length = 0;
      this.#ready.push(...kept);
      if (admitted === 0) return;
    }
  }

  /** Writes the intent, or, for a marker, that it is over. False: no room for its plugin now. */
  #start(task: Task): boolean {
    if (task.call === null) {
      this.#book.passMarker(task);
      this.#frontier.finish(task.id);
      return true;
    }
    const plugin = this.#book.implementation(task)?.plugin ?? '';
    if (!this.#parts.slots.take(this, task.id, plugin, () => this.#bell.ring())) return false;
    this.#book.intend(task);
    this.#starting += 1;
    return true;
  }

  #wait(task: Task, due: Date): void {
    this.#waiting += 1;
    this.#after(due.getTime() - Date.now(), () => {
      this.#waiting -= 1;
      this.#ready.push(task.id);
    });
  }

  /** Does `work` in `delay` milliseconds, or at once when that is over. */
  #after(delay: number, work: () => void): void {
    if (delay <= 0) {
      work();
      this.#bell.ring();
      return;
    }
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        work();
        this.#bell.ring();
      },
      Math.min(delay, LONGEST_TIMER),
    );
    this.#timers.add(timer);
  }

  // --- writing ------------------------------------------------------------------------------------------------

  #send(): void {
    if (this.#committing || this.#outbox.empty) return;
    const batch = this.#outbox.take();
    this.#committing = true;
    this.#parts.ledger.commit(batch).then(
      async (status) => {
        this.#committing = false;
        this.observe(status);
        // The next batch goes out before the operations of this one start: the database works while we do.
        this.#send();
        this.#starting -= batch.starts.length;
        if (batch.starts.length > 0) {
          await this.#attempts.launch(
            batch.starts.map((id) => this.#task(id)),
            this.#stop,
          );
        }
        this.#bell.ring();
      },
      (error: unknown) => {
        this.#committing = false;
        this.#trouble ??= error;
        this.#bell.ring();
      },
    );
  }

  async #flushed(): Promise<void> {
    while (!this.#outbox.empty || this.#committing) {
      if (this.#trouble !== null) throw this.#trouble;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  // --- taking results -----------------------------------------------------------------------------------------

  #settle(): void {
    for (const { task, outcome } of this.#attempts.take()) {
      this.#parts.slots.give(this, task.id);
      this.#take(task, outcome);
    }
  }

  #take(task: Task, outcome: OperationOutcome): void {
    const limits = this.#book.limits(task);
    const attempts = { ...limits, failedAttempts: this.#book.retries(task) + 1 };
    switch (outcome.kind) {
      case 'done':
        if (!this.#parts.execution.dryRun && asksAgain(task.call!, outcome.result)) {
          this.#later(task, limits.retryInterval, null);
          return;
        }
        this.#book.succeed(task, outcome.result);
        this.#frontier.finish(task.id);
        return;
      case 'aborted':
        // On shutdown the row stays `started`: whoever claims the execution next decides, as after a crash.
        if (this.#stop !== 'shutdown' && this.#stop !== 'fenced') this.#writeOff(task);
        return;
      case 'again': {
        const { message } = outcome;
        const failure = { type: 'OperationRetry', message, retryable: true, causes: [] };
        this.#retry(task, failure, afterAgain({ ...attempts, after: outcome.after }), true);
        return;
      }
      case 'failed':
        this.#retry(task, outcome.failure, afterFailure({ ...attempts, failure: outcome.failure }), false);
        return;
    }
  }

  /** Stopped before it was done. Whether resuming may simply run it again is for its author to say. */
  #writeOff(task: Task): void {
    const failure = cancelled();
    this.#book.tellFailure(task, failure);
    this.#book.fail(task, this.#book.mayRunAgain(task) ? 'failed' : 'interrupted', failure, 'cancelled');
  }

  #retry(task: Task, failure: TaskFailure, verdict: Verdict, asked: boolean): void {
    this.#book.tellFailure(task, failure, asked);
    if (verdict.kind === 'retry') {
      this.#book.countRetry(task);
      this.#later(task, verdict.afterSeconds, failure);
      return;
    }
    if (!asked && task.onFailure === 'ignore') {
      this.#book.passOver(task, failure, ignoredFailureMessage(task.call!.function));
      this.#frontier.finish(task.id);
      return;
    }
    this.#book.fail(task, 'failed', failure);
    this.#failed.push({ task, failure });
    // What still runs gets so long.
    this.#after(this.#parts.execution.waitAfterFail * 1000, () => this.#attempts.abort('cancelled'));
  }

  #later(task: Task, seconds: number, failure: TaskFailure | null): void {
    const due = new Date(Date.now() + seconds * 1000);
    this.#book.wait(task, due, failure);
    if (!this.#stopping) this.#wait(task, due);
  }

  // --- ending -------------------------------------------------------------------------------------------------

  #halt(reason: AbortReason): void {
    if (this.#stop === 'fenced' || (this.#stop === 'killed' && reason !== 'fenced')) return;
    if (this.#stop === null && reason !== 'fenced') {
      this.#after(this.#parts.settings.cancelGrace * 1000, () => {
        this.#gaveUp = true;
      });
    }
    this.#stop = reason;
    this.#attempts.abort(reason);
  }

  #idle(): boolean {
    if (this.#committing || !this.#outbox.empty || this.#attempts.settled > 0 || this.#starting > 0)
      return false;
    if (this.#attempts.running > 0) {
      if (!this.#gaveUp) return false;
      // They were told to stop, and killed, and still do not answer: the execution ends without them.
      for (const task of this.#attempts.giveUp()) {
        this.#parts.slots.give(this, task.id);
        if (this.#stop !== 'shutdown' && this.#stop !== 'fenced') this.#writeOff(task);
      }
      this.#send();
      return this.#outbox.empty && !this.#committing;
    }
    return this.#stopping || (this.#ready.length === 0 && this.#waiting === 0);
  }

  #conclude(): WalkEnd {
    if (this.#stop === 'fenced') return { kind: 'fenced' };
    if (this.#stop === 'shutdown') return { kind: 'released' };
    if (this.#stop !== null) return { kind: 'ended', status: 'cancelled', error: '' };
    if (this.#failed.length === 0) return { kind: 'ended', status: 'terminated', error: '' };
    const failures = this.#failed.map(({ task, failure }) => ({
      function: task.call?.function ?? '',
      operation: task.call?.operation ?? '',
      instance: task.instance ?? '',
      failure,
    }));
    return { kind: 'ended', status: 'failed', error: failureMessage(failures) };
  }

  // --- small things -------------------------------------------------------------------------------------------

  #task(id: number): Task {
    return this.#parts.graph.tasks[id]!;
  }
}
