/** What differs between two plans, entity by entity, in the words of Cloudify's deployment updates (cloudify-engine.md §1.7). */
import type { JsonObject, Plan, PlanNode, PlanWorkflow, ValueDefinition } from '../../dsl/plan.js';
import { allOfRelationship, allOperations, isEqual, matchRelationships } from './update-plan.js';

export interface UpdateStep {
  readonly action: 'add' | 'remove' | 'modify';
  /** `node`, `relationship`, `property`, `operation`, `workflow`, `output`, … */
  readonly entity: string;
  /** Path of the entity: `nodes:web:properties:port`. */
  readonly path: string;
  /** Nodes are added in this order: what others stand on comes first. */
  readonly order: number;
}

/** The parts of a plan that an update compares. */
export interface ComparedPlan {
  readonly types: Pick<Plan, 'nodeTypes' | 'relationshipTypes'>;
  readonly nodes: ReadonlyMap<string, PlanNode>;
  readonly workflows: Readonly<Record<string, PlanWorkflow>>;
  readonly outputs: Readonly<Record<string, ValueDefinition>>;
  readonly capabilities: Readonly<Record<string, ValueDefinition>>;
  readonly groups: Readonly<Record<string, unknown>>;
  readonly scalingGroups: Readonly<Record<string, unknown>>;
  readonly policyTypes: JsonObject;
  readonly policyTriggers: JsonObject;
  readonly description: string | null;
}

export function updateSteps(before: ComparedPlan, after: ComparedPlan): UpdateStep[] {
  const steps: UpdateStep[] = [];
  const add = (action: UpdateStep['action'], entity: string, path: string, order = 0) => {
    steps.push({ action, entity, path, order });
  };
  const compare = (
    entity: string,
    path: string,
    old: Readonly<Record<string, unknown>>,
    now: Readonly<Record<string, unknown>>,
  ) => {
    for (const name of Object.keys(now)) {
      if (!Object.hasOwn(old, name)) add('add', entity, `${path}:${name}`);
      else if (!isEqual(old[name], now[name])) add('modify', entity, `${path}:${name}`);
    }
    for (const name of Object.keys(old))
      if (!Object.hasOwn(now, name)) add('remove', entity, `${path}:${name}`);
  };

  const levels = levelsOf(after.nodes);
  for (const [name, node] of after.nodes) {
    const old = before.nodes.get(name);
    if (old === undefined) add('add', 'node', `nodes:${name}`, levels.get(name) ?? 0);
    else if (old.type !== node.type) {
      add('remove', 'node', `nodes:${name}`);
      add('add', 'node', `nodes:${name}`, levels.get(name) ?? 0);
    } else compareNodes(before, old, after, node, add, compare);
  }
  for (const name of before.nodes.keys()) if (!after.nodes.has(name)) add('remove', 'node', `nodes:${name}`);

  compare('workflow', 'workflows', before.workflows, after.workflows);
  compare('output', 'outputs', before.outputs, after.outputs);
  compare('capability', 'capabilities', before.capabilities, after.capabilities);
  compare('group', 'groups', before.groups, after.groups);
  compare('scaling_group', 'scaling_groups', before.scalingGroups, after.scalingGroups);
  compare('policy_type', 'policy_types', before.policyTypes, after.policyTypes);
  compare('policy_trigger', 'policy_triggers', before.policyTriggers, after.policyTriggers);
  if (before.description !== after.description) {
    const action = before.description === null ? 'add' : after.description === null ? 'remove' : 'modify';
    add(action, 'description', 'description');
  }
  return steps;
}

type Add = (action: UpdateStep['action'], entity: string, path: string, order?: number) => void;
type Compare = (
  entity: string,
  path: string,
  old: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
) => void;

function compareNodes(
  before: ComparedPlan,
  old: PlanNode,
  after: ComparedPlan,
  node: PlanNode,
  add: Add,
  compare: Compare,
): void {
  const path = `nodes:${node.name}`;
  compare('property', `${path}:properties`, old.properties, node.properties);
  compare(
    'operation',
    `${path}:operations`,
    allOperations(before.types, old),
    allOperations(after.types, node),
  );
  if (!isEqual(old.scaling, node.scaling)) add('modify', 'property', `${path}:capabilities:scalable`);
  const places = matchRelationships(old.relationships, node.relationships);
  const matched = new Set(places);
  for (const [at, place] of places.entries()) {
    const one = `${path}:relationships:[${at}]`;
    if (place < 0) {
      add('remove', 'relationship', one);
      continue;
    }
    if (place !== at) add('modify', 'relationship', `${one}:[${place}]`);
    const [was, is] = [
      allOfRelationship(before.types, old.relationships[at]!),
      allOfRelationship(after.types, node.relationships[place]!),
    ];
    compare('property', `${one}:properties`, was.properties, is.properties);
    compare('operation', `${one}:source_operations`, was.source, is.source);
    compare('operation', `${one}:target_operations`, was.target, is.target);
  }
  for (const at of node.relationships.keys()) {
    if (!matched.has(at)) add('add', 'relationship', `${path}:relationships:[${at}]`);
  }
}

/** How far a node is from those that relate to nobody. A compiled plan has no circles; one that had would stop here. */
function levelsOf(nodes: ReadonlyMap<string, PlanNode>): Map<string, number> {
  const levels = new Map<string, number>();
  let open = [...nodes.values()];
  for (let level = 0; open.length > 0; level += 1) {
    const rest: PlanNode[] = [];
    const found: string[] = [];
    for (const node of open) {
      const isNext = node.relationships.every(({ target }) => levels.has(target) || !nodes.has(target));
      if (isNext) found.push(node.name);
      else rest.push(node);
    }
    if (found.length === 0) break;
    for (const name of found) levels.set(name, level);
    open = rest;
  }
  return levels;
}
