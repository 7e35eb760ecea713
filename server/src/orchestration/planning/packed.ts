/**
 * A task graph as it is stored: what thousands of tasks share, once, and each task as a few numbers. Of 100,000 instances it is
 * some ten million characters instead of two hundred. Graphs that were stored as they are read too.
 */
import type { Asked, Effect, OperationCall, Stage, Task, TaskGraph } from './graph.js';

export interface PackedGraph {
  readonly form: 2;
  readonly workflow: string;
  readonly stages?: readonly Stage[];
  readonly asked?: Asked;
  readonly spread?: true;
  readonly instances: readonly string[];
  readonly calls: readonly OperationCall[];
  /** What is told at a start or a success, each list of effects once; the first is empty. */
  readonly told: readonly (readonly Effect[])[];
  /**
   * One task after the other: what becomes of a failure (and 8 more for a marker, 16 for the code of a workflow), instance and call (places in their lists from
   * 1; 0: none), before and after (places in `told`), how many tasks it depends on, and how far back each of them is.
   */
  readonly tasks: readonly number[];
}

const FAILURES = ['fail', 'ignore', 'leave', 'hold', 'tell'] as const satisfies readonly Task['onFailure'][];
const MARKER = 8;
const KINDS = ['operation', 'marker', 'workflow'] as const satisfies readonly Task['kind'][];

export function packed(graph: TaskGraph): PackedGraph {
  const instances = new Numbering<string>();
  const calls = new Numbering<OperationCall>(JSON.stringify);
  const told = new Numbering<readonly Effect[]>(JSON.stringify);
  told.place([]);
  const tasks: number[] = [];
  for (const { id, kind, instance, call, dependsOn, before, after, onFailure } of graph.tasks) {
    tasks.push(
      FAILURES.indexOf(onFailure) + MARKER * KINDS.indexOf(kind),
      instance === null ? 0 : instances.place(instance) + 1,
      call === null ? 0 : calls.place(call) + 1,
      before.length === 0 ? 0 : told.place(before),
      after.length === 0 ? 0 : told.place(after),
      dependsOn.length,
    );
    for (const dependency of dependsOn) tasks.push(id - dependency);
  }
  const { workflow, stages, asked, spread } = graph;
  return {
    form: 2,
    workflow,
    ...(stages === undefined ? {} : { stages }),
    ...(asked === undefined ? {} : { asked }),
    ...(spread === undefined ? {} : { spread }),
    instances: instances.all,
    calls: calls.all,
    told: told.all,
    tasks,
  };
}

/** Tasks share what they tell and call. @param stored a graph as it was stored, by this or an earlier version */
export function unpacked(stored: PackedGraph | TaskGraph): TaskGraph {
  if (!('form' in stored)) return stored;
  const { workflow, stages, asked, spread, instances, calls, told, tasks: numbers } = stored;
  const tasks: Task[] = [];
  for (let at = 0; at < numbers.length; ) {
    const id = tasks.length;
    const code = numbers[at]!;
    const owner = numbers[at + 1]!;
    const instance = owner === 0 ? null : instances[owner - 1]!;
    const call = numbers[at + 2]!;
    const before = told[numbers[at + 3]!]!;
    const after = told[numbers[at + 4]!]!;
    const count = numbers[at + 5]!;
    // No longer than it has to be: a list that grows keeps room for seventeen.
    const dependsOn = numbers.slice(at + 6, at + 6 + count);
    for (let next = 0; next < count; next += 1) dependsOn[next] = id - dependsOn[next]!;
    at += 6 + count;
    tasks.push({
      id,
      kind: KINDS[Math.floor(code / MARKER)]!,
      instance,
      call: call === 0 ? null : calls[call - 1]!,
      dependsOn,
      before,
      after,
      onFailure: FAILURES[code % MARKER]!,
    });
  }
  return {
    workflow,
    tasks,
    ...(stages === undefined ? {} : { stages }),
    ...(asked === undefined ? {} : { asked }),
    ...(spread === undefined ? {} : { spread }),
  };
}

/** Gives each thing its place: the same for the same one, and, with `keyOf`, for one that is equal to it. */
class Numbering<T> {
  readonly all: T[] = [];
  readonly #places = new Map<T, number>();
  readonly #equals = new Map<string, number>();
  readonly #keyOf: ((thing: T) => string) | null;

  constructor(keyOf: ((thing: T) => string) | null = null) {
    this.#keyOf = keyOf;
  }

  place(thing: T): number {
    let place = this.#places.get(thing);
    if (place === undefined) {
      place = this.#keyOf === null ? this.#add(thing) : this.#amongEquals(thing, this.#keyOf(thing));
      this.#places.set(thing, place);
    }
    return place;
  }

  #amongEquals(thing: T, key: string): number {
    const place = this.#equals.get(key) ?? this.#add(thing);
    this.#equals.set(key, place);
    return place;
  }

  #add(thing: T): number {
    return this.all.push(thing) - 1;
  }
}
