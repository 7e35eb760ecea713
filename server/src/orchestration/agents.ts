/**
 * Agents on hosts: those that were installed from here (running/dispatch/host-agents.ts), as they are, and others, as clients tell of them.
 * Nothing here installs, starts or reaches one.
 */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type AgentField, agentList, deploymentOfInstance, putAgent, updateAgent } from './agents.store.js';

export type { AgentField } from './agents.store.js';

export interface AgentRequest {
  readonly name: string;
  /** Id of the host's node instance. */
  readonly instance: string;
  readonly state: string;
  readonly ip: string | null;
  readonly installMethod: string | null;
  readonly system: string | null;
  readonly version: string | null;
}

export class Agents {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `nodes.read`. */
  async list(caller: Caller, query: ListQuery<AgentField>): Promise<ListPage> {
    return listPage(this.#pool, agentList, scopeFor(caller, 'nodes.read'), query);
  }

  /**
   * Writes an agent down, or down again. Needs `nodes.write`.
   *
   * @throws DomainError `not-found` (node instance); `conflict` (`agent-exists`: of another node instance)
   */
  async put(caller: Caller, agent: AgentRequest): Promise<void> {
    const scope = scopeFor(caller, 'nodes.write');
    await inTransaction(this.#pool, async (client) => {
      const { name, instance, state, ip, installMethod, system, version } = agent;
      const key = [instance, scope.userId, scope.seesPrivate];
      const deployment = await deploymentOfInstance.one(client, scope.tenantId, key);
      if (deployment === null) throw notFound('Node instance', instance);
      const row = await putAgent.one(client, scope.tenantId, [
        name,
        deployment.uid,
        instance,
        state,
        ip,
        installMethod,
        system,
        version,
        scope.userId,
      ]);
      if (row === null) {
        throw new DomainError(
          'conflict',
          'agent-exists',
          `Agent ${name} is on another node instance already`,
        );
      }
      await record(client, caller, { action: 'put', thing: 'agent', id: name, details: { instance, state } });
    });
  }

  /** Absent members stay. Needs `nodes.write`. Throws `not-found`. */
  async update(
    caller: Caller,
    name: string,
    change: { readonly state?: string; readonly system?: string; readonly version?: string },
  ): Promise<void> {
    const scope = scopeFor(caller, 'nodes.write');
    const changed = await updateAgent.run(this.#pool, scope.tenantId, [
      name,
      change.state ?? null,
      change.system ?? null,
      change.version ?? null,
      scope.userId,
      scope.seesPrivate,
    ]);
    if (changed === 0) throw notFound('Agent', name);
  }
}
