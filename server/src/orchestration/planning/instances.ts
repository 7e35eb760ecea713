/**
 * From what a blueprint declares to the instances of a new deployment.
 *
 * Containment multiplies: three instances of a host that each hold two of something make six of it. Scaling
 * groups multiply in the same way. Other relationships connect every source to every target instance, or all to
 * one; inside a scaling group only to those in the same instance of it. Cost: linear in what comes out.
 */
import type { PlanNode, PlanRelationship, PreparedPlan } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { InstanceModel, InstanceRelationship } from './model.js';
import { groupsAround, isContainedIn, type Unit, type Units, units } from './units.js';

/** More would be a slip in some number rather than a wish. */
export const MAX_INSTANCES = 100_000;
/** Instance relationships: all-to-all between big nodes multiplies. */
export const MAX_RELATIONSHIPS = 2_000_000;

export type InstantiablePlan = Pick<
  PreparedPlan,
  'nodes' | 'relationshipTypes' | 'nodeTypes' | 'scalingGroups' | 'groups'
>;

/** One instance of a node or a scaling group while the forest grows. */
export interface Sprout {
  readonly unit: Unit;
  readonly id: string;
  readonly parent: Sprout | null;
  /** The instances of scaling groups around it, innermost first; shared between siblings. */
  readonly groups: InstanceModel['scalingGroups'];
  readonly index: number;
  readonly host: string | null;
}

/** So many instances, or relationships of them, make a slice. */
const SLICE = { instances: 2000, relationships: 20_000 } as const;

/**
 * Ids are `<node>_<suffix>` and unique in the result; `newSuffix` gives a random one (six of `[a-z0-9]`).
 *
 * Throws DomainError `invalid` for numbers and connections that a plan must not have, `limit` for too many.
 */
export function instantiate(plan: InstantiablePlan, newSuffix: () => string): InstanceModel[] {
  return [...slices(plan, newSuffix)].flat();
}

/**
 * The same bit by bit, in the same order, so that whoever stores many can do other things between: each slice is some
 * milliseconds of work, and empty where the work was not yet for any instance.
 */
export function* slices(plan: InstantiablePlan, newSuffix: () => string): Generator<InstanceModel[]> {
  const forest = units(plan);
  refuseTooMany(plan, forest);
  const sprouts: Sprouts = new Map();
  for (const _ of grow(plan, forest, uniqueIds(newSuffix), sprouts)) yield [];
  const connections = new Connections(plan, forest, sprouts);
  const instances = function* () {
    for (const node of plan.nodes) {
      const all = connections.of(node);
      for (const sprout of sprouts.get(forest.nodes.get(node.name)!)!) {
        yield {
          id: sprout.id,
          node: node.name,
          index: sprout.index,
          host: sprout.host,
          state: 'uninitialized',
          relationships: all(sprout),
          scalingGroups: sprout.groups,
        } satisfies InstanceModel;
      }
    }
  };
  yield* sliced(instances());
}

/** Cuts instances into slices that are some milliseconds of work each. */
export function* sliced(instances: Iterable<InstanceModel>): Generator<InstanceModel[]> {
  let slice: InstanceModel[] = [];
  let relationships = 0;
  for (const instance of instances) {
    slice.push(instance);
    relationships += instance.relationships.length;
    if (slice.length < SLICE.instances && relationships < SLICE.relationships) continue;
    yield slice;
    slice = [];
    relationships = 0;
  }
  if (slice.length > 0) yield slice;
}

/** @throws DomainError `limit` */
export function refuseTooMany(plan: InstantiablePlan, forest: Units): void {
  const counts = new Map<Unit, number>();
  for (const unit of forest.ordered) {
    counts.set(unit, (unit.parent === null ? 1 : counts.get(unit.parent)!) * unit.multiplicity);
  }
  let total = 0;
  for (const [unit, count] of counts) if (unit.kind === 'node' || count > MAX_INSTANCES) total += count;
  if (total > MAX_INSTANCES) {
    throw new DomainError(
      'limit',
      'too-many-node-instances',
      `The deployment would have more than ${MAX_INSTANCES} node instances`,
    );
  }
  let edges = 0;
  for (const node of plan.nodes) {
    const source = forest.nodes.get(node.name)!;
    for (const relationship of node.relationships) {
      const target = forest.nodes.get(relationship.target);
      if (target === undefined || isContainedIn(plan, relationship.type)) continue;
      if (connectionType(node, relationship) === 'all_to_one') continue;
      const shared = sharedGroup(source, target);
      const parts = shared === null ? 1 : Math.max(1, counts.get(shared)!);
      edges += (counts.get(source)! * counts.get(target)!) / parts;
    }
  }
  if (edges > MAX_RELATIONSHIPS) {
    throw new DomainError(
      'limit',
      'too-many-instance-relationships',
      `The node instances of the deployment would have more than ${MAX_RELATIONSHIPS} relationships`,
    );
  }
}

export function uniqueIds(newSuffix: () => string, taken: Iterable<string> = []): (name: string) => string {
  const used = new Set<string>(taken);
  return (name) => {
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      const id = `${name}_${newSuffix()}`;
      if (used.has(id)) continue;
      used.add(id);
      return id;
    }
    throw new Error(`No unused id for an instance of "${name}" after 1000 attempts`);
  };
}

type Sprouts = Map<Unit, readonly Sprout[]>;

/** Fills `sprouts`; yields now and then. */
function* grow(
  plan: InstantiablePlan,
  forest: Units,
  newId: (name: string) => string,
  sprouts: Sprouts,
): Generator<void> {
  const hosts = new Map(plan.nodes.map(({ name, host }) => [name, host]));
  for (const unit of forest.ordered) {
    const grown: Sprout[] = [];
    for (const parent of unit.parent === null ? [null] : sprouts.get(unit.parent)!) {
      const around = parent === null ? [] : groupsFrom(parent);
      const container = containerFrom(parent);
      for (let count = 0; count < unit.multiplicity; count += 1) {
        const id = newId(unit.name);
        const host = unit.kind === 'group' ? null : hosts.get(unit.name);
        grown.push({
          unit,
          id,
          parent,
          groups: around,
          index: grown.length + 1,
          host: host === unit.name ? id : host ? (container?.host ?? null) : null,
        });
        if (grown.length % SLICE.instances === 0) yield;
      }
    }
    sprouts.set(unit, grown);
  }
}

/** The groups around whatever grows on `parent`. */
export function groupsFrom(parent: Sprout): InstanceModel['scalingGroups'] {
  return parent.unit.kind === 'group'
    ? [{ name: parent.unit.name, id: parent.id }, ...parent.groups]
    : parent.groups;
}

/** The node instance that holds whatever grows on `parent`. */
export function containerFrom(parent: Sprout | null): Sprout | null {
  let sprout = parent;
  while (sprout !== null && sprout.unit.kind === 'group') sprout = sprout.parent;
  return sprout;
}

export type Targets = readonly InstanceRelationship[];
const NONE: Targets = [];

/** The target that `all to one` has chosen before, by node and place of the relationship; null: none yet. */
export type ChosenTarget = (node: string, relationship: number) => string | null;

export class Connections {
  readonly #plan: InstantiablePlan;
  readonly #forest: Units;
  readonly #sprouts: ReadonlyMap<Unit, readonly Sprout[]>;
  readonly #chosen: ChosenTarget;

  constructor(
    plan: InstantiablePlan,
    forest: Units,
    sprouts: ReadonlyMap<Unit, readonly Sprout[]>,
    chosen: ChosenTarget = () => null,
  ) {
    this.#plan = plan;
    this.#forest = forest;
    this.#sprouts = sprouts;
    this.#chosen = chosen;
  }

  /** What an instance of `node` relates to. Lists are shared between instances that relate to the same. */
  of(node: PlanNode): (sprout: Sprout) => Targets {
    const parts = node.relationships.map((relationship, index) => this.#one(node, relationship, index));
    if (parts.length === 0) return () => NONE;
    if (parts.length === 1) return parts[0]!;
    return (sprout) => parts.flatMap((part) => part(sprout));
  }

  #one(node: PlanNode, relationship: PlanRelationship, index: number): (sprout: Sprout) => Targets {
    const target = this.#forest.nodes.get(relationship.target);
    if (target === undefined) return () => NONE;
    const to = (sprout: Sprout): InstanceRelationship => ({
      relationship: index,
      type: relationship.type,
      targetNode: relationship.target,
      targetInstance: sprout.id,
    });
    if (isContainedIn(this.#plan, relationship.type)) {
      return ({ parent }) => {
        const container = containerFrom(parent);
        return container === null ? NONE : [to(container)];
      };
    }

    const source = this.#forest.nodes.get(node.name)!;
    const shared = sharedGroup(source, target);
    const targets = this.#sprouts.get(target)!;
    if (connectionType(node, relationship) === 'all_to_one') {
      if (shared !== null) {
        throw new DomainError(
          'invalid',
          'all-to-one-in-group',
          `Node "${node.name}" connects all to one to "${relationship.target}", which does not work between members of one scaling group ("${shared.name}")`,
        );
      }
      const [first, ...others] = targets;
      if (first === undefined) return () => NONE;
      const chosen = this.#chosen(node.name, index);
      const kept = targets.find(({ id }) => id === chosen);
      const one = [to(kept ?? others.reduce((least, next) => (next.id < least.id ? next : least), first))];
      return () => one;
    }
    if (shared === null) {
      const all = targets.map(to);
      return () => all;
    }
    const byGroup = new Map<string, InstanceRelationship[]>();
    for (const sprout of targets) {
      const id = groupInstance(sprout, shared);
      const part = byGroup.get(id);
      if (part === undefined) byGroup.set(id, [to(sprout)]);
      else part.push(to(sprout));
    }
    return (sprout) => byGroup.get(groupInstance(sprout, shared)) ?? NONE;
  }
}

/** The innermost scaling group that both are in. */
function sharedGroup(source: Unit, target: Unit): Unit | null {
  if (source.group === null || target.group === null) return null;
  const around = new Set(groupsAround(target));
  return groupsAround(source).find((group) => around.has(group)) ?? null;
}

function groupInstance(sprout: Sprout, group: Unit): string {
  return sprout.groups.find(({ name }) => name === group.name)!.id;
}

function connectionType(node: PlanNode, relationship: PlanRelationship): 'all_to_all' | 'all_to_one' {
  const type = relationship.properties.connection_type ?? 'all_to_all';
  if (type === 'all_to_all' || type === 'all_to_one') return type;
  throw new DomainError(
    'invalid',
    'connection-type-invalid',
    `The connection type of node "${node.name}" to "${relationship.target}" must be all_to_all or all_to_one, and is ${JSON.stringify(type)}`,
  );
}
