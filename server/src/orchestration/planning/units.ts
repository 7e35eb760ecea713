/**
 * What contains what, before there are instances: nodes and scaling groups as one forest.
 *
 * A node stands in its scaling group if it is a direct member of one, else in the node it is contained in, else
 * in nothing. A group stands in the outer group it is a member of, else in the node outside that its members are
 * contained in. A member contained in something that is itself inside the group scales with that, not by itself.
 */
import type { PlanNode, PreparedPlan, Scaling } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';

export type Groupings = Pick<PreparedPlan, 'nodes' | 'relationshipTypes' | 'scalingGroups' | 'groups'>;

export interface Unit {
  readonly kind: 'node' | 'group';
  readonly name: string;
  /** Instances per instance of `parent`. */
  readonly multiplicity: number;
  parent: Unit | null;
  /** The innermost scaling group around it, at any distance. */
  group: Unit | null;
}

export interface Units {
  readonly nodes: ReadonlyMap<string, Unit>;
  /** Nodes and groups, parents before what they contain. */
  readonly ordered: readonly Unit[];
  /** The node each node is contained in. */
  readonly containers: ReadonlyMap<string, string>;
}

const CONTAINED_IN = 'cloudify.relationships.contained_in';

export function isContainedIn(plan: Pick<PreparedPlan, 'relationshipTypes'>, type: string): boolean {
  return plan.relationshipTypes[type]?.hierarchy.includes(CONTAINED_IN) ?? false;
}

export function units(plan: Groupings): Units {
  const nodes = new Map<string, Unit>();
  for (const node of plan.nodes) nodes.set(node.name, unit('node', node.name, node.scaling));
  const groups = new Map<string, Unit>();
  for (const [name, { scaling }] of Object.entries(plan.scalingGroups)) {
    groups.set(name, unit('group', name, scaling));
  }
  const containers = new Map<string, string>();
  for (const node of plan.nodes) {
    const container = containerOf(plan, node);
    if (container !== null && nodes.has(container)) containers.set(node.name, container);
  }
  const outer = memberships(plan, nodes, groups);

  for (const [inner, group] of outer) if (inner.kind === 'group') inner.parent = group;
  const inside = insideTest(nodes, containers, outer);
  for (const [name, node] of nodes) {
    const group = outer.get(node) ?? null;
    const container = nodes.get(containers.get(name) ?? '') ?? null;
    if (group === null || (container !== null && inside(container, group))) {
      node.parent = container;
      continue;
    }
    node.parent = group;
    if (container === null) continue;
    // The container is outside this group; the outermost group that it is still outside of stands in it.
    let outermost = group;
    for (
      let next = outer.get(group);
      next !== undefined && !inside(container, next);
      next = outer.get(next)
    ) {
      outermost = next;
    }
    outermost.parent = container;
  }

  const ordered = parentsFirst([...nodes.values(), ...groups.values()]);
  for (const item of ordered) {
    item.group = item.parent === null || item.parent.kind === 'group' ? item.parent : item.parent.group;
  }
  return { nodes, ordered, containers };
}

/** The scaling groups around `item`, innermost first. */
export function groupsAround(item: Unit): Unit[] {
  const around: Unit[] = [];
  for (let group = item.group; group !== null; group = group.group) around.push(group);
  return around;
}

function unit(kind: Unit['kind'], name: string, scaling: Scaling): Unit {
  const multiplicity = scaling.default;
  if (typeof multiplicity !== 'number' || !Number.isSafeInteger(multiplicity) || multiplicity < 0) {
    throw new DomainError(
      'invalid',
      'instance-count-invalid',
      `The number of instances of "${name}" must be a whole number from 0, and is ${JSON.stringify(multiplicity)}`,
    );
  }
  return { kind, name, multiplicity, parent: null, group: null };
}

function containerOf(plan: Groupings, node: PlanNode): string | null {
  return node.relationships.find(({ type }) => isContainedIn(plan, type))?.target ?? null;
}

/** The scaling group that each node and group is a direct member of; groups that do not scale stand for their members. */
function memberships(
  plan: Groupings,
  nodes: ReadonlyMap<string, Unit>,
  groups: ReadonlyMap<string, Unit>,
): Map<Unit, Unit> {
  const outer = new Map<Unit, Unit>();
  for (const [name, { members }] of Object.entries(plan.scalingGroups)) {
    const seen = new Set<string>();
    const open = [...members].reverse();
    for (let member = open.pop(); member !== undefined; member = open.pop()) {
      if (seen.has(member)) continue;
      seen.add(member);
      const found = nodes.get(member) ?? groups.get(member);
      if (found !== undefined) {
        if (!outer.has(found)) outer.set(found, groups.get(name)!);
      } else if (Object.hasOwn(plan.groups, member)) {
        for (const nested of plan.groups[member]!.members) open.push(nested);
      }
    }
  }
  // Checked before anybody climbs: a circle here would never end.
  parentsFirst([...groups.values()], (item) => outer.get(item) ?? null);
  return outer;
}

/** Whether a node is a member of a group, or contained in one, at any distance. */
function insideTest(
  nodes: ReadonlyMap<string, Unit>,
  containers: ReadonlyMap<string, string>,
  outer: ReadonlyMap<Unit, Unit>,
): (node: Unit, group: Unit) => boolean {
  const containerOf = (node: Unit) => nodes.get(containers.get(node.name) ?? '') ?? null;
  /** The next node outwards (or itself) that is a direct member of some group: long chains are climbed once. */
  const nextMember = new Map<Unit, Unit | null>();
  for (const node of parentsFirst([...nodes.values()], containerOf)) {
    const container = containerOf(node);
    nextMember.set(node, outer.has(node) ? node : container && nextMember.get(container)!);
  }
  return (node, group) => {
    for (let member = nextMember.get(node) ?? null; member !== null; ) {
      for (let around = outer.get(member); around !== undefined; around = outer.get(around)) {
        if (around === group) return true;
      }
      const container = containerOf(member);
      member = container && nextMember.get(container)!;
    }
    return false;
  };
}

/** Every item after its parent; with its own stack, as chains may be long. */
function parentsFirst(items: readonly Unit[], parentOf = (item: Unit): Unit | null => item.parent): Unit[] {
  const ordered: Unit[] = [];
  const placed = new Set<Unit>();
  for (const item of items) {
    const climbed = new Set<Unit>();
    for (let next: Unit | null = item; next !== null && !placed.has(next); next = parentOf(next)) {
      if (climbed.has(next)) {
        throw new DomainError('invalid', 'containment-circle', `"${next.name}" is contained in itself`);
      }
      climbed.add(next);
    }
    for (const next of [...climbed].reverse()) {
      placed.add(next);
      ordered.push(next);
    }
  }
  return ordered;
}
