/**
 * Servers as people of self-service see them: their own, and those of groups in which a role shows them. What is done to one
 * is an execution on the deployment that built it, with a job to watch it by; permissions are those of its group, or of its
 * owner (ordering/permissions.ts).
 */
import type { Caller, Permission, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { ExecutionUid, UserId } from '../ids.js';
import type { ExecutionRequest, Executions } from '../orchestration/executions.js';
import type { ActionRuns } from '../ordering/action-runs.js';
import { type GroupPermission, OWNER_PERMISSIONS } from '../ordering/permissions.js';
import { isOrderingAdmin, orderingScope, type Rights } from '../ordering/rights.js';
import { keyText, keyValues, type ThingKey } from '../ordering/thing-key.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type HistoryField, historyList, serviceHistoryList } from './server-history.store.js';
import {
  type ServerField,
  type ServerRow,
  selectAccountKind,
  selectServer,
  serverList,
} from './servers.store.js';
import { type ServiceField, selectServicesByKey, serviceList } from './services.store.js';

export type { HistoryField } from './server-history.store.js';
export type { ServerField, ServerRow } from './servers.store.js';
export type { ServiceField } from './services.store.js';

export const SERVER_ACTIONS = ['power_on', 'power_off', 'reboot', 'refresh', 'snapshot'] as const;
export type ServerAction = (typeof SERVER_ACTIONS)[number];

/** Starts a job for an execution in the transaction of it: ordering's jobs. */
export interface JobsForServers {
  start(
    client: Client,
    scope: TenantScope,
    job: {
      readonly type: 'server_action' | 'syncvms';
      readonly subject: string;
      readonly owner: UserId;
      readonly groupUid: number | null;
      readonly serverUid?: number | null;
      readonly execution: ExecutionUid;
    },
  ): Promise<{ readonly number: number }>;
}

export interface ServersParts {
  readonly pool: Pool;
  readonly rights: Rights;
  readonly executions: Executions;
  readonly jobs: JobsForServers;
  /** Does with a server that nobody here has built what its handler can. */
  readonly runs: Pick<ActionRuns, 'operate'>;
}

const NEEDS: Readonly<Record<ServerAction, GroupPermission>> = {
  power_on: 'server.control_power',
  power_off: 'server.control_power',
  reboot: 'server.control_power',
  refresh: 'server.control_power',
  snapshot: 'server.manage_snapshots',
};
/** For hosts that no handler has built: what the engine's own workflows can do with any node. */
const WORKFLOWS: Readonly<Partial<Record<ServerAction, string>>> = {
  power_on: 'start',
  power_off: 'stop',
  reboot: 'restart',
};
/** Lent for what the caller may do to this server: somebody may be in the tenant for self-service alone. */
const LENT: readonly Permission[] = ['executions.run', 'executions.read', 'deployments.read', 'nodes.read'];

export class Servers {
  readonly #parts: ServersParts;

  constructor(parts: ServersParts) {
    this.#parts = parts;
  }

  /** Needs `ordering.use`; what one may not see is not there. */
  async list(caller: Caller, query: ListQuery<ServerField>): Promise<ListPage> {
    return listPage(this.#parts.pool, serverList, orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async get(caller: Caller, key: ThingKey): Promise<ServerRow> {
    const scope = orderingScope(caller);
    const row = await selectServer.one(this.#parts.pool, scope.tenantId, [
      ...keyValues(key),
      scope.userId,
      scope.seesPrivate,
    ]);
    if (row === null) throw notFound('Server', keyText(key));
    return row;
  }

  /** What happened to a server that the caller sees, the last first. */
  async history(caller: Caller, key: ThingKey, query: ListQuery<HistoryField>): Promise<ListPage> {
    const { uid } = await this.get(caller, key);
    return listPage(this.#parts.pool, historyList(uid), orderingScope(caller), query);
  }

  /** What was built under one name; what one may not see is not there. */
  async services(caller: Caller, query: ListQuery<ServiceField>): Promise<ListPage> {
    return listPage(this.#parts.pool, serviceList, orderingScope(caller), query);
  }

  /** What happened to what was built under one name, the last first. Throws `not-found`. */
  async serviceHistory(caller: Caller, number: number, query: ListQuery<HistoryField>): Promise<ListPage> {
    const uid = await this.serviceUid(caller, number);
    return listPage(this.#parts.pool, serviceHistoryList(uid), orderingScope(caller), query);
  }

  /** The key of one that the caller has found among `services`. Throws `not-found`. */
  async serviceUid(caller: Caller, number: number): Promise<number> {
    const { tenantId } = orderingScope(caller);
    const [found] = await selectServicesByKey.all(this.#parts.pool, tenantId, [[number], []]);
    if (found === undefined) throw notFound('Resource', String(number));
    return found.uid;
  }

  /** What can be done with a server as it is. */
  offered({ status, accountKind }: Offered): readonly ServerAction[] {
    if (status === 'historical' || accountKind === null) return [];
    return accountKind === 'platform'
      ? SERVER_ACTIONS.filter((action) => WORKFLOWS[action] !== undefined)
      : SERVER_ACTIONS;
  }

  /**
   * Does something to a server, after what is being done to its deployment.
   *
   * @returns number of the job
   * @throws DomainError `not-found`; `forbidden` (`group-permission-denied`); `conflict` (`server-over`, `server-not-built-here`,
   *   `server-not-built-yet`); `invalid` (`server-action-unknown`)
   */
  async act(
    caller: Caller,
    key: ThingKey,
    action: ServerAction,
    inputs: JsonObject = {},
  ): Promise<{ readonly number: number }> {
    const { pool, executions, jobs, runs } = this.#parts;
    const scope = orderingScope(caller);
    const server = await this.get(caller, key);
    await this.#require(caller, server, NEEDS[action]);
    if (
      server.status !== 'historical' &&
      server.deploymentId === null &&
      server.providerId !== null &&
      server.accountUid !== null
    )
      return runs.operate(caller, server, action, inputs);
    const request = await this.#request(scope, server, action, inputs);
    const job = await inTransaction(pool, async (client) => {
      const execution = await executions.startWithin(client, lent(caller), { ...request, queue: true });
      await record(client, caller, { action, thing: 'server', id: String(server.number) });
      return jobs.start(client, scope, {
        type: 'server_action',
        subject: server.hostname,
        owner: caller.userId,
        groupUid: server.groupUid,
        serverUid: server.uid,
        execution: execution.uid,
      });
    });
    executions.wakeWorkers();
    return job;
  }

  async #request(
    { tenantId }: TenantScope,
    server: ServerRow,
    action: ServerAction,
    inputs: JsonObject,
  ): Promise<ExecutionRequest> {
    const { hostname, status, deploymentId, instanceId } = server;
    if (status === 'historical') {
      throw new DomainError(
        'conflict',
        'server-over',
        `Server ${hostname} is historical: nothing can be done with it`,
      );
    }
    if (deploymentId === null || instanceId === null) {
      throw new DomainError(
        'conflict',
        'server-not-built-yet',
        `Server ${hostname} is not built yet: there is nothing that could be acted on`,
      );
    }
    const { kind } = (await selectAccountKind.one(this.#parts.pool, tenantId, [server.uid])) ?? {
      kind: null,
    };
    if (kind !== 'platform') {
      return {
        deploymentId,
        workflow: 'execute_operation',
        parameters: {
          operation: `orrery.interfaces.server.${action}`,
          operation_kwargs: inputs,
          node_instance_ids: [instanceId],
        },
      };
    }
    const workflow = WORKFLOWS[action];
    if (workflow !== undefined)
      return { deploymentId, workflow, parameters: { node_instance_ids: [instanceId] } };
    throw new DomainError(
      'invalid',
      'server-action-unknown',
      `Server ${hostname} was built by its blueprint's own means, which cannot do that: only power_on, power_off and reboot`,
    );
  }

  async #require(caller: Caller, server: ServerRow, permission: GroupPermission): Promise<void> {
    if (isOrderingAdmin(caller)) return;
    if (server.ownerId === caller.userId && OWNER_PERMISSIONS.has(permission)) return;
    if (server.groupUid !== null && (await this.#parts.rights.may(caller, permission, server.groupUid)))
      return;
    throw new DomainError(
      'forbidden',
      'group-permission-denied',
      `User ${caller.username} does not have the permission ${permission} for server ${server.hostname}`,
      { details: { permission } },
    );
  }
}

export interface Offered {
  readonly status: string;
  readonly accountKind: string | null;
}

function lent(caller: Caller): Caller {
  return { ...caller, permissions: new Set([...caller.permissions, ...LENT]) };
}
