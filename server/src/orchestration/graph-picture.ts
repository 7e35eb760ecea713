/**
 * The task graph of an execution as of one moment, as text that is made while it is sent. What has to be of one moment is gathered
 * first, in some thirty bytes for each task: of three hundred thousand tasks the text is sixty megabytes, and is never there whole.
 */
import type { Client } from '../store/pool.js';
import {
  type PicturedExecution,
  type PicturedOperation,
  pictureInstanceNodes,
  pictureOperations,
} from './pictures.store.js';
import type { TaskState } from './planning/graph.js';
import type { PackedTasks } from './planning/packed-tasks.js';

/** As it is told of each task. */
interface PicturedTask {
  readonly id: number;
  /** The operation; null for a task that only orders and tells others. */
  readonly operation: string | null;
  /** Of an operation of a relationship: which end runs it, and to which instance it leads. */
  readonly side?: 'source' | 'target';
  readonly instance: string | null;
  readonly dependsOn: readonly number[];
  readonly state: TaskState;
  readonly tries: number;
  readonly start: string | null;
  readonly end: string | null;
  readonly error?: string;
  readonly reason?: string;
}

/** Rows that are read in one go. */
const SLICE = 5000;
/** Tasks, or instances, that are written in one go. */
const WRITTEN = 500;

type Told = Omit<PicturedExecution, 'uid' | 'deploymentUid' | 'graphBytes' | 'version'>;

/** JSON of an execution that has no graph yet. */
export function unplannedText(execution: Told): string {
  return `${head(execution)},"tasks":[],"subgraphs":[],"stages":[]}`;
}

/** @param client where everything that is read is of one moment; not needed any more once the text is being made */
export async function graphText(
  client: Client,
  { uid, deploymentUid, told }: Pick<PicturedExecution, 'uid' | 'deploymentUid'> & { readonly told: Told },
  tasks: PackedTasks,
): Promise<Iterable<string>> {
  const standing = new Standing(tasks.length);
  for (let after = -1; ; ) {
    const rows = await pictureOperations.all(client, [uid, after, SLICE]);
    for (const row of rows) standing.note(row);
    if (rows.length < SLICE) break;
    after = rows.at(-1)!.task;
  }
  const nodes = new Map<string, string>();
  const names = new Map<string, string>();
  for (let [node, index] = ['', 0]; deploymentUid !== null; ) {
    const rows = await pictureInstanceNodes.all(client, [deploymentUid, node, index, SLICE]);
    for (const { id, node: name } of rows) nodes.set(id, once(names, name));
    if (rows.length < SLICE) break;
    ({ node, index } = rows.at(-1)!);
  }
  return written(told, tasks, standing, nodes);
}

function* written(
  told: Told,
  tasks: PackedTasks,
  standing: Standing,
  nodes: ReadonlyMap<string, string>,
): Generator<string> {
  yield `${head(told)},"tasks":[`;
  yield* inSlices(tasks.length, (id) => JSON.stringify(pictured(tasks, standing, id)));
  yield '],"subgraphs":[';
  const ofInstance = tasksByInstance(tasks);
  yield* inSlices(tasks.instances.length, (place) => {
    const instance = tasks.instances[place]!;
    const node = nodes.get(instance) ?? null;
    return `{"instance":${JSON.stringify(instance)},"node":${JSON.stringify(node)},"tasks":[${ofInstance(place)}]}`;
  });
  yield `],"stages":${JSON.stringify(tasks.stages.map(({ name, from }) => ({ name, from })))}}`;
}

function head(told: Told): string {
  return JSON.stringify(told).slice(0, -1);
}

function* inSlices(length: number, item: (at: number) => string): Generator<string> {
  for (let from = 0; from < length; from += WRITTEN) {
    const items = Array.from({ length: Math.min(WRITTEN, length - from) }, (_, at) => item(from + at));
    yield (from === 0 ? '' : ',') + items.join(',');
  }
}

function pictured(tasks: PackedTasks, standing: Standing, id: number): PicturedTask {
  const { call, instance, dependsOn } = tasks.task(id);
  return {
    id,
    operation: call?.operation ?? null,
    ...(call === null || call.side === 'node' ? {} : { side: call.side }),
    ...{ instance, dependsOn },
    ...standing.of(id),
  };
}

/** What is done for each instance: numbers of tasks, by the instance's place. */
function tasksByInstance(tasks: PackedTasks): (place: number) => Int32Array {
  const ends = new Int32Array(tasks.instances.length);
  for (let id = 0; id < tasks.length; id += 1) {
    const place = tasks.placeOf(id);
    if (place !== -1) ends[place]! += 1;
  }
  for (let place = 1; place < ends.length; place += 1) ends[place]! += ends[place - 1]!;
  const sorted = new Int32Array(ends.at(-1) ?? 0);
  const starts = ends.slice();
  for (let id = tasks.length - 1; id >= 0; id -= 1) {
    const place = tasks.placeOf(id);
    if (place === -1) continue;
    starts[place]! -= 1;
    sorted[starts[place]!] = id;
  }
  return (place) => sorted.subarray(starts[place], ends[place]);
}

/** Where tasks stand. Of one that was never touched there is no row. */
class Standing {
  readonly #names: TaskState[] = ['pending'];
  readonly #states: Uint8Array;
  readonly #tries: Int32Array;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #words = new Map<number, Pick<PicturedTask, 'error' | 'reason'>>();
  /** Thousands that fail mostly fail alike. */
  readonly #texts = new Map<string, string>();

  constructor(length: number) {
    this.#states = new Uint8Array(length);
    this.#tries = new Int32Array(length);
    this.#starts = new Float64Array(length);
    this.#ends = new Float64Array(length);
  }

  note({ task, state, attempt, start, end, error, reason }: PicturedOperation): void {
    const known = this.#names.indexOf(state);
    this.#states[task] = known === -1 ? this.#names.push(state) - 1 : known;
    this.#tries[task] = attempt;
    this.#starts[task] = start;
    this.#ends[task] = end ?? Number.NaN;
    if (error === null && reason === null) return;
    this.#words.set(task, {
      ...(error === null ? {} : { error: once(this.#texts, error) }),
      ...(reason === null ? {} : { reason: once(this.#texts, reason) }),
    });
  }

  of(task: number): Omit<PicturedTask, 'id' | 'operation' | 'side' | 'instance' | 'dependsOn'> {
    const state = this.#names[this.#states[task]!]!;
    if (state === 'pending') return { state, tries: 0, start: null, end: null };
    const end = this.#ends[task]!;
    return {
      state,
      tries: this.#tries[task]!,
      start: new Date(this.#starts[task]!).toISOString(),
      end: Number.isNaN(end) ? null : new Date(end).toISOString(),
      ...this.#words.get(task),
    };
  }
}

/** The same text in memory once. */
function once(texts: Map<string, string>, text: string): string {
  const known = texts.get(text);
  if (known === undefined) texts.set(text, text);
  return known ?? text;
}
