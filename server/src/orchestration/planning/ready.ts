/**
 * Which tasks may start now.
 *
 * `startable` says it from scratch and is the law; `Frontier` says the same while a graph is worked off, at a
 * cost of one step per task and edge over the whole life of an execution. A property test keeps them equal.
 */
import { isDone, type Task, type TaskGraph, type TaskState } from './graph.js';

/** Where the tasks of a graph stand, by id. What is not in it is `pending`. */
export type KnownStates = ReadonlyMap<number, TaskState> | readonly (TaskState | undefined)[];

/** Where each of `count` tasks stands, of those that have `succeeded` told by number alone. */
export function statesOf(
  count: number,
  succeeded: readonly number[],
  rest: readonly { readonly task: number; readonly state: TaskState }[],
): KnownStates {
  const states = new Array<TaskState | undefined>(count);
  for (const task of succeeded) states[task] = 'succeeded';
  for (const { task, state } of rest) states[task] = state;
  return states;
}

export function stateOf(states: KnownStates, task: number): TaskState {
  return ('get' in states ? states.get(task) : states[task]) ?? 'pending';
}

/** Nothing starts after this task any more. */
export function isStopped({ onFailure }: Task, state: TaskState): boolean {
  return onFailure !== 'hold' && onFailure !== 'tell' && (state === 'failed' || state === 'interrupted');
}

/**
 * Ids, ascending, of the pending tasks whose dependencies are all done; none once a task that stops the others failed for good or was
 * interrupted. Not among them: tasks that wait for their next attempt, since only the clock knows when that is.
 */
export function startable(graph: TaskGraph, states: KnownStates): number[] {
  const ready: number[] = [];
  for (const task of graph.tasks) {
    const state = stateOf(states, task.id);
    if (isStopped(task, state)) return [];
    if (state !== 'pending') continue;
    if (task.dependsOn.every((dependency) => isDone(stateOf(states, dependency)))) ready.push(task.id);
  }
  return ready;
}

const PENDING = 0;
const QUEUED = 1;
const TAKEN = 2;
const DONE = 3;

/** The edge of what is done: hands out tasks that may start, and learns which are done. */
export class Frontier {
  /** Per task: dependencies not yet done. */
  readonly #missing: Int32Array;
  /** Who depends on task t: `#dependents[#firstDependent[t] .. #firstDependent[t + 1]]`. */
  readonly #firstDependent: Int32Array;
  readonly #dependents: Int32Array;
  readonly #progress: Uint8Array;
  /** A ring; a task is in it at most once, so the number of tasks is room enough. */
  readonly #queue: Int32Array;
  #head = 0;
  #queued = 0;
  #remaining: number;
  #halted = false;

  /** `states`: as known when the work begins or goes on. Tasks that started or wait are neither handed out nor done. */
  constructor(graph: TaskGraph, states: KnownStates = []) {
    const count = graph.tasks.length;
    this.#missing = new Int32Array(count);
    this.#firstDependent = new Int32Array(count + 1);
    this.#progress = new Uint8Array(count);
    this.#queue = new Int32Array(count);
    this.#remaining = count;

    const first = this.#firstDependent;
    for (const task of graph.tasks) {
      this.#missing[task.id] = task.dependsOn.length;
      for (const dependency of task.dependsOn) first[dependency + 1]! += 1;
    }
    for (let task = 0; task < count; task += 1) first[task + 1]! += first[task]!;
    this.#dependents = new Int32Array(first[count]!);
    const place = first.slice(0, count);
    for (const task of graph.tasks) {
      for (const dependency of task.dependsOn) this.#dependents[place[dependency]!++] = task.id;
    }

    for (const task of graph.tasks) {
      const state = stateOf(states, task.id);
      if (isStopped(task, state)) this.#halted = true;
      if (state !== 'pending') this.#progress[task.id] = TAKEN;
      if (isDone(state)) this.#release(task.id);
    }
    for (let task = 0; task < count; task += 1) this.#enqueueIfReady(task);
  }

  /** Tasks of the graph. */
  get size(): number {
    return this.#progress.length;
  }

  /** Tasks that are not done. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Tasks that `take` would hand out now. */
  get ready(): number {
    return this.#halted ? 0 : this.#queued;
  }

  /** Hands out up to `max` tasks that may start, each task once, those that became ready first before others. */
  take(max = Number.POSITIVE_INFINITY): number[] {
    const taken: number[] = [];
    const size = this.#queue.length;
    while (taken.length < max && this.ready > 0) {
      const task = this.#queue[this.#head]!;
      this.#head = (this.#head + 1) % size;
      this.#queued -= 1;
      this.#progress[task] = TAKEN;
      taken.push(task);
    }
    return taken;
  }

  /** A task that was handed out did not start after all: the next `take` begins with it. */
  giveBack(task: number): void {
    if (this.#progress[task] !== TAKEN) throw new Error(`Task ${task} was not taken`);
    const size = this.#queue.length;
    this.#head = (this.#head + size - 1) % size;
    this.#queue[this.#head] = task;
    this.#queued += 1;
    this.#progress[task] = QUEUED;
  }

  /** A task that was handed out (or was under way from the beginning) is done; what waited for it alone is ready. */
  finish(task: number): void {
    if (this.#progress[task] !== TAKEN) throw new Error(`Task ${task} is not under way`);
    this.#release(task);
    for (let at = this.#firstDependent[task]!; at < this.#firstDependent[task + 1]!; at += 1) {
      this.#enqueueIfReady(this.#dependents[at]!);
    }
  }

  /** A task failed for good, or the execution is cancelled: nothing is handed out any more. */
  halt(): void {
    this.#halted = true;
  }

  #release(task: number): void {
    this.#progress[task] = DONE;
    this.#remaining -= 1;
    for (let at = this.#firstDependent[task]!; at < this.#firstDependent[task + 1]!; at += 1) {
      this.#missing[this.#dependents[at]!]! -= 1;
    }
  }

  #enqueueIfReady(task: number): void {
    if (this.#progress[task] !== PENDING || this.#missing[task] !== 0) return;
    this.#queue[(this.#head + this.#queued) % this.#queue.length] = task;
    this.#queued += 1;
    this.#progress[task] = QUEUED;
  }
}
