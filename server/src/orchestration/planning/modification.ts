/**
 * From the instances a deployment has to those it should have: what is to be added, what is to go, and whose
 * relationships change. Scaling and updating are both this.
 *
 * The forest of `units.ts` is grown again, but wherever an instance stands already, it stays. What has no place any more
 * (its node is gone, its container is, or there are too many on one container) goes. The newest go first, so scaling out
 * and in again is the identity. Cost: linear in instances and relationships.
 */
import type { PlanNode } from '../../dsl/plan.js';
import {
  Connections,
  containerFrom,
  groupsFrom,
  type InstantiablePlan,
  refuseTooMany,
  type Sprout,
  uniqueIds,
} from './instances.js';
import type { InstanceModel, InstanceRelationship } from './model.js';
import { isContainedIn, type Unit, type Units, units } from './units.js';

/** How many instances of a node or a scaling group there are, per instance of what contains it; by `unitKey`. */
export type Multiplicities = ReadonlyMap<string, number>;

export function unitKey(kind: 'node' | 'group', name: string): string {
  return `${kind}:${name}`;
}

/** Which instances are to go first, and which last, when some have to go. */
export interface Hints {
  readonly include: ReadonlySet<string>;
  readonly exclude: ReadonlySet<string>;
}

export const NO_HINTS: Hints = { include: new Set(), exclude: new Set() };

export interface Rewired {
  readonly id: string;
  /** Old and new ones, while both ends are there. */
  readonly during: readonly InstanceRelationship[];
  readonly after: readonly InstanceRelationship[];
  readonly scalingGroups: InstanceModel['scalingGroups'];
}

export interface Modification {
  readonly added: readonly InstanceModel[];
  /** Ids. */
  readonly removed: readonly string[];
  /** Instances that stay, and relate to others than before, or stand in other groups. */
  readonly rewired: readonly Rewired[];
}

/** The plan with other numbers of instances. Nodes and groups that `counts` does not name keep theirs. */
export function withCounts<Plan extends InstantiablePlan>(plan: Plan, counts: Multiplicities): Plan {
  const of = (kind: 'node' | 'group', name: string) => counts.get(unitKey(kind, name));
  return {
    ...plan,
    nodes: plan.nodes.map((node) => {
      const count = of('node', node.name);
      return count === undefined ? node : { ...node, scaling: { ...node.scaling, default: count } };
    }),
    scalingGroups: Object.fromEntries(
      Object.entries(plan.scalingGroups).map(([name, group]) => {
        const count = of('group', name);
        return [
          name,
          count === undefined ? group : { ...group, scaling: { ...group.scaling, default: count } },
        ];
      }),
    ),
  };
}

/**
 * @param plan as it should be, numbers of instances included (`withCounts`)
 * @param existing their relationships by place in the plan's nodes
 * @throws DomainError as `instantiate` does
 */
export function modify(
  plan: InstantiablePlan,
  existing: readonly InstanceModel[],
  hints: Hints,
  newSuffix: () => string,
): Modification {
  const forest = units(plan);
  refuseTooMany(plan, forest);
  const standing = new Standing(plan, forest, existing);
  const newId = uniqueIds(newSuffix, standing.ids);
  const hosts = new Map(plan.nodes.map(({ name, host }) => [name, host]));
  const sprouts = new Map<Unit, readonly Sprout[]>();
  for (const unit of forest.ordered) {
    const parents = unit.parent === null ? [null] : sprouts.get(unit.parent)!;
    const host = (unit.kind === 'node' && hosts.get(unit.name)) || null;
    sprouts.set(unit, regrow(unit, parents, host, { standing, hints, newId }));
  }
  return difference(plan, forest, sprouts, existing);
}

function regrow(
  unit: Unit,
  parents: readonly (Sprout | null)[],
  host: string | null,
  parts: { standing: Standing; hints: Hints; newId: (name: string) => string },
): Sprout[] {
  const { standing, hints, newId } = parts;
  let next = standing.lastIndex(unit) + 1;
  const grown: Sprout[] = [];
  for (const parent of parents) {
    const here = standing.on(unit, parent?.id ?? null);
    const places = here.length <= unit.multiplicity ? here : staying(here, unit.multiplicity, hints);
    const fresh = Math.max(0, unit.multiplicity - places.length);
    const all = [
      ...places,
      ...Array.from({ length: fresh }, () => {
        next += 1;
        return { id: newId(unit.name), index: next - 1 };
      }),
    ];
    for (const { id, index } of all) {
      grown.push({
        unit,
        id,
        index,
        parent,
        groups: parent === null ? [] : groupsFrom(parent),
        host: host === unit.name ? id : host === null ? null : (containerFrom(parent)?.host ?? null),
      });
    }
  }
  return grown.sort((one, other) => one.index - other.index);
}

interface Place {
  readonly id: string;
  readonly index: number;
}

/** The named ones go first, then the newest, and the spared ones only when nobody else is left. */
function staying(places: readonly Place[], count: number, { include, exclude }: Hints): Place[] {
  const rank = ({ id }: Place) => (include.has(id) ? 2 : exclude.has(id) ? 0 : 1);
  const firstToStay = [...places].sort((one, other) => rank(one) - rank(other) || one.index - other.index);
  return firstToStay.slice(0, count).sort((one, other) => one.index - other.index);
}

/** Which instances of a unit stand on which instance of its parent now. */
class Standing {
  readonly ids = new Set<string>();
  readonly #byId: ReadonlyMap<string, InstanceModel>;
  readonly #places = new Map<Unit, Map<string | null, Place[]>>();
  readonly #last = new Map<Unit, number>();
  readonly #plan: InstantiablePlan;

  constructor(plan: InstantiablePlan, forest: Units, existing: readonly InstanceModel[]) {
    this.#plan = plan;
    this.#byId = new Map(existing.map((instance) => [instance.id, instance]));
    const groups = new Map(
      forest.ordered.filter(({ kind }) => kind === 'group').map((unit) => [unit.name, unit]),
    );
    for (const instance of existing) {
      this.ids.add(instance.id);
      const unit = forest.nodes.get(instance.node);
      if (unit !== undefined) this.#put(unit, this.#parentOf(unit, instance), instance);
      for (const { name, id } of instance.scalingGroups) {
        const group = groups.get(name);
        if (group === undefined || this.ids.has(id)) continue;
        this.ids.add(id);
        const index = this.lastIndex(group) + 1;
        this.#put(group, this.#parentOf(group, this.#outermostIn(instance, id)), { id, index });
      }
    }
  }

  /** On the instance `parent` of the unit's parent; null for a unit without one. In the order of their making. */
  on(unit: Unit, parent: string | null): readonly Place[] {
    return this.#places.get(unit)?.get(parent) ?? [];
  }

  lastIndex(unit: Unit): number {
    return this.#last.get(unit) ?? 0;
  }

  #put(unit: Unit, parent: string | null | undefined, { id, index }: Place): void {
    this.#last.set(unit, Math.max(this.lastIndex(unit), index));
    if (parent === undefined) return;
    const ofUnit = this.#places.get(unit) ?? new Map<string | null, Place[]>();
    this.#places.set(unit, ofUnit);
    const here = ofUnit.get(parent);
    if (here === undefined) ofUnit.set(parent, [{ id, index }]);
    else here.push({ id, index });
  }

  /** The instance of `unit.parent` that `instance` stands on; undefined: none, so it has no place any more. */
  #parentOf(unit: Unit, instance: InstanceModel): string | null | undefined {
    const { parent } = unit;
    if (parent === null) return unit.kind === 'node' && this.#containerOf(instance) ? undefined : null;
    if (parent.kind === 'group') return instance.scalingGroups.find(({ name }) => name === parent.name)?.id;
    const container = this.#containerOf(instance);
    return container?.targetNode === parent.name ? container.targetInstance : undefined;
  }

  #containerOf(instance: InstanceModel): InstanceRelationship | undefined {
    return instance.relationships.find(({ type }) => isContainedIn(this.#plan, type));
  }

  /** The outermost instance around `instance` that is in the same instance of a group. */
  #outermostIn(instance: InstanceModel, group: string): InstanceModel {
    let outermost = instance;
    for (;;) {
      const container = this.#byId.get(this.#containerOf(outermost)?.targetInstance ?? '');
      if (container === undefined || !container.scalingGroups.some(({ id }) => id === group))
        return outermost;
      outermost = container;
    }
  }
}

function difference(
  plan: InstantiablePlan,
  forest: Units,
  sprouts: ReadonlyMap<Unit, readonly Sprout[]>,
  existing: readonly InstanceModel[],
): Modification {
  const before = new Map(existing.map((instance) => [instance.id, instance]));
  const connections = new Connections(plan, forest, sprouts, chosenBy(existing));
  const added: InstanceModel[] = [];
  const rewired: Rewired[] = [];
  const kept = new Set<string>();
  for (const node of plan.nodes) {
    const all = connections.of(node);
    for (const sprout of sprouts.get(forest.nodes.get(node.name)!)!) {
      const old = before.get(sprout.id);
      if (old === undefined) added.push(instanceOf(node, sprout, all(sprout)));
      else {
        kept.add(sprout.id);
        const change = rewiring(old, sprout, all(sprout));
        if (change !== null) rewired.push(change);
      }
    }
  }
  return {
    added,
    removed: existing.filter(({ id }) => !kept.has(id)).map(({ id }) => id),
    rewired,
  };
}

function instanceOf(
  node: PlanNode,
  sprout: Sprout,
  relationships: readonly InstanceRelationship[],
): InstanceModel {
  const { id, index, host, groups: scalingGroups } = sprout;
  return { id, node: node.name, index, host, state: 'uninitialized', relationships, scalingGroups };
}

function rewiring(
  old: InstanceModel,
  { groups }: Sprout,
  after: readonly InstanceRelationship[],
): Rewired | null {
  const had = new Set(old.relationships.map(keyOf));
  const has = new Set(after.map(keyOf));
  const isSame = had.size === has.size && [...had].every((key) => has.has(key));
  if (isSame && JSON.stringify(old.scalingGroups) === JSON.stringify(groups)) return null;
  const during = [...old.relationships, ...after.filter((one) => !had.has(keyOf(one)))];
  return {
    id: old.id,
    during: during.sort((one, other) => one.relationship - other.relationship),
    after,
    scalingGroups: groups,
  };
}

/** The same end of the same relationship. */
export function keyOf({ relationship, targetInstance }: InstanceRelationship): string {
  return `${relationship} ${targetInstance}`;
}

function chosenBy(existing: readonly InstanceModel[]) {
  const chosen = new Map<string, string>();
  for (const { node, relationships } of existing) {
    for (const { relationship, targetInstance } of relationships) {
      const key = `${relationship} ${node}`;
      if (!chosen.has(key)) chosen.set(key, targetInstance);
    }
  }
  return (node: string, relationship: number) => chosen.get(`${relationship} ${node}`) ?? null;
}
