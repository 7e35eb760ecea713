import { sql } from 'kysely';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type NoticeField =
  | 'id'
  | 'user'
  | 'username'
  | 'firstName'
  | 'lastName'
  | 'email'
  | 'systemId'
  | 'operationId'
  | 'category'
  | 'action'
  | 'severity'
  | 'status'
  | 'actedUpon'
  | 'description'
  | 'metadata'
  | 'isAudit'
  | 'createdAt'
  | 'updatedAt';

/** The caller's own; everybody's of the tenant for who may see what is private there. */
export const NOTICE_LIST: ListSpec<NoticeField> = {
  from: 'notices n left join users o on o.id = n.user_id',
  driver: { table: 'notices', alias: 'n', key: 'uid' },
  fields: {
    id: { sql: 'n.id', type: 'name' },
    user: { sql: 'o.uuid', type: 'name' },
    username: { sql: 'o.username', type: 'text' },
    firstName: { sql: `coalesce(o.first_name, '')`, type: 'text' },
    lastName: { sql: `coalesce(o.last_name, '')`, type: 'text' },
    email: { sql: `coalesce(o.email, '')`, type: 'text' },
    systemId: { sql: 'n.system_id', type: 'name' },
    operationId: { sql: 'n.operation_id', type: 'name' },
    category: { sql: 'n.category', type: 'text' },
    action: { sql: 'n.action', type: 'text' },
    severity: { sql: 'n.severity', type: 'name' },
    status: { sql: 'n.status', type: 'name' },
    actedUpon: { sql: 'n.acted_upon', type: 'name' },
    description: { sql: 'n.description', type: 'text' },
    metadata: { sql: 'n.metadata', type: 'json' },
    isAudit: { sql: 'n.is_audit', type: 'boolean' },
    createdAt: { sql: 'n.created_at', type: 'time' },
    updatedAt: { sql: 'n.updated_at', type: 'time' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? ownTenant('n', { visibility: false })(scope)
      : sql`n.tenant_id = ${scope.tenantId} and n.user_id = ${scope.userId}`,
  selections: {
    /** Of the workspace itself, or of a design in it. */
    workspace: ([workspace]) => sql`(n.acted_upon = ${workspace}::uuid or n.acted_upon in (
      select d.id from designs d join workspaces w on w.uid = d.workspace_uid where d.tenant_id = n.tenant_id and w.id = ${workspace}::uuid))`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'n.uid',
  search: ['description'],
};

export const insertNotice = tenantStatement<{ id: string }>(
  'notices_insert',
  `insert into notices (tenant_id, user_id, system_id, operation_id, category, action, severity, status, acted_upon, description, metadata)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id`,
);

/** `$2` whose, `$3` everybody's, `$4` ids. */
const REACHED = 'n.tenant_id = $1 and (n.user_id = $2 or $3) and n.id = any($4::uuid[])';

export const updateStatuses = tenantStatement<{ id: string }>(
  'notices_update_statuses',
  `update notices n set status = $5, updated_at = now() where ${REACHED} returning n.id`,
);

export const deleteNotices = tenantStatement<{ id: string }>(
  'notices_delete',
  `delete from notices n where ${REACHED} returning n.id`,
);

export const selectTypes = tenantStatement<{ category: string; action: string }>(
  'notices_select_types',
  `select distinct n.category, n.action from notices n where n.tenant_id = $1 and (n.user_id = $2 or $3)
   order by n.category, n.action limit 1000`,
);

export const countNotices = tenantStatement<{
  severity: string;
  status: string;
  count: number;
  audits: number;
}>(
  'notices_count',
  `select n.severity, n.status, count(*)::integer as count, (count(*) filter (where n.is_audit))::integer as audits
   from notices n where n.tenant_id = $1 and (n.user_id = $2 or $3) group by 1, 2`,
);

export const countByCategory = tenantStatement<{ category: string; action: string; count: number }>(
  'notices_count_by_category',
  `select n.category, n.action, count(*)::integer as count
   from notices n where n.tenant_id = $1 and (n.user_id = $2 or $3) group by 1, 2 order by 3 desc, 1, 2 limit 1000`,
);
