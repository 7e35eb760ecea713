/**
 * Our compact plan, told as Cloudify tells one (specs: cloudify.md §8, cloudify-engine.md §2.11).
 *
 * Ours says what a type declares once; theirs repeats it in every node, each operation twice (`create` beside
 * `cloudify.interfaces.lifecycle.create`). Expanding is linear in what is written out: tables of types without
 * overrides are expanded once and shared by reference among the nodes that use them.
 */
import type {
  JsonObject,
  OperationTable,
  Plan,
  PlanNode,
  PlanOperation,
  PlanPlugin,
  PlanRelationship,
  SharedTypes,
} from '../../dsl/plan.js';

import {
  mapValues,
  scalingProperties,
  type WireObject,
  wireDataType,
  wireInput,
  wirePolicy,
  wireRequirements,
  wireScalingGroup,
  wireValue,
  wireWorkflow,
} from './plan-declarations.js';

type WireOperation = Readonly<WireObject>;

/** What is needed to expand nodes; everything else of a plan is of no interest to them. */
export type NodeTypes = Pick<SharedTypes, 'nodeTypes' | 'relationshipTypes' | 'plugins'>;

export function expandPlan(plan: Plan): WireObject {
  const expander = nodeExpander(plan);
  const incoming = new Map<string, PlanRelationship[]>();
  for (const { relationships } of plan.nodes) {
    for (const one of relationships) {
      const known = incoming.get(one.target);
      if (known === undefined) incoming.set(one.target, [one]);
      else known.push(one);
    }
  }
  const expanded = plan.nodes.map((node) => ({
    node,
    wire: expander.expand(node, incoming.get(node.name)),
  }));
  const hosted = pluginsOfHosts(expanded);
  return {
    description: plan.description,
    metadata: plan.metadata,
    version: languageVersion(plan.language),
    nodes: expanded.map(({ node, wire }) => ({
      name: node.name,
      ...wire,
      interfaces: {},
      instances: {},
      capabilities: { scalable: { properties: scalingProperties(node.scaling) } },
      deployment_plugins_to_install: pluginsRun(wire.plugins, 'central_deployment_agent'),
      ...(node.host === node.name
        ? { plugins_to_install: pluginsRun(hosted.get(node.name) ?? [], 'host_agent') }
        : {}),
    })),
    relationships: relationshipTypes(plan),
    workflows: mapValues(plan.workflows, wireWorkflow),
    inputs: mapValues(plan.inputs, wireInput),
    outputs: mapValues(plan.outputs, wireValue),
    capabilities: mapValues(plan.capabilities, wireValue),
    groups: plan.groups,
    scaling_groups: mapValues(plan.scalingGroups, wireScalingGroup),
    policies: mapValues(plan.policies, (policy) => wirePolicy(policy, plan.scalingGroups)),
    policy_types: mapValues(plan.policyTypes, (type) => ({ properties: {}, ...(type as JsonObject) })),
    policy_triggers: mapValues(plan.policyTriggers, (type) => ({ parameters: {}, ...(type as JsonObject) })),
    data_types: mapValues(plan.dataTypes, wireDataType),
    labels: plan.labels,
    blueprint_labels: plan.blueprintLabels,
    resource_tags: plan.resourceTags,
    deployment_settings: plan.settings,
    requirements: wireRequirements(plan.requirements),
    imported_blueprints: plan.importedBlueprints,
    namespaces_mapping: plan.namespaces,
    deployment_plugins_to_install: pluginsRun(
      expanded.flatMap(({ wire }) => wire.plugins),
      'central_deployment_agent',
    ),
    host_agent_plugins_to_install: pluginsRun(
      expanded.flatMap(({ wire }) => wire.plugins),
      'host_agent',
    ),
    workflow_plugins_to_install: workflowPlugins(plan),
  };
}

export interface WireNode {
  readonly id: string;
  readonly type: string;
  readonly type_hierarchy: readonly string[];
  readonly properties: JsonObject;
  readonly host_id: string | null;
  readonly operations: Readonly<Record<string, WireOperation>>;
  readonly relationships: readonly WireObject[];
  /** Plugins that run some operation of the node, each once per executor it is used with. */
  readonly plugins: readonly WireObject[];
}

/** Expands nodes that share their types; keep one for as many nodes of them as there are. */
export function nodeExpander(types: NodeTypes): {
  /** `incoming`: other nodes' relationships to this one. Their target operations run for it, so it needs their plugins. */
  expand(node: PlanNode, incoming?: readonly PlanRelationship[]): WireNode;
} {
  const expand = operationTables(types.plugins);
  return {
    expand: (node, incoming = []) => {
      const type = types.nodeTypes[node.type];
      return {
        id: node.name,
        type: node.type,
        type_hierarchy: type?.hierarchy ?? [node.type],
        properties: node.properties,
        host_id: node.host,
        operations: expand(type?.operations, node.operations).operations,
        relationships: node.relationships.map((one) => wireRelationship(one, types, expand)),
        plugins: pluginsUsed(node, incoming, types, expand),
      };
    },
  };
}

interface ExpandedTable {
  readonly operations: Readonly<Record<string, WireOperation>>;
  /** Plugin name -> executors its operations use. */
  readonly uses: ReadonlyMap<string, ReadonlySet<string>>;
}

type ExpandTable = (declared: OperationTable | undefined, own: OperationTable) => ExpandedTable;

function operationTables(plugins: NodeTypes['plugins']): ExpandTable {
  const cache = new Map<OperationTable | undefined, ExpandedTable>();
  return (declared, own) => {
    if (Object.keys(own).length > 0) return expandTable({ ...declared, ...own }, plugins);
    let table = cache.get(declared);
    if (table === undefined) {
      table = expandTable(declared ?? {}, plugins);
      cache.set(declared, table);
    }
    return table;
  };
}

function expandTable(table: OperationTable, plugins: NodeTypes['plugins']): ExpandedTable {
  const operations: Record<string, WireOperation> = {};
  const short: Record<string, WireOperation> = {};
  const ambiguous = new Set<string>();
  const uses = new Map<string, Set<string>>();
  for (const [name, operation] of Object.entries(table)) {
    const executor = executorOf(operation, plugins);
    const wire = wireOperation(operation, executor);
    operations[name] = wire;
    const word = name.slice(name.lastIndexOf('.') + 1);
    // A word that two interfaces declare would not say which of them is meant.
    if (Object.hasOwn(short, word)) ambiguous.add(word);
    short[word] = wire;
    if (operation.plugin !== '' && executor !== null) {
      const executors = uses.get(operation.plugin) ?? new Set();
      uses.set(operation.plugin, executors.add(executor));
    }
  }
  for (const [word, wire] of Object.entries(short)) {
    if (!ambiguous.has(word)) operations[word] = wire;
  }
  return { operations, uses };
}

function executorOf(operation: PlanOperation, plugins: NodeTypes['plugins']): string | null {
  return operation.executor ?? plugins[operation.plugin]?.executor ?? null;
}

function wireOperation(operation: PlanOperation, executor: string | null): WireOperation {
  return {
    plugin: operation.plugin,
    operation: operation.function,
    executor,
    inputs: operation.inputs,
    has_intrinsic_functions: operation.hasFunctions,
    max_retries: operation.maxRetries,
    retry_interval: operation.retryInterval,
    timeout: operation.timeout,
    timeout_recoverable: operation.timeoutRecoverable,
    ...(operation.inputTypes === undefined ? {} : { inputs_types: operation.inputTypes }),
  };
}

function wireRelationship(relationship: PlanRelationship, types: NodeTypes, expand: ExpandTable): WireObject {
  const type = types.relationshipTypes[relationship.type];
  return {
    type: relationship.type,
    type_hierarchy: type?.hierarchy ?? [relationship.type],
    target_id: relationship.target,
    properties: relationship.properties,
    source_interfaces: interfacesOf(type?.sourceOperations, relationship.sourceOperations),
    target_interfaces: interfacesOf(type?.targetOperations, relationship.targetOperations),
    source_operations: expand(type?.sourceOperations, relationship.sourceOperations).operations,
    target_operations: expand(type?.targetOperations, relationship.targetOperations).operations,
  };
}

/** `interface -> operation -> how it is written`, from a table keyed by full names. */
function interfacesOf(declared: OperationTable | undefined, own: OperationTable): WireObject {
  const interfaces: Record<string, WireObject> = {};
  for (const [name, operation] of Object.entries({ ...declared, ...own })) {
    const dot = name.lastIndexOf('.');
    const members = interfaces[name.slice(0, dot)] ?? {};
    interfaces[name.slice(0, dot)] = members;
    members[name.slice(dot + 1)] = {
      implementation: operation.plugin === '' ? '' : `${operation.plugin}.${operation.function}`,
      inputs: operation.inputs,
      executor: operation.executor,
      max_retries: operation.maxRetries,
      retry_interval: operation.retryInterval,
      timeout: operation.timeout,
      timeout_recoverable: operation.timeoutRecoverable,
    };
  }
  return interfaces;
}

function pluginsUsed(
  node: PlanNode,
  incoming: readonly PlanRelationship[],
  types: NodeTypes,
  expand: ExpandTable,
): WireObject[] {
  const tables = [
    expand(types.nodeTypes[node.type]?.operations, node.operations),
    ...node.relationships.map((one) =>
      expand(types.relationshipTypes[one.type]?.sourceOperations, one.sourceOperations),
    ),
    ...incoming.map((one) =>
      expand(types.relationshipTypes[one.type]?.targetOperations, one.targetOperations),
    ),
  ];
  const found = new Map<string, WireObject>();
  for (const { uses } of tables) {
    for (const [name, executors] of uses) {
      const plugin = types.plugins[name];
      if (plugin === undefined) continue;
      for (const executor of executors) {
        const key = `${name}\n${executor}`;
        if (!found.has(key)) found.set(key, { ...wirePlugin(plugin), executor });
      }
    }
  }
  return [...found.values()];
}

export function wirePlugin(plugin: PlanPlugin): WireObject {
  return {
    name: plugin.name,
    source: plugin.source,
    install: plugin.install,
    executor: plugin.executor,
    install_arguments: plugin.installArguments,
    package_name: plugin.packageName,
    package_version: plugin.packageVersion,
    supported_platform: plugin.supportedPlatform,
    distribution: plugin.distribution,
    distribution_version: plugin.distributionVersion,
    distribution_release: plugin.distributionRelease,
    properties_description: plugin.propertiesDescription ?? null,
    properties: plugin.properties,
  };
}

function pluginsRun(plugins: readonly WireObject[], executor: string): WireObject[] {
  const byName = new Map<unknown, WireObject>();
  for (const plugin of plugins) {
    if (plugin.executor === executor && !byName.has(plugin.name)) byName.set(plugin.name, plugin);
  }
  return [...byName.values()];
}

/** Host -> the plugins of everything it contains, itself included. */
function pluginsOfHosts(expanded: readonly { node: PlanNode; wire: WireNode }[]): Map<string, WireObject[]> {
  const hosts = new Map<string, WireObject[]>();
  for (const { node, wire } of expanded) {
    if (node.host === null) continue;
    const plugins = hosts.get(node.host);
    if (plugins === undefined) hosts.set(node.host, [...wire.plugins]);
    else plugins.push(...wire.plugins);
  }
  return hosts;
}

function workflowPlugins(plan: Plan): WireObject[] {
  const names = new Set(Object.values(plan.workflows).map((workflow) => workflow.plugin));
  return Object.values(plan.plugins)
    .filter((plugin) => names.has(plugin.name))
    .map(wirePlugin);
}

function relationshipTypes(plan: Plan): WireObject {
  return Object.fromEntries(
    Object.entries(plan.relationshipTypes).map(([name, type]) => [
      name,
      {
        name,
        ...(type.hierarchy.length > 1 ? { derived_from: type.hierarchy.at(-2) } : {}),
        type_hierarchy: type.hierarchy,
        properties: type.properties,
        source_interfaces: interfacesOf(type.sourceOperations, {}),
        target_interfaces: interfacesOf(type.targetOperations, {}),
      },
    ]),
  );
}

/** `cloudify_dsl_1_3` in its parts. */
function languageVersion(raw: string): WireObject {
  const parts = /^(\w+?)_(\d+(?:_\d+)*)$/.exec(raw);
  return {
    raw,
    definitions_name: parts?.[1] ?? raw,
    definitions_version: (parts?.[2] ?? '').split('_').filter(Boolean).map(Number),
  };
}
