import type { Json, JsonObject } from '../dsl/plan.js';
import type { FailureCause } from '../errors.js';
import type { DeploymentUid, ExecutionUid } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { OperationRow } from './executions.store.js';

/** States of operations as outside workflow code has them. */
export type KeptState =
  | 'pending'
  | 'sending'
  | 'sent'
  | 'started'
  | 'rescheduled'
  | 'succeeded'
  | 'failed'
  | 'cancelled';

export interface KeptGraph {
  readonly uid: number;
  readonly id: string;
  readonly name: string;
  readonly executionUid: ExecutionUid;
  readonly executionId: string;
  /** As outside code says it; null: it has not. */
  readonly state: string | null;
  readonly createdAt: Date;
}

export interface KeptOperation {
  readonly id: string;
  readonly graphId: string;
  readonly name: string | null;
  readonly type: string;
  readonly state: KeptState;
  readonly dependencies: readonly string[];
  readonly parameters: JsonObject;
  readonly managerName: string | null;
  readonly agentName: string | null;
  readonly result: Json;
  readonly exception: Json;
  readonly causes: readonly FailureCause[] | null;
  readonly createdAt: Date;
}

const GRAPH = `g.uid, g.id, g.name, g.execution_uid as "executionUid", x.id as "executionId", g.state, g.created_at as "createdAt"`;

export const keptGraphs = tenantStatement<KeptGraph>(
  'graphs_of_execution',
  `select ${GRAPH} from task_graphs g join executions x on x.uid = g.execution_uid
   where g.tenant_id = $1 and g.execution_uid = $2 order by g.uid limit 1000`,
);

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const keptGraph = tenantStatement<KeptGraph>(
  'graph_select',
  `select ${GRAPH} from task_graphs g join executions x on x.uid = g.execution_uid
   where g.tenant_id = $1 and g.id = $2 and (x.visibility <> 'private' or x.created_by = $3 or $4)`,
);

export const insertGraph = tenantStatement<{ uid: number; createdAt: Date }>(
  'graph_insert',
  `insert into task_graphs (tenant_id, id, execution_uid, name, created_by) values ($1, $2, $3, $4, $5)
   returning uid, created_at as "createdAt"`,
);

export const updateGraphState = tenantStatement<never>(
  'graph_state_update',
  'update task_graphs g set state = $3 where g.tenant_id = $1 and g.id = $2',
);

/** `$3`: JSON array of `{id, name, type, state, dependencies, parameters}`. */
export const insertGraphOperations = tenantStatement<never>(
  'graph_operations_insert',
  `insert into graph_operations (tenant_id, graph_uid, id, name, type, state, dependencies, parameters)
   select $1::bigint, $2::bigint, o.id, o.name, o.type, coalesce(o.state, 'pending'), o.dependencies, o.parameters
   from json_to_recordset($3) as o(id text, name text, type text, state text, dependencies json, parameters json)`,
);

const KEPT = `o.id, g.id as "graphId", o.name, o.type, o.state, o.dependencies, o.parameters, o.manager_name as "managerName",
     o.agent_name as "agentName", o.result, o.exception, o.exception_causes as causes, o.created_at as "createdAt"`;
/** Of execution `$2`, `$3` one of its graphs or null, `$4` states or null, `$5` only those of this type or null. */
const WANTED = `from graph_operations o join task_graphs g on g.uid = o.graph_uid
   where o.tenant_id = $1 and g.tenant_id = $1 and g.execution_uid = $2 and ($3::text is null or g.id = $3)
     and ($4::text[] is null or o.state = any($4)) and ($5::text is null or o.type = $5)`;

/** `$6` how many (null: all), `$7` after how many. */
export const keptOperations = tenantStatement<KeptOperation>(
  'graph_operations_of',
  `select ${KEPT} ${WANTED} order by o.uid limit $6 offset $7`,
);

export const countKeptOperations = tenantStatement<{ total: number }>(
  'graph_operations_total',
  `select count(*)::integer as total ${WANTED}`,
);

export const keptOperation = tenantStatement<KeptOperation>(
  'graph_operation_select',
  `select ${KEPT} from graph_operations o join task_graphs g on g.uid = o.graph_uid
   where o.tenant_id = $1 and g.tenant_id = $1 and o.id = $2`,
);

/** Operations `$3` of execution `$2`; those that were never touched have no row. */
export const operationsByNumber = tenantStatement<OperationRow>(
  'graph_operations_by_number',
  `select o.task, o.state, o.attempt, o.retries, o.due_at as "dueAt", o.result, o.failure, o.reason,
     o.decided_by as "decidedBy", o.decided_at as "decidedAt", o.started_at as "startedAt", o.ended_at as "endedAt"
   from operations o where o.tenant_id = $1 and o.execution_uid = $2 and o.task = any($3::integer[])`,
);

/** Numbers of operations in each state: a row for each, however many there are. */
export const operationsByState = tenantStatement<{ state: OperationRow['state']; tasks: number[] }>(
  'graph_operations_by_state',
  `select o.state, array_agg(o.task) as tasks from operations o where o.tenant_id = $1 and o.execution_uid = $2 group by o.state`,
);

/** Another one once the graph has grown; null before there is one. */
export const graphVersion = systemStatement<{ version: string | null }>(
  'graph_version',
  `select pg_column_size(x.graph) || '.' || x.total_operations as version from executions x where x.uid = $1`,
  'the uid comes from an execution that was read in the caller’s own scope',
);

/** The execution of operation `$2`, as far as the caller may see it. */
export const executionOfOperation = tenantStatement<{
  executionUid: ExecutionUid;
  executionId: string;
  deploymentUid: DeploymentUid | null;
}>(
  'graph_operation_execution',
  `select x.uid as "executionUid", x.id as "executionId", x.deployment_uid as "deploymentUid"
   from graph_operations o join task_graphs g on g.uid = o.graph_uid join executions x on x.uid = g.execution_uid
   where o.tenant_id = $1 and g.tenant_id = $1 and o.id = $2 and (x.visibility <> 'private' or x.created_by = $3 or $4)`,
);

/** `$3` state, `$4` manager, `$5` agent, `$6` result, `$7` exception, `$8` causes; null leaves what there is. */
export const updateGraphOperation = tenantStatement<
  Pick<KeptOperation, 'name' | 'type' | 'state' | 'parameters'>
>(
  'graph_operation_update',
  `update graph_operations o set state = coalesce($3, o.state), manager_name = coalesce($4, o.manager_name), agent_name = coalesce($5, o.agent_name),
     result = coalesce($6, o.result), exception = coalesce($7, o.exception), exception_causes = coalesce($8, o.exception_causes)
   where o.tenant_id = $1 and o.id = $2 returning o.name, o.type, o.state, o.parameters`,
);

export const deleteGraphOperation = tenantStatement<never>(
  'graph_operation_delete',
  'delete from graph_operations o where o.tenant_id = $1 and o.id = $2',
);

/** Clients read progress on the execution. */
export const countGraphOperations = tenantStatement<never>(
  'graph_operations_count',
  `update executions x set total_operations = c.total, finished_operations = c.finished
   from (select count(*)::integer as total, count(*) filter (where o.state in ('succeeded', 'failed'))::integer as finished
         from graph_operations o join task_graphs g on g.uid = o.graph_uid
         where o.tenant_id = $1 and g.tenant_id = $1 and g.execution_uid = $2) c
   where x.tenant_id = $1 and x.uid = $2`,
);
