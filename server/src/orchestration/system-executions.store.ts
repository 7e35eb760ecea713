import type { JsonObject } from '../dsl/plan.js';
import type { ExecutionId, ExecutionUid, TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { ExecutionStatus } from './execution-state.js';

const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
const WHY = 'work on the installation as a whole; it serves every tenant';

export interface SystemClaim {
  readonly uid: ExecutionUid;
  readonly id: ExecutionId;
  readonly tenantId: TenantId;
  readonly workflow: string;
  readonly status: ExecutionStatus;
  readonly parameters: JsonObject;
  readonly createdById: UserId;
  readonly createdBy: string;
  readonly fence: number;
  /** Claims of it so far that did not bring it to its end, this one included. */
  readonly tries: number;
}

/** Decided one after the other: what may start beside what. Until the transaction's end. */
export const lockSystem = systemStatement(
  'system_executions_lock',
  `select pg_advisory_xact_lock(hashtext('orrery system executions'))`,
  WHY,
);

/** What is not over, of the workflows `$1` without a deployment; where `$2`, whatever is active anywhere too. */
export const selectInTheWay = systemStatement<{ id: ExecutionId; status: ExecutionStatus; workflow: string }>(
  'system_executions_in_the_way',
  `select x.id, x.status, x.workflow from executions x
   where (x.status in ${ACTIVE} and ($2 or x.deployment_uid is null and x.workflow = any($1::text[])))
      or (x.status = 'queued' and x.deployment_uid is null and x.workflow = any($1::text[]))
   order by x.uid limit 1`,
  WHY,
);

export const insertSystem = tenantStatement<{ uid: ExecutionUid }>(
  'system_executions_insert',
  `insert into executions (tenant_id, id, workflow, function, status, parameters, system, created_by, error)
   values ($1, $2, $3, $3, $4, $5, true, $6, '') returning uid`,
);

/** The oldest queued one becomes pending where none of the workflows `$1` is active. */
export const promoteSystem = systemStatement(
  'system_executions_promote',
  `update executions x set status = 'pending' where x.uid = (
     select q.uid from executions q where q.status = 'queued' and q.deployment_uid is null and q.workflow = any($1::text[])
       and not exists (select from executions a where a.status in ${ACTIVE} and a.deployment_uid is null and a.workflow = any($1::text[]))
     order by q.uid limit 1 for update skip locked)`,
  WHY,
);

/** `$1` worker, `$2` lease in seconds, `$3` workflows. A claim raises the fence. */
export const claimSystem = systemStatement<SystemClaim>(
  'system_executions_claim',
  `with claimed as (
     update executions x set worker = $1, fence = x.fence + 1, lease_until = now() + make_interval(secs => $2),
       breakdowns = x.breakdowns + 1, started_at = coalesce(x.started_at, now()),
       status = case when x.status = 'pending' then 'started' else x.status end
     where x.uid = (select c.uid from executions c
       where c.status in ${ACTIVE} and c.deployment_uid is null and c.workflow = any($3::text[])
         and (c.lease_until is null or c.lease_until < now())
       order by c.uid limit 1 for update skip locked)
     returning x.*)
   select x.uid, x.id, x.tenant_id as "tenantId", x.workflow, x.status, x.parameters, x.created_by as "createdById",
     u.username as "createdBy", x.fence, x.breakdowns as tries
   from claimed x join users u on u.id = x.created_by`,
  WHY,
);

export const renewSystem = systemStatement<{ status: ExecutionStatus }>(
  'system_executions_renew',
  `update executions x set lease_until = now() + make_interval(secs => $3)
   where x.uid = $1 and x.fence = $2 and x.status in ${ACTIVE} returning x.status`,
  WHY,
);

/** Given back unfinished by a worker that stops: it was not the work's fault. */
export const releaseSystem = systemStatement(
  'system_executions_release',
  `update executions x set lease_until = null, breakdowns = greatest(0, x.breakdowns - 1)
   where x.uid = $1 and x.fence = $2 and x.status in ${ACTIVE}`,
  WHY,
);

/** A cancel outweighs how it went. */
export const endSystem = systemStatement<{ status: ExecutionStatus }>(
  'system_executions_end',
  `update executions x set status = case when x.status in ('pending', 'started') then $3 else 'cancelled' end, error = $4,
     ended_at = now(), worker = null, lease_until = null
   where x.uid = $1 and x.fence = $2 and x.status in ${ACTIVE} returning x.status`,
  WHY,
);

/** Puts an execution that is over beside those that have just replaced all others, which may hold it as it once was. */
export const insertEnded = systemStatement<{ uid: ExecutionUid }>(
  'system_executions_insert_ended',
  `insert into executions (tenant_id, id, workflow, function, status, parameters, system, created_by, created_at, started_at, ended_at, error)
   values ($1, $2, $3, $3, 'terminated', $4, true, $5, $6, $7, now(), '')
   on conflict (id) do update set status = 'terminated', ended_at = now(), error = '' returning uid`,
  WHY,
);

export const selectOwn = systemStatement<{
  workflow: string;
  parameters: JsonObject;
  createdAt: Date;
  startedAt: Date;
}>(
  'system_executions_own',
  `select workflow, parameters, created_at as "createdAt", started_at as "startedAt" from executions
   where uid = $1 and id = $2 and fence = $3 and status in ${ACTIVE}`,
  WHY,
);

/**
 * What ran when the database was copied runs no more: failed, to be resumed by whoever wants to; the copying itself (`$1`)
 * has gone well. What waited in a queue is cancelled: nothing will come to let it go. Schedules stay.
 */
export const settleCopied = systemStatement<{ failed: number }>(
  'system_executions_settle_copied',
  `with settled as (
     update executions x set worker = null, lease_until = null, ended_at = coalesce(x.ended_at, now()), fence = x.fence + $2,
       status = case when x.id = $1 then 'terminated' when x.status = 'queued' then 'cancelled' else 'failed' end,
       error = case when x.id = $1 then '' when x.status = 'queued' then 'It was waiting when the snapshot was made'
         else 'It was ' || x.status || ' when the snapshot was made; resume it where that is wanted' end
     where x.status in ${ACTIVE} or x.status = 'queued' returning x.deployment_uid, x.status),
   ailing as (
     update deployments d set health = 'requires-attention'
     where d.health = 'in-progress' or d.uid in (select s.deployment_uid from settled s where s.status = 'failed'))
   select count(*)::integer as failed from settled where status = 'failed'`,
  WHY,
);

/** Whatever was started in an execution that is over has no result that anybody knows. */
export const interruptCopied = systemStatement(
  'system_executions_interrupt_copied',
  `update operations o set state = 'interrupted' from executions x
   where x.uid = o.execution_uid and o.state = 'started' and x.status = 'failed'`,
  WHY,
);

/** Fences grow beyond every one that was given out here: a walker that sleeps through it all writes nothing afterwards. */
export const highestFence = systemStatement<{ fence: number }>(
  'system_executions_highest_fence',
  'select coalesce(max(fence), 0)::bigint as fence from executions',
  WHY,
);

export const raiseFences = systemStatement(
  'system_executions_raise_fences',
  `update executions x set fence = x.fence + $1 where x.status in ('failed', 'cancelled') and x.deployment_uid is not null`,
  WHY,
);
