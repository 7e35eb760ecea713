import type { Json } from '../dsl/plan.js';
import type { TenantId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { ActionTask } from './action-task.js';
import type { TriggerPoint } from './trigger-points.js';

export interface RunRow {
  readonly uid: number;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly task: ActionTask;
  readonly state: 'due' | 'begun' | 'concluding' | 'ended';
  readonly tries: number;
  readonly executionId: string | null;
  readonly outcome: 'SUCCESS' | 'WARNING' | 'FAILURE' | 'CANCELED' | null;
  readonly found: Json;
  readonly orderUid: number | null;
  readonly errandUid: number | null;
  readonly triggerPoint: TriggerPoint | null;
  readonly jobUid: number;
  readonly jobNumber: number;
  /** Of a job that an order has: order_errands.uid. */
  readonly jobErrandUid: number | null;
  readonly owner: string;
  readonly cancelWanted: boolean;
}

const COLUMNS = `r.uid, r.tenant_id as "tenantId", t.name as "tenantName", r.task, r.state, r.tries, r.execution_id as "executionId", r.outcome,
  r.found, r.order_uid as "orderUid", r.errand_uid as "errandUid", r.trigger_point as "triggerPoint", j.uid as "jobUid",
  j.number::integer as "jobNumber", j.errand_uid as "jobErrandUid", u.username as owner, j.cancel_wanted as "cancelWanted"`;
const FROM = `action_runs r join jobs j on j.uid = r.job_uid and j.tenant_id = r.tenant_id
  join tenants t on t.id = r.tenant_id join users u on u.id = j.owner_id`;

/** `$2` job, `$3` task, `$4` order, `$5` errand, `$6` point at which it runs. */
export const insertRun = tenantStatement<{ uid: number }>(
  'action_runs_insert',
  `insert into action_runs (tenant_id, job_uid, task, order_uid, errand_uid, trigger_point) values ($1, $2, $3, $4, $5, $6) returning uid`,
);

export const selectRun = tenantStatement<RunRow>(
  'action_runs_select',
  `select ${COLUMNS} from ${FROM} where r.tenant_id = $1 and r.uid = $2`,
);

export const lockRun = tenantStatement<{ state: RunRow['state'] }>(
  'action_runs_lock',
  'select r.state from action_runs r where r.tenant_id = $1 and r.uid = $2 for update',
);

/** One that is due, or from which something follows, and that nobody is at, for `$1` seconds. */
export const claimRun = systemStatement<{ uid: number; tenantId: TenantId }>(
  'action_runs_claim',
  `update action_runs r set lease_until = now() + make_interval(secs => $1::double precision), tries = r.tries + 1
   from (select d.uid from action_runs d where d.state in ('due', 'concluding') and (d.lease_until is null or d.lease_until < now())
     order by d.uid limit 1 for update skip locked) due
   where r.uid = due.uid returning r.uid, r.tenant_id as "tenantId"`,
  'what people have the server run is begun by the server itself, for all tenants',
);

/** `$2` run: it is tried again in `$3` seconds. */
export const putOffRun = tenantStatement<never>(
  'action_runs_put_off',
  `update action_runs r set lease_until = now() + make_interval(secs => $3::double precision)
   where r.tenant_id = $1 and r.uid = $2 and r.state in ('due', 'concluding')`,
);

/** `$2` run, `$3` id of its execution. */
export const setRunBegun = tenantStatement<never>(
  'action_runs_set_begun',
  `update action_runs r set state = 'begun', execution_id = $3, lease_until = null where r.tenant_id = $1 and r.uid = $2 and r.state = 'due'`,
);

/** `$2` run, `$3` step, `$4` what it printed, `$5` whether it finds something, `$6` what it has found. */
export const noteStep = tenantStatement<never>(
  'action_runs_note_step',
  `update action_runs r set printed = r.printed || jsonb_build_object($3::text, $4::text), found = case when $5 then $6::json else r.found end
   where r.tenant_id = $1 and r.uid = $2`,
);

/** Job `$2` has come to `$3`: what follows of its run is to be seen to. */
export const endRun = tenantStatement<{ uid: number; printed: Readonly<Record<string, string>> }>(
  'action_runs_end',
  `update action_runs r set outcome = $3, lease_until = null, tries = 0,
     state = case when r.order_uid is not null or r.errand_uid is not null then 'concluding' else 'ended' end
   where r.tenant_id = $1 and r.job_uid = $2 and r.state in ('due', 'begun') returning r.uid, r.printed`,
);

export const setRunConcluded = tenantStatement<never>(
  'action_runs_set_concluded',
  `update action_runs r set state = 'ended', lease_until = null where r.tenant_id = $1 and r.uid = $2`,
);

/** Runs at point `$3` for errand `$2`. */
export const runsForErrand = tenantStatement<Pick<RunRow, 'state' | 'outcome'> & { label: string }>(
  'action_runs_for_errand',
  `select r.state, r.outcome, r.task ->> 'label' as label from action_runs r
   where r.tenant_id = $1 and r.errand_uid = $2 and r.trigger_point = $3 order by r.uid`,
);
