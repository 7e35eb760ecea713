/**
 * Lays the chains of all instances into one graph, each after those it has to wait for.
 *
 * `targets-first`: an instance waits for every target of its relationships (install). `sources-first`: for
 * everything that relates to it (uninstall). An instance whose chain stays empty hands on what it waited for,
 * so indirect order holds through instances that take no part; a joining marker keeps the number of edges
 * linear there, where passing on whole lists would multiply sources by targets.
 */
import { Chain, type GraphBuilder } from './build.js';
import type { Task } from './graph.js';
import { LIFECYCLE } from './lifecycle.js';
import type { DeploymentModel, InstanceModel } from './model.js';
import type { Neighbours } from './neighbours.js';
import type { Operations } from './operations.js';

const ON_OPERATION = 'cloudify.relationships.depends_on_lifecycle_operation';

export interface Weaving {
  readonly model: DeploymentModel;
  readonly neighbours: Neighbours;
  readonly operations: Operations;
  readonly direction: 'targets-first' | 'sources-first';
  /** What everything here waits for. */
  readonly after: readonly number[];
  readonly onFailure?: (instance: InstanceModel) => Task['onFailure'];
  /** `depends_on_lifecycle_operation` waits for that operation alone. Absent: like any other relationship. */
  readonly byOperation?: boolean;
  /** Adds what is to be done with one instance; nothing for one that takes no part. */
  fill(chain: Chain, instance: InstanceModel): void;
}

export function weave(builder: GraphBuilder, weaving: Weaving): void {
  const { model, neighbours, direction } = weaving;
  const { instances } = model;
  const order =
    direction === 'targets-first' ? neighbours.targetsFirst : [...neighbours.targetsFirst].reverse();
  const ends: (readonly number[])[] = new Array(instances.length);
  const marks = watched(weaving);

  for (const place of order) {
    const instance = instances[place]!;
    const waits = new Wait();
    if (direction === 'targets-first') {
      for (const [relationship, target] of neighbours.targets[place]!.entries()) {
        if (target < 0) continue;
        const operation = awaitedOperation(weaving, instance, relationship);
        waits.add(operation === null ? ends[target]! : marks.get(target)?.get(operation));
      }
    } else {
      for (const { place: source, relationship } of neighbours.sources[place]!) {
        const operation = awaitedOperation(weaving, instances[source]!, relationship);
        waits.add(operation === null ? ends[source]! : marks.get(source)?.get(operation));
      }
    }
    const chain = new Chain(builder, instance.id, waits.list(weaving.after), {
      onFailure: weaving.onFailure?.(instance) ?? 'fail',
      marks: marks.get(place) ?? null,
    });
    weaving.fill(chain, instance);
    const followers = direction === 'targets-first' ? neighbours.sources[place]! : neighbours.targets[place]!;
    ends[place] = chain.end(followers.length > 0);
  }
}

/** Ids to wait for, each once. Almost always one or none: a set is only made for more. */
class Wait {
  #one: readonly number[] = [];
  #many: Set<number> | null = null;

  add(ids: readonly number[] | undefined): void {
    if (ids === undefined || ids.length === 0 || ids === this.#one) return;
    if (this.#many === null && this.#one.length === 0) {
      this.#one = ids;
      return;
    }
    this.#many ??= new Set(this.#one);
    for (const id of ids) this.#many.add(id);
  }

  list(otherwise: readonly number[]): readonly number[] {
    if (this.#many !== null) return [...this.#many].sort((a, b) => a - b);
    return this.#one.length > 0 ? this.#one : otherwise;
  }
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
