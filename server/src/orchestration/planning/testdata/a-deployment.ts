/** Small deployments for tests, sketched in a few words; ids are `<node>_<n>`, counted over the whole deployment. */
import type {
  JsonObject,
  OperationTable,
  PlanNode,
  PlanOperation,
  PlanRelationship,
  PlanScalingGroup,
  PreparedPlan,
} from '../../../dsl/plan.js';
import type { InstanceLifecycleState } from '../graph.js';
import { instantiate } from '../instances.js';
import type { DeploymentModel } from '../model.js';

export interface NodeSketch {
  /** `host`: derived from Compute. Default: an ordinary node. */
  readonly kind?: 'host' | 'node';
  /** Without `cloudify.interfaces.`, e.g. `lifecycle.create`. */
  readonly operations?: readonly string[];
  /** Declared, but with nothing to run. */
  readonly noops?: readonly string[];
  readonly relationships?: readonly RelationshipSketch[];
  readonly instances?: number;
  readonly state?: InstanceLifecycleState;
  readonly properties?: JsonObject;
}

export interface RelationshipSketch {
  readonly to: string;
  /** Default: `connected_to`. */
  readonly kind?: 'contained_in' | 'connected_to' | 'depends_on_lifecycle_operation';
  /** Of `relationship_lifecycle`, run at the source. */
  readonly source?: readonly string[];
  readonly target?: readonly string[];
  readonly properties?: JsonObject;
}

type InstantiablePlan = Pick<
  PreparedPlan,
  'nodes' | 'relationshipTypes' | 'nodeTypes' | 'scalingGroups' | 'groups' | 'plugins'
>;

const ROOT = 'cloudify.nodes.Root';
const COMPUTE = 'cloudify.nodes.Compute';
const relationshipType = (name: string) => `cloudify.relationships.${name}`;

export function aPlan(
  sketches: Readonly<Record<string, NodeSketch>>,
  scalingGroups: Readonly<Record<string, { members: readonly string[]; instances: number }>> = {},
): InstantiablePlan {
  const hosts = hostsOf(sketches);
  return {
    nodes: Object.entries(sketches).map(([name, sketch]) => aNode(name, sketch, hosts.get(name) ?? null)),
    nodeTypes: {
      [ROOT]: { hierarchy: [ROOT], operations: {} },
      [COMPUTE]: { hierarchy: [ROOT, COMPUTE], operations: {} },
    },
    relationshipTypes: Object.fromEntries(
      ['depends_on', 'contained_in', 'connected_to', 'depends_on_lifecycle_operation'].map((name) => [
        relationshipType(name),
        {
          hierarchy: [...new Set([relationshipType('depends_on'), relationshipType(name)])],
          properties: {},
          sourceOperations: {},
          targetOperations: {},
        },
      ]),
    ),
    plugins: {},
    groups: {},
    scalingGroups: Object.fromEntries(
      Object.entries(scalingGroups).map(([name, { members, instances }]): [string, PlanScalingGroup] => [
        name,
        { members, scaling: { default: instances, min: 0, max: -1 } },
      ]),
    ),
  };
}

export function aDeployment(
  sketches: Readonly<Record<string, NodeSketch>>,
  scalingGroups?: Readonly<Record<string, { members: readonly string[]; instances: number }>>,
): DeploymentModel {
  const plan = aPlan(sketches, scalingGroups);
  let count = 0;
  const instances = instantiate(plan, () => {
    count += 1;
    return String(count);
  }).map((instance) => ({ ...instance, state: sketches[instance.node]?.state ?? instance.state }));
  return { types: plan, nodes: new Map(plan.nodes.map((node) => [node.name, node])), instances };
}

/** The same deployment with the instances of some nodes in other states; `*`: of all. */
export function inState(
  model: DeploymentModel,
  states: Readonly<Record<string, InstanceLifecycleState>>,
): DeploymentModel {
  return {
    ...model,
    instances: model.instances.map((instance) => ({
      ...instance,
      state: states[instance.node] ?? states['*'] ?? instance.state,
    })),
  };
}

function aNode(name: string, sketch: NodeSketch, host: string | null): PlanNode {
  return {
    name,
    type: sketch.kind === 'host' ? COMPUTE : ROOT,
    properties: sketch.properties ?? {},
    operations: {
      ...operations('cloudify.interfaces.', sketch.operations ?? [], 'script_runner.tasks.run'),
      ...operations('cloudify.interfaces.', sketch.noops ?? [], ''),
    },
    relationships: (sketch.relationships ?? []).map(aRelationship),
    host,
    scaling: { default: sketch.instances ?? 1, min: 0, max: -1 },
  };
}

function aRelationship(sketch: RelationshipSketch): PlanRelationship {
  const prefix = 'cloudify.interfaces.relationship_lifecycle.';
  return {
    type: relationshipType(sketch.kind ?? 'connected_to'),
    target: sketch.to,
    properties: sketch.properties ?? {},
    sourceOperations: operations(prefix, sketch.source ?? [], 'script_runner.tasks.run'),
    targetOperations: operations(prefix, sketch.target ?? [], 'script_runner.tasks.run'),
  };
}

function operations(prefix: string, names: readonly string[], functionName: string): OperationTable {
  return Object.fromEntries(names.map((name) => [prefix + name, anOperation(functionName)]));
}

function anOperation(functionName: string): PlanOperation {
  return {
    plugin: functionName === '' ? '' : 'script',
    function: functionName,
    inputs: {},
    executor: null,
    maxRetries: null,
    retryInterval: null,
    timeout: null,
    timeoutRecoverable: null,
    hasFunctions: false,
    resumable: null,
  };
}

/** The host of every node, found once for each chain of containment. */
function hostsOf(sketches: Readonly<Record<string, NodeSketch>>): Map<string, string | null> {
  const hosts = new Map<string, string | null>();
  for (const name of Object.keys(sketches)) {
    const chain = new Set<string>();
    let next: string | undefined = name;
    while (next !== undefined && !hosts.has(next) && !chain.has(next)) {
      chain.add(next);
      if (sketches[next]?.kind === 'host') hosts.set(next, next);
      next = sketches[next]?.relationships?.find(({ kind }) => kind === 'contained_in')?.to;
    }
    let host = hosts.get(next ?? '') ?? null;
    for (const link of [...chain].reverse()) {
      host = hosts.get(link) ?? host;
      hosts.set(link, host);
    }
  }
  return hosts;
}
