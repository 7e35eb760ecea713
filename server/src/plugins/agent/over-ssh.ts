/** How a host is reached over SSH: whom it is spoken to as, and how one is sure that it is the right one. */
import type { JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { OperationOutcome, OperationRequest } from '../plugin.js';
import type { AgentConfig } from './agent-config.js';
import type { Reaching } from './agent-keeper.js';
import { HOPELESS } from './install-script.js';

type Failure = { readonly failure: OperationOutcome & { readonly kind: 'failed' } };

export interface Shell {
  /** What is to be remembered of the host; complete when something has run. */
  readonly learnt: JsonObject;
  run(script: string): Promise<{ readonly output: string } | Failure>;
}

/** @throws DomainError `invalid` (`agent-config-illegal`, `address-not-allowed`) */
export async function reach(
  { allowlist, hostKeys }: Reaching,
  config: AgentConfig,
  request: OperationRequest,
): Promise<Shell | Failure> {
  const { self } = request.context;
  const address = self!.instance.hostIp;
  if (address === null)
    return failure('the host has no address: neither a runtime property nor a property "ip"');
  if (config.user === '') return failure('agent_config.user is missing: as whom is the host spoken to?');
  const privateKey = await keyOf(config, request);
  if (privateKey === null && config.password === '') {
    return failure('agent_config says neither a key nor a password');
  }
  const pinned = pinnedOf(config, self!.instance.runtimeProperties);
  if (pinned === null && hostKeys === 'pinned') {
    return failure(
      `the host key of ${address} is not known, so it is not spoken to: give its fingerprint as agent_config.extra.ssh_host_key or as the runtime property ssh_host_key ("SHA256:…"), or let the first key count with ORRERY_AGENT_HOST_KEYS=first`,
    );
  }
  const learnt: { ssh_host_key?: string } = {};
  const isRight = (fingerprint: string) => {
    const right = pinned ?? learnt.ssh_host_key;
    if (right === undefined) learnt.ssh_host_key = fingerprint;
    return right === undefined || right === fingerprint;
  };
  const target = {
    host: address,
    port: config.port,
    user: config.user,
    privateKey,
    passphrase: null,
    password: config.password === '' ? null : config.password,
    allowlist,
    isRight,
  };
  return {
    learnt: learnt as JsonObject,
    async run(script) {
      // Loaded where it is needed: most workers never speak SSH.
      const { runOverSsh, Unreachable, WrongHost } = await import('../../net/ssh-command.js');
      try {
        const ran = await runOverSsh(target, 'sh -s', script, request.signal);
        if (ran.code === 0) return { output: ran.output.trim() };
        const why = ran.errors.trim().slice(-2000) || `status ${ran.code}`;
        return failure(`on ${address}: ${why}`, ran.code !== HOPELESS);
      } catch (error) {
        if (error instanceof WrongHost) return failure(error.message);
        if (error instanceof Unreachable) return failure(error.message, true);
        throw error;
      }
    },
  };
}

/** A text with a private key in it is one; any other is the name of a secret. */
async function keyOf({ key }: AgentConfig, request: OperationRequest): Promise<string | null> {
  if (key === '') return null;
  if (key.includes('PRIVATE KEY')) return key.endsWith('\n') ? key : `${key}\n`;
  const secret = await request.evaluate({ get_secret: key });
  if (typeof secret === 'string' && secret.includes('PRIVATE KEY')) return secret;
  throw new DomainError(
    'invalid',
    'agent-config-illegal',
    `agent_config.key should be a private key, or the name of a secret that is one`,
  );
}

function pinnedOf(config: AgentConfig, properties: JsonObject): string | null {
  if (config.hostKey !== null) return config.hostKey;
  if (typeof properties.ssh_host_key === 'string') return properties.ssh_host_key;
  const agent = properties.cloudify_agent;
  const learnt =
    typeof agent === 'object' && agent !== null && !Array.isArray(agent) ? agent.ssh_host_key : null;
  return typeof learnt === 'string' ? learnt : null;
}

function failure(message: string, retryable = false): Failure {
  const type = retryable ? 'HostTrouble' : 'NonRecoverableError';
  return { failure: { kind: 'failed', failure: { type, message, retryable, causes: [] } } };
}
