import { sql } from 'kysely';
import type { ExecutionId, TenantId, UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { Contents } from './contents.js';
import type { SnapshotStatus } from './snapshot-state.js';

const WHY = 'snapshots are of the whole installation and belong to no tenant';

/** What of a table goes into a snapshot of these contents, as SQL that stands behind FROM; null: all of it. */
export function partOf(table: string, contents: Contents): string | null {
  if (table === 'tokens')
    return `tokens where ${contents.tokens ? `kind in ('api', 'key', 'security')` : 'false'}`;
  if (table === 'event_packs') {
    if (contents.events && contents.logs) return null;
    return contents.events
      ? eventsAlone('event')
      : contents.logs
        ? eventsAlone('log')
        : 'event_packs where false';
  }
  return null;
}

function eventsAlone(kind: 'event' | 'log'): string {
  const ids = `array(select e.id from events_of(p) e where e.kind = '${kind}')`;
  return `(select k.* from event_packs p cross join lateral pack_of(p, ${ids}) k) alone`;
}

export type SnapshotField =
  | 'id'
  | 'status'
  | 'error'
  | 'createdAt'
  | 'createdBy'
  | 'tenantName'
  | 'visibility'
  | 'size';

export const SNAPSHOT_LIST: ListSpec<SnapshotField> = {
  from: 'snapshots s left join snapshot_archives a on a.uid = s.archive',
  fields: {
    id: { sql: 's.id', type: 'text' },
    status: { sql: 's.status', type: 'text' },
    error: { sql: `coalesce(s.error, '')`, type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
    createdBy: { sql: 's.created_by', type: 'text' },
    tenantName: { sql: 's.tenant_name', type: 'text' },
    visibility: { sql: 's.visibility', type: 'text' },
    size: { sql: 'a.size', type: 'integer' },
  },
  // Who may ask at all may see all of them.
  confine: () => sql`true`,
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 's.uid',
  search: ['id'],
};

export interface SnapshotRow {
  readonly uid: number;
  readonly id: string;
  readonly status: SnapshotStatus;
  readonly error: string | null;
  readonly contents: Contents | null;
  readonly executionId: ExecutionId | null;
  readonly sealed: Buffer | null;
  readonly sealedKey: Buffer | null;
  readonly masterKey: string | null;
  readonly archive: number | null;
  readonly size: number | null;
}

const COLUMNS = `s.uid, s.id, s.status, s.error, s.contents, s.execution_id as "executionId", s.sealed, s.sealed_key as "sealedKey",
  s.master_key as "masterKey", s.archive, a.size`;
const FROM = 'snapshots s left join snapshot_archives a on a.uid = s.archive';

export const selectSnapshot = systemStatement<SnapshotRow>(
  'snapshots_select',
  `select ${COLUMNS} from ${FROM} where s.id = $1`,
  WHY,
);

export const selectSnapshotByUid = systemStatement<SnapshotRow>(
  'snapshots_select_by_uid',
  `select ${COLUMNS} from ${FROM} where s.uid = $1`,
  WHY,
);

export const selectMade = systemStatement<SnapshotRow>(
  'snapshots_select_made_by',
  `select ${COLUMNS} from ${FROM} where s.execution_id = $1`,
  WHY,
);

export const lockSnapshot = systemStatement<SnapshotRow>(
  'snapshots_lock',
  `select ${COLUMNS} from ${FROM} where s.id = $1 for update of s`,
  WHY,
);

/** Null: the id is taken. */
export const insertSnapshot = systemStatement<{ uid: number }>(
  'snapshots_insert',
  `insert into snapshots (id, tenant_name, created_by, visibility, status, contents, archive)
   values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing returning uid`,
  WHY,
);

export const setMaker = systemStatement(
  'snapshots_set_maker',
  'update snapshots set execution_id = $2, sealed = $3, sealed_key = $4, master_key = $5 where uid = $1',
  WHY,
);

/** Ends a making: `$2` status, `$3` error, `$4` archive. Only the one that is `creating` for this execution. */
export const finishMaking = systemStatement(
  'snapshots_finish_making',
  `update snapshots set status = $2, error = $3, archive = $4, sealed = null, sealed_key = null, master_key = null
   where execution_id = $1 and status = 'creating'`,
  WHY,
);

export const replaceArchive = systemStatement(
  'snapshots_replace_archive',
  `update snapshots set status = 'uploaded', error = null, archive = $2, contents = null, execution_id = null where uid = $1`,
  WHY,
);

export const setStatus = systemStatement(
  'snapshots_set_status',
  'update snapshots set status = $2, error = $3, sealed = null, sealed_key = null, master_key = null where uid = $1',
  WHY,
);

export const deleteSnapshot = systemStatement(
  'snapshots_delete',
  'delete from snapshots where uid = $1',
  WHY,
);

/** Of snapshots that are being made by an execution that is over (cancelled before anybody began it): failed. */
export const failAbandoned = systemStatement(
  'snapshots_fail_abandoned',
  `update snapshots s set status = 'failed', error = 'Its execution is ' || coalesce(x.status, 'gone'), sealed = null,
     sealed_key = null, master_key = null
   from snapshots m left join executions x on x.id = m.execution_id
   where s.uid = m.uid and m.status = 'creating' and (x.id is null or x.status in ('terminated', 'failed', 'cancelled'))`,
  WHY,
);

export interface RestoreRow {
  readonly executionId: ExecutionId;
  readonly snapshot: number;
  readonly force: boolean;
  readonly tenantName: string;
  readonly username: string;
  readonly requestId: string;
  readonly sealed: Buffer | null;
  readonly sealedKey: Buffer | null;
  readonly masterKey: string | null;
}

export const insertRestore = systemStatement(
  'snapshot_restores_insert',
  `insert into snapshot_restores (execution_id, snapshot, force, tenant_name, username, request_id, sealed, sealed_key, master_key)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  WHY,
);

export const selectRestore = systemStatement<RestoreRow>(
  'snapshot_restores_select',
  `select execution_id as "executionId", snapshot, force, tenant_name as "tenantName", username, request_id as "requestId",
     sealed, sealed_key as "sealedKey", master_key as "masterKey" from snapshot_restores where execution_id = $1`,
  WHY,
);

export const deleteRestore = systemStatement(
  'snapshot_restores_delete',
  'delete from snapshot_restores where execution_id = $1',
  WHY,
);

/** Asked for and never begun, because its execution is over; those under way hold the executions themselves. */
export const deleteAbandonedRestores = systemStatement(
  'snapshot_restores_delete_abandoned',
  `delete from snapshot_restores r where r.under_way_until is null and r.asked_at < now() - interval '1 minute'
     and not exists (select from executions x where x.id = r.execution_id
       and x.status in ('queued', 'pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling'))`,
  WHY,
);

export const selectRestoresOf = systemStatement<{ executionId: ExecutionId }>(
  'snapshot_restores_of',
  'select execution_id as "executionId" from snapshot_restores where snapshot = $1 limit 1',
  WHY,
);

/** `$2` seconds. */
export const keepUnderWay = systemStatement(
  'snapshot_restores_keep',
  'update snapshot_restores set under_way_until = now() + make_interval(secs => $2) where execution_id = $1',
  WHY,
);

export const endUnderWay = systemStatement(
  'snapshot_restores_end',
  'update snapshot_restores set under_way_until = null where execution_id = $1',
  WHY,
);

export const selectUnderWay = systemStatement<{ underWay: boolean }>(
  'snapshot_restores_under_way',
  'select exists (select from snapshot_restores where under_way_until > now()) as "underWay"',
  WHY,
);

/** Who is to be named in rows of those that were restored: by name, else the first there is. */
export const selectSelf = systemStatement<{ tenantId: TenantId; userId: UserId }>(
  'snapshots_select_self',
  `select (select t.id from tenants t order by t.name = $1 desc, t.id limit 1) as "tenantId",
     (select u.id from users u order by u.username = $2 desc, u.builtin desc, u.id limit 1) as "userId"`,
  WHY,
);

/** An execution that is active anywhere, but for `$1`. */
export const selectOtherActive = systemStatement<{ id: string; workflow: string; status: string }>(
  'snapshots_select_other_active',
  `select id, workflow, status from executions
   where status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and uid <> $1 limit 1`,
  WHY,
);
