/**
 * What an update changes: the stored deployment beside the plan it is to follow.
 *
 * A node keeps its instances when its type and what it is contained in stay the same; otherwise the old node goes and
 * another comes under its name. Instances keep the relationships that are in both plans, whatever their places there.
 */
import type {
  JsonObject,
  Plan,
  PlanNode,
  PlanOperation,
  PlanRelationship,
  PreparedPlan,
  SharedTypes,
} from '../../dsl/plan.js';
import { nodeOperation, relationshipOperation } from '../../dsl/plan.js';
import type { DeploymentModel, InstanceModel } from './model.js';
import {
  keyOf,
  type Modification,
  type Multiplicities,
  modify,
  NO_HINTS,
  unitKey,
  withCounts,
} from './modification.js';
import { isContainedIn } from './units.js';

/** What the update of an execution wants. */
export interface PlannedUpdate {
  readonly id: string;
  readonly plan: PreparedPlan;
  readonly wishes: UpdateWishes;
}

export interface UpdateWishes {
  readonly skipInstall: boolean;
  readonly skipUninstall: boolean;
  readonly skipReinstall: boolean;
  readonly skipDriftCheck: boolean;
  readonly skipHeal: boolean;
  readonly forceReinstall: boolean;
  readonly ignoreFailure: boolean;
  /** Ids of instances that are reinstalled whatever else holds. */
  readonly reinstallList: readonly string[];
  /** Run in place of everything that would be run for the update otherwise. */
  readonly workflow: string | null;
}

type Types = Pick<Plan, 'nodeTypes' | 'relationshipTypes'>;

export interface UpdateOutcome {
  readonly counts: Multiplicities;
  readonly modification: Modification;
  /** Relationships between instances that stay which are to be taken back: by instance, places now. */
  readonly unlinked: ReadonlyMap<string, ReadonlySet<number>>;
  /** Relationships between instances that stay which are new: by instance, places afterwards. */
  readonly linked: ReadonlyMap<string, ReadonlySet<number>>;
  /** Nodes that stay and whose properties, operations or relationships differ. */
  readonly changedNodes: ReadonlySet<string>;
  readonly after: DeploymentModel;
}

/** @param counts how many there are now; a node or group whose default changes gets the new one */
export function planUpdate(
  model: DeploymentModel,
  plan: PreparedPlan,
  counts: Multiplicities,
  newSuffix: () => string,
): UpdateOutcome {
  const before = {
    types: model.types,
    instances: new Map(model.instances.map((instance) => [instance.id, instance])),
  };
  const staying = new Map<string, PlanNode>();
  for (const node of plan.nodes) {
    const old = model.nodes.get(node.name);
    if (old !== undefined && isSameThing(before.types, old, plan, node)) staying.set(node.name, node);
  }
  const existing = model.instances.filter(({ node }) => staying.has(node));
  const moved = new Map(
    existing.map((one) => [one.id, relocated(one, model.nodes.get(one.node)!, staying.get(one.node)!)]),
  );
  const wanted = countsAfter(model, plan, counts, staying);
  const standing = [...moved.values()].map(({ instance }) => instance);
  const outcome = modify(withCounts(plan, wanted), standing, NO_HINTS, newSuffix);
  const removed = new Set(outcome.removed);
  for (const { id, node } of model.instances) if (!staying.has(node)) removed.add(id);

  const rewired = new Map(outcome.rewired.map((one) => [one.id, one]));
  const kept = standing.filter(({ id }) => !removed.has(id));
  const after = kept.map((one): InstanceModel => {
    const change = rewired.get(one.id);
    if (change === undefined) return one;
    return { ...one, relationships: change.after, scalingGroups: change.scalingGroups };
  });
  const modification: Modification = {
    added: outcome.added,
    removed: [...removed],
    rewired: after.flatMap((one) => {
      const old = before.instances.get(one.id)!;
      if (JSON.stringify(old.relationships) === JSON.stringify(one.relationships) && !rewired.has(one.id))
        return [];
      return [
        { id: one.id, during: one.relationships, after: one.relationships, scalingGroups: one.scalingGroups },
      ];
    }),
  };
  return {
    counts: wanted,
    modification,
    ...links(after, moved, removed, new Set(outcome.added.map(({ id }) => id))),
    changedNodes: new Set(
      [...staying.values()]
        .filter((node) => differs(before.types, model.nodes.get(node.name)!, plan, node))
        .map(({ name }) => name),
    ),
    after: {
      types: typesOf(plan),
      nodes: new Map(plan.nodes.map((node) => [node.name, node])),
      instances: [...after, ...outcome.added],
    },
  };
}

function typesOf(plan: PreparedPlan): SharedTypes {
  const { nodeTypes, relationshipTypes, plugins, groups, scalingGroups } = plan;
  return { nodeTypes, relationshipTypes, plugins, groups, scalingGroups };
}

function isSameThing(oldTypes: Types, old: PlanNode, types: Types, node: PlanNode): boolean {
  const container = (of: Types, one: PlanNode) =>
    one.relationships.find(({ type }) => isContainedIn(of, type))?.target;
  return old.type === node.type && container(oldTypes, old) === container(types, node);
}

/** The place that each relationship of the old node has in the new one; -1: it is gone. Each place is given once. */
export function matchRelationships(
  old: readonly PlanRelationship[],
  now: readonly PlanRelationship[],
): number[] {
  const free = now.map(() => true);
  return old.map(({ type, target }) => {
    const place = now.findIndex((one, at) => free[at] && one.type === type && one.target === target);
    if (place >= 0) free[place] = false;
    return place;
  });
}

interface Moved {
  readonly instance: InstanceModel;
  /** Per place of the instance's relationships as they are: key afterwards; null when the plan has it no more. */
  readonly keys: readonly (string | null)[];
}

function relocated(instance: InstanceModel, old: PlanNode, node: PlanNode): Moved {
  const places = matchRelationships(old.relationships, node.relationships);
  const moved = instance.relationships.map((one) => ({
    ...one,
    relationship: places[one.relationship] ?? -1,
  }));
  return {
    instance: {
      ...instance,
      relationships: moved
        .filter(({ relationship }) => relationship >= 0)
        .sort((one, other) => one.relationship - other.relationship),
    },
    keys: moved.map((one) => (one.relationship < 0 ? null : keyOf(one))),
  };
}

function links(
  after: readonly InstanceModel[],
  moved: ReadonlyMap<string, Moved>,
  removed: ReadonlySet<string>,
  added: ReadonlySet<string>,
): Pick<UpdateOutcome, 'linked' | 'unlinked'> {
  const linked = new Map<string, Set<number>>();
  const unlinked = new Map<string, Set<number>>();
  for (const instance of after) {
    const { keys } = moved.get(instance.id)!;
    const has = new Set(instance.relationships.map(keyOf));
    const had = new Set(keys);
    const gone = [...keys.keys()].filter((place) => keys[place] === null || !has.has(keys[place]!));
    const fresh = [...instance.relationships.keys()].filter((place) => {
      const one = instance.relationships[place]!;
      return !had.has(keyOf(one)) && !added.has(one.targetInstance) && !removed.has(one.targetInstance);
    });
    if (gone.length > 0) unlinked.set(instance.id, new Set(gone));
    if (fresh.length > 0) linked.set(instance.id, new Set(fresh));
  }
  return { linked, unlinked };
}

function countsAfter(
  model: DeploymentModel,
  plan: PreparedPlan,
  counts: Multiplicities,
  staying: ReadonlyMap<string, PlanNode>,
): Multiplicities {
  const after = new Map<string, number>();
  const keep = (key: string, before: unknown, now: unknown, isThere: boolean) => {
    const count = counts.get(key);
    after.set(key, isThere && before === now && count !== undefined ? count : Number(now));
  };
  for (const { name, scaling } of plan.nodes) {
    keep(unitKey('node', name), model.nodes.get(name)?.scaling.default, scaling.default, staying.has(name));
  }
  for (const [name, { scaling }] of Object.entries(plan.scalingGroups)) {
    const old = Object.hasOwn(model.types.scalingGroups, name) ? model.types.scalingGroups[name] : undefined;
    keep(unitKey('group', name), old?.scaling.default, scaling.default, old !== undefined);
  }
  return after;
}

function differs(oldTypes: Types, old: PlanNode, types: Types, node: PlanNode): boolean {
  if (!isEqual(old.properties, node.properties)) return true;
  if (!isEqual(allOperations(oldTypes, old), allOperations(types, node))) return true;
  return matchRelationships(old.relationships, node.relationships).some(
    (place, at) =>
      place >= 0 &&
      !isEqual(
        allOfRelationship(oldTypes, old.relationships[at]!),
        allOfRelationship(types, node.relationships[place]!),
      ),
  );
}

/** Every operation of a node, its type's included, by name. */
export function allOperations(types: Types, node: PlanNode): Record<string, PlanOperation> {
  const names = new Set([
    ...Object.keys(types.nodeTypes[node.type]?.operations ?? {}),
    ...Object.keys(node.operations),
  ]);
  return Object.fromEntries([...names].sort().map((name) => [name, nodeOperation(types, node, name)!]));
}

/** What a relationship says: properties, and every operation of both sides. */
export function allOfRelationship(types: Types, one: PlanRelationship) {
  const type = types.relationshipTypes[one.type];
  const side = (which: 'source' | 'target') => {
    const key = which === 'source' ? 'sourceOperations' : 'targetOperations';
    const names = new Set([...Object.keys(type?.[key] ?? {}), ...Object.keys(one[key])]);
    return Object.fromEntries(
      [...names].sort().map((name) => [name, relationshipOperation(types, one, which, name)!]),
    );
  };
  const properties: JsonObject = one.properties;
  return { properties, source: side('source'), target: side('target') };
}

/** The same value, in whatever order its keys are written. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(other, key) &&
      isEqual((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]),
  );
}
