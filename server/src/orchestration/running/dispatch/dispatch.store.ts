import type { BlueprintUid, ExecutionUid, TenantId } from '../../../ids.js';
import { systemStatement } from '../../../store/statement.js';

const WALK = 'the walk reaches the operations of an execution that its worker has claimed, whoever owns it';
const HOLDER = 'a worker reaches what it holds, by its own number; whose work it may take is in the taking';

/** Messages that may wait for the walk of one operation; beyond, its holder keeps them. */
const MOST_MESSAGES = 5000;

/** Seconds in which a worker that may not have heard of what it took has to say that it did. */
const MOMENT = 10;

export type DispatchState = 'waiting' | 'held' | 'ended' | 'lost';
export type Abort = 'cancelled' | 'killed' | 'timeout';

/**
 * `$1` execution, `$2` fence, `$3` task, `$4` attempt, `$5` pool, `$6` blueprint, `$7` work, each an array. Written only under the fence: the lock
 * makes sure that whoever claims the execution next finds the row, or this writes nothing. What is there already stays, and its
 * holder gets a whole lease anew: the walk that would have heard of it may have been away for longer.
 */
export const sendOperations = systemStatement<{ uid: number; execution: ExecutionUid; task: number }>(
  'dispatch_send',
  `insert into dispatched_operations as d (tenant_id, execution_uid, task, attempt, pool, blueprint_uid, work)
   select x.tenant_id, x.uid, n.task, n.attempt, n.pool, n.blueprint, n.work
   from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::bytea[])
     as n(execution, fence, task, attempt, pool, blueprint, work)
   join executions x on x.uid = n.execution and x.fence = n.fence
   order by x.uid for share of x
   on conflict (execution_uid, task, attempt) do update set lease_until = case when d.state = 'held' then greatest(d.lease_until,
     now() + make_interval(secs => coalesce((select w.lease from pool_workers w where w.uid = d.worker_uid), 0))) end
   returning d.uid, d.execution_uid as execution, d.task`,
  WALK,
);

export interface ErrandRow {
  readonly uid: number;
  readonly state: DispatchState;
  readonly lease: number;
  readonly outcome: Buffer | null;
  readonly worker: string | null;
  /** Seconds since it was taken. */
  readonly heldFor: number | null;
}

/** What is new of the operations `$1`; `$2`: those whose taking is known. */
export const lookAtErrands = systemStatement<ErrandRow>(
  'dispatch_look',
  `select d.uid, d.state, d.lease, d.outcome, w.name as worker, extract(epoch from now() - d.held_at)::float8 as "heldFor"
   from dispatched_operations d left join pool_workers w on w.uid = d.worker_uid
   where d.uid = any($1::bigint[]) and (d.state in ('ended', 'lost') or (d.state = 'held' and d.begun and not d.uid = any($2::bigint[])))`,
  WALK,
);

const LOSE = `update dispatched_operations set state = case when begun then 'lost' else 'waiting' end`;

/** Of the operations `$1`, those whose holder has been silent for longer than its lease. One that its holder never heard of waits again. */
export const loseSilent = systemStatement<{ uid: number; state: DispatchState; pool: string }>(
  'dispatch_lose',
  `${LOSE} where uid = any($1::bigint[]) and state = 'held' and lease_until < now() returning uid, state, pool`,
  WALK,
);

export interface MessageRow {
  readonly uid: number;
  readonly operation: number;
  readonly lease: number;
  readonly number: number;
  readonly body: Buffer;
  readonly asks: boolean;
  /** Said by a worker that stands beside the database, and so may be told everything. */
  readonly central: boolean;
}

/** In the order in which they were said; `$2`: those that are being answered. */
export const selectMessages = systemStatement<MessageRow>(
  'dispatch_messages',
  `select m.uid, m.operation_uid as operation, m.lease, m.number, m.body, m.asks, coalesce(w.kind = 'central', false) as central
   from dispatched_messages m join dispatched_operations d on d.uid = m.operation_uid left join pool_workers w on w.uid = d.worker_uid
   where m.operation_uid = any($1::bigint[]) and m.answer is null and not m.uid = any($2::bigint[])
   order by m.operation_uid, m.lease, m.number limit 500`,
  WALK,
);

export const dropMessages = systemStatement<never>(
  'dispatch_drop_messages',
  'delete from dispatched_messages where uid = any($1::bigint[])',
  WALK,
);

export const answerMessages = systemStatement<never>(
  'dispatch_answer',
  `update dispatched_messages m set answer = n.answer from unnest($1::bigint[], $2::bytea[]) as n(uid, answer) where m.uid = n.uid`,
  WALK,
);

/** Those of `$1` that nobody has taken are gone. */
export const withdrawWaiting = systemStatement<{ uid: number }>(
  'dispatch_withdraw',
  `delete from dispatched_operations where uid = any($1::bigint[]) and state = 'waiting' returning uid`,
  WALK,
);

/** `$1` operations, `$2` reasons, `$3` whether at once. Returns whom to tell. */
export const abortHeld = systemStatement<{ worker: number }>(
  'dispatch_abort',
  `update dispatched_operations d set abort = n.abort, at_once = d.at_once or n.at_once
   from unnest($1::bigint[], $2::text[], $3::boolean[]) as n(uid, abort, at_once)
   where d.uid = n.uid and d.state = 'held' returning d.worker_uid as worker`,
  WALK,
);

/** Their outcomes are recorded. */
export const forgetOperations = systemStatement<never>(
  'dispatch_forget',
  'delete from dispatched_operations where uid = any($1::bigint[])',
  WALK,
);

/** What ended executions have left, and processes that nobody has heard of for a day. */
export const sweepDispatched = systemStatement<never>(
  'dispatch_sweep',
  `with gone as (delete from pool_workers w where coalesce(w.left_at, w.seen_at) < now() - interval '1 day')
   delete from dispatched_operations d
   where not exists (select from executions x where x.uid = d.execution_uid and x.status not in ('terminated', 'failed', 'cancelled'))`,
  'a chore for the whole installation',
);

/** Of the pools `$1` (with the tenant, in `$2`, whose work waits there), those that a living process serves. */
export const servedPools = systemStatement<{ pool: string; tenant: TenantId }>(
  'dispatch_served_pools',
  `select n.pool, n.tenant from unnest($1::text[], $2::bigint[]) as n(pool, tenant)
   where exists (select from pool_workers w where n.pool = any(w.pools) and (w.confined_to is null or w.confined_to = n.tenant)
     and w.left_at is null and w.seen_at > now() - make_interval(secs => w.lease))`,
  WALK,
);

/** `$1` name, `$2` kind, `$3` pools, `$4` tenant or null, `$5` host, `$6` version, `$7` room, `$8` lease in seconds, `$9` what the machine is. */
export const registerWorker = systemStatement<{ uid: number }>(
  'dispatch_register',
  `insert into pool_workers (name, kind, pools, confined_to, host, version, room, lease, system) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   on conflict (name) do update set kind = excluded.kind, pools = excluded.pools, confined_to = excluded.confined_to, host = excluded.host,
     version = excluded.version, room = excluded.room, lease = excluded.lease, system = excluded.system, registered_at = now(), seen_at = now(), left_at = null
   returning uid`,
  'a worker is of the installation; whose work it may take is in the row',
);

export const leaveWorker = systemStatement<never>(
  'dispatch_leave',
  'update pool_workers set left_at = now() where uid = $1',
  HOLDER,
);

/** Nobody knows how it went with what an earlier process of this worker held. */
export const loseHeldBy = systemStatement<{ uid: number }>(
  'dispatch_lose_held',
  `${LOSE} where worker_uid = $1 and state = 'held' returning uid`,
  HOLDER,
);

export interface TakenRow {
  readonly uid: number;
  readonly lease: number;
  readonly execution: ExecutionUid;
  readonly task: number;
  readonly attempt: number;
  readonly work: Buffer;
}

/**
 * `$1` worker, `$2` how many, `$3` whether the worker hears of it for certain; else it has a moment to say that it has. Oldest
 * first; a taking raises the lease's number.
 */
export const takeOperations = systemStatement<TakenRow>(
  'dispatch_take',
  `with free as (
     select d.uid, w.lease from pool_workers w join dispatched_operations d on d.pool = any(w.pools)
     where w.uid = $1 and d.state = 'waiting' and (w.confined_to is null or w.confined_to = d.tenant_id)
     order by d.uid limit $2 for update of d skip locked)
   update dispatched_operations d
   set state = 'held', worker_uid = $1, lease = d.lease + 1, begun = $3, held_at = now(),
     lease_until = now() + make_interval(secs => case when $3 then free.lease else least(free.lease, ${MOMENT}) end)
   from free where d.uid = free.uid
   returning d.uid, d.lease, d.execution_uid as execution, d.task, d.attempt, d.work`,
  HOLDER,
);

export interface KeptRow {
  readonly uid: number;
  readonly abort: Abort | null;
  readonly atOnce: boolean;
}

/** One beat of a worker: it lives, and it keeps what it holds (`$2` operations, `$3` numbers of leases). */
export const renewHeld = systemStatement<KeptRow>(
  'dispatch_renew',
  `with seen as (update pool_workers set seen_at = now(), left_at = null where uid = $1 returning lease)
   update dispatched_operations d set begun = true, lease_until = now() + make_interval(secs => seen.lease)
   from unnest($2::bigint[], $3::integer[]) as h(uid, lease), seen
   where d.uid = h.uid and d.lease = h.lease and d.worker_uid = $1 and d.state = 'held'
   returning d.uid, d.abort, d.at_once as "atOnce"`,
  HOLDER,
);

export const selectAborts = systemStatement<KeptRow>(
  'dispatch_aborts',
  `select d.uid, d.abort, d.at_once as "atOnce" from dispatched_operations d
   where d.worker_uid = $1 and d.state = 'held' and d.abort is not null`,
  HOLDER,
);

/** `$1` worker; `$2` operation, `$3` lease, `$4` number, `$5` body, `$6` whether it asks, each an array. Told: what is held still. */
export const putMessages = systemStatement<{ uid: number; full: boolean }>(
  'dispatch_say',
  `with held as (
     select d.uid, d.lease, (select count(*) from (select from dispatched_messages p where p.operation_uid = d.uid limit ${MOST_MESSAGES}) q) as waiting
     from dispatched_operations d where d.uid = any($2::bigint[]) and d.worker_uid = $1 and d.state = 'held'),
   put as (
     insert into dispatched_messages (operation_uid, lease, number, body, asks)
     select m.uid, m.lease, m.number, m.body, m.asks
     from unnest($2::bigint[], $3::integer[], $4::integer[], $5::bytea[], $6::boolean[]) as m(uid, lease, number, body, asks)
     join held h on h.uid = m.uid and h.lease = m.lease and (m.asks or h.waiting < ${MOST_MESSAGES})
     on conflict do nothing)
   select uid, waiting >= ${MOST_MESSAGES} as full from held`,
  HOLDER,
);

/** `$1` worker, `$2` operation, `$3` lease, `$4` number; null: not answered yet. No row: not held any more. */
export const selectAnswer = systemStatement<{ answer: Buffer | null }>(
  'dispatch_answer_of',
  `select m.answer from dispatched_operations d
   left join dispatched_messages m on m.operation_uid = d.uid and m.lease = $3 and m.number = $4
   where d.uid = $2 and d.worker_uid = $1 and d.lease = $3 and d.state = 'held'`,
  HOLDER,
);

/** Answers that have arrived: `$1` worker, `$2` operation, `$3` lease, `$4` numbers. */
export const dropAnswers = systemStatement<never>(
  'dispatch_drop_answers',
  `delete from dispatched_messages m using dispatched_operations d
   where d.uid = $2 and d.worker_uid = $1 and d.lease = $3 and m.operation_uid = d.uid and m.lease = $3 and m.number = any($4::integer[]) and m.answer is not null`,
  HOLDER,
);

/** `$1` worker, `$2` operation, `$3` lease, `$4` outcome, null: nobody knows how it went; `$5` numbers and `$6` bodies of its last messages. */
export const finishOperation = systemStatement<{ uid: number }>(
  'dispatch_finish',
  `with ended as (
     update dispatched_operations set state = case when $4::bytea is null then 'lost' else 'ended' end, outcome = $4
     where uid = $2 and worker_uid = $1 and lease = $3 and state = 'held' returning uid),
   put as (
     insert into dispatched_messages (operation_uid, lease, number, body, asks)
     select e.uid, $3, m.number, m.body, false from ended e, unnest($5::integer[], $6::bytea[]) as m(number, body)
     on conflict do nothing)
   select uid from ended`,
  HOLDER,
);

export interface HeldRow {
  readonly tenantId: TenantId;
  readonly execution: ExecutionUid;
  readonly task: number;
  readonly attempt: number;
  readonly blueprint: BlueprintUid;
  readonly work: Buffer;
  readonly createdBy: number;
}

/** What is needed to hand the holder of an operation its files: `$1` worker, `$2` operation, `$3` lease. */
export const selectHeld = systemStatement<HeldRow>(
  'dispatch_held',
  `select d.tenant_id as "tenantId", d.execution_uid as execution, d.task, d.attempt, d.blueprint_uid as blueprint, d.work, x.created_by as "createdBy"
   from dispatched_operations d join executions x on x.uid = d.execution_uid
   where d.uid = $2 and d.worker_uid = $1 and d.lease = $3 and d.state = 'held'`,
  HOLDER,
);
