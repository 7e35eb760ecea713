/**
 * The blueprint of an order item: an ordinary one, which anybody who sees the catalogue can read, made of what is to be built.
 * Pure.
 *
 * It is written as JSON, which is YAML: whatever people have put into names and values stays a value. Nodes stand in the
 * order of the steps; what is in one step depends on everything in the step before.
 */
import type { JsonObject } from '../dsl/plan.js';
import type { BuildPlan, PlannedAction, PlannedServer } from './order-items.js';

export interface ActionSource {
  readonly uid: number;
  readonly kind: string;
  readonly source: string;
  readonly filename: string;
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
  sources: readonly ActionSource[],
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
function actionNode(action: PlannedAction, source: ActionSource | undefined, plan: BuildPlan): JsonObject {
  const hosts = plan.servers.map(({ node }) => ({ get_attribute: [node, 'ip'] }));
  const env = Object.fromEntries(
    Object.entries(action.inputs).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  const isPython = source?.kind === 'plugin' || source?.filename.endsWith('.py') === true;
  return {
    type: 'cloudify.nodes.Root',
    interfaces: {
      'cloudify.interfaces.lifecycle': {
        create: {
          implementation: 'script.script_runner.tasks.run',
          executor: 'central_deployment_agent',
          inputs: {
            script_source: isPython ? pythonSource(source) : (source?.source ?? ''),
            process: {
              env: { ...env, HOSTNAMES: plan.servers.map(({ hostname }) => hostname).join(' ') },
              ...(isPython ? { command_prefix: 'python3' } : {}),
            },
            server_ips: hosts,
            action_inputs: action.inputs,
          },
        },
      },
    },
  };
}

/**
 * A plug-in is a file with a function `run`, called with the inputs by name; it answers `(status, output, errors)` or nothing.
 * Its output is the operation's, and what it reports as a failure fails it.
 */
function pythonSource(source: ActionSource | undefined): string {
  const text = source?.source ?? '';
  if (!/^def run\(/m.test(text)) return text;
  return `${text}

if __name__ == '__main__':
    import inspect, json, os, sys
    given = json.loads(os.environ.get('action_inputs') or '{}')
    known = inspect.signature(run)
    takes_all = any(one.kind is one.VAR_KEYWORD for one in known.parameters.values())
    arguments = {name: value for name, value in given.items() if takes_all or name in known.parameters}
    if 'job' in known.parameters or takes_all:
        arguments.setdefault('job', None)
    answer = run(**arguments)
    status, output, errors = (tuple(answer) + ('', '', ''))[:3] if isinstance(answer, (tuple, list)) else (answer or '', '', '')
    if output:
        print(output)
    if errors:
        print(errors, file=sys.stderr)
    sys.exit(1 if str(status).upper() in ('FAILURE', 'FAILED', 'ERROR') else 0)
`;
}

function outputsOf(servers: readonly PlannedServer[]): JsonObject {
  return Object.fromEntries(
    servers.map(({ node, hostname }) => [
      `${node}_ip`,
      { description: `Where ${hostname} answers`, value: { get_attribute: [node, 'ip'] } },
    ]),
  );
}
