/**
 * Lays the chains of all instances into one graph, each after those it has to wait for.
 *
 * `targets-first`: an instance waits for every target of its relationships (install). `sources-first`: for
 * everything that relates to it (uninstall). The number of edges stays linear where lists would multiply:
 *
 *     an instance that takes no part hands on what      many instances that wait for the same many
 *     it waited for, through one joining marker         wait for one joining marker instead
 *
 *        a1   a2   a3                                        a1   a2   …  a9
 *          \  |  /                                             \   |     /
 *          marker (of b)                                         marker
 *          /  |  \                                             /   |     \
 *        c1   c2   c3                                        c1   c2   …  c9
 */
import { Chain, type GraphBuilder } from './build.js';
import type { Task } from './graph.js';
import { LIFECYCLE } from './lifecycle.js';
import type { DeploymentModel, InstanceModel } from './model.js';
import type { Neighbours } from './neighbours.js';
import type { Operations } from './operations.js';

const ON_OPERATION = 'cloudify.relationships.depends_on_lifecycle_operation';

/** From so many neighbours of one node on, waiting goes through a marker. It is at most an eighth more tasks than edges saved. */
const JOIN_FROM = 8;

export interface Weaving {
  readonly model: DeploymentModel;
  readonly neighbours: Neighbours;
  readonly operations: Operations;
  readonly direction: 'targets-first' | 'sources-first';
  /** What everything here waits for. */
  readonly after: readonly number[];
  /** Of the operations of one instance. Absent: `fail`. */
  readonly onFailure?: (instance: InstanceModel) => Task['onFailure'];
  /** `depends_on_lifecycle_operation` waits for that operation alone. Absent: like any other relationship. */
  readonly byOperation?: boolean;
  /** Adds what is to be done with one instance; nothing for one that takes no part. */
  fill(chain: Chain, instance: InstanceModel): void;
}

/** Adds everything to `builder`. */
export function weave(builder: GraphBuilder, weaving: Weaving): void {
  const { model, neighbours, direction } = weaving;
  const { instances } = model;
  const { targets, sources, targetsFirst } = neighbours;
  const up = direction === 'targets-first';
  const marks = watched(weaving);
  const waiting = new Waiting(builder, instances, marks);

  for (const place of up ? targetsFirst : [...targetsFirst].reverse()) {
    const instance = instances[place]!;
    const hasTargets = targets[place]!.length > 0;
    const hasSources = sources.first[place + 1]! > sources.first[place]!;
    waiting.begin(instance.node);
    if (up && hasTargets) {
      for (const [relationship, target] of targets[place]!.entries()) {
        if (target >= 0) waiting.add(target, awaitedOperation(weaving, instance, relationship));
      }
    } else if (!up && hasSources) {
      for (let at = sources.first[place]!; at < sources.first[place + 1]!; at += 1) {
        const source = sources.place[at]!;
        waiting.add(source, awaitedOperation(weaving, instances[source]!, sources.relationship[at]!));
      }
    }
    const chain = new Chain(
      builder,
      instance.id,
      waiting.end(weaving.after),
      weaving.onFailure?.(instance) ?? 'fail',
      marks.get(place) ?? null,
    );
    weaving.fill(chain, instance);
    waiting.ends[place] = chain.end(up ? hasSources : hasTargets);
  }
}

/** Collects what one instance after the other has to wait for. */
class Waiting {
  /** What to wait for when waiting for the whole chain of an instance, by place. */
  readonly ends: (readonly number[])[];
  readonly #builder: GraphBuilder;
  readonly #instances: readonly InstanceModel[];
  readonly #marks: ReadonlyMap<number, ReadonlyMap<string, readonly number[]>>;
  /** The last joining marker by who waits for whom, and for which places it stands. */
  readonly #joined = new Map<
    string,
    { readonly places: readonly number[]; readonly tasks: readonly number[] }
  >();
  #node = '';
  #tasks: readonly number[] = [];
  #more: Set<number> | null = null;
  /** Neighbours of one node that came one after the other. */
  #run: number[] = [];

  constructor(
    builder: GraphBuilder,
    instances: readonly InstanceModel[],
    marks: ReadonlyMap<number, ReadonlyMap<string, readonly number[]>>,
  ) {
    this.#builder = builder;
    this.#instances = instances;
    this.#marks = marks;
    this.ends = new Array(instances.length);
  }

  begin(node: string): void {
    this.#node = node;
    this.#tasks = [];
    this.#more = null;
  }

  /** `operation`: not for the whole chain, only for that. */
  add(place: number, operation: string | null): void {
    if (operation !== null) {
      this.#need(this.#marks.get(place)?.get(operation) ?? []);
      return;
    }
    const last = this.#run[this.#run.length - 1];
    if (last === place) return;
    if (last !== undefined && this.#instances[last]!.node !== this.#instances[place]!.node) this.#endRun();
    this.#run.push(place);
  }

  /** Ascending, each once; `otherwise` when there is nothing. */
  end(otherwise: readonly number[]): readonly number[] {
    if (this.#run.length > 0) this.#endRun();
    if (this.#more !== null) return [...this.#more].sort((a, b) => a - b);
    return this.#tasks.length > 0 ? this.#tasks : otherwise;
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = [];
    if (run.length < JOIN_FROM) {
      for (const place of run) this.#need(this.ends[place]!);
      return;
    }
    const key = `${this.#node} ${this.#instances[run[0]!]!.node}`;
    let joined = this.#joined.get(key);
    if (joined === undefined || !sameNumbers(joined.places, run)) {
      const tasks = [...new Set(run.flatMap((place) => this.ends[place]!))].sort((a, b) => a - b);
      joined = {
        places: run,
        tasks: tasks.length < JOIN_FROM ? tasks : [this.#builder.marker(null, tasks)],
      };
      this.#joined.set(key, joined);
    }
    this.#need(joined.tasks);
  }

  /** Almost always for one task or none: a set is only made for more. */
  #need(tasks: readonly number[]): void {
    if (tasks.length === 0 || tasks === this.#tasks) return;
    if (this.#tasks.length === 0) {
      this.#tasks = tasks;
      return;
    }
    this.#more ??= new Set(this.#tasks);
    for (const task of tasks) this.#more.add(task);
  }
}

function sameNumbers(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}

/** The operation (full name) that this relationship waits for, where it is not the whole chain. */
function awaitedOperation(weaving: Weaving, source: InstanceModel, place: number): string | null {
  if (weaving.byOperation !== true) return null;
  const relationship = source.relationships[place]!;
  if (!weaving.operations.relationshipHierarchy(relationship.type).includes(ON_OPERATION)) return null;
  const name =
    weaving.operations.node(source)?.relationships[relationship.relationship]?.properties.operation;
  return typeof name === 'string' ? `${LIFECYCLE}.${name}` : null;
}

/** A place to remember how far a chain has come, for every instance of which somebody will ask. */
function watched(weaving: Weaving): Map<number, Map<string, readonly number[]>> {
  const marks = new Map<number, Map<string, readonly number[]>>();
  if (weaving.byOperation !== true) return marks;
  for (const [place, instance] of weaving.model.instances.entries()) {
    for (const relationship of instance.relationships.keys()) {
      if (awaitedOperation(weaving, instance, relationship) === null) continue;
      const asked =
        weaving.direction === 'targets-first' ? weaving.neighbours.targets[place]![relationship]! : place;
      if (asked >= 0) marks.set(asked, new Map());
    }
  }
  return marks;
}
