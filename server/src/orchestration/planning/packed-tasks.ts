/**
 * A stored graph, read task by task: as few numbers as it was stored in, and objects only of the tasks that are asked for. A page of a
 * graph of three hundred thousand tasks makes a page of objects, and the graph itself is some ten megabytes outside of the heap.
 */
import type { Stage, Task, TaskGraph } from './graph.js';
import { type PackedGraph, packed } from './packed.js';

/** What a task is, without what it tells. */
export type PlannedTask = Pick<Task, 'id' | 'instance' | 'call' | 'dependsOn'>;

export class PackedTasks {
  /** How many tasks. */
  readonly length: number;
  /** Parts that were planned one after the other; of a workflow without such, the whole, by its name. */
  readonly stages: readonly Pick<Stage, 'name' | 'from'>[];
  /** Bytes that it takes, nearly. */
  readonly bytes: number;
  readonly #graph: Pick<PackedGraph, 'instances' | 'calls'>;
  readonly #numbers: Int32Array;
  /** Where each task begins among the numbers, and where the last one ends. */
  readonly #starts: Int32Array;

  /** @param stored a graph as it was stored, by this or an earlier version */
  constructor(stored: PackedGraph | TaskGraph) {
    const graph = 'form' in stored ? stored : packed(stored);
    this.#numbers = Int32Array.from(graph.tasks);
    this.#graph = { instances: graph.instances, calls: graph.calls };
    this.stages = graph.stages ?? [{ name: graph.workflow, from: 0 }];
    let length = 0;
    for (let at = 0; at < this.#numbers.length; at += HEAD + this.#numbers[at + DEPENDENCIES]!) length += 1;
    this.length = length;
    this.#starts = new Int32Array(length + 1);
    for (let id = 0, at = 0; id < length; id += 1) {
      this.#starts[id] = at;
      at += HEAD + this.#numbers[at + DEPENDENCIES]!;
    }
    this.#starts[length] = this.#numbers.length;
    const texts = graph.instances.reduce((sum, { length }) => sum + length + TEXT, 0);
    this.bytes = this.#numbers.byteLength + this.#starts.byteLength + texts;
  }

  /** Of the instances that tasks belong to, each once, in the order of their first tasks. */
  get instances(): readonly string[] {
    return this.#graph.instances;
  }

  /** Place of its instance in `instances`; -1: of the whole workflow. */
  placeOf(id: number): number {
    return this.#numbers[this.#starts[id]! + OWNER]! - 1;
  }

  /** It runs something, as opposed to ordering and telling others. */
  runs(id: number): boolean {
    return this.#numbers[this.#starts[id]! + CALL]! !== 0;
  }

  task(id: number): PlannedTask {
    const { instances, calls } = this.#graph;
    const start = this.#starts[id]!;
    const [place, call] = [this.placeOf(id), this.#numbers[start + CALL]!];
    const back = this.#numbers.subarray(start + HEAD, this.#starts[id + 1]);
    return {
      id,
      instance: place === -1 ? null : instances[place]!,
      call: call === 0 ? null : calls[call - 1]!,
      dependsOn: Array.from(back, (steps) => id - steps),
    };
  }
}

/** `PackedGraph.tasks`: what stands before the dependencies of a task, and where in it. */
const HEAD = 6;
const OWNER = 1;
const CALL = 2;
const DEPENDENCIES = 5;
/** Of a string and its place in a list. */
const TEXT = 32;
