import type { DeploymentUid, ExecutionId, ExecutionUid, TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { Health } from './deployments.store.js';
import type { ExecutionStatus } from './execution-state.js';
import type { InstanceLifecycleState } from './planning/graph.js';

const WHY = 'one reading serves every connection of this process; each was let in by its own caller’s rights';

/** What of a thing's tenant may be followed by whom: `$2` id, `$3` user, `$4` whether others' private ones show. */
export const followableExecution = tenantStatement<{
  uid: ExecutionUid;
  deploymentUid: DeploymentUid | null;
}>(
  'follow_execution',
  `select x.uid, x.deployment_uid as "deploymentUid" from executions x
   where x.tenant_id = $1 and x.id = $2 and (x.visibility <> 'private' or x.created_by = $3 or $4)`,
);

export const followableDeployment = tenantStatement<{ uid: DeploymentUid }>(
  'follow_deployment',
  `select d.uid from deployments d
   where d.tenant_id = $1 and d.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);

export interface ExecutionNow {
  readonly uid: ExecutionUid;
  readonly tenantId: TenantId;
  readonly deploymentUid: DeploymentUid | null;
  readonly privateTo: UserId | null;
  readonly id: ExecutionId;
  readonly deployment: string | null;
  readonly workflow: string;
  readonly status: ExecutionStatus;
  readonly error: string | null;
  readonly totalOperations: number;
  readonly finishedOperations: number;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

export const executionsNow = systemStatement<ExecutionNow>(
  'follow_executions_now',
  `select x.uid, x.tenant_id as "tenantId", x.deployment_uid as "deploymentUid", case when x.visibility = 'private' then x.created_by end as "privateTo",
     x.id, d.id as deployment, x.workflow, x.status, nullif(x.error, '') as error, x.total_operations as "totalOperations",
     x.finished_operations as "finishedOperations", x.started_at as "startedAt", x.ended_at as "endedAt"
   from executions x left join deployments d on d.uid = x.deployment_uid where x.uid = any($1::bigint[]) order by x.uid`,
  WHY,
);

export interface DeploymentNow {
  readonly uid: DeploymentUid;
  readonly tenantId: TenantId;
  readonly privateTo: UserId | null;
  readonly id: string;
  readonly displayName: string;
  readonly blueprint: string;
  readonly installed: boolean;
  readonly health: Health;
  readonly latestExecution: {
    readonly id: string;
    readonly workflow: string;
    readonly status: string;
  } | null;
}

export const deploymentsNow = systemStatement<DeploymentNow>(
  'follow_deployments_now',
  `select d.uid, d.tenant_id as "tenantId", case when d.visibility = 'private' then d.created_by end as "privateTo", d.id,
     d.display_name as "displayName", b.id as blueprint, d.installed, d.health,
     case when x.uid is not null then json_build_object('id', x.id, 'workflow', x.workflow, 'status', x.status) end as "latestExecution"
   from deployments d join blueprints b on b.uid = d.blueprint_uid left join executions x on x.uid = d.latest_execution_uid
   where d.uid = any($1::bigint[]) order by d.uid`,
  WHY,
);

export interface InstanceNow {
  readonly deploymentUid: DeploymentUid;
  readonly deployment: string;
  readonly id: string;
  readonly node: string;
  readonly host: string | null;
  readonly state: InstanceLifecycleState;
  readonly version: number;
}

/** `$1` deployments and `$2` ids, side by side. */
export const instancesNow = systemStatement<InstanceNow>(
  'follow_instances_now',
  `select i.deployment_uid as "deploymentUid", d.id as deployment, i.id, i.node, i.host, i.state, i.version
   from unnest($1::bigint[], $2::text[]) as k(deployment, id)
   join deployments d on d.uid = k.deployment join node_instances i on i.tenant_id = d.tenant_id and i.id = k.id
   where i.deployment_uid = d.uid`,
  WHY,
);

export const statesNow = systemStatement<{
  deploymentUid: DeploymentUid;
  deployment: string;
  state: InstanceLifecycleState;
  count: number;
}>(
  'follow_states_now',
  `select d.uid as "deploymentUid", d.id as deployment, i.state, count(*)::integer as count
   from deployments d join node_instances i on i.deployment_uid = d.uid
   where d.uid = any($1::bigint[]) group by d.uid, d.id, i.state order by d.uid, i.state`,
  WHY,
);

export interface TaskNow {
  readonly executionUid: ExecutionUid;
  readonly task: number;
  readonly state: string;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly error: string | null;
  readonly reason: string | null;
}

/** `$2` tasks of execution `$1`; those that were never touched have no row. */
export const tasksNow = systemStatement<TaskNow>(
  'follow_tasks_now',
  `select o.execution_uid as "executionUid", o.task, o.state, o.attempt, o.started_at as "startedAt", o.ended_at as "endedAt",
     o.failure ->> 'message' as error, o.reason
   from operations o where o.execution_uid = $1 and o.task = any($2::integer[]) order by o.task`,
  WHY,
);

/** Bytes of the stored graph, which tell whether it has grown; null: there is none yet. */
export const graphSize = systemStatement<{ bytes: number | null; id: string }>(
  'follow_graph_size',
  'select x.id, pg_column_size(x.graph) as bytes from executions x where x.uid = $1',
  WHY,
);
