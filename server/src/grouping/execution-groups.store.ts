import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type ExecutionGroupField =
  | 'id'
  | 'deploymentGroupId'
  | 'workflow'
  | 'concurrency'
  | 'executionIds'
  | 'status'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt';

/** What all its executions together are at (cloudify-rest.md §A2.12); null without any. */
const STATUS = `(select case
    when count(*) = 0 then null
    when bool_and(x.status = 'cancelled') then 'cancelled'
    when bool_and(x.status in ('terminated', 'failed', 'cancelled')) then case when bool_or(x.status = 'failed') then 'failed' else 'terminated' end
    when bool_and(x.status = 'pending') then 'pending'
    when bool_and(x.status in ('queued', 'scheduled', 'pending')) then 'queued'
    else 'started' end
  from executions x where x.group_uid = g.uid)`;

export const executionGroupList: ListSpec<ExecutionGroupField> = {
  from: `execution_groups g
    left join deployment_groups dg on dg.uid = g.deployment_group_uid
    join tenants t on t.id = g.tenant_id
    join users u on u.id = g.created_by`,
  driver: { table: 'execution_groups', alias: 'g', key: 'uid' },
  fields: {
    id: { sql: 'g.id', type: 'text' },
    deploymentGroupId: { sql: 'dg.id', type: 'text' },
    workflow: { sql: 'g.workflow', type: 'text' },
    concurrency: { sql: 'g.concurrency', type: 'integer' },
    executionIds: {
      sql: `coalesce((select json_agg(x.id order by x.uid) from executions x where x.group_uid = g.uid), '[]')`,
      type: 'json',
    },
    status: { sql: STATUS, type: 'text' },
    visibility: { sql: 'g.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'g.created_at', type: 'time' },
  },
  confine: ownTenant('g', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'g.uid',
  search: ['id'],
};

/** `$2` id, `$3` deployment group, `$4` workflow, `$5` concurrency, `$6` user. Visible as its deployment group is. */
export const insertExecutionGroup = tenantStatement<{ uid: number }>(
  'execution_group_insert',
  `insert into execution_groups (tenant_id, id, deployment_group_uid, workflow, concurrency, visibility, created_by)
   select $1::bigint, $2, g.uid, $4, $5, g.visibility, $6 from deployment_groups g where g.tenant_id = $1 and g.uid = $3
   returning uid`,
);

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const selectExecutionGroup = tenantStatement<{ uid: number }>(
  'execution_group_select',
  `select g.uid from execution_groups g
   where g.tenant_id = $1 and g.id = $2 and (g.visibility <> 'private' or g.created_by = $3 or $4)`,
);

/** Those that wait first: what is to be cancelled must not go on because another has ended. */
export const selectGroupExecutions = tenantStatement<{ id: string; status: string }>(
  'execution_group_executions',
  `select x.id, x.status from executions x where x.tenant_id = $1 and x.group_uid = $2
   order by (x.status = 'queued') desc, x.uid`,
);

/** null: as it is. */
export const updateExecutionGroup = tenantStatement(
  'execution_group_update',
  `update execution_groups g set concurrency = coalesce($3, g.concurrency), success_group_uid = coalesce($4, g.success_group_uid),
     failure_group_uid = coalesce($5, g.failure_group_uid)
   where g.tenant_id = $1 and g.uid = $2`,
);

/** Deployments of executions that have ended go where the group now says. */
export const sortEnded = tenantStatement(
  'execution_group_sort_ended',
  `insert into deployment_group_members (tenant_id, group_uid, deployment_uid)
   select $1::bigint, case x.status when 'terminated' then g.success_group_uid else g.failure_group_uid end, x.deployment_uid
   from executions x join execution_groups g on g.uid = x.group_uid
   where x.tenant_id = $1 and g.tenant_id = $1 and g.uid = $2 and x.deployment_uid is not null
     and case x.status when 'terminated' then g.success_group_uid when 'failed' then g.failure_group_uid end is not null
   on conflict do nothing`,
);
