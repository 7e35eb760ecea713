import { systemStatement, tenantStatement } from '../store/statement.js';

/** `$3` execution. Null: one runs already, or the account has been removed meanwhile. */
export const insertSync = tenantStatement<{ uid: number }>(
  'server_syncs_insert',
  `insert into server_syncs (tenant_id, cloud_account_uid, execution_id)
   select $1::bigint, a.uid, $3::text from cloud_accounts a where a.tenant_id = $1 and a.uid = $2 for key share
   on conflict (cloud_account_uid) where ended_at is null do nothing returning uid`,
);

/** `$2` execution. */
export const selectSync = tenantStatement<{ accountUid: number }>(
  'server_syncs_select',
  'select s.cloud_account_uid as "accountUid" from server_syncs s where s.tenant_id = $1 and s.execution_id = $2 and s.ended_at is null',
);

/** `$2` execution, `$3` imported, `$4` updated, `$5` vanished. */
export const endSync = tenantStatement(
  'server_syncs_end',
  `update server_syncs s set ended_at = now(), imported = $3, updated = $4, vanished = $5
   where s.tenant_id = $1 and s.execution_id = $2 and s.ended_at is null`,
);

/** Those whose execution is over, or gone, without their knowing. */
export const endAbandonedSyncs = systemStatement(
  'server_syncs_abandoned',
  `update server_syncs s set ended_at = now() where s.ended_at is null and not exists (select from executions x
     where x.id = s.execution_id and x.status not in ('terminated', 'failed', 'cancelled'))`,
  'a sync that nobody carries out any more keeps those of its account from beginning, in whichever tenant',
);

/** Clouds of kinds `$2`: `$3` their keys, null for all. */
export const selectSyncable = tenantStatement<{ uid: number; name: string }>(
  'server_syncs_syncable',
  `select a.uid, a.name from cloud_accounts a where a.tenant_id = $1 and a.kind = any($2::text[]) and ($3::bigint[] is null or a.uid = any($3))
   order by a.uid limit 1000`,
);

/** Executions by id. */
export const selectExecutionUid = tenantStatement<{ uid: number }>(
  'server_syncs_execution',
  'select x.uid from executions x where x.tenant_id = $1 and x.id = $2',
);
