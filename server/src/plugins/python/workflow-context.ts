/**
 * Nodes and node instances as the code of workflows expects them: as the REST API tells them.
 *
 * Source: cloudify-rest.md, nodes and node instances; the words are the blueprint world's own.
 */
import type { Json, JsonObject, PlanOperation, PlanPlugin } from '../../dsl/plan.js';
import { isNoop } from '../../dsl/plan.js';
import type { WorkflowInstance, WorkflowNode } from '../workflow.js';
import { hostInstance, hostNode } from './host-context.js';

export function hostWorkflowNode(node: WorkflowNode, deployment: string): JsonObject {
  return {
    ...hostNode(node, deployment),
    planned_number_of_instances: node.numberOfInstances,
    deploy_number_of_instances: node.numberOfInstances,
    operations: operationsOf(node.operations),
    relationships: node.relationships.map((one) => ({
      type: one.type,
      type_hierarchy: [...one.typeHierarchy],
      target_id: one.target,
      properties: one.properties,
      source_operations: operationsOf(one.sourceOperations),
      target_operations: operationsOf(one.targetOperations),
    })),
    plugins: node.plugins.map(pluginOf),
    plugins_to_install: [],
  };
}

export function hostWorkflowInstance(instance: WorkflowInstance, deployment: string): JsonObject {
  return {
    ...hostInstance(instance, instance.runtimeProperties),
    id: instance.id,
    deployment_id: deployment,
    state: instance.state,
    version: 1,
  };
}

/** By their full names, and by their short ones where those say which is meant. */
function operationsOf(table: Readonly<Record<string, PlanOperation>>): JsonObject {
  const told: JsonObject = {};
  const short = new Map<string, string | null>();
  for (const [name, operation] of Object.entries(table)) {
    told[name] = operationOf(operation);
    const last = name.slice(name.lastIndexOf('.') + 1);
    short.set(last, short.has(last) ? null : name);
  }
  for (const [last, name] of short) if (name !== null && told[last] === undefined) told[last] = told[name]!;
  return told;
}

function operationOf(operation: PlanOperation): Json {
  const nothing = isNoop(operation);
  return {
    operation: nothing ? '' : operation.function,
    plugin: nothing ? '' : operation.plugin,
    inputs: operation.inputs,
    inputs_types: null,
    has_intrinsic_functions: operation.hasFunctions,
    executor: operation.executor ?? 'central_deployment_agent',
    max_retries: operation.maxRetries,
    retry_interval: operation.retryInterval,
    timeout: operation.timeout,
    timeout_recoverable: operation.timeoutRecoverable,
  };
}

function pluginOf(plugin: PlanPlugin): JsonObject {
  return {
    name: plugin.name,
    executor: plugin.executor,
    install: plugin.install,
    source: plugin.source,
    package_name: plugin.packageName,
    package_version: plugin.packageVersion,
    properties: plugin.properties,
  };
}
