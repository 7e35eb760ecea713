/**
 * Agents of hosts, as the engine knows them: their credentials, their pool, and whether they are there.
 *
 * What always holds: the credentials of an agent are for the pool of its host and for its host's tenant, and a host has one set of them.
 * They let nobody in once the host's node instance is gone, in the same moment; the rows are swept later.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { machine as osMachine, type as osType } from 'node:os';
import type { Readable } from 'node:stream';
import { type Caller, scopeFor } from '../../../caller.js';
import type { JsonObject } from '../../../dsl/plan.js';
import { DomainError, notFound } from '../../../errors.js';
import { record } from '../../../identity/audit.js';
import type { TenantId } from '../../../ids.js';
import { readAgentConfig } from '../../../plugins/agent/agent-config.js';
import type {
  AgentAddress,
  AgentFacts,
  AgentHost,
  AgentKeeper,
  AgentSign,
  Enrolment,
  Reaching,
} from '../../../plugins/agent/agent-keeper.js';
import { installScript } from '../../../plugins/agent/install-script.js';
import { type AgentProgram, agentProgram } from '../../../plugins/agent/program.js';
import type { Pool } from '../../../store/pool.js';
import type { Signals } from '../../../store/signals.js';
import { inTransaction } from '../../../store/transaction.js';
import { agentPool } from './agent-pool.js';
import {
  deleteAgentCredentials,
  keepToken,
  lockHost,
  noteAgent,
  selectAgentCredentials,
  selectHostNode,
  selectNow,
  selectSign,
  selectTenantByName,
  sweepAgentCredentials,
} from './host-agents.store.js';
import { issueCredential } from './remote-workers.js';
import { type DispatchVault, placeOf, sealed as seal, unsealed } from './seal.js';

export interface HostAgentsParts {
  readonly pool: Pool;
  readonly signals: Signals;
  readonly vault: DispatchVault;
  /** Where hosts find the API; empty: nobody has said. */
  readonly url: string;
  /** PEM of the authority behind the API's certificate; null: one that everybody knows. */
  readonly certificate: () => string | null;
  readonly reaching: Reaching;
  /** Default: the one that was built beside this. */
  readonly program?: () => Promise<AgentProgram>;
}

const LOOK_MS = 250;
/** A hint may be lost. */
const PING_AGAIN_MS = 2000;
const PEM = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n-]+-----END CERTIFICATE-----$/;

export class HostAgents implements AgentKeeper {
  readonly #parts: HostAgentsParts;

  constructor(parts: HostAgentsParts) {
    this.#parts = parts;
  }

  get reaching(): Reaching {
    return this.#parts.reaching;
  }

  async enrol(host: AgentHost, address: AgentAddress = {}): Promise<Enrolment> {
    const enrolment = await this.#about(host, address);
    const token = await this.#issue(host, false);
    return { ...enrolment, token };
  }

  /** All but the token, so that nothing is issued where something is wrong. */
  async #about({ tenant, instance }: AgentHost, address: AgentAddress): Promise<Omit<Enrolment, 'token'>> {
    const url = urlWith(this.#parts.url, address.host);
    const certificate = pemOf(address.certificate ?? this.#parts.certificate());
    const { sha256: program } = await this.program();
    return { name: agentPool(tenant, instance), url, certificate, program };
  }

  /** `sealed`: kept until an agent has come in with them, so that they can be told again. */
  async #issue({ tenant, instance }: AgentHost, sealed: boolean): Promise<string> {
    const id = await this.#tenantOf(tenant);
    const token = await inTransaction(this.#parts.pool, async (client) => {
      const there = await lockHost.one(client, id, [instance]);
      if (there === null) throw notFound('Node instance', instance);
      await deleteAgentCredentials.run(client, id, [instance]);
      const { value } = await issueCredential(client, {
        name: instance,
        kind: 'agent',
        pools: [agentPool(tenant, instance)],
        confinedTo: id,
        hostInstance: instance,
        createdBy: there.deploymentCreator,
      });
      const { vault } = this.#parts;
      const place = placeOf.agent(id, instance);
      if (sealed) await keepToken.run(client, id, [instance, seal(vault, value, place)]);
      return value;
    });
    this.#parts.signals.send('revoked');
    return token;
  }

  /** Of an agent that has not come in yet; null: there is none to be told. */
  async #tokenAgain({ tenant, instance }: AgentHost): Promise<string | null> {
    const id = await this.#tenantOf(tenant);
    const row = await selectAgentCredentials.one(this.#parts.pool, id, [instance]);
    if (row?.sealed == null) return null;
    try {
      return unsealed<string>(this.#parts.vault, row.sealed, placeOf.agent(id, instance));
    } catch (error) {
      // Under a master key that is gone: new ones do as well.
      if (error instanceof DomainError) return null;
      throw error;
    }
  }

  async note({ tenant, instance }: AgentHost, { state, ip, installMethod, sign }: AgentFacts): Promise<void> {
    await noteAgent.run(this.#parts.pool, await this.#tenantOf(tenant), [
      instance,
      state,
      ip ?? null,
      installMethod ?? null,
      sign?.system ?? null,
      sign?.version ?? null,
    ]);
  }

  async isEnrolled({ tenant, instance }: AgentHost): Promise<boolean> {
    const id = await this.#tenantOf(tenant);
    return (await selectAgentCredentials.one(this.#parts.pool, id, [instance])) !== null;
  }

  /** The agent is asked to say something, rather than waited for until it does by itself. */
  async sign(
    { tenant, instance }: AgentHost,
    seconds: number,
    signal: AbortSignal,
  ): Promise<AgentSign | null> {
    const { pool, signals } = this.#parts;
    const id = await this.#tenantOf(tenant);
    const { now } = (await selectNow.one(pool, []))!;
    const deadline = performance.now() + seconds * 1000;
    let pinged = -Infinity;
    while (!signal.aborted) {
      const row = await selectSign.one(pool, id, [instance, now]);
      if (row?.isFresh === true) return { version: row.version, system: row.system };
      if (row !== null && performance.now() - pinged > PING_AGAIN_MS) {
        signals.send(`ping:${row.worker}`);
        pinged = performance.now();
      }
      if (performance.now() > deadline) return null;
      await pause(LOOK_MS, signal);
    }
    return null;
  }

  async revoke({ tenant, instance }: AgentHost): Promise<void> {
    const gone = await deleteAgentCredentials.run(this.#parts.pool, await this.#tenantOf(tenant), [instance]);
    if (gone > 0) this.#parts.signals.send('revoked');
  }

  /**
   * What puts the agent on its host when it is run there: the same until an agent has come in with it, since the host may have been
   * made with the first before whoever asks was interrupted.
   *
   * @param properties of the host's node, evaluated
   */
  async script(host: AgentHost, properties: JsonObject): Promise<string> {
    const config = readAgentConfig(properties, undefined);
    if (config.method === 'none') {
      throw new DomainError(
        'conflict',
        'agent-not-wanted',
        `The host ${host.instance} wants no agent: its install_method is none`,
      );
    }
    const enrolment = await this.#about(host, {});
    const token = (await this.#tokenAgain(host)) ?? (await this.#issue(host, true));
    return installScript({ ...enrolment, token }, config);
  }

  /**
   * The same for a person, who runs it. Needs `nodes.write`.
   *
   * @throws DomainError `not-found` (no host of that id); `conflict` (`agent-not-wanted`); as `enrol`
   */
  async scriptFor(caller: Caller, instance: string): Promise<string> {
    const scope = scopeFor(caller, 'nodes.write');
    const key = [instance, scope.userId, scope.seesPrivate];
    const node = await selectHostNode.one(this.#parts.pool, scope.tenantId, key);
    if (node === null) throw notFound('Node instance of a host', instance);
    // Nothing of how it would be reached over SSH goes into the script, and it may be a secret.
    const {
      key: _key,
      password: _password,
      user: _user,
      ...config
    } = (node.properties.agent_config ?? {}) as JsonObject;
    const host = { tenant: caller.tenant!.name, instance };
    const script = await this.script(host, { ...node.properties, agent_config: config });
    await record(this.#parts.pool, caller, { action: 'create', thing: 'agent-credentials', id: instance });
    return script;
  }

  program(): Promise<AgentProgram> {
    return (this.#parts.program ?? agentProgram)();
  }

  /**
   * The Node that this process runs with.
   *
   * @throws DomainError `not-found` for another kind of machine than this one
   */
  async runtime(system: string, machine: string): Promise<{ size: number; stream: Readable }> {
    if (system !== osType() || machine !== osMachine()) {
      throw notFound('Node', `for ${system} ${machine}: the API runs on ${osType()} ${osMachine()}`);
    }
    const { size } = await stat(process.execPath);
    return { size, stream: createReadStream(process.execPath) };
  }

  async sweep(): Promise<void> {
    await sweepAgentCredentials.all(this.#parts.pool);
  }

  async #tenantOf(name: string): Promise<TenantId> {
    const row = await selectTenantByName.one(this.#parts.pool, [name]);
    if (row === null) throw notFound('Tenant', name);
    return row.id;
  }
}

/** @throws DomainError `invalid` (`agent-url-illegal`) */
function pemOf(text: string | null): string | null {
  const pem = text === null ? null : text.trim().replaceAll('\r', '');
  if (pem === null || PEM.test(pem)) return pem;
  throw new DomainError(
    'invalid',
    'agent-url-illegal',
    'the certificate that an agent is told should be one in PEM: -----BEGIN CERTIFICATE----- …',
  );
}

/** @throws DomainError `invalid` (`agent-url-missing`, `agent-url-illegal`) */
function urlWith(url: string, host: string | undefined): string {
  if (url === '') {
    throw new DomainError(
      'invalid',
      'agent-url-missing',
      'where hosts find the API is not said: an administrator has to set ORRERY_AGENT_URL',
    );
  }
  if (host === undefined) return url;
  const changed = new URL(url);
  changed.hostname = host.includes(':') ? `[${host}]` : host;
  if (changed.hostname === new URL(url).hostname && changed.hostname !== host.toLowerCase()) {
    throw new DomainError(
      'invalid',
      'agent-url-illegal',
      `manager_ip should be a name or an address, and is "${host.slice(0, 200)}"`,
    );
  }
  return changed.origin;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
