/**
 * The blueprint of an order item: an ordinary one, which anybody who sees the catalogue can read, made of what is to be built.
 * Pure.
 *
 * It is written as JSON, which is YAML: whatever people have put into names and values stays a value. Nodes stand in the
 * order of the steps; what is in one step depends on everything in the step before.
 */
import type { JsonObject } from '../dsl/plan.js';
import { type ActionSource, isPython, pythonSource } from './action-script.js';
import type { BuildPlan, PlannedAction, PlannedServer } from './order-items.js';

export interface SourceOfAction extends ActionSource {
  readonly uid: number;
}

export interface BlueprintOrder {
  /** Of the order. */
  readonly number: number;
  readonly group: string;
  readonly owner: string;
}

/** @param sources of the actions of the plan */
export function blueprintOf(
  plan: BuildPlan,
  order: BlueprintOrder,
  sources: readonly SourceOfAction[],
): string {
  const templates: Record<string, JsonObject> = {};
  let before: readonly string[] = [];
  for (const step of plan.steps) {
    const names: string[] = [];
    for (const { kind, at } of step) {
      const relationships = before.map((target) => ({ type: 'cloudify.relationships.depends_on', target }));
      const after = relationships.length === 0 ? {} : { relationships };
      if (kind === 'server') {
        const server = plan.servers[at]!;
        templates[server.node] = { ...serverNode(server, order), ...after };
        names.push(server.node);
      } else {
        const action = plan.actions[at]!;
        const source = sources.find(({ uid }) => uid === action.action.uid);
        templates[action.node] = { ...actionNode(action, source, plan), ...after };
        names.push(action.node);
      }
    }
    if (names.length > 0) before = names;
  }
  const text = {
    tosca_definitions_version: 'cloudify_dsl_1_4',
    description: `${plan.name}, made for order ${order.number}`,
    imports: ['cloudify/types/types.yaml', ...(plan.servers.length === 0 ? [] : ['orrery/servers.yaml'])],
    node_templates: templates,
    ...(plan.servers.length === 0 ? {} : { outputs: outputsOf(plan.servers) }),
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}

function serverNode(server: PlannedServer, order: BlueprintOrder): JsonObject {
  return {
    type: 'orrery.nodes.Server',
    properties: {
      ...(server.accountId === null ? {} : { cloud_account: server.accountId }),
      hostname: server.hostname,
      image: server.image,
      cpus: server.cpus,
      memory_mb: server.memoryMb,
      disk_gb: server.diskGb,
      networks: [...server.networks],
      tags: { order: String(order.number), group: order.group, owner: order.owner },
    },
  };
}

/** What an action is given beside its inputs: the hostnames of the servers of the order, and where they answer. */
function actionNode(action: PlannedAction, source: SourceOfAction | undefined, plan: BuildPlan): JsonObject {
  const hosts = plan.servers.map(({ node }) => ({ get_attribute: [node, 'ip'] }));
  const env = Object.fromEntries(
    Object.entries(action.inputs).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  const python = source !== undefined && isPython(source);
  return {
    type: 'cloudify.nodes.Root',
    interfaces: {
      'cloudify.interfaces.lifecycle': {
        create: {
          implementation: 'script.script_runner.tasks.run',
          executor: 'central_deployment_agent',
          inputs: {
            script_source: python ? pythonSource(source.source) : (source?.source ?? ''),
            process: {
              env: { ...env, HOSTNAMES: plan.servers.map(({ hostname }) => hostname).join(' ') },
              ...(python ? { command_prefix: 'python3' } : {}),
            },
            server_ips: hosts,
            action_inputs: action.inputs,
          },
        },
      },
    },
  };
}

function outputsOf(servers: readonly PlannedServer[]): JsonObject {
  return Object.fromEntries(
    servers.map(({ node, hostname }) => [
      `${node}_ip`,
      { description: `Where ${hostname} answers`, value: { get_attribute: [node, 'ip'] } },
    ]),
  );
}
