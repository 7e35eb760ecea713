/**
 * Agents on hosts: the operations of `cloudify.interfaces.cloudify_agent`, as the base types name them (cloudify-engine.md §1.4, §2.12).
 *
 * An agent is a worker elsewhere that serves the pool of its host alone (docs/workers.md). `remote` is put there over SSH;
 * `init_script` and `plugin` come with the host's user data, and `provided` with a script that somebody runs: these are waited for.
 *
 * What always holds: each operation may run twice. New credentials make the former ones worthless, so of two installations the
 * later one counts. Credentials go first when an agent is deleted: one that cannot be reached is refused, and ends.
 */
import type { JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { OperationOutcome, OperationRequest, Plugin } from '../plugin.js';
import { type AgentConfig, readAgentConfig } from './agent-config.js';
import type { AgentHost, AgentKeeper, AgentSign, AgentState } from './agent-keeper.js';
import { AGENT_PLUGIN, RESTART } from './agent-words.js';
import { installScript, removeFrom, startAgain, stopOn } from './install-script.js';
import { reach } from './over-ssh.js';

export interface AgentPluginParts {
  readonly keeper: AgentKeeper;
  /** Seconds; for tests. */
  readonly patience?: number;
}

/** What one operation is about. */
interface Work {
  readonly request: OperationRequest;
  readonly host: AgentHost;
  readonly config: AgentConfig;
}

type Step = (parts: AgentPluginParts, work: Work) => Promise<OperationOutcome>;

/** The runtime property of a host that tells of its agent. */
const PROPERTY = 'cloudify_agent';
const INSTALL_SECONDS = 300;
const VALIDATE_SECONDS = 20;
/** Seconds that one attempt waits for an agent that others start. */
const PATIENCE = 60;

const STEPS: Readonly<Record<string, Step>> = {
  'cloudify_agent.installer.operations.create': create,
  'cloudify_agent.installer.operations.start': start,
  'cloudify_agent.installer.operations.stop': stop,
  'cloudify_agent.installer.operations.restart': restart,
  'cloudify_agent.installer.operations.delete': remove,
  'cloudify_agent.operations.stop': stop,
  'cloudify_agent.operations.create_agent_amqp': createAgain,
  'cloudify_agent.operations.validate_agent_amqp': validate,
  'cloudify_agent.operations.install_plugins': refuse(
    'plugins come to an agent with the first operation that needs them: there is nothing to install before',
  ),
  'cloudify_agent.operations.uninstall_plugins': refuse(
    'what an agent keeps of plugins goes when it has not been used for long: there is nothing to uninstall',
  ),
  [RESTART]: refuse('an agent can only be told to begin again where it runs, and this host has none'),
};

export function createAgentPlugin(parts: AgentPluginParts): Plugin {
  return {
    name: AGENT_PLUGIN,
    // They wait for hosts, and cost no process.
    concurrency: 256,
    describe: (functionName) => (STEPS[functionName] === undefined ? null : { resumable: true }),
    async run(request) {
      const step = STEPS[request.functionName];
      const { self } = request.context;
      if (step === undefined || self === null) {
        return failed(
          'NonRecoverableError',
          `"${request.functionName}" is nothing that can be done here`,
          false,
        );
      }
      try {
        const properties = await evaluated(request, self.node.name, self.instance.id);
        const config = readAgentConfig(properties, request.inputs.agent_config);
        const host = { tenant: request.context.tenant, instance: self.instance.id };
        return await step(parts, { request, host, config });
      } catch (error) {
        if (request.signal.aborted) return { kind: 'aborted' };
        if (error instanceof DomainError) {
          return failed('NonRecoverableError', error.message, error.kind === 'unavailable');
        }
        throw error;
      }
    },
  };
}

async function evaluated(request: OperationRequest, node: string, instance: string): Promise<JsonObject> {
  if (request.surroundings === undefined) return request.context.self!.node.properties;
  return (await request.surroundings.node(node, instance)).properties;
}

/** Over SSH it is installed and has come in; where others bring it, it is expected. */
async function create(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  const { config, host, request } = work;
  if (config.method === 'remote') return install(parts, work, INSTALL_SECONDS);
  if (config.method === 'provided') return awaited(parts, work);
  const { keeper } = parts;
  if (!(await keeper.isEnrolled(host))) {
    return failed(
      'NonRecoverableError',
      `nobody has asked for the script of the agent of ${host.instance}: with install_method ${config.method} the plugin that makes the host passes on ctx.agent.init_script()`,
      false,
    );
  }
  await note(parts, work, 'created');
  request.log('info', 'The agent comes with the host');
  return { kind: 'done', result: null };
}

async function install(parts: AgentPluginParts, work: Work, seconds: number): Promise<OperationOutcome> {
  const { keeper } = parts;
  const { host, config, request } = work;
  const { inputs } = request;
  if (config.idle.length > 0) {
    request.log('warning', `Nothing here goes by agent_config.${config.idle.join(', agent_config.')}`);
  }
  await note(parts, work, 'creating');
  const shell = await reach(parts.keeper.reaching, config, request);
  if ('failure' in shell) return shell.failure;
  const enrolment = await keeper.enrol(host, {
    ...(textIn(inputs, 'manager_ip') ? { host: textIn(inputs, 'manager_ip') } : {}),
    ...(textIn(inputs, 'manager_certificate') ? { certificate: textIn(inputs, 'manager_certificate') } : {}),
  });
  if (enrolment.url.startsWith('http:')) {
    request.log(
      'warning',
      `${enrolment.url} is not https: what the agent is given goes over the network for all to read`,
    );
  }
  // From before it begins: its first word must not be missed.
  const sign = keeper.sign(host, seconds, request.signal);
  sign.catch(() => {});
  const ran = await shell.run(installScript(enrolment, config));
  const told = { name: enrolment.name, ...shell.learnt };
  if ('failure' in ran) {
    await note(parts, work, 'failed');
    // Nobody is there to use them.
    if (!ran.failure.failure.retryable) await keeper.revoke(host);
    // Also what it was told of the host: whoever comes next must not believe another one.
    return { ...ran.failure, ...remembered(work, told) };
  }
  request.log('info', ran.output);
  return arrived(parts, work, await sign, told);
}

async function arrived(
  parts: AgentPluginParts,
  work: Work,
  sign: AgentSign | null,
  told: JsonObject,
): Promise<OperationOutcome> {
  const { host, config, request } = work;
  if (request.signal.aborted) return { kind: 'aborted' };
  if (sign === null) {
    await note(parts, work, 'failed');
    const why = `the agent of ${host.instance} was started, and has not come in: can the host reach the API?`;
    return { ...failed('AgentSilent', why, true), ...remembered(work, told) };
  }
  await note(parts, work, 'started', sign);
  const agent = { ...told, install_method: config.method, version: sign.version };
  return { kind: 'done', result: null, ...remembered(work, agent) };
}

/** What the host's runtime properties tell of its agent. */
function remembered({ request, host }: Work, told: JsonObject): Pick<OperationOutcome, 'runtimeProperties'> {
  const { runtimeProperties } = request.context.self!.instance;
  const known = runtimeProperties[PROPERTY];
  const before = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {};
  return {
    runtimeProperties: { [host.instance]: { ...runtimeProperties, [PROPERTY]: { ...before, ...told } } },
  };
}

/** One that others bring: asked for again and again, as a host may take its time. */
async function awaited(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  await note(parts, work, 'starting');
  const sign = await parts.keeper.sign(work.host, parts.patience ?? PATIENCE, work.request.signal);
  if (sign !== null) return arrived(parts, work, sign, { name: work.host.instance });
  if (work.request.signal.aborted) return { kind: 'aborted' };
  return { kind: 'again', after: null, message: `Waiting for the agent of ${work.host.instance}` };
}

async function start(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  return work.config.method === 'remote' ? begun(parts, work, 'starting') : awaited(parts, work);
}

async function restart(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  if (work.config.method === 'remote') return begun(parts, work, 'restarting');
  return failed(
    'NonRecoverableError',
    `the agent of ${work.host.instance} came by itself, and is not reached over SSH: restart_amqp tells it to begin again`,
    false,
  );
}

async function begun(parts: AgentPluginParts, work: Work, state: AgentState): Promise<OperationOutcome> {
  const { host, config, request } = work;
  await note(parts, work, state);
  const shell = await reach(parts.keeper.reaching, config, request);
  if ('failure' in shell) return shell.failure;
  const sign = parts.keeper.sign(host, INSTALL_SECONDS, request.signal);
  sign.catch(() => {});
  const ran = await shell.run(startAgain(nameOf(work)));
  if ('failure' in ran) return ran.failure;
  return arrived(parts, work, await sign, {});
}

async function stop(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  const { host, config, request } = work;
  await note(parts, work, 'stopping');
  if (config.method === 'remote') {
    const shell = await reach(parts.keeper.reaching, config, request);
    if ('failure' in shell) return shell.failure;
    const ran = await shell.run(stopOn(nameOf(work)));
    if ('failure' in ran) return ran.failure;
  } else {
    // It is not reached but by its own questions, and ends when it is refused.
    await parts.keeper.revoke(host);
  }
  await note(parts, work, 'stopped');
  return { kind: 'done', result: null };
}

async function remove(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  const { host, config, request } = work;
  await note(parts, work, 'deleting');
  await parts.keeper.revoke(host);
  if (config.method === 'remote') {
    const shell = await reach(parts.keeper.reaching, config, request);
    const ran = 'failure' in shell ? shell : await shell.run(removeFrom(nameOf(work)));
    if ('failure' in ran && ran.failure.kind === 'failed') {
      request.log(
        'warning',
        `What the agent has left on the host stays there: ${ran.failure.failure.message}`,
      );
    }
  }
  await note(parts, work, 'deleted');
  const { [PROPERTY]: _gone, ...kept } = request.context.self!.instance.runtimeProperties;
  return { kind: 'done', result: null, runtimeProperties: { [host.instance]: kept } };
}

/** `install_new_agents`: with new credentials, and with the program of this release. */
async function createAgain(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  const { config, host, request } = work;
  const script = textIn(request.inputs, 'install_script');
  if (script)
    return failed(
      'NonRecoverableError',
      'install_script is not taken: agents are installed by the script of this release',
      false,
    );
  if (config.method === 'remote') {
    return install(parts, work, secondsIn(request.inputs, 'install_agent_timeout', INSTALL_SECONDS));
  }
  return failed(
    'NonRecoverableError',
    `the agent of ${host.instance} came by itself (${config.method}), and is not reached over SSH: run its script on the host again (POST /orrery/v1/workers/agents/${host.instance}/script)`,
    false,
  );
}

async function validate(parts: AgentPluginParts, work: Work): Promise<OperationOutcome> {
  const { host, request } = work;
  const seconds = secondsIn(request.inputs, 'validate_agent_timeout', VALIDATE_SECONDS);
  const sign = await parts.keeper.sign(host, seconds, request.signal);
  if (request.signal.aborted) return { kind: 'aborted' };
  if (sign === null) {
    return failed(
      'NonRecoverableError',
      `the agent of ${host.instance} has not answered for ${seconds} seconds`,
      false,
    );
  }
  await note(parts, work, 'started', sign);
  return { kind: 'done', result: { alive: true, version: sign.version } };
}

async function note(
  parts: AgentPluginParts,
  { host, config, request }: Work,
  state: AgentState,
  sign?: AgentSign,
) {
  const ip = request.context.self!.instance.hostIp;
  await parts.keeper.note(host, {
    state,
    installMethod: config.method,
    ...(ip === null ? {} : { ip }),
    ...(sign === undefined ? {} : { sign }),
  });
}

/** Of its folder on the host, as it was told when it was installed. */
function nameOf({ request, host }: Work): string {
  const agent = request.context.self!.instance.runtimeProperties[PROPERTY];
  const name = typeof agent === 'object' && agent !== null && !Array.isArray(agent) ? agent.name : undefined;
  if (typeof name === 'string' && /^[A-Za-z0-9._-]+$/.test(name)) return name;
  throw new DomainError('invalid', 'agent-unknown', `no agent was installed on ${host.instance}`);
}

function refuse(why: string): Step {
  return async () => failed('NonRecoverableError', why, false);
}

function textIn(inputs: JsonObject, name: string): string {
  const value = inputs[name];
  return typeof value === 'string' ? value : '';
}

/** @throws DomainError `invalid` */
function secondsIn(inputs: JsonObject, name: string, usual: number): number {
  const value = inputs[name] ?? usual;
  const seconds = typeof value === 'string' ? Number(value) : value;
  if (typeof seconds === 'number' && seconds > 0 && seconds <= 86_400) return seconds;
  throw new DomainError('invalid', 'agent-config-illegal', `${name} should be seconds, more than 0`);
}

export function failed(
  type: string,
  message: string,
  retryable: boolean,
): OperationOutcome & { kind: 'failed' } {
  return { kind: 'failed', failure: { type, message, retryable, causes: [] } };
}
