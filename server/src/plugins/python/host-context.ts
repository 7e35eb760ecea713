/**
 * An operation as plugin code expects to be told of it: the mapping that becomes `ctx`, nodes and node instances.
 *
 * Source: cloudify.md §9.4, cloudify-engine.md §3.5; the words are the blueprint world's own.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { InstanceContext, InstanceView, NodeView, OperationRequest } from '../plugin.js';

/** Where plugin code finds the REST API. */
export interface ApiAddress {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** @throws TypeError for what is no URL */
export function apiAddressOf(url: string): ApiAddress {
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:';
  return {
    protocol: secure ? 'https' : 'http',
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 443 : 80) : Number(port),
  };
}

/** @param api null: plugin code has no API to call */
export function hostContext(
  request: OperationRequest,
  api: { readonly address: ApiAddress; readonly token: string } | null,
): JsonObject {
  const { context, operation, plugin } = request;
  const { self, relationship, execution, deployment } = context;
  const side = relationship?.side;
  const main = relationship === null ? self : relationship[relationship.side];
  const other = relationship?.[side === 'source' ? 'target' : 'source'] ?? null;
  return {
    __cloudify_context: '0.3',
    type: 'operation',
    task_id: operation.id,
    task_name: request.functionName,
    task_queue: null,
    task_target: null,
    local: false,
    execution_id: execution.id,
    workflow_id: execution.workflow,
    workflow_parameters: execution.parameters,
    execution_creator_username: execution.creator,
    execution_token: api?.token ?? null,
    rest_token: null,
    rest_host: api === null ? [] : [api.address.host],
    rest_port: api?.address.port ?? null,
    bypass_maintenance: false,
    blueprint_id: context.blueprint.id,
    deployment_id: deployment.id,
    deployment_display_name: deployment.displayName,
    deployment_creator: deployment.creator,
    deployment_resource_tags: deployment.resourceTags,
    runtime_only_evaluation: false,
    tenant: { name: context.tenant },
    ...(main === null ? {} : subject(main)),
    ...(other === null ? {} : { related: { ...subject(other), is_target: side === 'source' } }),
    relationships: main?.instance.relationships.map((one) => one.targetInstance) ?? [],
    operation: {
      name: operation.name,
      retry_number: operation.retryNumber,
      max_retries: operation.maxRetries,
      relationship: side ?? null,
    },
    plugin: {
      name: plugin?.name ?? '',
      package_name: plugin?.packageName ?? null,
      package_version: plugin?.packageVersion ?? null,
      source: plugin?.source ?? null,
      properties: plugin?.properties ?? {},
      tenant_name: context.tenant,
    },
    executor: plugin?.executor ?? 'central_deployment_agent',
    execution_env: {},
    has_intrinsic_functions: false,
    timeout: operation.timeout,
    timeout_recoverable: false,
    // Whether an operation that was interrupted may run again was decided before it came here.
    resume: false,
  };
}

function subject({ node, instance }: InstanceContext): JsonObject {
  return { node_id: instance.id, node_name: node.name };
}

export function hostNode(node: NodeView, deployment: string): JsonObject {
  return {
    id: node.name,
    deployment_id: deployment,
    type: node.type,
    type_hierarchy: [...node.typeHierarchy],
    properties: node.properties,
    number_of_instances: node.numberOfInstances,
    host_id: node.host,
    relationships: node.relationships.map((one) => ({
      type: one.type,
      type_hierarchy: [...one.typeHierarchy],
      target_id: one.target,
      properties: one.properties,
    })),
  };
}

/** @param runtimeProperties as the operation sees them, which may have changed them already */
export function hostInstance(instance: InstanceView, runtimeProperties: JsonObject): JsonObject {
  return {
    node_id: instance.node,
    host_id: instance.host,
    index: instance.index,
    runtime_properties: runtimeProperties,
    relationships: instance.relationships.map((one) => ({
      type: one.type,
      target_name: one.targetNode,
      target_id: one.targetInstance,
    })),
    scaling_groups: instance.scalingGroups.map(({ name, id }): Json => ({ name, id })),
    system_properties: {},
  };
}
