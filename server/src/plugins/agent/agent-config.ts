/** What a host says of its agent: `install_agent`, `agent_config` (cloudify-engine.md §1.4, §2.12). Pure. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';

/** How an agent comes to a host, and whether Orrery waits for it. */
export const METHODS = ['none', 'remote', 'init_script', 'plugin', 'provided'] as const;
export type InstallMethod = (typeof METHODS)[number];

export interface AgentConfig {
  readonly method: InstallMethod;
  readonly user: string;
  readonly port: number;
  /** Text of a private key, or the name of a secret that is one. */
  readonly key: string;
  readonly password: string;
  /** Of the agent's process, and so of its scripts. */
  readonly env: Readonly<Record<string, string>>;
  /** Operations at once; null: as many as any worker. */
  readonly room: number | null;
  readonly logLevel: string;
  /** `SHA256:…`; null: nothing is known. */
  readonly hostKey: string | null;
  /** A Node on the host. Empty: one that is found. */
  readonly node: string;
  /** Members that say something which has no effect here. */
  readonly idle: readonly string[];
}

const LEVELS: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'error',
};
const IDLE = [
  'service_name',
  'min_workers',
  'log_max_bytes',
  'log_max_history',
  'disable_requiretty',
  'executable_temp_path',
  'process_management',
  'heartbeat',
];

/** The old boolean property wins over `agent_config`. What says nothing is installed over SSH. */
export function installMethodOf(properties: JsonObject): InstallMethod {
  const old = properties.install_agent;
  if (old === false || old === 'false') return 'none';
  if (old === true || old === 'true') return 'remote';
  const method = mappingOf(properties.agent_config).install_method;
  if (method === undefined || method === null || method === '') return 'remote';
  const known = METHODS.find((one) => one === method);
  if (known === undefined) {
    throw illegal('install_method', `one of ${METHODS.join(', ')}, and is ${JSON.stringify(method)}`);
  }
  return known;
}

/**
 * @param properties of the node, evaluated
 * @param over laid over `agent_config`: an input of the operation
 * @throws DomainError `invalid` (`agent-config-illegal`) naming the member
 */
export function readAgentConfig(properties: JsonObject, over: Json | undefined): AgentConfig {
  const config = { ...mappingOf(properties.agent_config), ...mappingOf(over) };
  const method = installMethodOf({ ...properties, agent_config: config });
  if (properties.os_family === 'windows' && method !== 'none') {
    throw new DomainError(
      'invalid',
      'agent-config-illegal',
      'agents run on Linux and other Unix systems: os_family is windows',
    );
  }
  const extra = mappingOf(config.extra);
  const hostKey = text(extra, 'ssh_host_key');
  if (hostKey !== '' && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(hostKey)) {
    throw illegal(
      'extra.ssh_host_key',
      'the fingerprint of the host key, "SHA256:…" as ssh-keygen -l prints it',
    );
  }
  const logLevel = text(config, 'log_level');
  if (logLevel !== '' && LEVELS[logLevel.toLowerCase()] === undefined) {
    throw illegal('log_level', `one of ${Object.keys(LEVELS).join(', ')}`);
  }
  return {
    method,
    user: text(config, 'user'),
    port: number(config, 'port', 1, 65_535) ?? 22,
    key: text(config, 'key'),
    password: text(config, 'password'),
    env: envOf(config.env),
    room: number(config, 'max_workers', 1, 5000),
    logLevel: LEVELS[logLevel.toLowerCase()] ?? 'info',
    hostKey: hostKey === '' ? null : hostKey,
    node: text(extra, 'node'),
    idle: [
      ...IDLE.filter((name) => !isNothing(config[name])),
      ...(isNothing(config.network) || config.network === 'default' ? [] : ['network']),
    ],
  };
}

function envOf(value: Json | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mappingOf(value)).map(([name, given]) => {
      const value = typeof given === 'object' ? '\n' : String(given);
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /[\n\r\0]/.test(value)) {
        throw illegal('env', 'a mapping of names of variables to texts of one line');
      }
      return [name, value];
    }),
  );
}

function mappingOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '' || value === false;
}

function text(from: JsonObject, name: string): string {
  const value = from[name];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw illegal(name, 'a text');
}

function number(from: JsonObject, name: string, least: number, most: number): number | null {
  const value = from[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw illegal(name, `a whole number from ${least} to ${most}`);
}

function illegal(member: string, right: string): DomainError {
  return new DomainError('invalid', 'agent-config-illegal', `agent_config.${member} should be ${right}`, {
    details: { field: `agent_config.${member}` },
  });
}
