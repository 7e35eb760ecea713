/**
 * A task graph as it is stored: what thousands of tasks share, once, and each task as a few numbers. Of 100,000 instances it is
 * some ten million characters instead of two hundred. Graphs that were stored as they are read too.
 */
import type { Asked, Effect, OperationCall, Stage, Task, TaskGraph } from './graph.js';

/** An effect; without an instance it is about the task's own. */
type Said = { readonly [name: string]: unknown };

export interface PackedGraph {
  readonly form: 2;
  readonly workflow: string;
  readonly stages?: readonly Stage[];
  readonly asked?: Asked;
  readonly spread?: true;
  readonly instances: readonly string[];
  readonly calls: readonly OperationCall[];
  /** What is told at a start or a success, each list of effects once; the first is empty. */
  readonly told: readonly (readonly Said[])[];
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
  const calls = new Numbering<OperationCall>();
  const told = new Numbering<readonly Said[]>();
  told.place('', []);
  const tasks: number[] = [];
  for (const task of graph.tasks) {
    const { id, instance, call, dependsOn } = task;
    tasks.push(
      FAILURES.indexOf(task.onFailure) + MARKER * KINDS.indexOf(task.kind),
      instance === null ? 0 : instances.place(instance, instance) + 1,
      call === null ? 0 : calls.place(JSON.stringify(call), call) + 1,
      toldPlace(told, task, task.before),
      toldPlace(told, task, task.after),
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

/** @param stored a graph as it was stored, by this or an earlier version */
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
    const dependsOn: number[] = [];
    for (let next = 0; next < count; next += 1) dependsOn.push(id - numbers[at + 6 + next]!);
    at += 6 + count;
    tasks.push({
      id,
      kind: KINDS[Math.floor(code / MARKER)]!,
      instance,
      call: call === 0 ? null : calls[call - 1]!,
      dependsOn,
      before: effectsOf(before, instance),
      after: effectsOf(after, instance),
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

const NONE: readonly Effect[] = [];

function effectsOf(told: readonly Said[], instance: string | null): readonly Effect[] {
  return told.length === 0 ? NONE : told.map((said) => ({ instance, ...said }) as unknown as Effect);
}

function toldPlace(told: Numbering<readonly Said[]>, { instance }: Task, effects: readonly Effect[]): number {
  if (effects.length === 0) return 0;
  let key = '';
  for (const effect of effects) {
    key += effect.kind;
    if (effect.kind === 'event') key += effect.message;
    else if (effect.kind === 'state') key += effect.state;
    else key += effect.name + JSON.stringify(effect.value);
    key += effect.instance === instance ? '\n' : `\n\n${effect.instance}\n`;
  }
  return (
    told.placeOf(key) ??
    told.place(
      key,
      effects.map((effect) => said(effect, instance)),
    )
  );
}

function said(effect: Effect, owner: string | null): Said {
  const { instance, ...rest } = effect;
  return instance === owner ? rest : { instance, ...rest };
}

/** Gives each thing its place, the same for the same key. */
class Numbering<T> {
  readonly all: T[] = [];
  readonly #places = new Map<string, number>();

  placeOf(key: string): number | undefined {
    return this.#places.get(key);
  }

  place(key: string, thing: T): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.all.push(thing) - 1;
    this.#places.set(key, place);
    return place;
  }
}
