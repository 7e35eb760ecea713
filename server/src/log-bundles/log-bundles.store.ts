import { sql } from 'kysely';
import type { ExecutionId, TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'log bundles are of the whole installation and belong to no tenant';

export type LogBundleStatus = 'creating' | 'created' | 'failed';
export type LogBundleField =
  | 'id'
  | 'status'
  | 'error'
  | 'createdAt'
  | 'createdBy'
  | 'tenantName'
  | 'visibility'
  | 'size';

export const LOG_BUNDLE_LIST: ListSpec<LogBundleField> = {
  from: 'log_bundles b left join snapshot_archives a on a.uid = b.archive',
  fields: {
    id: { sql: 'b.id', type: 'text' },
    status: { sql: 'b.status', type: 'text' },
    error: { sql: `coalesce(b.error, '')`, type: 'text' },
    createdAt: { sql: 'b.created_at', type: 'time' },
    createdBy: { sql: 'b.created_by', type: 'text' },
    tenantName: { sql: 'b.tenant_name', type: 'text' },
    visibility: { sql: 'b.visibility', type: 'text' },
    size: { sql: 'a.size', type: 'integer' },
  },
  // Who may ask at all may see all of them.
  confine: () => sql`true`,
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'b.uid',
  search: ['id'],
};

export interface LogBundleRow {
  readonly uid: number;
  readonly id: string;
  readonly status: LogBundleStatus;
  readonly error: string | null;
  readonly executionId: ExecutionId;
  readonly archive: number | null;
  readonly size: number | null;
}

const COLUMNS = `b.uid, b.id, b.status, b.error, b.execution_id as "executionId", b.archive, a.size`;
const FROM = 'log_bundles b left join snapshot_archives a on a.uid = b.archive';

export const selectBundle = systemStatement<LogBundleRow>(
  'log_bundles_select',
  `select ${COLUMNS} from ${FROM} where b.id = $1`,
  WHY,
);

export const selectBundleOf = systemStatement<LogBundleRow>(
  'log_bundles_select_of',
  `select ${COLUMNS} from ${FROM} where b.execution_id = $1 and b.status = 'creating'`,
  WHY,
);

export const lockBundle = systemStatement<LogBundleRow>(
  'log_bundles_lock',
  `select ${COLUMNS} from ${FROM} where b.id = $1 for update of b`,
  WHY,
);

/** Null: the id is taken. */
export const insertBundle = systemStatement<{ uid: number }>(
  'log_bundles_insert',
  `insert into log_bundles (id, tenant_name, created_by, status, execution_id)
   values ($1, $2, $3, 'creating', $4) on conflict (id) do nothing returning uid`,
  WHY,
);

/** Ends a making: `$2` status, `$3` error, `$4` archive. Only the one that execution `$1` is still to make. */
export const finishBundle = systemStatement(
  'log_bundles_finish',
  `update log_bundles set status = $2, error = $3, archive = $4 where execution_id = $1 and status = 'creating'`,
  WHY,
);

export const setBundleStatus = systemStatement(
  'log_bundles_set_status',
  'update log_bundles set status = $2, error = $3 where uid = $1',
  WHY,
);

export const deleteBundle = systemStatement(
  'log_bundles_delete',
  'delete from log_bundles where uid = $1',
  WHY,
);

/** Those whose execution ended before anybody began it, or is gone. */
export const failAbandonedBundles = systemStatement(
  'log_bundles_fail_abandoned',
  `update log_bundles b set status = 'failed', error = 'Its execution is ' || coalesce(x.status, 'gone')
   from log_bundles m left join executions x on x.id = m.execution_id
   where b.uid = m.uid and m.status = 'creating' and (x.id is null or x.status in ('terminated', 'failed', 'cancelled'))`,
  WHY,
);

export const selectTenants = systemStatement<{ id: TenantId; name: string }>(
  'log_bundles_tenants',
  'select id, name from tenants order by id',
  WHY,
);

/** A place in an order: lines after it are yet to be told. `at` is a text, for a Date forgets microseconds. */
export interface Place {
  readonly at: string;
  readonly id: number;
}

/** Before the newest `$3` of tenant `$1` that were there at `$2`, and those that were stored with them; null: there are no more than these. */
export const placeOfEvents = systemStatement<Place>(
  'log_bundles_events_place',
  `select p.at::text as at, p.id - 1 as id from (
     select p.at, p.id, sum(p.events + p.logs) over (order by p.at desc, p.id desc rows unbounded preceding) as upto from (
       select p.at, p.id, p.events, p.logs from event_packs p where p.tenant_id = $1 and p.at <= $2 order by p.at desc, p.id desc limit $3::integer + 1) p) p
   where p.upto > $3::integer order by p.at desc, p.id desc limit 1`,
  WHY,
);

/** Lines after the place `$3`, `$4` and not after `$2`, oldest first. */
export const selectEventLines = systemStatement<Place & { line: string }>(
  'log_bundles_events',
  `select e.at::text as at, e.id, json_strip_nulls(json_build_object('at', e.at, 'kind', e.kind, 'type', e.type, 'level', e.level, 'logger', e.logger,
     'deployment', d.id, 'execution', x.id, 'workflow', x.workflow, 'operation', e.operation, 'node', e.node, 'instance', e.instance,
     'source', e.source, 'target', e.target, 'message', e.message, 'causes', e.causes))::text as line
   from events_in_order($1, null, '{event,log}', null, null, $3, $4, $2, false, 1000) e
   left join executions x on x.uid = e.execution_uid left join deployments d on d.uid = e.deployment_uid
   order by e.at, e.id`,
  WHY,
);

export const placeOfAudit = systemStatement<Place>(
  'log_bundles_audit_place',
  'select a.at::text as at, a.id from audit a where a.at <= $1 order by a.at desc, a.id desc offset $2 limit 1',
  WHY,
);

export const selectAuditLines = systemStatement<Place & { line: string }>(
  'log_bundles_audit',
  `select a.at::text as at, a.id, json_strip_nulls(json_build_object('at', a.at, 'request', a.request_id, 'user', a.username, 'tenant', a.tenant_name,
     'action', a.action, 'thing', a.thing, 'id', a.thing_id, 'details', a.details))::text as line
   from audit a where a.at <= $1 and (a.at, a.id) > ($2::timestamptz, $3::bigint) order by a.at, a.id limit 1000`,
  WHY,
);

export const selectClusterLines = systemStatement<{ line: string }>(
  'log_bundles_cluster',
  `select json_build_object('at', c.at, 'message', c.message)::text as line
   from (select * from cluster_log order by id desc limit $1) c order by c.id`,
  WHY,
);
