/**
 * `install_new_agents` and `validate_agents`: the agents of hosts that are started are put there again, or asked whether they are
 * there (cloudify-engine.md §1.7). All are asked before the first is replaced.
 */
import type { JsonObject } from '../../../dsl/plan.js';
import { type Chain, event, GraphBuilder } from '../build.js';
import { containedIn } from '../containment.js';
import type { OperationCall, TaskGraph } from '../graph.js';
import { AGENT, installMethod, MONITORING, MONITORING_AGENT } from '../lifecycle.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { strangers } from '../neighbours.js';
import { Operations } from '../operations.js';
import { weave } from '../weave.js';
import { flag, own, type Problem, select } from './workflow.js';

/** Of the ways in which an agent may come, those that Orrery has a part in. */
const USUAL = ['remote', 'plugin', 'init_script'];
/** Parameters that are told to the operation that installs. */
const TOLD = [
  'install_agent_timeout',
  'manager_ip',
  'manager_certificate',
  'stop_old_agent',
  'install_script',
] as const;

export function installNewAgents(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const validate = flag(parameters, 'validate', true);
  if (typeof validate === 'object') return validate;
  const install = flag(parameters, 'install', true);
  if (typeof install === 'object') return install;
  const hosts = hostsOf(model, parameters);
  if ('problem' in hosts) return hosts;
  const builder = new GraphBuilder();
  if (validate) addValidation(builder, model, hosts);
  if (install) addInstallation(builder, model, hosts, toldOf(parameters));
  return builder.finish('install_new_agents');
}

export function validateAgents(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const hosts = hostsOf(model, parameters);
  if ('problem' in hosts) return hosts;
  const builder = new GraphBuilder();
  addValidation(builder, model, hosts);
  return builder.finish('validate_agents');
}

type Hosts = ReadonlySet<InstanceModel>;

/** Whoever is named must be a host with an agent; where nobody is, it is every host that has one. */
function hostsOf(model: DeploymentModel, parameters: JsonObject): Hosts | Problem {
  const selection = select(model, { ...parameters, type_names: [] });
  if ('problem' in selection) return selection;
  const methods = methodsOf(parameters);
  if ('problem' in methods) return methods;
  const isNamed = ['node_ids', 'node_instance_ids'].some((name) => {
    const value = own(parameters, name);
    return Array.isArray(value) && value.length > 0;
  });
  const operations = new Operations(model);
  const hosts = new Set<InstanceModel>();
  for (const instance of model.instances) {
    if (!selection.has(instance)) continue;
    const method = operations.isHost(instance)
      ? (installMethod(operations.node(instance)?.properties ?? {}) ?? 'none')
      : null;
    if (isNamed && (method === null || method === 'none')) {
      return { problem: `Node instance ${instance.id} is not a host with an agent` };
    }
    if (method === null || !methods.has(method)) continue;
    if (instance.state !== 'started') {
      return { problem: `Node ${instance.id} is not started (state: ${instance.state})` };
    }
    hosts.add(instance);
  }
  return hosts;
}

function methodsOf(parameters: JsonObject): ReadonlySet<string> | Problem {
  const value = own(parameters, 'install_methods');
  if (value === undefined || value === null) return new Set(USUAL);
  if (Array.isArray(value) && value.every((one) => typeof one === 'string'))
    return new Set(value as string[]);
  return { problem: 'Parameter "install_methods" must be a list of strings' };
}

const VALIDATING = [event('Validating agent connection.')];
const VALIDATED = [event('Validation done')];
const INSTALLING = [event('Installing new agent')];
const INSTALLED = [event('New agent installed.')];

function addValidation(builder: GraphBuilder, model: DeploymentModel, hosts: Hosts): void {
  eachHost(builder, model, hosts, (chain, host, operations) => {
    const call = operations.call(host, `${AGENT}.validate_amqp`);
    if (call === null) return;
    chain.announce(VALIDATING);
    chain.run(call);
    chain.record(VALIDATED);
  });
}

function addInstallation(
  builder: GraphBuilder,
  model: DeploymentModel,
  hosts: Hosts,
  told: JsonObject,
): void {
  const instances = new Map(model.instances.map((instance) => [instance.id, instance]));
  eachHost(builder, model, hosts, (chain, host, operations) => {
    const create = operations.call(host, `${AGENT}.create_amqp`);
    if (create === null) return;
    chain.announce(INSTALLING);
    chain.run({ ...create, parameters: told, allowOverride: true });
    chain.record(INSTALLED);
    const more = [
      operations.call(host, `${AGENT}.validate_amqp`),
      operations.call(host, `${MONITORING_AGENT}.install`),
      operations.call(host, `${MONITORING_AGENT}.start`),
    ];
    for (const call of more) if (call !== null) chain.run(call);
  });
  const inside = [...hosts].map((host) => containedIn(model, [host.id]));
  const contained = new Set(inside.flatMap((ids) => [...ids]).map((id) => instances.get(id)!));
  eachHost(builder, model, contained, (chain, instance, operations) => {
    const call = operations.call(instance, `${MONITORING}.start`);
    if (call !== null) chain.run(call);
  });
}

/** After everything that is in the graph already. */
function eachHost(
  builder: GraphBuilder,
  model: DeploymentModel,
  hosts: Hosts,
  add: (chain: Chain, host: InstanceModel, operations: Operations) => void,
): void {
  const operations = new Operations(model);
  weave(builder, {
    model,
    neighbours: strangers(model),
    operations,
    direction: 'targets-first',
    after: builder.barrier(),
    fill(chain, instance) {
      if (hosts.has(instance)) add(chain, instance, operations);
    },
  });
}

function toldOf(parameters: JsonObject): NonNullable<OperationCall['parameters']> {
  return Object.fromEntries(
    TOLD.flatMap((name) => {
      const value = own(parameters, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
