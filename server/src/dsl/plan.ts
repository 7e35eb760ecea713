/**
 * The plan: what a blueprint (or a design) means, once compiled. Plain JSON, ours, the same for every language.
 *
 * Kept small on purpose. What a node type says is said once, in `nodeTypes`; a node holds only what differs.
 * Use `nodeOperation` and `relationshipOperation` to read an operation, never the tables directly.
 * Dialects that owe their clients an expanded plan (Cloudify's `plan`) expand it while answering.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Plan {
  /** The `tosca_definitions_version` as written, e.g. `cloudify_dsl_1_3`. */
  readonly language: string;
  readonly description: string | null;
  readonly metadata: JsonObject | null;
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  /** Types used by some node, flattened over their ancestors. */
  readonly nodeTypes: Readonly<Record<string, PlanNodeType>>;
  /** Relationship types used by some node, flattened over their ancestors. */
  readonly relationshipTypes: Readonly<Record<string, PlanRelationshipType>>;
  readonly dataTypes: JsonObject;
  readonly nodes: readonly PlanNode[];
  readonly plugins: Readonly<Record<string, PlanPlugin>>;
  readonly workflows: Readonly<Record<string, PlanWorkflow>>;
  readonly outputs: Readonly<Record<string, ValueDefinition>>;
  readonly capabilities: Readonly<Record<string, ValueDefinition>>;
  readonly groups: Readonly<Record<string, PlanGroup>>;
  readonly scalingGroups: Readonly<Record<string, PlanScalingGroup>>;
  readonly policies: JsonObject;
  readonly policyTypes: JsonObject;
  readonly policyTriggers: JsonObject;
  readonly labels: Readonly<Record<string, { readonly values: readonly Json[] }>>;
  readonly blueprintLabels: Readonly<Record<string, { readonly values: readonly Json[] }>>;
  readonly resourceTags: JsonObject;
  /** The `deployment_settings` section as written. */
  readonly settings: JsonObject;
  /**
   * What the blueprint asks for, each once: secrets as `get_secret` names them (a name, `[name, key, …]`, or a
   * function that gives the name), and capabilities of its parent: `[capability, key, …]`.
   */
  readonly requirements: {
    readonly secrets: readonly Json[];
    readonly parentCapabilities: readonly Json[];
  };
  readonly importedBlueprints: readonly string[];
  readonly namespaces: Readonly<Record<string, string>>;
}

/**
 * A plan with its inputs applied: every function that can be known before anything runs is replaced by its value;
 * `get_attribute`, `get_secret`, `get_capability`, … remain, to be evaluated when an operation or an output is.
 */
export interface PreparedPlan extends Plan {
  /** Every input with its value, defaults applied. */
  readonly inputValues: JsonObject;
  /** Names of the secrets it asks for, as far as these inputs tell; each once. */
  readonly secretNames: readonly string[];
}

/** `name -> schema` as inputs, workflow parameters and properties have it. */
export interface InputDefinition {
  readonly type?: string;
  /** Absent: there is no default. */
  readonly default?: Json;
  readonly required?: boolean;
  readonly description?: string;
  readonly constraints?: readonly JsonObject[];
  readonly itemType?: string;
  readonly displayLabel?: string;
  readonly hidden?: boolean;
  readonly display?: JsonObject;
}

export interface PlanNodeType {
  /** Root first, the type itself last. */
  readonly hierarchy: readonly string[];
  readonly operations: OperationTable;
}

export interface PlanRelationshipType {
  readonly hierarchy: readonly string[];
  readonly properties: JsonObject;
  readonly sourceOperations: OperationTable;
  readonly targetOperations: OperationTable;
}

/** Keyed by `interface.operation`, e.g. `cloudify.interfaces.lifecycle.create`, in the order of declaration. */
export type OperationTable = Readonly<Record<string, PlanOperation>>;

/** `plugin` and `function` are both empty for an operation that is declared and does nothing. */
export interface PlanOperation {
  readonly plugin: string;
  /** What to run inside the plugin, e.g. `script_runner.tasks.run`. */
  readonly function: string;
  readonly inputs: JsonObject;
  /** Declared types of inputs whose value is only known when the operation runs. */
  readonly inputTypes?: Readonly<Record<string, string>>;
  readonly executor: 'central_deployment_agent' | 'host_agent' | 'auto' | null;
  /** Retries after the first attempt; -1 without end; null: the system's setting. */
  readonly maxRetries: number | null;
  /** Seconds; null: the system's setting. */
  readonly retryInterval: number | null;
  /** Seconds; null: none. */
  readonly timeout: number | null;
  readonly timeoutRecoverable: boolean | null;
  /** Some input holds an intrinsic function that must be evaluated right before the run. */
  readonly hasFunctions: boolean;
  /** Orrery's own: may run again under the same operation id after being interrupted. null: the plugin decides. */
  readonly resumable: boolean | null;
}

export interface PlanNode {
  readonly name: string;
  readonly type: string;
  /** With defaults; functions unresolved in a `Plan`, resolved as far as possible in a `PreparedPlan`. */
  readonly properties: JsonObject;
  /** Only the operations that differ from the type's. */
  readonly operations: OperationTable;
  readonly relationships: readonly PlanRelationship[];
  /** The Compute node that contains this one, or itself if it is one; null without a host. */
  readonly host: string | null;
  readonly scaling: Scaling;
}

export interface PlanRelationship {
  readonly type: string;
  /** Name of the target node. */
  readonly target: string;
  readonly properties: JsonObject;
  /** Only what differs from the relationship type's. */
  readonly sourceOperations: OperationTable;
  readonly targetOperations: OperationTable;
}

/** Numbers in a `PreparedPlan`; possibly intrinsic functions in a `Plan`. `max` -1: unbounded. */
export interface Scaling {
  readonly default: Json;
  readonly min: Json;
  readonly max: Json;
}

export interface PlanPlugin {
  readonly name: string;
  readonly executor: string;
  readonly install: boolean;
  readonly source: string | null;
  readonly installArguments: string | null;
  readonly packageName: string | null;
  readonly packageVersion: string | null;
  readonly supportedPlatform: string | null;
  readonly distribution: string | null;
  readonly distributionVersion: string | null;
  readonly distributionRelease: string | null;
  readonly propertiesDescription?: string;
  readonly properties: JsonObject;
}

export interface PlanWorkflow {
  readonly plugin: string;
  readonly function: string;
  readonly parameters: Readonly<Record<string, InputDefinition>>;
  readonly isCascading: boolean;
  readonly availability: {
    readonly available?: boolean;
    readonly instancesActive?: readonly ('all' | 'partial' | 'none')[];
    readonly nodeTypesRequired?: readonly string[];
  } | null;
}

export interface ValueDefinition {
  readonly description?: string;
  readonly value: Json;
  readonly type?: string;
}

export interface PlanGroup {
  readonly members: readonly string[];
  readonly policies: JsonObject;
}

export interface PlanScalingGroup {
  readonly members: readonly string[];
  readonly scaling: Scaling;
}

/** The part of a plan that all nodes of a deployment share; stored once per deployment. */
export type SharedTypes = Pick<
  Plan,
  'nodeTypes' | 'relationshipTypes' | 'plugins' | 'groups' | 'scalingGroups'
>;

/** The operation of a node, by full name; undefined when neither the node nor its type declares it. */
export function nodeOperation(
  types: Pick<Plan, 'nodeTypes'>,
  node: Pick<PlanNode, 'type' | 'operations'>,
  name: string,
): PlanOperation | undefined {
  return own(node.operations, name) ?? own(types.nodeTypes[node.type]?.operations, name);
}

/** The operation of one side of a relationship, by full name. */
export function relationshipOperation(
  types: Pick<Plan, 'relationshipTypes'>,
  relationship: PlanRelationship,
  side: 'source' | 'target',
  name: string,
): PlanOperation | undefined {
  const key = side === 'source' ? 'sourceOperations' : 'targetOperations';
  return own(relationship[key], name) ?? own(types.relationshipTypes[relationship.type]?.[key], name);
}

/** Declared, but with nothing to run. */
export function isNoop(operation: PlanOperation | undefined): boolean {
  return operation === undefined || operation.plugin === '';
}

/** The plugins that run some operation of a node or relationship, or a workflow, in the order of their names in the plan. */
export function usedPlugins(plan: Plan): PlanPlugin[] {
  const names = new Set<string>();
  const add = (table: OperationTable) => {
    for (const operation of Object.values(table)) names.add(operation.plugin);
  };
  for (const type of Object.values(plan.nodeTypes)) add(type.operations);
  for (const type of Object.values(plan.relationshipTypes)) {
    add(type.sourceOperations);
    add(type.targetOperations);
  }
  for (const node of plan.nodes) {
    add(node.operations);
    for (const relationship of node.relationships) {
      add(relationship.sourceOperations);
      add(relationship.targetOperations);
    }
  }
  for (const workflow of Object.values(plan.workflows)) names.add(workflow.plugin);
  return Object.values(plan.plugins).filter((plugin) => names.has(plugin.name));
}

function own<T>(table: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}
