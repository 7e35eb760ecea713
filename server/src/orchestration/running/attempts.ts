/** The operations of a walk that are running now: launched together, stopped together, their outcomes collected. */
import { setMaxListeners } from 'node:events';
import type { JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { AbortReason, LogLevel, OperationOutcome } from '../../plugins/plugin.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Traced } from '../../traces.js';
import type { Task } from '../planning/graph.js';
import { instancesOf, writableOf } from './about-task.js';
import { ANSWER_LIMIT, type Answer, checkedAnswer, checkedProperties, text } from './answer.js';
import type { AttemptHost, Begins, DispatchedRequest } from './attempt-request.js';
import type { Clock } from './clock.js';
import type { Code } from './code.js';
import type { WalkedDeployment } from './deployment.js';
import type { Homecoming, SendAway } from './dispatch/errands.js';
import type { EngineFigures } from './engine-figures.js';
import { lostLines, unanswered } from './failures.js';
import { runAttempt } from './operation.js';
import { type Outbox, patchBetween } from './outbox.js';
import type { ClaimedExecution } from './running.store.js';
import { NO_PROPERTIES, type Properties, RunningAttempt } from './running-attempt.js';
import type { TaskBook } from './task-book.js';
import type { Teller } from './teller.js';
import { Timers } from './timers.js';

export interface AttemptsParts {
  readonly execution: ClaimedExecution;
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  readonly book: TaskBook;
  readonly outbox: Outbox;
  readonly teller: Teller;
  /** Seconds that an operation over its timeout gets to answer before it counts as failed without. */
  readonly grace: number;
  readonly clock: Clock;
  /** Runtime properties now, by instance id. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  /** A token of the execution, for operations that call the API. */
  readonly token: () => Promise<string>;
  /** Where the execution's workflow is code. */
  readonly code?: Code | undefined;
  readonly figures?: EngineFigures | undefined;
  /** The execution's span. Absent: nothing is traced. */
  readonly traced?: Traced | undefined;
  /** Lets a pool run an operation. Absent: nothing can be sent away. */
  readonly away?: SendAway | undefined;
  readonly assured?: () => Promise<void> | null;
  /** Something was said or has ended. */
  ring(): void;
  /** Resolves when everything said so far is durable. */
  flushed(): Promise<void>;
}

export interface Launch {
  /** As the batch of the intents left them. Absent: nobody knows, they are read again. */
  readonly properties?: Properties | null;
  /** A batch was given to the database in this moment, and is to leave this process before they begin. */
  readonly behind?: boolean;
  /** They may run elsewhere since an earlier walk. */
  readonly adopted?: boolean;
}

export interface Settled {
  readonly task: Task;
  readonly outcome: OperationOutcome;
  /** False: stopped before the plugin was asked. */
  readonly begun: boolean;
  /** Who ran it elsewhere is gone, and how it went is not known. */
  readonly lost: boolean;
}

/**
 * Characters of lines and answers that wait for the next batch. Lines beyond are dropped and counted, answers wait: a
 * database that is away or slow must not cost all memory, and a batch has to be one string.
 */
const UNSENT_LIMIT = 2 * ANSWER_LIMIT;
/** What a line costs beside its text. */
const LINE_COST = 200;

export class Attempts {
  readonly #parts: AttemptsParts;
  readonly #host: AttemptHost;
  readonly #running = new Map<number, RunningAttempt>();
  readonly #timers: Timers;
  /** Aborted when what was told to stop has no time left for it: all of it at once. */
  readonly #hurry = new AbortController();
  #settled: { running: RunningAttempt; answer: Answer }[] = [];
  #unsent = 0;
  #dropped = 0;
  #closed = false;

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
    this.#timers = new Timers(parts.clock);
    this.#host = this.#attemptHost();
    setMaxListeners(0, this.#hurry.signal);
  }

  get running(): number {
    return this.#running.size;
  }

  get settled(): number {
    return this.#settled.length;
  }

  /**
   * Starts the operations of `tasks`, whose intents are durable. They are registered before anything is awaited: an abort
   * that comes now must find them.
   *
   * @param stop an abort that has come already
   */
  async launch(
    tasks: readonly Task[],
    stop: AbortReason | null,
    { properties = null, behind = false, adopted = false }: Launch = {},
  ): Promise<void> {
    const launched = tasks.map((task) => {
      const running = new RunningAttempt(task, this.#parts.book, this.#hurry.signal, adopted);
      if (stop !== null) running.abort(stop);
      this.#running.set(task.id, running);
      return running;
    });
    this.#parts.figures?.launched(this.#parts.execution);
    try {
      if (behind) await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
      const known = properties ?? (await this.#propertiesFor(tasks));
      for (const running of launched) void this.#attempt(running, known);
    } catch (error) {
      const message = text((error as Error).message);
      const failure = { type: 'StoreError', message, retryable: true, causes: [] };
      for (const running of launched)
        this.#settle(running, { outcome: { kind: 'failed', failure }, size: 0 });
    }
  }

  abort(reason: AbortReason): void {
    for (const running of this.#running.values()) running.abort(reason);
    if (reason === 'killed' || reason === 'fenced') this.#hurry.abort(reason);
  }

  /** Outcomes since the last call, as many as a batch bears. What operations wrote to runtime properties is in the outbox when it returns. */
  take(): Settled[] {
    const taken: Settled[] = [];
    const home: Homecoming[] = [];
    let next = 0;
    for (; next < this.#settled.length && this.#unsent < UNSENT_LIMIT; next += 1) {
      const { running, answer } = this.#settled[next]!;
      const { task, begun } = running;
      // One that was given up has been accounted for already.
      if (this.#running.get(task.id) !== running) continue;
      this.#unsent += answer.size;
      if (answer.outcome.runtimeProperties !== undefined)
        this.#save(running, answer.outcome.runtimeProperties);
      this.#running.delete(task.id);
      this.#parts.figures?.operation(running.implementation?.plugin ?? 'none', answer.outcome.kind);
      taken.push({ task, outcome: answer.outcome, begun, lost: running.home?.lost === true });
      if (running.home !== null) home.push(running.home);
    }
    this.#settled = this.#settled.slice(next);
    // When the walk has said what becomes of them.
    if (home.length > 0) queueMicrotask(() => this.#forget(home));
    return taken;
  }

  #forget(home: readonly Homecoming[]): void {
    const durable = () => {
      for (const { forget } of home) forget();
    };
    this.#parts.flushed().then(durable, () => {});
  }

  /** Those that were told to stop and do not answer are waited for no longer. */
  giveUp(): Task[] {
    const tasks = [...this.#running.values()].map((one) => one.task);
    this.#running.clear();
    this.#settled = [];
    return tasks;
  }

  /** What was said so far is on its way. */
  sent(): void {
    this.#unsent = 0;
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#parts.teller.walk(lostLines(dropped));
  }

  /** The walk is over: what an operation that does not stop says from now on is heard by nobody. */
  close(): void {
    this.#closed = true;
    this.#timers.clear();
  }

  async #propertiesFor(tasks: readonly Task[]): Promise<Properties> {
    if (this.#parts.execution.dryRun) return NO_PROPERTIES;
    const wanted = new Set<string>();
    for (const task of tasks) for (const id of instancesOf(this.#parts.deployment, task)) wanted.add(id);
    return wanted.size === 0 ? NO_PROPERTIES : this.#parts.loadProperties([...wanted]);
  }

  async #attempt(running: RunningAttempt, properties: Properties): Promise<void> {
    running.properties = properties;
    running.traced = this.#traced(running);
    let answer: Answer;
    try {
      answer = checkedAnswer(await this.#run(running), writableOf(this.#parts.deployment, running.task));
    } catch (error) {
      const failure = { type: 'PluginError', message: text(error), retryable: false, causes: [] };
      answer = { outcome: { kind: 'failed', failure }, size: 0 };
    }
    this.#settle(running, answer);
  }

  #traced({ task, attempt, implementation }: RunningAttempt): Traced | undefined {
    return this.#parts.traced?.part(task.call!.operation, {
      'orrery.node_instance.id': task.instance ?? '',
      'orrery.plugin': implementation?.plugin ?? 'none',
      'orrery.attempt': attempt,
    });
  }

  #settle(running: RunningAttempt, answer: Answer): void {
    const { outcome } = answer;
    running.traced?.end(
      { 'orrery.outcome': outcome.kind },
      outcome.kind === 'failed' ? outcome.failure.type : undefined,
    );
    this.#settled.push({ running, answer });
    this.#parts.ring();
  }

  async #run(running: RunningAttempt): Promise<OperationOutcome> {
    const { execution } = this.#parts;
    if (running.stopped !== null && !running.adopted) return { kind: 'aborted' };
    if (execution.dryRun && running.task.kind !== 'workflow') return { kind: 'done', result: null };
    const timeout = running.implementation?.timeout ?? 0;
    const attempt = runAttempt(this.#host, running);
    if (timeout <= 0) return attempt;
    let forget = () => {};
    const late = new Promise<OperationOutcome>((resolve) => {
      running.onBegin = (secondsAgo = 0) => {
        forget = this.#timers.after((timeout - secondsAgo) * 1000, () => {
          running.abort('timeout');
          forget = this.#timers.after(this.#parts.grace * 1000, () =>
            resolve({ kind: 'failed', failure: unanswered(timeout) }),
          );
        });
      };
    });
    return Promise.race([attempt, late]).finally(() => forget());
  }

  #attemptHost(): AttemptHost {
    const { deployment, plugins, execution, teller, ring, flushed, code } = this.#parts;
    const { id, workflow, parameters, createdBy, dryRun } = execution;
    return {
      deployment,
      plugins,
      loadProperties: (ids) => this.#parts.loadProperties(ids),
      token: this.#parts.token,
      sendAway: (task, pool, plugin, request, begins) => this.#sendAway(task, pool, plugin, request, begins),
      assured: () => this.#parts.assured?.() ?? null,
      execution: { id, workflow, parameters, createdBy, dryRun },
      code,
      say: (level, said, instance) => {
        const message = text(said);
        if (this.#hears(message)) teller.code(message, { level }, instance);
        ring();
      },
      announce: (type, said) => {
        const message = text(said);
        if (this.#hears(message)) teller.code(message, { type }, null);
        ring();
      },
      log: (task, level: LogLevel, said) => {
        const message = text(said);
        if (this.#hears(message)) teller.log(task, level, message);
        ring();
      },
      event: (task, said) => {
        const message = text(said);
        if (this.#hears(message)) teller.plugin(task, message);
        ring();
      },
      saveRuntimeProperties: async (task, changes) => {
        const running = this.#running.get(task.id);
        if (running !== undefined) this.#save(running, this.#checked(task, changes));
        ring();
        await flushed();
      },
      readRuntimeProperties: async (task, instance) => {
        // What this operation has said itself comes first.
        await flushed();
        const now = (await this.#parts.loadProperties([instance])).get(instance) ?? {};
        this.#running.get(task.id)?.sees(instance, now);
        return now;
      },
    };
  }

  async #sendAway(
    task: Task,
    pool: string,
    plugin: string,
    request: DispatchedRequest,
    begins: Begins,
  ): Promise<OperationOutcome> {
    const { away, execution, book, flushed, teller, ring } = this.#parts;
    const running = this.#running.get(task.id);
    if (away === undefined || running === undefined) throw new Error('this process sends nothing to pools');
    running.home = await away({
      execution,
      task: task.id,
      attempt: book.attempt(task),
      pool,
      plugin,
      adopted: running.adopted,
      request,
      begins,
      note: (message) => {
        teller.note(task, message);
        ring();
      },
      durable: flushed,
    });
    return running.home.outcome;
  }

  #hears(message: string): boolean {
    if (this.#closed) return false;
    if (this.#unsent >= UNSENT_LIMIT) {
      this.#dropped += 1;
      return false;
    }
    this.#unsent += message.length + LINE_COST;
    return true;
  }

  #checked(task: Task, changes: unknown): Readonly<Record<string, JsonObject>> {
    try {
      const checked = checkedProperties(changes, writableOf(this.#parts.deployment, task));
      this.#unsent += checked.size;
      return checked.changes;
    } catch (error) {
      throw new DomainError('invalid', 'runtime-properties-illegal', text((error as Error).message));
    }
  }

  /** Only what the operation changed since it looked, so that it does not undo what others wrote meanwhile. */
  #save(running: RunningAttempt, changes: Readonly<Record<string, JsonObject>>): void {
    for (const [instance, after] of Object.entries(changes)) {
      const patch = patchBetween(running.seen(instance), after);
      running.sees(instance, after);
      if (patch !== null) this.#parts.outbox.properties(instance, patch);
    }
  }
}
