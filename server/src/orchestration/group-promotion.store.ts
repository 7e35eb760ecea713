import type { DeploymentUid, ExecutionUid, TenantId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
const WHY = 'the key of the group comes from an execution or a group that was read in its own tenant';

export const joinGroup = tenantStatement<never>(
  'execution_join_group',
  'update executions x set group_uid = $3 where x.tenant_id = $1 and x.uid = $2',
);

/** How many more executions of group `$1` may run now. The group is locked until the transaction ends. */
export const roomInGroup = systemStatement<{ tenantId: TenantId; room: number }>(
  'execution_group_room',
  `select g.tenant_id as "tenantId", g.concurrency - (select count(*) from executions x
     where x.group_uid = g.uid and x.status in ${ACTIVE})::integer as room
   from execution_groups g where g.uid = $1 for update of g`,
  WHY,
);

/**
 * The next executions of group `$2`, at most `$3`, whose deployments nobody works on in this moment; these are locked. Who is
 * passed over is looked at again with the next end, or by the chore.
 */
export const nextInGroup = tenantStatement<{ uid: ExecutionUid; deploymentUid: DeploymentUid }>(
  'execution_group_next',
  `select q.uid, q.deployment_uid as "deploymentUid" from executions q join deployments d on d.uid = q.deployment_uid
   where q.tenant_id = $1 and d.tenant_id = $1 and q.group_uid = $2 and q.status = 'queued'
     and (q.force or not exists (select from executions a where a.tenant_id = $1 and a.deployment_uid = q.deployment_uid and a.status in ${ACTIVE}))
   order by q.uid limit $3 for no key update of d skip locked`,
);

/** Of `$2` those on whose deployments still nothing else runs become pending. Asked after their deployments are locked. */
export const promoteInGroup = tenantStatement<{ uid: ExecutionUid }>(
  'execution_group_promote',
  `update executions x set status = 'pending'
   where x.tenant_id = $1 and x.uid = any($2::bigint[]) and x.status = 'queued'
     and not exists (select from maintenance m where m.requested_at is not null)
     and (x.force or not exists (select from executions a where a.tenant_id = $1 and a.deployment_uid = x.deployment_uid and a.status in ${ACTIVE}))
   returning x.uid`,
);

export const groupsWaiting = systemStatement<{ uid: number }>(
  'execution_groups_waiting',
  `select distinct group_uid as uid from executions where group_uid is not null and status = 'queued' limit 1000`,
  'finds groups whose next executions may be due, whichever tenant they are in',
);

/** The deployment of an execution that ended goes where its group says. `$2` execution, `$3` how it ended. */
export const sortOutcome = tenantStatement<never>(
  'execution_group_sort_outcome',
  `insert into deployment_group_members (tenant_id, group_uid, deployment_uid)
   select $1::bigint, case when $3 = 'terminated' then g.success_group_uid else g.failure_group_uid end, x.deployment_uid
   from executions x join execution_groups g on g.uid = x.group_uid
   where x.tenant_id = $1 and g.tenant_id = $1 and x.uid = $2 and x.deployment_uid is not null
     and case $3 when 'terminated' then g.success_group_uid when 'failed' then g.failure_group_uid end is not null
   on conflict do nothing`,
);

/** An execution that is to wait for its group again. */
export const holdInGroup = tenantStatement<never>(
  'execution_hold_in_group',
  `update executions x set status = 'queued' where x.tenant_id = $1 and x.uid = $2 and x.status = 'pending'`,
);
