import type { DeploymentUid, ExecutionUid } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { TaskState } from './planning/graph.js';

const WHY = 'the uid comes from a row that was read in the caller’s own scope, in the same transaction';

const TIME = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export interface PicturedDeployment {
  readonly uid: DeploymentUid;
  /** JSON without its last brace. */
  readonly head: string;
}

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const pictureDeployment = tenantStatement<PicturedDeployment>(
  'picture_deployment',
  `select d.uid, json_build_object('id', d.id, 'displayName', d.display_name, 'blueprint', b.id, 'visibility', d.visibility,
     'installed', d.installed, 'health', d.health, 'createdAt', ${TIME('d.created_at')})::text as head
   from deployments d join blueprints b on b.uid = d.blueprint_uid
   where d.id = $2 and ((d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $3 or $4)) or d.visibility = 'global')`,
);

export const pictureNodes = systemStatement<{ text: string }>(
  'picture_nodes',
  `select '[' || coalesce(string_agg(json_build_object('name', n.name, 'type', n.type, 'host', n.host, 'instances', n.instances,
     'plannedInstances', n.planned_instances, 'relationships', coalesce((
       select json_agg(json_build_object('type', r ->> 'type', 'target', r ->> 'target')) from json_array_elements(n.definition -> 'relationships') r), '[]'))::text, ','
     order by n.ordinal), '') || ']' as text
   from nodes n where n.deployment_uid = $1`,
  WHY,
);

/**
 * Instances of deployment `$1` after number `$3` of node `$2`, `$4` of them, as JSON. By node and number as the primary key has them, and
 * without their nodes: a join may compare each instance with each node before the tables are analyzed. Relationships as they are
 * stored: type, target node and instance, place in the node's relationships.
 */
export const pictureInstances = systemStatement<{ text: string; node: string; index: number }>(
  'picture_instances',
  `select '{"id":' || to_json(i.id) || ',"node":' || to_json(i.node) || ',"index":' || i.index || ',"host":' || coalesce(to_json(i.host)::text, 'null')
     || ',"state":' || to_json(i.state) || ',"version":' || i.version || ',"updated":' || coalesce('"' || ${TIME('i.updated_at')} || '"', 'null')
     || ',"relationships":' || i.relationships::text || '}' as text, i.node, i.index
   from node_instances i where i.deployment_uid = $1 and (i.node, i.index) > ($2, $3::integer) order by i.node, i.index limit $4`,
  WHY,
);

export const pictureCounts = systemStatement<{ text: string }>(
  'picture_counts',
  `select coalesce(json_object_agg(s.state, s.count order by s.state), '{}')::text as text
   from (select i.state, count(*)::integer as count from node_instances i where i.deployment_uid = $1 group by i.state) s`,
  WHY,
);

/** The one that runs or is about to; null where nothing does. */
export const pictureRunning = systemStatement<{ text: string }>(
  'picture_running',
  `select json_build_object('id', x.id, 'workflow', x.workflow, 'status', x.status, 'totalOperations', x.total_operations,
     'finishedOperations', x.finished_operations, 'createdAt', ${TIME('x.created_at')}, 'startedAt', ${TIME('x.started_at')})::text as text
   from executions x where x.deployment_uid = $1
     and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') order by x.uid limit 1`,
  WHY,
);

export interface PicturedExecution {
  readonly uid: ExecutionUid;
  readonly deploymentUid: DeploymentUid | null;
  readonly id: string;
  readonly deployment: string | null;
  readonly workflow: string;
  readonly status: string;
  readonly error: string | null;
  readonly totalOperations: number;
  readonly finishedOperations: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  /** Grows with each batch of the engine and each time it is taken up. */
  readonly version: string;
  readonly graphBytes: number | null;
}

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const pictureExecution = tenantStatement<PicturedExecution>(
  'picture_execution',
  `select x.uid, x.deployment_uid as "deploymentUid", x.id, d.id as deployment, x.workflow, x.status, nullif(x.error, '') as error,
     x.total_operations as "totalOperations", x.finished_operations as "finishedOperations", x.created_at as "createdAt",
     x.started_at as "startedAt", x.ended_at as "endedAt", x.fence || '.' || x.batches || '.' || x.status as version,
     pg_column_size(x.graph) as "graphBytes"
   from executions x left join deployments d on d.uid = x.deployment_uid
   where x.id = $2 and ((x.tenant_id = $1 and (x.visibility <> 'private' or x.created_by = $3 or $4)) or x.visibility = 'global')`,
);

export interface PicturedOperation {
  readonly task: number;
  readonly state: Exclude<TaskState, 'pending'>;
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number | null;
  readonly error: string | null;
  readonly reason: string | null;
}

const MILLISECONDS = (column: string) => `floor(extract(epoch from ${column}) * 1000)::float8`;

/** Of execution `$1` those after number `$2`, `$3` of them. */
export const pictureOperations = systemStatement<PicturedOperation>(
  'picture_operations',
  `select o.task, o.state, o.attempt, ${MILLISECONDS('o.started_at')} as start, ${MILLISECONDS('o.ended_at')} as end,
     o.failure ->> 'message' as error, o.reason
   from operations o where o.execution_uid = $1 and o.task > $2 order by o.task limit $3`,
  WHY,
);

/** Nodes of the instances there are, for graphs that name instances alone: `$4` of them after number `$3` of node `$2`. */
export const pictureInstanceNodes = systemStatement<{ id: string; node: string; index: number }>(
  'picture_instance_nodes',
  `select i.id, i.node, i.index from node_instances i
   where i.deployment_uid = $1 and (i.node, i.index) > ($2, $3::integer) order by i.node, i.index limit $4`,
  WHY,
);

/** What an execution is stays so until the end of the transaction. */
export const holdVersion = tenantStatement<never>(
  'picture_hold_execution',
  'select from executions x where x.tenant_id = $1 and x.id = $2 for update',
);
