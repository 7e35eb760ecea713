import { sql } from 'kysely';
import type { ExecutionUid, TenantId, UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import { type JobType, typeNameSql } from './job-types.js';

export type JobStatus =
  | 'PENDING'
  | 'QUEUED'
  | 'RUNNING'
  | 'TO_CANCEL'
  | 'CANCELED'
  | 'SUCCESS'
  | 'WARNING'
  | 'FAILURE';

/**
 * How a job stands: what was found when it was over; until then what its execution says, and for a part of one how its
 * instances are. An execution that has ended is told as running until the consequences are drawn, so that nobody sees a
 * job that is over and an order that does not know of it.
 */
const STATUS = `(case
  when j.status is not null then j.status
  when x.uid is null then case when j.cancel_wanted then 'TO_CANCEL' else 'PENDING' end
  when x.status in ('cancelling', 'force-cancelling', 'kill-cancelling') then 'TO_CANCEL'
  when x.status in ('scheduled', 'queued', 'pending') then 'QUEUED'
  when j.nodes is null or j.parent_uid is null then 'RUNNING'
  else (select case
      when count(*) = 0 then 'RUNNING'
      when j.type = 'provision' and bool_and(i.state = 'started') then 'SUCCESS'
      when j.type = 'decom' and bool_and(i.state in ('deleted', 'uninitialized')) then 'SUCCESS'
      when j.type <> 'decom' and bool_and(i.state = 'uninitialized') then 'QUEUED'
      else 'RUNNING' end
    from node_instances i where i.tenant_id = j.tenant_id and i.deployment_uid = x.deployment_uid and i.node = any(j.nodes)) end)`;

export type JobField =
  | 'uid'
  | 'number'
  | 'code'
  | 'type'
  | 'typeName'
  | 'status'
  | 'ownerId'
  | 'ownerName'
  | 'groupNumber'
  | 'orderNumber'
  | 'parentNumber'
  | 'executionId'
  | 'serverUid'
  | 'resourceUid'
  | 'subject'
  | 'createdAt'
  | 'startedAt'
  | 'endedAt';

export interface JobScope {
  /** null: of every group. */
  readonly groups: readonly number[] | null;
}

/**
 * @param seen groups whose jobs the caller sees beside their own; null: all
 */
export function jobList(seen: readonly number[] | null): ListSpec<JobField> {
  return {
    from: `jobs j left join executions x on x.uid = j.execution_uid
      join users u on u.id = j.owner_id
      left join ordering_groups g on g.uid = j.group_uid
      left join orders o on o.uid = j.order_uid
      left join jobs p on p.uid = j.parent_uid`,
    driver: { table: 'jobs', alias: 'j', key: 'uid' },
    fields: {
      uid: { sql: 'j.uid', type: 'integer' },
      number: { sql: 'j.number', type: 'integer' },
      code: { sql: 'j.code', type: 'text' },
      type: { sql: 'j.type', type: 'text' },
      typeName: { sql: typeNameSql('j.type'), type: 'text' },
      status: { sql: STATUS, type: 'text' },
      ownerId: { sql: 'j.owner_id', type: 'integer' },
      ownerName: { sql: 'u.username', type: 'text' },
      groupNumber: { sql: 'g.number', type: 'integer' },
      orderNumber: { sql: 'o.number', type: 'integer' },
      parentNumber: { sql: 'p.number', type: 'integer' },
      executionId: { sql: 'x.id', type: 'text' },
      serverUid: { sql: 'j.server_uid', type: 'integer' },
      resourceUid: { sql: 'j.resource_uid', type: 'integer' },
      subject: { sql: 'j.subject', type: 'text' },
      createdAt: { sql: 'j.created_at', type: 'time' },
      startedAt: { sql: 'coalesce(j.started_at, x.started_at)', type: 'time' },
      endedAt: { sql: 'j.ended_at', type: 'time' },
    },
    confine: (scope) =>
      seen === null
        ? sql`j.tenant_id = ${scope.tenantId}`
        : sql`j.tenant_id = ${scope.tenantId} and (j.owner_id = ${scope.userId} or j.group_uid = any(${seen}::bigint[]))`,
    defaultSort: [{ field: 'number' }],
    tieBreak: 'j.uid',
    search: ['subject'],
  };
}

export interface JobRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly type: JobType;
  readonly status: JobStatus;
  readonly subject: string;
  readonly ownerId: UserId;
  readonly ownerName: string;
  readonly groupUid: number | null;
  readonly orderUid: number | null;
  readonly orderNumber: number | null;
  readonly parentNumber: number | null;
  readonly parentUid: number | null;
  readonly errandUid: number | null;
  readonly executionUid: ExecutionUid | null;
  readonly executionId: string | null;
  readonly deploymentId: string | null;
  readonly nodes: readonly string[] | null;
  readonly serverUid: number | null;
  readonly resourceUid: number | null;
  readonly settled: boolean;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly totalTasks: number | null;
  readonly completedTasks: number | null;
  readonly messages: readonly string[] | null;
  readonly output: string;
  readonly errors: string;
  readonly hasLog: boolean;
  readonly serverNumber: number | null;
  readonly serverName: string | null;
}

const COLUMNS = `j.uid, j.number, j.code, j.type, ${STATUS} as status, j.subject, j.owner_id as "ownerId", u.username as "ownerName",
  j.group_uid as "groupUid", j.order_uid as "orderUid", o.number as "orderNumber", p.number as "parentNumber", j.parent_uid as "parentUid",
  j.errand_uid as "errandUid", j.execution_uid as "executionUid", x.id as "executionId", d.id as "deploymentId", j.nodes, j.server_uid as "serverUid", j.resource_uid as "resourceUid",
  j.status is not null as settled, j.created_at as "createdAt", coalesce(j.started_at, x.started_at) as "startedAt", j.ended_at as "endedAt",
  coalesce(j.total_tasks, x.total_operations) as "totalTasks", coalesce(j.completed_tasks, x.finished_operations) as "completedTasks",
  j.messages, j.output, j.errors, j.log is not null as "hasLog", v.number as "serverNumber", v.hostname as "serverName"`;

// What runs by itself is about an order and not one of its jobs.
const FROM = `jobs j join users u on u.id = j.owner_id
  left join action_runs ar on ar.job_uid = j.uid and ar.tenant_id = j.tenant_id
  left join orders o on o.uid = coalesce(j.order_uid, ar.order_uid) and o.tenant_id = j.tenant_id
  left join jobs p on p.uid = j.parent_uid and p.tenant_id = j.tenant_id
  left join executions x on x.uid = j.execution_uid and x.tenant_id = j.tenant_id
  left join deployments d on d.uid = x.deployment_uid and d.tenant_id = j.tenant_id
  left join servers v on v.uid = j.server_uid and v.tenant_id = j.tenant_id`;

/** `$2` number or code. */
export const selectJob = tenantStatement<JobRow>(
  'job_select',
  `select ${COLUMNS} from ${FROM} where j.tenant_id = $1 and (j.number::text = $2 or j.code = $2)`,
);

/** Jobs of orders `$2`, those at the top first. */
export const selectJobsOfOrders = tenantStatement<JobRow>(
  'job_select_of_orders',
  `select ${COLUMNS} from ${FROM} where j.tenant_id = $1 and j.order_uid = any($2::bigint[])
   order by j.order_uid, (j.parent_uid is not null), j.uid limit 2000`,
);

export const selectSubjobs = tenantStatement<JobRow>(
  'job_select_subjobs',
  `select ${COLUMNS} from ${FROM} where j.tenant_id = $1 and j.parent_uid = $2 order by j.uid limit 2000`,
);

/** `$2` number, `$3` type, `$4` order, `$5` errand, `$6` parent, `$7` owner, `$8` group, `$9` subject, `$10` nodes, `$11` server, `$12` resource. */
export const insertJob = tenantStatement<{ uid: number }>(
  'job_insert',
  `insert into jobs (tenant_id, number, type, order_uid, errand_uid, parent_uid, owner_id, group_uid, subject, nodes, server_uid, resource_uid)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning uid`,
);

/** The jobs of errand `$2` are what execution `$3` does. */
export const bindExecution = tenantStatement<never>(
  'job_bind_execution',
  'update jobs j set execution_uid = $3 where j.tenant_id = $1 and j.errand_uid = $2 and j.status is null',
);

export const bindJobExecution = tenantStatement<never>(
  'job_bind_one_execution',
  'update jobs j set execution_uid = $3 where j.tenant_id = $1 and (j.uid = $2 or j.parent_uid = $2) and j.status is null',
);

export const wantCancel = tenantStatement<{ uid: number }>(
  'job_want_cancel',
  `update jobs j set cancel_wanted = true where j.tenant_id = $1 and (j.uid = $2 or j.parent_uid = $2) and j.status is null
     and j.execution_uid is null returning j.uid`,
);

export interface NewsRow {
  readonly jobUid: number;
  readonly tenantId: TenantId;
  readonly status: 'terminated' | 'failed' | 'cancelled';
  readonly error: string;
}

/** The oldest news that nobody else is dealing with, for `$1` seconds. */
export const claimNews = systemStatement<NewsRow>(
  'job_claim_news',
  `update job_news n set at = now() + make_interval(secs => $1::double precision)
   from (select f.job_uid from job_news f where f.at <= now() order by f.at limit 1 for update skip locked) first
   where n.job_uid = first.job_uid
   returning n.job_uid as "jobUid", n.tenant_id as "tenantId", n.status, n.error`,
  'the consequences of executions that ended are drawn by the server itself, for all tenants',
);

export const dropNews = tenantStatement<never>(
  'job_drop_news',
  'delete from job_news n where n.tenant_id = $1 and n.job_uid = any($2::bigint[])',
);

/** It is looked at again in `$3` seconds. */
export const putOffNews = tenantStatement<never>(
  'job_put_off_news',
  `update job_news n set at = now() + make_interval(secs => $3::double precision) where n.tenant_id = $1 and n.job_uid = $2`,
);

export const selectJobByUid = tenantStatement<JobRow>(
  'job_select_by_uid',
  `select ${COLUMNS} from ${FROM} where j.tenant_id = $1 and j.uid = $2`,
);

/** Jobs of errand `$2`, or where it is null job `$3` and those in it. */
export const selectTogether = tenantStatement<JobRow>(
  'job_select_together',
  `select ${COLUMNS} from ${FROM} where j.tenant_id = $1 and case when $2::bigint is null then j.uid = $3 or j.parent_uid = $3 else j.errand_uid = $2 end
   order by (j.parent_uid is not null), j.uid`,
);

/** What is told of job `$2` when its execution will be gone: `$3` messages, `$4` log, `$5` total, `$6` completed tasks. */
export const keepTold = tenantStatement<never>(
  'job_keep_told',
  `update jobs j set messages = $3, log = $4, total_tasks = $5, completed_tasks = $6,
     started_at = coalesce(j.started_at, (select x.started_at from executions x where x.tenant_id = $1 and x.uid = j.execution_uid))
   where j.tenant_id = $1 and j.uid = $2 and j.status is null and j.messages is null`,
);

/** `$2` job, `$3` status, `$4` output, `$5` errors. */
export const settleJob = tenantStatement<never>(
  'job_settle',
  `update jobs j set status = $3, output = left($4, 100000), errors = left($5, 100000), ended_at = now(),
     started_at = coalesce(j.started_at, (select x.started_at from executions x where x.tenant_id = $1 and x.uid = j.execution_uid), now())
   where j.tenant_id = $1 and j.uid = $2 and j.status is null`,
);

/** What went wrong in execution `$2` on nodes `$3` (null: anywhere), the last of it; and what they have said, `$4` lines. */
export const selectTrouble = tenantStatement<{ message: string }>(
  'job_trouble',
  `select e.message from events_in_order($1, $2, '{event}', '{task_failed,workflow_failed}', $3, null, null, null, true, 1) e`,
);

/** What operations on nodes `$3` of execution `$2` have printed: the last `$4` lines. */
export const selectPrinted = tenantStatement<{ message: string }>(
  'job_printed',
  `select e.message from events_in_order($1, $2, '{log}', null, $3, null, null, null, true, $4) e order by e.at, e.id`,
);

/** The last `$4` messages of execution `$2` for people, oldest first; of nodes `$3` only (null: of all). */
export const lastMessages = tenantStatement<{ message: string }>(
  'job_last_messages',
  `select case when e.node is null then e.message else e.node || ': ' || e.message end as message
   from events_in_order($1, $2, '{event}', null, $3, null, null, null, true, $4) e order by e.at, e.id`,
);

/** A page of what happened in execution `$2` after the time `$3` and, of that time, after `$4`; of nodes `$5` (null: of all). */
export const logPage = tenantStatement<LogLine>(
  'job_log_page',
  `select e.id, e.at, coalesce(e.level, case when e.type like '%failed' then 'error' end) as level, e.node, e.message
   from events_in_order($1, $2, '{event,log}', null, $5, $3, $4, null, false, 1000) e order by e.at, e.id`,
);

export interface LogLine {
  readonly id: number;
  readonly at: Date;
  readonly level: string | null;
  readonly node: string | null;
  readonly message: string;
}

/** Resource `$2`, as jobs name it. */
export const selectJobResource = tenantStatement<{
  number: number;
  code: string;
  name: string;
  type: string;
}>(
  'job_resource',
  `select r.number, r.code, r.name, t.name as type from services r join resource_types t on t.uid = r.resource_type_uid
   where r.tenant_id = $1 and t.tenant_id = $1 and r.uid = $2`,
);

export const selectLog = tenantStatement<{ log: string | null }>(
  'job_log',
  'select j.log from jobs j where j.tenant_id = $1 and j.uid = $2',
);

/** What came of the instances of nodes `$3` in the deployment of execution `$2`. */
export const instancesOf = tenantStatement<{
  id: string;
  node: string;
  state: string;
}>(
  'job_instances',
  `select i.id, i.node, i.state from executions x join node_instances i on i.deployment_uid = x.deployment_uid
   where x.tenant_id = $1 and i.tenant_id = $1 and x.uid = $2 and ($3::text[] is null or i.node = any($3::text[])) order by i.node, i.index`,
);
