/** Node instances as plugins are shown them. */
import type { JsonObject, PlanNode } from '../../dsl/plan.js';
import { notFound } from '../../errors.js';
import type { InstanceContext, NodeContext, Surroundings } from '../../plugins/plugin.js';
import type { InstanceModel } from '../planning/model.js';
import type { WalkedDeployment } from './deployment.js';

export function instanceContext(
  deployment: WalkedDeployment,
  instance: InstanceModel,
  properties: ReadonlyMap<string, JsonObject>,
): InstanceContext {
  const node = deployment.nodes.get(instance.node)!;
  return {
    node: nodeContext(deployment, node),
    instance: {
      id: instance.id,
      index: instance.index,
      runtimeProperties: properties.get(instance.id) ?? {},
      hostIp: hostIp(deployment, instance, properties),
      relationships: instance.relationships,
      scalingGroups: instance.scalingGroups,
    },
  };
}

function nodeContext(deployment: WalkedDeployment, node: PlanNode): NodeContext {
  return {
    name: node.name,
    type: node.type,
    typeHierarchy: deployment.types.nodeTypes[node.type]?.hierarchy ?? [node.type],
    properties: node.properties,
    numberOfInstances: deployment.instanceCount(node.name),
  };
}

function hostIp(
  deployment: WalkedDeployment,
  instance: InstanceModel,
  properties: ReadonlyMap<string, JsonObject>,
): string | null {
  if (instance.host === null) return null;
  const told = properties.get(instance.host)?.ip;
  if (typeof told === 'string' && told !== '') return told;
  const host = deployment.instances.get(instance.host);
  const node: PlanNode | undefined = host === undefined ? undefined : deployment.nodes.get(host.node);
  const written = node?.properties.ip;
  return typeof written === 'string' && written !== '' ? written : null;
}

/**
 * @param scope what functions in a node's properties are evaluated for, unless another instance is named
 * @param load runtime properties now, by instance id
 */
export function surroundingsOf(
  deployment: WalkedDeployment,
  scope: { readonly self?: string; readonly source?: string; readonly target?: string },
  load: (instances: readonly string[]) => Promise<ReadonlyMap<string, JsonObject>>,
): Surroundings {
  return {
    async node(name, instance) {
      const node = deployment.nodes.get(name);
      if (node === undefined) throw notFound('Node', name);
      const known = instance !== null && deployment.instances.has(instance);
      const properties = await deployment.evaluate(node.properties, known ? { self: instance } : scope);
      return {
        ...nodeContext(deployment, node),
        properties: properties as JsonObject,
        host: node.host,
        relationships: node.relationships.map(({ type, target, properties: own }) => ({
          type,
          typeHierarchy: deployment.types.relationshipTypes[type]?.hierarchy ?? [type],
          target,
          properties: own,
        })),
      };
    },
    async instance(id) {
      const instance = deployment.instances.get(id);
      if (instance === undefined) throw notFound('Node instance', id);
      const properties = await load([id]);
      return {
        id,
        index: instance.index,
        node: instance.node,
        host: instance.host,
        runtimeProperties: properties.get(id) ?? {},
        relationships: instance.relationships,
        scalingGroups: instance.scalingGroups,
      };
    },
  };
}
