/** One attempt at one operation, as the walk that makes it knows it. What few operations need is made when it is asked for. */
import type { JsonObject, PlanOperation } from '../../dsl/plan.js';
import type { AbortReason } from '../../plugins/plugin.js';
import type { Traced } from '../../traces.js';
import type { Task } from '../planning/graph.js';
import type { Attempt, Begins } from './attempt-request.js';
import type { Homecoming } from './dispatch/errands.js';
import type { TaskBook } from './task-book.js';

/** Runtime properties by instance id; what is not in it has none. */
export type Properties = ReadonlyMap<string, JsonObject>;
export const NO_PROPERTIES: Properties = new Map();

/** An attempt that is under way. */
export class RunningAttempt implements Attempt {
  readonly task: Task;
  readonly attempt: number;
  readonly retries: number;
  readonly implementation: PlanOperation | null;
  readonly atOnce: AbortSignal;
  begun = false;
  /** It may run elsewhere since an earlier walk. */
  readonly adopted: boolean;
  /** Where it ran elsewhere. */
  home: Homecoming | null = null;
  /** Told once, when it begins. */
  onBegin: Begins = () => {};
  stopped: AbortReason | null = null;
  /** Absent: nothing is traced. */
  traced: Traced | undefined;
  properties: Properties = NO_PROPERTIES;
  /** What the operation has written or read since it began, over `properties`. */
  #since: Map<string, JsonObject> | null = null;
  readonly #book: TaskBook;
  #controller: AbortController | null = null;

  constructor(task: Task, book: TaskBook, atOnce: AbortSignal, adopted: boolean) {
    this.task = task;
    this.attempt = book.attempt(task);
    this.retries = book.retries(task);
    this.implementation = book.implementation(task);
    this.atOnce = atOnce;
    this.adopted = adopted;
    this.#book = book;
  }

  get maxRetries(): number {
    return this.#book.limits(this.task).maxRetries;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.stopped !== null) this.#controller.abort(this.stopped);
    }
    return this.#controller.signal;
  }

  readonly begins: Begins = (secondsAgo = 0) => {
    if (!this.begun) this.onBegin(secondsAgo);
    this.begun = true;
  };

  /** The first reason is the one that counts. */
  abort(reason: AbortReason): void {
    if (this.stopped !== null) return;
    this.stopped = reason;
    this.#controller?.abort(reason);
  }

  /** Runtime properties of an instance as the operation has seen them last. */
  seen(instance: string): JsonObject {
    return this.#since?.get(instance) ?? this.properties.get(instance) ?? {};
  }

  sees(instance: string, properties: JsonObject): void {
    this.#since ??= new Map();
    this.#since.set(instance, properties);
  }
}
