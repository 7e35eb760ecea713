import type { JsonObject } from '../dsl/plan.js';
import type { DeploymentUid, ExecutionId, ExecutionUid, TenantId, UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import { EXECUTION_SELECTIONS } from './deployment-selections.store.js';
import type { Visibility } from './deployments.store.js';
import type { ExecutionStatus } from './execution-state.js';
import type { TaskGraph } from './planning/graph.js';
import type { PackedGraph } from './planning/packed.js';

export interface ExecutionRecord {
  readonly uid: ExecutionUid;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly id: ExecutionId;
  readonly deploymentUid: DeploymentUid | null;
  readonly deploymentId: string | null;
  readonly deploymentDisplayName: string | null;
  readonly blueprintId: string | null;
  readonly workflow: string;
  readonly status: ExecutionStatus;
  readonly parameters: JsonObject;
  readonly allowCustomParameters: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly system: boolean;
  readonly resumed: boolean;
  readonly error: string | null;
  readonly visibility: Visibility;
  readonly createdBy: string;
  readonly createdById: UserId;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly scheduledFor: Date | null;
  readonly totalOperations: number;
  readonly finishedOperations: number;
}

export type ExecutionField = Exclude<
  keyof ExecutionRecord,
  'uid' | 'tenantId' | 'deploymentUid' | 'createdById' | 'force'
>;

// Each has its tenant and its creator: see the joins of deployments.
const FROM = `executions x
  left join tenants t on t.id = x.tenant_id
  left join users u on u.id = x.created_by
  left join deployments d on d.uid = x.deployment_uid
  left join blueprints b on b.uid = d.blueprint_uid`;

export const executionList: ListSpec<ExecutionField> = {
  from: FROM,
  driver: { table: 'executions', alias: 'x', key: 'uid', counted: true, rare: 'system' },
  versions: { by: ['x', 'd'], fixed: ['b.id', 't.name', 'u.username'] },
  fields: {
    id: { sql: 'x.id', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    deploymentDisplayName: { sql: 'd.display_name', type: 'text' },
    blueprintId: { sql: 'b.id', type: 'text' },
    workflow: { sql: 'x.workflow', type: 'text' },
    status: { sql: 'x.status', type: 'text' },
    parameters: { sql: 'x.parameters', type: 'json' },
    allowCustomParameters: { sql: 'x.allow_custom_parameters', type: 'boolean' },
    dryRun: { sql: 'x.dry_run', type: 'boolean' },
    system: { sql: 'x.system', type: 'boolean' },
    resumed: { sql: 'x.resumed', type: 'boolean' },
    error: { sql: 'x.error', type: 'text' },
    visibility: { sql: 'x.visibility', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'x.created_at', type: 'time' },
    startedAt: { sql: 'x.started_at', type: 'time' },
    endedAt: { sql: 'x.ended_at', type: 'time' },
    scheduledFor: { sql: 'x.scheduled_for', type: 'time' },
    totalOperations: { sql: 'x.total_operations', type: 'integer' },
    finishedOperations: { sql: 'x.finished_operations', type: 'integer' },
  },
  selections: EXECUTION_SELECTIONS,
  confine: ownTenant('x', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'x.uid',
  search: ['id'],
};

const COLUMNS = `x.uid, x.tenant_id as "tenantId", t.name as "tenantName", x.id, x.deployment_uid as "deploymentUid", d.id as "deploymentId",
  d.display_name as "deploymentDisplayName", b.id as "blueprintId", x.workflow, x.status, x.parameters,
  x.allow_custom_parameters as "allowCustomParameters", x.force, x.dry_run as "dryRun", x.system, x.resumed, x.error, x.visibility,
  u.username as "createdBy", x.created_by as "createdById", x.created_at as "createdAt", x.started_at as "startedAt",
  x.ended_at as "endedAt", x.scheduled_for as "scheduledFor", x.total_operations as "totalOperations",
  x.finished_operations as "finishedOperations"`;

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const selectExecution = tenantStatement<ExecutionRecord>(
  'execution_select',
  `select ${COLUMNS} from ${FROM}
   where x.id = $2 and ((x.tenant_id = $1 and (x.visibility <> 'private' or x.created_by = $3 or $4)) or x.visibility = 'global')`,
);

export interface ExecutionHead {
  readonly uid: ExecutionUid;
  readonly status: ExecutionStatus;
  readonly deploymentUid: DeploymentUid | null;
  readonly workflow: string;
  readonly createdById: UserId;
  readonly hasGraph: boolean;
  /** A worker has it or had it. */
  readonly claimed: boolean;
  /** The execution group that says when it goes on. */
  readonly group: number | null;
}

/** The caller's own tenant's execution, locked until the transaction ends. */
export const lockExecution = tenantStatement<ExecutionHead>(
  'execution_lock',
  `select x.uid, x.status, x.deployment_uid as "deploymentUid", x.workflow, x.created_by as "createdById", x.graph is not null as "hasGraph",
     x.worker is not null as claimed, x.group_uid as "group"
   from executions x
   where x.tenant_id = $1 and x.id = $2 and (x.visibility <> 'private' or x.created_by = $3 or $4) for no key update`,
);

export const insertExecution = tenantStatement<{ uid: ExecutionUid }>(
  'execution_insert',
  `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, allow_custom_parameters, force, dry_run,
     system, wait_after_fail, visibility, created_by, started_at, ended_at, trace)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning uid`,
);

/** What stands in the way of another execution on the deployment: whatever is active, queued or scheduled. */
export const selectUnfinished = tenantStatement<{
  id: ExecutionId;
  status: ExecutionStatus;
  workflow: string;
}>(
  'execution_unfinished',
  `select x.id, x.status, x.workflow from executions x
   where x.tenant_id = $1 and x.deployment_uid = $2
     and x.status in ('queued', 'pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
   order by x.uid limit 10`,
);

export const updateStatus = tenantStatement<never>(
  'execution_set_status',
  `update executions x set status = $3, error = $4,
     started_at = case when $3 = 'started' then coalesce(x.started_at, now()) else x.started_at end,
     ended_at = case when $3 in ('terminated', 'failed', 'cancelled') then now() else null end
   where x.tenant_id = $1 and x.uid = $2`,
);

/** A cancel that was not heard yet needs no worker's lease to run out. */
export const requestCancel = tenantStatement<never>(
  'execution_request_cancel',
  `update executions x set status = $3, ended_at = case when $3 = 'cancelled' then now() else null end, error = null
   where x.tenant_id = $1 and x.uid = $2`,
);

/** Whoever still walks it has lost it. */
export const requestResume = tenantStatement<never>(
  'execution_request_resume',
  `update executions x set status = 'pending', resumed = true, ended_at = null, error = null, worker = null, lease_until = null,
     fence = x.fence + 1, breakdowns = 0
   where x.tenant_id = $1 and x.uid = $2`,
);

/** Deployments on which something waits for its turn. */
export const selectQueuedPlaces = systemStatement<{ tenantId: TenantId; deploymentUid: DeploymentUid }>(
  'execution_queued_places',
  `select distinct x.tenant_id as "tenantId", x.deployment_uid as "deploymentUid"
   from executions x where x.status in ('queued', 'scheduled') and x.status = 'queued' and x.deployment_uid is not null`,
  'the end of maintenance concerns every tenant',
);

/** The oldest queued execution of a deployment on which nothing runs any more becomes pending. The deployment is locked: two that end at once both look. */
export const promoteQueued = tenantStatement<{ id: ExecutionId }>(
  'execution_promote_queued',
  `update executions x set status = 'pending'
   from (select q.uid from executions q where q.tenant_id = $1 and q.deployment_uid = $2 and q.status = 'queued' and q.group_uid is null order by q.uid limit 1) next
   where x.tenant_id = $1 and x.uid = next.uid and x.status = 'queued'
     and not exists (select from maintenance m where m.requested_at is not null)
     and not exists (select from executions a where a.tenant_id = $1 and a.deployment_uid = $2
       and a.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling'))
   returning x.id`,
);

/** Ended executions `$2` (ids) of the tenant, with what they did; never the one that made its deployment. */
export const selectDeletable = tenantStatement<{ uid: ExecutionUid }>(
  'execution_deletable',
  `select x.uid from executions x
   where x.tenant_id = $1 and x.id = any($2::text[]) and x.status in ('terminated', 'failed', 'cancelled')
     and not exists (select from deployments d where d.tenant_id = $1 and d.uid = x.deployment_uid and d.create_execution_uid = x.uid)
   for update`,
);

export const deleteOperationsOf = tenantStatement<never>(
  'execution_delete_operations',
  'delete from operations where tenant_id = $1 and execution_uid = any($2::bigint[])',
);

export const deleteExecutions = tenantStatement<never>(
  'execution_delete',
  'delete from executions where tenant_id = $1 and uid = any($2::bigint[])',
);

export interface OperationRow {
  readonly task: number;
  readonly state: 'started' | 'waiting' | 'succeeded' | 'failed' | 'interrupted' | 'skipped';
  readonly attempt: number;
  readonly retries: number;
  readonly dueAt: Date | null;
  readonly result: unknown;
  readonly failure: unknown;
  readonly reason: string | null;
  /** Who decided what becomes of it. */
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
}

export const selectOperations = tenantStatement<OperationRow>(
  'execution_operations',
  `select o.task, o.state, o.attempt, o.retries, o.due_at as "dueAt", o.result, o.failure, o.reason,
     o.decided_by as "decidedBy", o.decided_at as "decidedAt", o.started_at as "startedAt", o.ended_at as "endedAt"
   from operations o where o.tenant_id = $1 and o.execution_uid = $2 order by o.task`,
);

/** What of operations `$3` was decided by hand. */
export const selectDecisions = tenantStatement<Pick<OperationRow, 'task' | 'state' | 'reason' | 'decidedBy'>>(
  'execution_decisions',
  `select o.task, o.state, o.reason, o.decided_by as "decidedBy"
   from operations o where o.tenant_id = $1 and o.execution_uid = $2 and o.task = any($3::integer[])`,
);

/** An operation that is not over, or not well, as far as a walk must remember it. */
export type RememberedOperation = Pick<OperationRow, 'task' | 'state' | 'attempt' | 'retries' | 'failure'> & {
  /** ISO. */
  readonly dueAt: string | null;
};

/**
 * What a walk remembers, in one row and one look: of those that succeeded the numbers alone, as there may be some hundred thousand; the
 * `rest` one by one.
 */
export const recallOperations = tenantStatement<{
  succeeded: number[];
  rest: readonly RememberedOperation[];
}>(
  'execution_recall',
  `select coalesce(array_agg(o.task order by o.task) filter (where o.state = 'succeeded'), '{}') as succeeded,
     coalesce(json_agg(json_build_object('task', o.task, 'state', o.state, 'attempt', o.attempt, 'retries', o.retries, 'dueAt', o.due_at,
       'failure', o.failure) order by o.task) filter (where o.state <> 'succeeded'), '[]') as rest
   from operations o where o.tenant_id = $1 and o.execution_uid = $2`,
);

/**
 * `$3`: JSON array of `{task, state, reason, due_at, decided_by}`; only touched tasks may be decided on. The execution is locked, so
 * nobody else writes them. Each is looked for by its number: where the planner believes that an execution has few operations it would
 * go through the array once for each of them, which took half a minute for three thousand of forty thousand.
 */
export const decideOperations = tenantStatement<never>(
  'execution_decide_operations',
  `update operations o set state = c.state, reason = c.reason, retries = 0, due_at = c.due_at,
     decided_by = c.decided_by, decided_at = case when c.decided_by is not null then now() end,
     ended_at = case when c.state <> 'waiting' then now() end
   from json_to_recordset($3) as c(task integer, state text, reason text, due_at timestamptz, decided_by text)
     cross join lateral (select l.ctid as place from operations l
       where l.tenant_id = $1 and l.execution_uid = $2 and l.task = c.task offset 0) found
   where o.tenant_id = $1 and o.ctid = found.place`,
);

/** The execution goes on: what is to run again is the engine's, and nobody's decision any more. */
export const clearDecisions = tenantStatement<never>(
  'execution_clear_decisions',
  `update operations o set decided_by = null, decided_at = null, reason = null
   where o.tenant_id = $1 and o.execution_uid = $2 and o.state = 'waiting' and o.decided_by is not null`,
);

/** To be read by `unpacked` (planning/packed.ts). */
export const selectGraph = systemStatement<{ graph: PackedGraph | TaskGraph | null }>(
  'execution_graph',
  'select graph from executions where uid = $1',
  'the uid comes from an execution that was read or locked in the caller’s own scope',
);
