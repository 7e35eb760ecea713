/** The operations of a walk that are running now: launched together, stopped together, their outcomes collected. */
import type { JsonObject } from '../../dsl/plan.js';
import type { AbortReason, OperationOutcome } from '../../plugins/plugin.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Task } from '../planning/graph.js';
import type { WalkedDeployment } from './deployment.js';
import { type AttemptHost, instancesOf, runAttempt } from './operation.js';
import { type Outbox, patchBetween } from './outbox.js';
import type { ClaimedExecution } from './running.store.js';
import type { TaskBook } from './task-book.js';
import { taskEvents } from './task-events.js';

export interface AttemptsParts {
  readonly execution: ClaimedExecution;
  readonly deployment: WalkedDeployment;
  readonly plugins: PluginRegistry;
  readonly book: TaskBook;
  readonly outbox: Outbox;
  /** Runtime properties now, by instance id. */
  loadProperties(instances: readonly string[]): Promise<ReadonlyMap<string, JsonObject>>;
  /** Something was said or has ended. */
  ring(): void;
  /** Resolves when everything said so far is durable. */
  flushed(): Promise<void>;
}

export interface Settled {
  readonly task: Task;
  readonly outcome: OperationOutcome;
}

type Properties = ReadonlyMap<string, JsonObject>;

export class Attempts {
  readonly #parts: AttemptsParts;
  readonly #host: AttemptHost;
  readonly #running = new Map<number, { task: Task; controller: AbortController; seen: Properties }>();
  readonly #settled: Settled[] = [];

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
    this.#host = this.#attemptHost();
  }

  get running(): number {
    return this.#running.size;
  }

  get settled(): number {
    return this.#settled.length;
  }

  /**
   * Starts the operations of `tasks`, whose intents are durable. They are registered before anything is awaited: an abort
   * that comes now must find them. `stop`: one that has come already.
   */
  async launch(tasks: readonly Task[], stop: AbortReason | null): Promise<void> {
    for (const task of tasks) {
      const controller = new AbortController();
      if (stop !== null) controller.abort(stop);
      this.#running.set(task.id, { task, controller, seen: new Map() });
    }
    try {
      const properties = await this.#propertiesFor(tasks);
      for (const task of tasks) void this.#attempt(task, properties);
    } catch (error) {
      const message = (error as Error).message;
      const failure = { type: 'StoreError', message, retryable: true, causes: [] };
      for (const task of tasks) this.#settled.push({ task, outcome: { kind: 'failed', failure } });
      this.#parts.ring();
    }
  }

  abort(reason: AbortReason): void {
    for (const { controller } of this.#running.values()) controller.abort(reason);
  }

  /** Outcomes since the last call. What operations wrote to runtime properties is in the outbox when it returns. */
  take(): Settled[] {
    const taken: Settled[] = [];
    for (const one of this.#settled.splice(0)) {
      // One that was given up has been accounted for already.
      if (!this.#running.has(one.task.id)) continue;
      if (one.outcome.runtimeProperties !== undefined) this.#save(one.task, one.outcome.runtimeProperties);
      this.#running.delete(one.task.id);
      taken.push(one);
    }
    return taken;
  }

  /** Those that were told to stop and do not answer are waited for no longer. */
  giveUp(): Task[] {
    const tasks = [...this.#running.values()].map((one) => one.task);
    this.#running.clear();
    return tasks;
  }

  async #propertiesFor(tasks: readonly Task[]): Promise<Properties> {
    if (this.#parts.execution.dryRun) return new Map();
    const wanted = new Set<string>();
    for (const task of tasks) for (const id of instancesOf(this.#parts.deployment, task)) wanted.add(id);
    return wanted.size === 0 ? new Map() : this.#parts.loadProperties([...wanted]);
  }

  async #attempt(task: Task, seen: Properties): Promise<void> {
    const running = this.#running.get(task.id);
    if (running === undefined) return;
    running.seen = seen;
    const outcome = await this.#run(task, running.controller, seen);
    this.#settled.push({ task, outcome });
    this.#parts.ring();
  }

  async #run(task: Task, controller: AbortController, properties: Properties): Promise<OperationOutcome> {
    const { book, execution } = this.#parts;
    if (controller.signal.aborted) return { kind: 'aborted' };
    if (execution.dryRun) return { kind: 'done', result: null };
    const timeout = book.implementation(task)?.timeout ?? 0;
    const timer = timeout <= 0 ? undefined : setTimeout(() => controller.abort('timeout'), timeout * 1000);
    try {
      return await runAttempt(this.#host, {
        task,
        attempt: book.attempt(task),
        retries: book.retries(task),
        maxRetries: book.limits(task).maxRetries,
        signal: controller.signal,
        properties,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #attemptHost(): AttemptHost {
    const { deployment, plugins, execution, outbox, ring, flushed } = this.#parts;
    const { id, workflow, parameters, createdBy } = execution;
    return {
      deployment,
      plugins,
      execution: { id, workflow, parameters, createdBy },
      log: (task, level, message) => {
        outbox.event(taskEvents.log(this.#parts, task, level, message));
        ring();
      },
      event: (task, message) => {
        outbox.event(taskEvents.plugin(this.#parts, task, message));
        ring();
      },
      saveRuntimeProperties: async (task, changes) => {
        this.#save(task, changes);
        ring();
        await flushed();
      },
    };
  }

  /** Only what the operation changed since it looked, so that it does not undo what others wrote meanwhile. */
  #save(task: Task, changes: Readonly<Record<string, JsonObject>>): void {
    const running = this.#running.get(task.id);
    if (running === undefined) return;
    const now = new Map(running.seen);
    for (const [instance, after] of Object.entries(changes)) {
      const patch = patchBetween(running.seen.get(instance) ?? {}, after);
      now.set(instance, after);
      if (patch !== null) this.#parts.outbox.properties(instance, patch);
    }
    running.seen = now;
  }
}
