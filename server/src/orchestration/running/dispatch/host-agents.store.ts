import type { JsonObject } from '../../../dsl/plan.js';
import type { TenantId } from '../../../ids.js';
import { systemStatement, tenantStatement } from '../../../store/statement.js';

const OURS = 'credentials of agents are of the installation; whose host they are of is in the row';

/** Without the former credentials of the host `$2`: only one agent is a host's. */
export const deleteAgentCredentials = tenantStatement<{ uid: number }>(
  'agent_credentials_delete',
  `delete from worker_credentials where kind = 'agent' and confined_to = $1 and host_instance = $2 returning uid`,
);

export const selectAgentCredentials = tenantStatement<{ uid: number; sealed: Buffer | null }>(
  'agent_credentials_find',
  `select uid, sealed_token as sealed from worker_credentials where kind = 'agent' and confined_to = $1 and host_instance = $2`,
);

/** `$3`: the token of the host `$2`, sealed. */
export const keepToken = tenantStatement<never>(
  'agent_token_keep',
  `update worker_credentials set sealed_token = $3 where kind = 'agent' and confined_to = $1 and host_instance = $2`,
);

/** That the instance `$2` is there; locked, so that it does not go while it gets credentials. */
export const lockHost = tenantStatement<{ deploymentCreator: string }>(
  'agent_host_lock',
  `select u.username as "deploymentCreator" from node_instances i join deployments d on d.uid = i.deployment_uid join users u on u.id = d.created_by
   where i.tenant_id = $1 and i.id = $2 for share of i`,
);

/** `$2` instance, `$3` state, `$4` address, `$5` method, `$6` system, `$7` version; null: as it was. The agent is named as its instance. */
export const noteAgent = tenantStatement<never>(
  'agent_note',
  `insert into agents (tenant_id, name, deployment_uid, instance, state, ip, install_method, system, version, created_by)
   select $1::bigint, i.id, d.uid, i.id, $3, $4, $5, $6, $7, d.created_by
   from node_instances i join deployments d on d.uid = i.deployment_uid where i.tenant_id = $1 and i.id = $2
   on conflict (tenant_id, name) do update set deployment_uid = excluded.deployment_uid, instance = excluded.instance, state = excluded.state,
     ip = coalesce(excluded.ip, agents.ip), install_method = coalesce(excluded.install_method, agents.install_method),
     system = coalesce(excluded.system, agents.system), version = coalesce(excluded.version, agents.version), updated_at = now()`,
);

/** Properties of the node of the host `$2`, which is looked for by its key, as far as user `$3` may see it (`$4`: others' private ones too). */
export const selectHostNode = tenantStatement<{ properties: JsonObject }>(
  'agent_host_node',
  `select n.definition -> 'properties' as properties from node_instances i join deployments d on d.uid = i.deployment_uid
   cross join lateral (select l.definition from nodes l where l.deployment_uid = i.deployment_uid and l.name = i.node offset 0) n
   where i.tenant_id = $1 and i.id = $2 and i.host = i.id and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);

export interface SignRow {
  readonly worker: number;
  readonly version: string;
  readonly system: string;
  /** It has said something since `$3`. */
  readonly isFresh: boolean;
}

/** The worker of the host `$2`; `$3`: a moment of the database's clock. */
export const selectSign = tenantStatement<SignRow>(
  'agent_sign',
  `select w.uid as worker, w.version, w.system, w.seen_at > $3::timestamptz as "isFresh"
   from worker_credentials c join pool_workers w on w.credential_uid = c.uid
   where c.kind = 'agent' and c.confined_to = $1 and c.host_instance = $2 and w.left_at is null order by w.seen_at desc limit 1`,
);

/** As text: a moment loses its microseconds on the way through a Date. */
export const selectNow = systemStatement<{ now: string }>('agent_now', 'select now()::text as now', OURS);

export const selectTenantByName = systemStatement<{ id: TenantId }>(
  'agent_tenant',
  'select id from tenants where name = $1',
  OURS,
);

/** Of the pools `$1`, those that credentials of an agent are for. */
export const enrolledPools = systemStatement<{ pool: string }>(
  'agent_pools',
  `select p.pool from unnest($1::text[]) as p(pool) where exists (select from worker_credentials c where c.kind = 'agent' and c.pools = array[p.pool])`,
  OURS,
);

/** What is left of agents whose hosts are gone. */
export const sweepAgentCredentials = systemStatement<{ id: string }>(
  'agent_credentials_sweep',
  `delete from worker_credentials c where c.kind = 'agent'
   and not exists (select from node_instances i where i.tenant_id = c.confined_to and i.id = c.host_instance) returning c.id`,
  'a chore for the whole installation',
);
