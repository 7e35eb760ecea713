/**
 * Walks one execution's graph: the only place where thinking meets the world. What always holds, and must:
 *  - No operation is started before the batch that says so is durable (*intent before side effect*).
 *  - An operation's result, the properties it wrote, the instance's state and the events that tell of them are one
 *    batch, and a batch is one transaction, written once, under the fence of the claim.
 *  - What may start is decided by `planning/`; this file never looks at an edge.
 *
 * One batch is on its way, and a second behind it when it is full. Meanwhile operations whose intent is durable run and end, and what
 * they bring is collected: the more happens, the larger the batches. Rejected: a batch for each transition, SQL that releases rows (decision 0002).
 */
import type { Json } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { AbortReason, OperationOutcome } from '../../plugins/plugin.js';
import { type ExecutionStatus, isCancelling } from '../execution-state.js';
import type { Task } from '../planning/graph.js';
import type { Frontier } from '../planning/ready.js';
import {
  type Attempts as AttemptsSoFar,
  asksAgain,
  ignoredFailureMessage,
  type Unsuccessful,
  verdictOn,
} from '../planning/retry.js';
import { Attempts } from './attempts.js';
import { BatchFill } from './batch-fill.js';
import { Bell } from './bell.js';
import { cancelled, interruption, overtaken, unasked } from './failures.js';
import { Flushes } from './flushes.js';
import { Growth } from './growth.js';
import { Fenced } from './ledger.js';
import { Outbox } from './outbox.js';
import { takenUp } from './takeover.js';
import { TaskBook } from './task-book.js';
import { Teller } from './teller.js';
import { Timers } from './timers.js';
import { endOf } from './walk-end.js';
import { frontierOf, type TaskMemory } from './walk-memory.js';
import { STARTS_PER_BATCH, type WalkEnd, type WalkParts } from './walk-parts.js';

export class Walk {
  readonly #parts: WalkParts;
  readonly #outbox: Outbox;
  readonly #book: TaskBook;
  readonly #attempts: Attempts;
  readonly #frontier: Frontier;
  /** Where the graph is one of code. */
  readonly #growth: Growth | null;
  readonly #bell: Bell;
  readonly #flushes = new Flushes();
  readonly #timers: Timers;
  /** Ready, in order, waiting for room. */
  readonly #ready: number[] = [];
  /** Were under way in an earlier walk, may run again, and have not begun to yet. */
  readonly #orphans = new Set<number>();
  /** Run elsewhere since an earlier walk. */
  #adopted: readonly Task[] = [];
  /** Starts in the outbox. */
  readonly #fill: BatchFill;
  /** Until their next attempt is due. */
  #waiting = 0;
  readonly #failed: { task: Task; failure: TaskFailure }[] = [];
  /** Nothing starts any more. */
  #isFailing = false;
  #status: ExecutionStatus;
  #stop: AbortReason | null = null;
  /** The worker shuts down: nothing starts, what runs has some time yet. */
  #draining = false;
  /** Were running when the worker shut down; whoever claims the execution next decides about them. */
  #left = 0;
  #gaveUp = false;
  /** What runs was told to stop, and so is what begins only now. */
  #told: AbortReason | null = null;
  /** Batches on their way. */
  #committing = 0;
  #trouble: unknown = null;

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#fill = new BatchFill(parts.settings.startsPerBatch ?? STARTS_PER_BATCH);
    this.#outbox = new Outbox(parts.clock);
    this.#timers = new Timers(parts.clock);
    this.#bell = new Bell(parts.clock);
    this.#status = parts.execution.status;
    const { taskRetries, taskRetryInterval } = parts.settings;
    const outbox = this.#outbox;
    const pens = { ...parts, outbox, teller: new Teller({ ...parts, outbox }) };
    const limits = { maxRetries: taskRetries, retryInterval: taskRetryInterval };
    this.#book = new TaskBook({ ...pens, limits });
    this.#attempts = new Attempts({
      ...pens,
      book: this.#book,
      grace: parts.settings.cancelGrace,
      loadProperties: (ids) => parts.loadProperties(ids),
      ring: () => this.#bell.ring(),
      flushed: () => this.#flushes.wait(!this.#outbox.empty),
    });
    this.#frontier = frontierOf(parts.graph, parts.memory);
    const observe = (status: ExecutionStatus) => this.observe(status);
    const [book, flushes, bell] = [this.#book, this.#flushes, this.#bell];
    this.#growth = parts.asked
      ? new Growth({ ...parts, asked: parts.asked, book, flushes, bell, observe })
      : null;
    this.#takeOver(parts.memory.rest);
  }

  /** The execution's status as the database has it, told by a heartbeat or a notification. */
  observe(status: ExecutionStatus): void {
    if (status === this.#status && !isCancelling(status)) return;
    this.#status = status;
    if (isCancelling(status)) this.#halt(status === 'kill-cancelling' ? 'killed' : 'cancelled');
    this.#bell.ring();
  }

  /** Start nothing more. What runs may end within `drain` seconds; then it is stopped, and taken up by whoever claims the execution next. */
  release(drain: number): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#after(drain, () => this.#halt('shutdown'));
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
    if (this.#adopted.length > 0) void this.#attempts.launch(this.#adopted, this.#stop, { adopted: true });
    try {
      for (;;) {
        const trouble = this.#trouble ?? this.#growth?.trouble ?? null;
        if (trouble !== null) throw trouble;
        this.#settle();
        if (this.#growth !== null && !this.#stopping)
          this.#ready.push(...this.#growth.take(this.#committing === 0));
        this.#admit();
        if (this.#send()) {
          // It leaves this process when nothing else is to be done. The second is filled then, before anything has come back from the first.
          await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
          continue;
        }
        if (this.#idle()) return this.#conclude();
        await this.#bell.wait();
      }
    } catch (error) {
      this.#halt('fenced');
      if (error instanceof Fenced) return { kind: 'fenced' };
      throw error;
    } finally {
      this.#timers.clear();
      this.#attempts.close();
      this.#flushes.end(new Fenced());
      this.#parts.slots.forget(this);
    }
  }

  /**
   * What was under way when an earlier walk of this execution ended. First what stops the execution, because what may
   * run again does so only where something may still start; else it counts as stopped.
   */
  #takeOver(memory: readonly TaskMemory[]): void {
    const { waiting, failed, broken, again, away } = takenUp(memory, this.#parts.graph, this.#book);
    const { asked } = this.#parts;
    for (const { task, due } of waiting) if (asked?.isIdle(task.id) !== true) this.#wait(task, due);
    for (const { task, failure } of failed) this.#fail(task, failure);
    for (const task of broken) this.#takeUp(task);
    this.#adopted = away;
    const over = isCancelling(this.#status) || this.#isFailing;
    for (const task of again) {
      if (over) this.#writeOff(task);
      else this.#takeUp(task);
    }
  }

  /** Whether its work was done nobody knows: its author has said whether it may run again. */
  #takeUp(task: Task): void {
    if (this.#book.mayRunAgain(task)) {
      this.#orphans.add(task.id);
      this.#ready.push(task.id);
      return;
    }
    const failure = interruption(task);
    this.#book.tellFailure(task, failure);
    this.#book.fail(task, 'interrupted', failure);
    this.#fail(task, failure);
  }

  /** For good, so the execution too: what still runs gets so long. */
  #fail(task: Task, failure: TaskFailure): void {
    this.#failed.push({ task, failure });
    if (this.#isFailing || task.onFailure === 'hold') return;
    this.#isFailing = true;
    this.#after(this.#parts.execution.waitAfterFail, () => this.#stopRunning('cancelled'));
  }

  get #stopping(): boolean {
    return this.#stop !== null || this.#draining || this.#isFailing;
  }

  #admit(): void {
    const { slots } = this.#parts;
    if (this.#stopping) slots.withdraw(this);
    else slots.ask(this);
    while (!this.#stopping) {
      const room = this.#fill.room(this.#ready.length + this.#frontier.ready, this.#committing === 0);
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

  /** Writes the intent, or, where nothing is run, that it is over. False: no room for its plugin now. */
  #start(task: Task): boolean {
    if (task.call === null || this.#book.isLeft(task)) {
      this.#book.pass(task);
      this.#finish(task, null);
      return true;
    }
    const line = this.#book.line(task);
    if (!this.#parts.slots.take(this, task.id, line, () => this.#bell.ring())) return false;
    if (this.#orphans.delete(task.id)) this.#book.tellInterrupted(task);
    this.#book.intend(task);
    this.#fill.begin();
    return true;
  }

  #finish(task: Task, result: Json): void {
    if (task.onFailure !== 'tell') this.#frontier.finish(task.id);
    else this.#growth!.done(task, result);
  }

  #wait(task: Task, due: Date): void {
    this.#waiting += 1;
    this.#after((due.getTime() - this.#parts.clock.now()) / 1000, () => {
      this.#waiting -= 1;
      this.#ready.push(task.id);
    });
  }

  #after(seconds: number, work: () => void): void {
    this.#timers.after(seconds * 1000, () => {
      work();
      this.#bell.ring();
    });
  }

  /** Whether a batch has gone out. */
  #send(): boolean {
    if (this.#growth?.busy === true || this.#outbox.empty || this.#committing > (this.#fill.isFull ? 1 : 0))
      return false;
    const batch = this.#outbox.take();
    this.#fill.take();
    this.#committing += 1;
    this.#flushes.take();
    this.#attempts.sent();
    this.#parts.ledger
      .commit(batch)
      .then(async ({ status, properties }) => {
        this.#committing -= 1;
        this.#flushes.settle();
        this.observe(status);
        // The next batch goes out before the operations of this one start: the database works while we do.
        const behind = this.#growth === null && this.#send();
        if (batch.starts.length > 0) {
          const stop = this.#stop ?? (this.#draining ? 'shutdown' : this.#told);
          await this.#attempts.launch(batch.starts.map(this.#task), stop, { properties, behind });
        }
      })
      .catch((error: unknown) => {
        this.#committing -= 1;
        this.#trouble ??= error;
      })
      .finally(() => this.#bell.ring());
    return true;
  }

  #settle(): void {
    for (const { task, outcome, begun, lost } of this.#attempts.take()) {
      this.#parts.slots.give(this, task.id);
      this.#fill.end();
      // Who ran it elsewhere has died.
      if (lost && !this.#stopping) this.#takeUp(task);
      else if (outcome.kind === 'aborted') this.#abandon(task, begun);
      else this.#take(task, outcome);
    }
  }

  #take(task: Task, outcome: Exclude<OperationOutcome, { kind: 'aborted' }>): void {
    if (outcome.kind !== 'done') {
      const limits = this.#book.limits(task);
      this.#retry(task, outcome, { ...limits, failedAttempts: this.#book.retries(task) + 1 });
    } else if (!this.#parts.execution.dryRun && asksAgain(task.call!, outcome.result)) {
      this.#later(task, this.#book.limits(task).retryInterval, null);
    } else {
      this.#book.succeed(task, outcome.result);
      this.#finish(task, outcome.result);
    }
  }

  /** It was stopped before it was done. `begun`: its plugin had been asked. */
  #abandon(task: Task, begun: boolean): void {
    if (this.#stop === 'fenced') return;
    if (this.#stop === null && !this.#stopping) {
      this.#take(task, { kind: 'failed', failure: unasked() });
      return;
    }
    const cancelling = this.#stop !== null && this.#stop !== 'shutdown';
    if (cancelling || (begun && this.#isFailing)) this.#writeOff(task, begun);
    // Nothing can have been done, so nobody need be asked.
    else if (!begun) this.#book.wait(task, new Date(this.#parts.clock.now()), null);
    // The row stays `started`: whoever claims the execution next decides, as after a crash.
    else this.#left += 1;
  }

  /** Counts as not done. Whether resuming may simply run it again is for its author to say. */
  #writeOff(task: Task, begun = true): void {
    const failure = this.#isFailing && !isCancelling(this.#status) ? overtaken() : cancelled();
    this.#book.writeOff(task, failure, begun);
  }

  #retry(task: Task, outcome: Unsuccessful, attempts: AttemptsSoFar): void {
    const { failure, verdict, asked } = verdictOn(outcome, attempts);
    this.#book.tellFailure(task, failure, asked);
    if (verdict.kind === 'retry') {
      this.#book.countRetry(task);
      this.#later(task, verdict.afterSeconds, failure);
      return;
    }
    if (!asked && (task.onFailure === 'ignore' || task.onFailure === 'leave')) {
      this.#book.passOver(task, failure, ignoredFailureMessage(task.call!.function));
      this.#frontier.finish(task.id);
      return;
    }
    this.#book.fail(task, this.#book.endsUnknown(task) ? 'interrupted' : 'failed', failure);
    if (task.onFailure === 'tell') this.#growth!.failed(task, failure);
    else this.#fail(task, failure);
  }

  #later(task: Task, seconds: number, failure: TaskFailure | null): void {
    const due = new Date(this.#parts.clock.now() + seconds * 1000);
    this.#book.wait(task, due, failure);
    if (!this.#stopping) this.#wait(task, due);
  }

  #halt(reason: AbortReason): void {
    if (this.#stop === 'fenced' || (this.#stop === 'killed' && reason !== 'fenced')) return;
    if (this.#stop === 'cancelled' && reason === 'shutdown') return;
    const first = this.#stop === null;
    this.#stop = reason;
    if (first && reason !== 'fenced') this.#stopRunning(reason);
    else this.#attempts.abort(reason);
  }

  /** Those who do not answer are waited for only so long. */
  #stopRunning(reason: AbortReason): void {
    this.#told = reason;
    this.#attempts.abort(reason);
    this.#after(this.#parts.settings.cancelGrace, () => {
      this.#gaveUp = true;
    });
  }

  #idle(): boolean {
    if (this.#committing > 0 || !this.#outbox.empty || this.#attempts.settled > 0) return false;
    if (!this.#fill.isEmpty || this.#growth?.busy === true) return false;
    if (this.#attempts.running > 0 && !this.#gaveUp) return false;
    // What was told to stop, and killed, and still does not answer: the execution goes on without it.
    const late = this.#attempts.giveUp();
    for (const task of late) this.#parts.slots.give(this, task.id);
    if (this.#stopping) late.push(...[...this.#orphans].map(this.#task));
    if (late.length > 0) {
      this.#orphans.clear();
      for (const task of late) this.#abandon(task, true);
      this.#send();
      return this.#outbox.empty && this.#committing === 0;
    }
    return this.#stopping || (this.#ready.length === 0 && this.#waiting === 0);
  }

  #conclude(): WalkEnd {
    if (this.#stop === 'fenced') return { kind: 'fenced' };
    const cancelling = this.#stop === 'cancelled' || this.#stop === 'killed';
    return endOf(this.#frontier, this.#left, this.#failed, { cancelling, draining: this.#draining });
  }

  readonly #task = (id: number): Task => this.#parts.graph.tasks[id]!;
}
