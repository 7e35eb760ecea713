/** Rows of PostgreSQL as the model has them, to begin with the same and to end with the same. */
import type { Pool } from '../../src/store/pool.js';
import type { ModelDatabase } from './model-database.js';
import type { DeploymentRow, EventRow, ExecutionRow, InstanceRow, OperationRow } from './model-rows.js';

export interface StoredRows {
  readonly executions: ExecutionRow[];
  readonly operations: OperationRow[];
  readonly instances: InstanceRow[];
  readonly deployments: DeploymentRow[];
  readonly events: EventRow[];
}

const EXECUTIONS = `select uid, id, deployment_uid as "deploymentUid", workflow, function, status, parameters, dry_run as "dryRun",
    resumed, wait_after_fail as "waitAfterFail", error, total_operations as total, finished_operations as finished, graph,
    worker, fence, batches, extract(epoch from lease_until - now())::float8 * 1000 as "leaseUntil", breakdowns
  from executions where deployment_uid = $1 and workflow <> 'create_deployment_environment' order by uid`;
const OPERATIONS = `select o.execution_uid as "executionUid", o.task, o.state, o.attempt, o.retries, o.due_at as "dueAt", o.result, o.failure,
    o.reason, o.decided_by as "decidedBy"
  from operations o join executions x on x.uid = o.execution_uid where x.deployment_uid = $1 order by 1, 2`;
const INSTANCES = `select i.id, i.deployment_uid as "deploymentUid", i.node, i.index, i.host, i.state, i.version,
    i.runtime_properties as "runtimeProperties", i.system_properties as "systemProperties", i.relationships
  from node_instances i where i.deployment_uid = $1 order by i.id`;
const DEPLOYMENTS = `select d.uid, d.id, d.latest_execution_uid as latest, d.health, d.installed, d.types,
    (select json_agg(n.definition order by n.ordinal) from nodes n where n.deployment_uid = d.uid) as nodes
  from deployments d where d.uid = $1`;
const EVENTS = `select e.execution_uid as "executionUid", e.type, e.level, e.logger, e.message, e.operation, e.node, e.instance, e.source,
    e.target, e.causes
  from events e where e.deployment_uid = $1 order by e.id`;

/** Everything of one deployment. Leases are told as what is left of them. */
export async function storedRows(pool: Pool, deployment: number): Promise<StoredRows> {
  const all = async <T extends object>(text: string) => (await pool.query<T>(text, [deployment])).rows;
  const operations = await all<OperationRow & { dueAt: Date | null }>(OPERATIONS);
  return {
    executions: await all<ExecutionRow>(EXECUTIONS),
    operations: operations.map((row) => ({ ...row, dueAt: row.dueAt?.toISOString() ?? null })),
    instances: await all<InstanceRow>(INSTANCES),
    deployments: await all<DeploymentRow>(DEPLOYMENTS),
    events: await all<EventRow>(EVENTS),
  };
}

export function modelRows(model: ModelDatabase): StoredRows {
  return {
    executions: model.all('executions').sort((a, b) => a.uid - b.uid),
    operations: model.all('operations').sort((a, b) => a.executionUid - b.executionUid || a.task - b.task),
    instances: model.all('instances').sort((a, b) => (a.id < b.id ? -1 : 1)),
    deployments: model.all('deployments'),
    events: model.events,
  };
}

/** Without what only one of the two can tell exactly: of a lease, whether there is one and whether it is over. */
export function comparable(rows: StoredRows, now: number): object {
  return {
    ...rows,
    executions: rows.executions.map(({ leaseUntil, ...row }) => ({
      ...row,
      lease: leaseUntil === null ? 'none' : leaseUntil < now ? 'over' : 'holds',
    })),
  };
}
