/**
 * The engine's own SQL. Everything a walk writes goes through `commitBatch`: one statement, one round trip, one
 * transaction, written only by whoever holds the execution's current fence, and only once.
 */
import type { JsonObject } from '../../dsl/plan.js';
import type { BlueprintUid, DeploymentUid, ExecutionId, ExecutionUid, TenantId, UserId } from '../../ids.js';
import { systemStatement } from '../../store/statement.js';
import type { ExecutionStatus } from '../execution-state.js';
import type { TaskGraph } from '../planning/graph.js';
import { type PackedGraph, unpacked } from '../planning/packed.js';

const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
const ENGINE = 'the engine serves every tenant; it reads the tenant from the execution it has claimed';

/** How a walk may end an execution. */
export type EndStatus = 'terminated' | 'failed' | 'cancelled';

export interface RenewedRow {
  readonly uid: ExecutionUid;
  readonly fence: number;
  readonly status: ExecutionStatus;
  readonly renewed: boolean;
}

export interface ClaimedExecution {
  readonly uid: ExecutionUid;
  readonly id: ExecutionId;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly deploymentUid: DeploymentUid;
  readonly deploymentId: string;
  readonly deploymentDisplayName: string;
  readonly deploymentCreator: string;
  readonly deploymentTags: JsonObject;
  readonly blueprintId: string;
  readonly blueprintUid: BlueprintUid;
  readonly workflow: string;
  readonly function: string;
  readonly status: ExecutionStatus;
  readonly parameters: JsonObject;
  readonly dryRun: boolean;
  readonly resumed: boolean;
  readonly waitAfterFail: number;
  readonly createdBy: string;
  readonly createdById: UserId;
  readonly graph: TaskGraph | null;
  /** It has started others, and waited for their ends. */
  readonly awaitsChildren: boolean;
  readonly fence: number;
  readonly batches: number;
  /** Seconds since it was asked for, or due, on the database's clock. */
  readonly waited: number;
}

/** As it is stored. */
export type ClaimedRow = Omit<ClaimedExecution, 'graph'> & { readonly graph: PackedGraph | TaskGraph | null };

export function taken(row: ClaimedRow): ClaimedExecution {
  return { ...row, graph: row.graph === null ? null : unpacked(row.graph) };
}

/** The span that asked for execution `$1`, and how it stands. */
export const selectTrace = systemStatement<{ trace: string | null; status: string; error: string }>(
  'execution_trace',
  'select trace, status, error from executions where uid = $1',
  'the engine walks executions of every tenant',
);

/**
 * `$1` worker, `$2` lease in seconds, `$3` how many, `$4` what the worker walks already: after an outage that was longer
 * than its leases they look free. `$5` how many of one tenant may run, where the tenant has no limit of its own, `$6` how many of
 * all; 0: any number. Tenants take turns, the one with the fewest running first; within one, oldest first. A claim raises the fence.
 * `$7` how many of those that no worker has had yet, and `$8` of which tenants none of them. The function is in migration 0050.
 */
export const claimExecutions = systemStatement<ClaimedRow>(
  'engine_claim',
  `select x.uid, x.id, x.tenant_id as "tenantId", t.name as "tenantName", x.deployment_uid as "deploymentUid", d.id as "deploymentId",
          d.display_name as "deploymentDisplayName", du.username as "deploymentCreator", d.resource_tags as "deploymentTags", b.id as "blueprintId", b.uid as "blueprintUid", x.workflow, x.function, x.status, x.parameters,
          x.dry_run as "dryRun", x.resumed, x.wait_after_fail as "waitAfterFail", u.username as "createdBy",
          x.created_by as "createdById", x.graph, x.awaits_children as "awaitsChildren", x.fence, x.batches,
          greatest(0, extract(epoch from clock_timestamp() - greatest(x.created_at, x.scheduled_for)))::double precision as waited
   from engine_take($1, $2, $3, $4, $5, $6, $7, $8) x
   join tenants t on t.id = x.tenant_id
   join users u on u.id = x.created_by
   join deployments d on d.uid = x.deployment_uid
   join users du on du.id = d.created_by
   join blueprints b on b.uid = d.blueprint_uid
   order by x.uid`,
  ENGINE,
);

/**
 * Keeps what the worker holds, and tells how it stands; what is missing in the answer is no longer the worker's. Nobody is waited
 * for: of a row that another transaction has locked it is told that it is not `renewed` yet.
 */
export const renewLeases = systemStatement<RenewedRow>(
  'engine_renew',
  `with held as materialized (
     select h.uid, h.fence from unnest($3::bigint[], $4::bigint[]) as h(uid, fence)),
   free as materialized (
     select x.uid from executions x join held using (uid)
     where x.fence = held.fence and x.worker = $1 and x.status in ${ACTIVE} for no key update of x skip locked),
   kept as (
     update executions x set lease_until = now() + make_interval(secs => $2) from free where x.uid = free.uid returning x.uid)
   select x.uid, x.fence, x.status, kept.uid is not null as renewed
   from executions x join held using (uid) left join kept using (uid)
   where x.fence = held.fence and x.worker = $1 and x.status in ${ACTIVE}`,
  ENGINE,
);

/** The same of the one execution `$3` under fence `$4`, whoever has to be waited for. */
export const renewLease = systemStatement<RenewedRow>(
  'engine_renew_one',
  `update executions x set lease_until = now() + make_interval(secs => $2)
   where x.uid = $3 and x.fence = $4 and x.worker = $1 and x.status in ${ACTIVE}
   returning x.uid, x.fence, x.status, true as renewed`,
  ENGINE,
);

/** What an earlier process of the same worker left behind is free at once, without waiting for its leases. */
export const freeLeases = systemStatement<never>(
  'engine_free',
  `update executions x set lease_until = null where x.worker = $1 and x.status in ${ACTIVE}`,
  ENGINE,
);

export const releaseLease = systemStatement<never>(
  'engine_release',
  'update executions x set lease_until = null where x.uid = $1 and x.fence = $2',
  ENGINE,
);

/**
 * A walk that broke off for a reason of our own making: counted, and its lease runs out later each time, as the pause
 * before the next try. `$3`: the first pause in seconds.
 */
export const countBreakdown = systemStatement<{ breakdowns: number }>(
  'engine_count_breakdown',
  `update executions x set breakdowns = x.breakdowns + 1, lease_until = now() + make_interval(secs => least(60, $3 * 2 ^ least(x.breakdowns, 10)))
   where x.uid = $1 and x.fence = $2 and x.status in ${ACTIVE} returning x.breakdowns`,
  ENGINE,
);

/**
 * The plan becomes the truth: stored with its first events, by the holder of the fence, while the deployment points to the execution. `$1` execution,
 * `$2` fence, `$3` graph, `$4` operations in it, `$5` those that are over, `$6` the number of this batch, `$7` events as `eventRows` has them
 * (migration 0056). Status null: the fence or the number is not the one expected, and nothing was written.
 */
export const beginExecution = systemStatement<{ status: ExecutionStatus | null }>(
  'engine_begin',
  'select engine_begin($1, $2, $3, $4, $5, $6, $7) as status',
  ENGINE,
);

/** The graph has grown by a stage. Arguments as of `beginExecution`. */
export const growExecution = systemStatement<{ status: ExecutionStatus }>(
  'engine_grow',
  `update executions x set graph = $3, total_operations = $4, finished_operations = $5, batches = x.batches + 1
   where x.uid = $1 and x.fence = $2 and x.batches = $6 - 1 and x.status in ${ACTIVE} returning x.status`,
  ENGINE,
);

/** The graph has more tasks at its end. `$4`: operations in it, `$5`: the number of this batch. */
export const appendToGraph = systemStatement<{ status: ExecutionStatus }>(
  'engine_append',
  `update executions x set graph = $3, total_operations = $4, batches = x.batches + 1
   where x.uid = $1 and x.fence = $2 and x.batches = $5 - 1 and x.status in ${ACTIVE} returning x.status`,
  ENGINE,
);

/** The blueprint that the deployment of a claimed execution follows now. */
export const blueprintOf = systemStatement<{ uid: BlueprintUid; id: string }>(
  'engine_blueprint',
  'select b.uid, b.id from deployments d join blueprints b on b.uid = d.blueprint_uid where d.uid = $1',
  ENGINE,
);

/** Arguments of `engine_commit`, in its order. */
const COMMIT_ARGUMENTS = 31;

/**
 * `$1` execution, `$2` fence, `$3` number of this batch, then `Batch.values` (outbox.ts); the function says what they are
 * (migration 0049). Status null: the fence or the number is not the one expected, and nothing was written.
 */
export const commitBatch = systemStatement<{
  status: ExecutionStatus | null;
  properties: Readonly<Record<string, JsonObject>> | null;
}>(
  'engine_commit',
  `select status, properties from engine_commit(${Array.from({ length: COMMIT_ARGUMENTS }, (_, place) => `$${place + 1}`).join(', ')})`,
  ENGINE,
);

/** Keeps an execution from ending while something is made for it; null: it has ended, or somebody else holds it. */
export const holdExecution = systemStatement<{ uid: ExecutionUid }>(
  'engine_hold',
  `select x.uid from executions x where x.uid = $1 and x.fence = $2 and x.status in ${ACTIVE} for share`,
  ENGINE,
);

/** How an execution stands when a batch was not taken a second time: to tell a lost answer from a lost fence. */
export const lookExecution = systemStatement<{ fence: number; batches: number; status: ExecutionStatus }>(
  'engine_look',
  'select x.fence, x.batches, x.status from executions x where x.uid = $1',
  ENGINE,
);

/** What a cancel asked for that came after the walk's last look outweighs how it went. Returns the status it ends with. */
export const endExecution = systemStatement<{ status: EndStatus; group: number | null }>(
  'engine_end',
  `update executions x set status = e.status, error = case when e.status = 'cancelled' then '' else $4 end, ended_at = now(), worker = null, lease_until = null
   from (select c.uid, case when c.status in ('pending', 'started') then $3 else 'cancelled' end as status from executions c where c.uid = $1 for no key update) e
   where x.uid = e.uid and x.fence = $2 and x.status in ${ACTIVE} returning x.status, x.group_uid as "group"`,
  ENGINE,
);
