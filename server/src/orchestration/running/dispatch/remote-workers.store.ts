import type { TenantId } from '../../../ids.js';
import { systemStatement } from '../../../store/statement.js';

const OURS = 'credentials of workers are of the installation; their tenant is what they are confined to';

export interface CredentialRow {
  readonly id: string;
  readonly name: string;
  readonly kind: 'remote' | 'agent';
  readonly pools: readonly string[];
  /** Name of the tenant. */
  readonly tenant: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** `$1` id, `$2` hash, `$3` name, `$4` kind, `$5` pools, `$6` tenant or null, `$7` username, `$8` instance of an agent's host or null. */
export const insertCredential = systemStatement<{ uid: number; createdAt: Date }>(
  'worker_credential_insert',
  `insert into worker_credentials (id, secret_hash, name, kind, pools, confined_to, created_by, host_instance) values ($1, $2, $3, $4, $5, $6, $7, $8)
   returning uid, created_at as "createdAt"`,
  OURS,
);

/** In the order of their making, those behind `$1`. */
export const selectCredentials = systemStatement<CredentialRow & { uid: number }>(
  'worker_credentials_list',
  `select c.uid, c.id, c.name, c.kind, c.pools, t.name as tenant, c.created_by as "createdBy", c.created_at as "createdAt", c.last_used_at as "lastUsedAt"
   from worker_credentials c left join tenants t on t.id = c.confined_to
   where c.uid > coalesce((select a.uid from worker_credentials a where a.id = $1), 0) order by c.uid limit $2`,
  OURS,
);

export const deleteCredential = systemStatement<{ uid: number; name: string }>(
  'worker_credential_delete',
  `with gone as (delete from worker_credentials where id = $1 returning uid, name),
   left_now as (update pool_workers w set left_at = now() from gone where w.credential_uid = gone.uid)
   select uid, name from gone`,
  OURS,
);

export interface StandingRow {
  readonly uid: number;
  readonly hash: Buffer;
  readonly name: string;
  readonly kind: 'remote' | 'agent';
  readonly pools: readonly string[];
  readonly confinedTo: TenantId | null;
  /** The worker `$2` is one of these credentials. */
  readonly isOurs: boolean;
}

/** `$1` id of the credentials, `$2` number of the worker that says it is theirs. Those of an agent count as long as its host is there. */
export const selectStanding = systemStatement<StandingRow>(
  'worker_credential_standing',
  `select c.uid, c.secret_hash as hash, c.name, c.kind, c.pools, c.confined_to as "confinedTo",
     exists (select from pool_workers w where w.uid = $2 and w.credential_uid = c.uid) as "isOurs"
   from worker_credentials c where c.id = $1 and (c.kind <> 'agent' or exists (select from node_instances i where i.tenant_id = c.confined_to and i.id = c.host_instance))`,
  OURS,
);

/** It says something without keeping anything by it. */
export const seeWorker = systemStatement<never>(
  'pool_worker_see',
  'update pool_workers set seen_at = now(), left_at = null where uid = $1',
  OURS,
);

export const touchCredential = systemStatement<never>(
  'worker_credential_touch',
  `update worker_credentials set last_used_at = now(), sealed_token = null
   where uid = $1 and (sealed_token is not null or last_used_at is null or last_used_at < now() - interval '1 minute')`,
  OURS,
);

/** The worker `$1` is of the credentials `$2`. */
export const tieWorker = systemStatement<never>(
  'worker_credential_tie',
  'update pool_workers set credential_uid = $2 where uid = $1',
  OURS,
);

export interface PoolWorkerRow {
  readonly name: string;
  readonly kind: 'central' | 'remote' | 'agent';
  readonly pools: readonly string[];
  readonly tenant: string | null;
  readonly host: string;
  readonly version: string;
  readonly room: number;
  readonly seenAt: Date;
  readonly alive: boolean;
  readonly holds: number;
}

export const selectPoolWorkers = systemStatement<PoolWorkerRow>(
  'pool_workers_list',
  `select w.name, w.kind, w.pools, t.name as tenant, w.host, w.version, w.room, w.seen_at as "seenAt",
     w.left_at is null and w.seen_at > now() - make_interval(secs => w.lease) as alive,
     (select count(*) from dispatched_operations d where d.worker_uid = w.uid and d.state = 'held') as holds
   from pool_workers w left join tenants t on t.id = w.confined_to order by w.name limit 1000`,
  OURS,
);

/** Operations under way, by pool. */
export const countByPool = systemStatement<{ pool: string; waiting: number; held: number }>(
  'pool_counts',
  `select pool, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'held') as held
   from dispatched_operations where state in ('waiting', 'held') group by pool order by pool limit 1000`,
  OURS,
);

export const selectTenantId = systemStatement<{ id: TenantId }>(
  'worker_credential_tenant',
  'select id from tenants where name = $1',
  OURS,
);
