import type { JsonObject } from '../dsl/plan.js';
import type { Rule } from '../dsl/recurrence.js';
import type { DeploymentUid, TenantId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type ScheduleField =
  | 'id'
  | 'deploymentId'
  | 'workflow'
  | 'parameters'
  | 'arguments'
  | 'rule'
  | 'since'
  | 'until'
  | 'slip'
  | 'stopOnFail'
  | 'enabled'
  | 'nextAt'
  | 'latestExecutionStatus'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt';

export const scheduleList: ListSpec<ScheduleField> = {
  from: `execution_schedules s
    join deployments d on d.uid = s.deployment_uid
    join tenants t on t.id = s.tenant_id
    join users u on u.id = s.created_by
    left join executions x on x.uid = s.latest_execution_uid`,
  driver: { table: 'execution_schedules', alias: 's', key: 'uid' },
  fields: {
    id: { sql: 's.id', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    workflow: { sql: 's.workflow', type: 'text' },
    parameters: { sql: 's.parameters', type: 'json' },
    arguments: { sql: 's.arguments', type: 'json' },
    rule: { sql: 's.rule', type: 'json' },
    since: { sql: 's.since', type: 'time' },
    until: { sql: 's.until', type: 'time' },
    slip: { sql: 's.slip', type: 'integer' },
    stopOnFail: { sql: 's.stop_on_fail', type: 'boolean' },
    enabled: { sql: 's.enabled', type: 'boolean' },
    nextAt: { sql: 's.next_at', type: 'time' },
    latestExecutionStatus: { sql: 'x.status', type: 'text' },
    visibility: { sql: 's.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
  },
  confine: ownTenant('s', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 's.uid',
  search: ['id'],
};

export interface ScheduleRow {
  readonly uid: number;
  readonly workflow: string;
  readonly rule: Rule;
  readonly since: Date;
  readonly until: Date | null;
  readonly slip: number;
  readonly stopOnFail: boolean;
  readonly enabled: boolean;
}

/** Visible as its deployment is. `$2` id, `$3` deployment, then workflow, parameters, arguments, rule, since, until, slip, stop, enabled, next, user. */
export const insertSchedule = tenantStatement(
  'schedule_insert',
  `insert into execution_schedules (tenant_id, id, deployment_uid, workflow, parameters, arguments, rule, since, until, slip, stop_on_fail, enabled, next_at,
     visibility, created_by)
   select $1::bigint, $2, d.uid, $4, $5::json, $6::json, $7::json, $8, $9, $10, $11, $12, $13, d.visibility, $14
   from deployments d where d.tenant_id = $1 and d.uid = $3`,
);

/** `$2` id, `$3` deployment (null: any), `$4` user, `$5` whether others' private ones show. Locked until the transaction ends. */
export const lockSchedules = tenantStatement<ScheduleRow>(
  'schedules_lock',
  `select s.uid, s.workflow, s.rule, s.since, s.until, s.slip, s.stop_on_fail as "stopOnFail", s.enabled from execution_schedules s
     join deployments d on d.uid = s.deployment_uid
   where s.tenant_id = $1 and d.tenant_id = $1 and s.id = $2 and ($3::text is null or d.id = $3)
     and (s.visibility <> 'private' or s.created_by = $4 or $5) limit 2 for update of s`,
);

export const updateSchedule = tenantStatement(
  'schedule_update',
  `update execution_schedules s set workflow = $3, rule = $4::json, since = $5, until = $6, slip = $7, stop_on_fail = $8, enabled = $9, next_at = $10
   where s.tenant_id = $1 and s.uid = $2`,
);

export const deleteSchedule = tenantStatement(
  'schedule_delete',
  'delete from execution_schedules s where s.tenant_id = $1 and s.uid = $2',
);

export interface DueSchedule extends ScheduleRow {
  readonly id: string;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly deploymentUid: DeploymentUid;
  readonly deploymentId: string;
  readonly parameters: JsonObject;
  readonly arguments: JsonObject;
  readonly createdBy: string;
  readonly nextAt: Date;
  /** On the database's clock. */
  readonly now: Date;
  readonly latestStatus: string | null;
}

/** One that is due, so that nobody else takes it meanwhile. */
export const claimDue = systemStatement<DueSchedule>(
  'schedule_claim_due',
  `select s.uid, s.id, s.tenant_id as "tenantId", t.name as "tenantName", s.deployment_uid as "deploymentUid", d.id as "deploymentId", s.workflow,
     s.parameters, s.arguments, s.rule, s.since, s.until, s.slip, s.stop_on_fail as "stopOnFail", s.enabled, u.username as "createdBy",
     s.next_at as "nextAt", now() as now, x.status as "latestStatus"
   from execution_schedules s join deployments d on d.uid = s.deployment_uid join tenants t on t.id = s.tenant_id
     join users u on u.id = s.created_by left join executions x on x.uid = s.latest_execution_uid
   where s.enabled and s.next_at <= now() order by s.next_at limit 1 for update of s skip locked`,
  'finds what is due, whichever tenant it is in; the execution is started in the tenant of the schedule',
);

/** What comes after a time that was due. `$3` next, `$4` enabled, `$5` the execution that was started (null: none). */
export const passDue = tenantStatement(
  'schedule_pass_due',
  `update execution_schedules s set next_at = $3, enabled = $4, latest_execution_uid = coalesce($5, s.latest_execution_uid)
   where s.tenant_id = $1 and s.uid = $2`,
);
