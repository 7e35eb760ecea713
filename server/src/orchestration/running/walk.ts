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
import type { Task, TaskGraph, TaskState } from '../planning/graph.js';
import { afterInterruption } from '../planning/interrupted.js';
import { failureMessage } from '../planning/outcome.js';
import { Frontier } from '../planning/ready.js';
import {
  afterAgain,
  afterFailure,
  asksAgain,
  ignoredFailureMessage,
  retryLimits,
  type Verdict,
} from '../planning/retry.js';
import type { WalkedDeployment } from './deployment.js';
import { Fenced, type Ledger } from './ledger.js';
import { type AttemptHost, implementationOf, instancesOf, runAttempt } from './operation.js';
import { Outbox, patchBetween } from './outbox.js';
import type { ClaimedExecution } from './running.store.js';
import type { Slots } from './slots.js';
import { taskEvents } from './task-events.js';

export interface WalkSettings {
  /** Retries after the first attempt where an operation does not say; -1 without end. */
  readonly taskRetries: number;
  /** Seconds. */
  readonly taskRetryInterval: number;
  /** Seconds that operations get to stop after a cancel before the execution ends without them. */
  readonly cancelGrace: number;
}

/** What a task's row says, as far as the walk must remember it. */
export interface TaskMemory {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  readonly retries: number;
  readonly dueAt: Date | null;
  readonly failure: TaskFailure | null;
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

interface Progress {
  state: TaskState;
  attempt: number;
  retries: number;
  failure: TaskFailure | null;
}

/** At most so many starts in one batch: large enough to be cheap, small enough that results flow meanwhile. */
const STARTS_PER_BATCH = 512;

export class Walk {
  readonly #parts: WalkParts;
  readonly #frontier: Frontier;
  readonly #progress = new Map<number, Progress>();
  readonly #outbox = new Outbox();
  readonly #running = new Map<number, AbortController>();
  readonly #settled: { task: Task; outcome: OperationOutcome }[] = [];
  readonly #properties = new Map<number, ReadonlyMap<string, JsonObject>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Ready, in order, waiting for room. */
  readonly #ready: number[] = [];
  /** Intent written or about to be, not running yet. */
  #starting = 0;
  #waiting = 0;
  #failed: { task: Task; failure: TaskFailure }[] = [];
  #status: ExecutionStatus;
  #stop: AbortReason | null = null;
  #gaveUp = false;
  #committing = false;
  #trouble: unknown = null;
  #alarm: (() => void) | null = null;
  #rung = false;

  constructor(parts: WalkParts) {
    this.#parts = parts;
    this.#status = parts.execution.status;
    this.#host = this.#attemptHost();
    const states = new Map<number, TaskState>();
    for (const row of parts.memory) {
      states.set(row.task, row.state);
      this.#progress.set(row.task, {
        state: row.state,
        attempt: row.attempt,
        retries: row.retries,
        failure: row.failure,
      });
    }
    this.#frontier = new Frontier(parts.graph, states);
    for (const row of parts.memory) this.#takeOver(row);
  }

  /** The execution's status as the database has it, told by a heartbeat or a notification. */
  observe(status: ExecutionStatus): void {
    if (status === this.#status && !isCancelling(status)) return;
    this.#status = status;
    if (isCancelling(status)) this.#halt(status === 'kill-cancelling' ? 'killed' : 'cancelled');
    this.#ring();
  }

  /** Stop starting; what runs is stopped too, and taken up by whoever claims the execution next. */
  release(): void {
    this.#halt('shutdown');
    this.#ring();
  }

  /** Somebody else has it: stop everything at once, write nothing more. */
  fence(): void {
    this.#trouble ??= new Fenced();
    this.#halt('fenced');
    this.#ring();
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
        await this.#pause();
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
    if (row.state === 'failed' || row.state === 'interrupted')
      this.#failed.push({ task, failure: row.failure ?? unknownFailure() });
    if (row.state !== 'started') return;
    if (this.#mayRunAgain(task)) {
      this.#outbox.event(taskEvents.interrupted(this.#parts, task, row.attempt + 1));
      this.#ready.push(task.id);
      return;
    }
    const failure = interruption(task);
    this.#outbox.event(
      taskEvents.failed(this.#parts, task, failure, row.retries, this.#limits(task).maxRetries),
    );
    this.#set(task, 'interrupted', { failure });
    this.#failed.push({ task, failure });
  }

  #mayRunAgain(task: Task): boolean {
    const implementation = this.#implementation(task);
    if (implementation === null) return false;
    const plugin = this.#parts.plugins.find(implementation.plugin);
    const verdict = afterInterruption(
      implementation,
      plugin?.describe(implementation.function)?.resumable ?? null,
    );
    return verdict.kind === 'run-again';
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
      for (const effect of task.before) this.#apply(effect);
      for (const effect of task.after) this.#apply(effect);
      this.#outbox.touch(task.id, 'succeeded');
      this.#progress.set(task.id, { state: 'succeeded', attempt: 0, retries: 0, failure: null });
      this.#frontier.finish(task.id);
      return true;
    }
    const implementation = implementationOf(this.#parts.deployment, task, task.call);
    if (!this.#parts.slots.take(this, task.id, implementation?.plugin ?? '', () => this.#ring()))
      return false;
    const progress = this.#progress.get(task.id);
    if (progress === undefined) {
      for (const effect of task.before) this.#apply(effect);
      this.#outbox.touch(task.id, 'started');
      this.#progress.set(task.id, { state: 'started', attempt: 1, retries: 0, failure: null });
    } else {
      progress.attempt += 1;
      progress.state = 'started';
      this.#outbox.move({
        task: task.id,
        state: 'started',
        attempt: progress.attempt,
        retries: progress.retries,
      });
    }
    const { retries } = this.#progress.get(task.id)!;
    for (const event of taskEvents.starting(this.#parts, task, retries, this.#limits(task).maxRetries))
      this.#outbox.event(event);
    this.#starting += 1;
    return true;
  }

  #wait(task: Task, due: Date): void {
    this.#waiting += 1;
    const later = () => {
      this.#waiting -= 1;
      this.#ready.push(task.id);
      this.#ring();
    };
    const delay = due.getTime() - Date.now();
    if (delay <= 0) {
      later();
      return;
    }
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        later();
      },
      Math.min(delay, 2 ** 31 - 1),
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
        await this.#launch(batch.starts);
        this.#ring();
      },
      (error: unknown) => {
        this.#committing = false;
        this.#trouble ??= error;
        this.#ring();
      },
    );
  }

  #apply(effect: Task['before'][number]): void {
    if (effect.kind === 'event') this.#outbox.event(taskEvents.node(this.#parts, effect));
    else if (!this.#parts.execution.dryRun) this.#outbox.state(effect.instance, effect.state);
  }

  #set(
    task: Task,
    state: Exclude<TaskState, 'pending'>,
    more: { failure?: TaskFailure; due?: Date; reason?: string; result?: never } = {},
  ): void {
    const progress = this.#progress.get(task.id)!;
    progress.state = state;
    progress.failure = more.failure ?? null;
    this.#outbox.move({
      task: task.id,
      state,
      attempt: progress.attempt,
      retries: progress.retries,
      ...more,
    });
  }

  // --- running ------------------------------------------------------------------------------------------------

  async #launch(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const tasks = ids.map((id) => this.#task(id));
    this.#starting -= tasks.length;
    // Registered before anything is awaited: a cancel that comes now must find them.
    for (const task of tasks) this.#running.set(task.id, new AbortController());
    if (this.#stop !== null) for (const task of tasks) this.#running.get(task.id)!.abort(this.#stop);
    try {
      const wanted = new Set<string>();
      if (!this.#parts.execution.dryRun) {
        for (const task of tasks) for (const id of instancesOf(this.#parts.deployment, task)) wanted.add(id);
      }
      const properties =
        wanted.size === 0 ? new Map<string, JsonObject>() : await this.#parts.loadProperties([...wanted]);
      for (const task of tasks) void this.#attempt(task, properties);
    } catch (error) {
      const outcome: OperationOutcome = {
        kind: 'failed',
        failure: { type: 'StoreError', message: (error as Error).message, retryable: true, causes: [] },
      };
      for (const task of tasks) this.#settled.push({ task, outcome });
      this.#ring();
    }
  }

  async #attempt(task: Task, properties: ReadonlyMap<string, JsonObject>): Promise<void> {
    const controller = this.#running.get(task.id)!;
    const progress = this.#progress.get(task.id)!;
    this.#properties.set(task.id, properties);
    let outcome: OperationOutcome = { kind: 'done', result: null };
    if (controller.signal.aborted) outcome = { kind: 'aborted' };
    else if (!this.#parts.execution.dryRun) {
      const implementation = implementationOf(this.#parts.deployment, task, task.call!);
      const timeout = implementation?.timeout ?? null;
      const timer =
        timeout === null || timeout <= 0
          ? null
          : setTimeout(() => controller.abort('timeout'), timeout * 1000);
      outcome = await runAttempt(this.#host, {
        task,
        attempt: progress.attempt,
        retries: progress.retries,
        maxRetries: this.#limits(task).maxRetries,
        signal: controller.signal,
        properties,
      });
      if (timer !== null) clearTimeout(timer);
    }
    this.#settled.push({ task, outcome });
    this.#ring();
  }

  readonly #host: AttemptHost;

  #attemptHost(): AttemptHost {
    const { deployment, plugins, execution } = this.#parts;
    return {
      deployment,
      plugins,
      execution: {
        id: execution.id,
        workflow: execution.workflow,
        parameters: execution.parameters,
        createdBy: execution.createdBy,
      },
      log: (task, level, message) => {
        this.#outbox.event(taskEvents.log(this.#parts, task, level, message));
        this.#ring();
      },
      event: (task, message) => {
        this.#outbox.event(taskEvents.plugin(this.#parts, task, message));
        this.#ring();
      },
      saveRuntimeProperties: async (task, changes) => {
        this.#saveProperties(task, changes);
        this.#ring();
        await this.#flushed();
      },
    };
  }

  #saveProperties(task: Task, changes: Readonly<Record<string, JsonObject>>): void {
    const seen = this.#properties.get(task.id) ?? new Map<string, JsonObject>();
    const now = new Map(seen);
    for (const [instance, after] of Object.entries(changes)) {
      const patch = patchBetween(seen.get(instance) ?? {}, after);
      now.set(instance, after);
      if (patch !== null) this.#outbox.properties(instance, patch);
    }
    this.#properties.set(task.id, now);
  }

  /** Resolves when everything said so far is durable. */
  async #flushed(): Promise<void> {
    while (!this.#outbox.empty || this.#committing) {
      if (this.#trouble !== null) throw this.#trouble;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  // --- taking results -----------------------------------------------------------------------------------------

  #settle(): void {
    for (const { task, outcome } of this.#settled.splice(0)) {
      // An operation that outlived the patience after a cancel has been written off already.
      if (!this.#running.delete(task.id)) continue;
      this.#parts.slots.give(this, task.id);
      if (outcome.runtimeProperties !== undefined) this.#saveProperties(task, outcome.runtimeProperties);
      this.#properties.delete(task.id);
      this.#take(task, outcome);
    }
  }

  #take(task: Task, outcome: OperationOutcome): void {
    const progress = this.#progress.get(task.id)!;
    const limits = this.#limits(task);
    const attempts = { ...limits, failedAttempts: progress.retries + 1 };
    switch (outcome.kind) {
      case 'done': {
        if (!this.#parts.execution.dryRun && asksAgain(task.call!, outcome.result)) {
          this.#later(task, limits.retryInterval, null);
          return;
        }
        this.#outbox.event(
          taskEvents.succeeded(this.#parts, task, outcome.result, progress.retries, limits.maxRetries),
        );
        progress.state = 'succeeded';
        this.#outbox.move({
          task: task.id,
          state: 'succeeded',
          attempt: progress.attempt,
          retries: progress.retries,
          result: outcome.result,
        });
        this.#finish(task);
        return;
      }
      case 'aborted':
        // On shutdown the row stays `started`: whoever claims the execution next decides, as after a crash.
        if (this.#stop === 'shutdown' || this.#stop === 'fenced') return;
        this.#writeOff(task);
        return;
      case 'again': {
        const failure: TaskFailure = {
          type: 'OperationRetry',
          message: outcome.message,
          retryable: true,
          causes: [],
        };
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
    this.#outbox.event(
      taskEvents.failed(
        this.#parts,
        task,
        failure,
        this.#progress.get(task.id)!.retries,
        this.#limits(task).maxRetries,
      ),
    );
    this.#set(task, this.#mayRunAgain(task) ? 'failed' : 'interrupted', { failure, reason: 'cancelled' });
  }

  #finish(task: Task): void {
    for (const effect of task.after) this.#apply(effect);
    this.#outbox.finishOperation();
    this.#frontier.finish(task.id);
  }

  #retry(task: Task, failure: TaskFailure, verdict: Verdict, asked: boolean): void {
    const progress = this.#progress.get(task.id)!;
    const told = asked ? taskEvents.rescheduled : taskEvents.failed;
    this.#outbox.event(told(this.#parts, task, failure, progress.retries, this.#limits(task).maxRetries));
    if (!asked && task.onFailure === 'ignore') {
      this.#outbox.event(taskEvents.note(this.#parts, task, ignoredFailureMessage(task.call!.function)));
      this.#set(task, 'skipped', { failure, reason: 'failure ignored' });
      this.#finish(task);
      return;
    }
    if (verdict.kind === 'final') {
      this.#set(task, 'failed', { failure });
      this.#failed.push({ task, failure });
      this.#giveTime();
      return;
    }
    progress.retries += 1;
    this.#later(task, verdict.afterSeconds, failure);
  }

  #later(task: Task, seconds: number, failure: TaskFailure | null): void {
    const due = new Date(Date.now() + seconds * 1000);
    this.#set(task, 'waiting', failure === null ? { due } : { failure, due });
    if (!this.#stopping) this.#wait(task, due);
  }

  /** After a final failure what still runs gets `waitAfterFail` seconds. */
  #giveTime(): void {
    const timer = setTimeout(() => this.#abortAll('cancelled'), this.#parts.execution.waitAfterFail * 1000);
    this.#timers.add(timer);
  }

  // --- ending -------------------------------------------------------------------------------------------------

  #halt(reason: AbortReason): void {
    if (this.#stop === 'fenced' || (this.#stop === 'killed' && reason !== 'fenced')) return;
    if (this.#stop === null && (reason === 'cancelled' || reason === 'killed' || reason === 'shutdown')) {
      const timer = setTimeout(() => {
        this.#gaveUp = true;
        this.#ring();
      }, this.#parts.settings.cancelGrace * 1000);
      this.#timers.add(timer);
    }
    this.#stop = reason;
    this.#abortAll(reason);
  }

  #abortAll(reason: AbortReason): void {
    for (const controller of this.#running.values()) controller.abort(reason);
  }

  #idle(): boolean {
    if (this.#committing || !this.#outbox.empty || this.#settled.length > 0 || this.#starting > 0)
      return false;
    if (this.#running.size > 0) {
      if (!this.#gaveUp) return false;
      // They were told to stop, and killed, and still do not answer: the execution ends without them.
      for (const id of [...this.#running.keys()]) {
        this.#running.delete(id);
        this.#parts.slots.give(this, id);
        if (this.#stop !== 'shutdown' && this.#stop !== 'fenced') this.#writeOff(this.#task(id));
      }
      this.#send();
      return this.#outbox.empty && !this.#committing;
    }
    if (this.#stopping) return true;
    return this.#ready.length === 0 && this.#waiting === 0;
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

  #implementation(task: Task) {
    return task.call === null ? null : implementationOf(this.#parts.deployment, task, task.call);
  }

  #limits(task: Task) {
    const system = {
      maxRetries: this.#parts.settings.taskRetries,
      retryInterval: this.#parts.settings.taskRetryInterval,
    };
    return retryLimits(
      task.call ?? {},
      this.#implementation(task) ?? { maxRetries: null, retryInterval: null },
      system,
    );
  }

  #ring(): void {
    this.#rung = true;
    const alarm = this.#alarm;
    this.#alarm = null;
    alarm?.();
  }

  async #pause(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#alarm = resolve;
      });
    }
    this.#rung = false;
  }
}

function unknownFailure(): TaskFailure {
  return { type: 'NonRecoverableError', message: 'the operation failed', retryable: false, causes: [] };
}

function cancelled(): TaskFailure {
  return {
    type: 'ProcessKillCancelled',
    message: 'the execution was cancelled',
    retryable: false,
    causes: [],
  };
}

function interruption(task: Task): TaskFailure {
  return {
    type: 'OperationInterrupted',
    message: `${task.call?.operation ?? 'the operation'} was running when its worker died, and is not declared resumable: look at what it did, then resume the execution and retry, skip or confirm it`,
    retryable: false,
    causes: [],
  };
}
