import type { Conditional } from '../store/list-conditions.js';
import { tenantStatement } from '../store/statement.js';

export type EventField =
  | 'id'
  | 'kind'
  | 'type'
  | 'level'
  | 'logger'
  | 'message'
  | 'operation'
  | 'nodeName'
  | 'nodeInstanceId'
  | 'sourceId'
  | 'targetId'
  | 'errorCauses'
  | 'at'
  | 'recordedAt'
  | 'executionId'
  | 'executionGroupId'
  | 'workflow'
  | 'deploymentId'
  | 'deploymentDisplayName'
  | 'blueprintId'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

/** Names that decorate an event, beside `events e`. */
export const DECORATION = `left join executions x on x.uid = e.execution_uid
    left join deployments d on d.uid = e.deployment_uid
    left join blueprints b on b.uid = d.blueprint_uid`;

export const EVENT_LIST: Conditional<EventField> = {
  fields: {
    id: { sql: 'e.id', type: 'integer' },
    kind: { sql: 'e.kind', type: 'text' },
    type: { sql: 'e.type', type: 'text' },
    level: { sql: 'e.level', type: 'text' },
    logger: { sql: 'e.logger', type: 'text' },
    message: { sql: 'e.message', type: 'text' },
    operation: { sql: 'e.operation', type: 'text' },
    nodeName: { sql: 'e.node', type: 'text' },
    nodeInstanceId: { sql: 'e.instance', type: 'text' },
    sourceId: { sql: 'e.source', type: 'text' },
    targetId: { sql: 'e.target', type: 'text' },
    errorCauses: { sql: 'e.causes', type: 'json' },
    at: { sql: 'e.at', type: 'time' },
    recordedAt: { sql: 'e.recorded_at', type: 'time' },
    executionId: { sql: 'x.id', type: 'text' },
    executionGroupId: {
      sql: '(case when x.group_uid is not null then (select g.id from execution_groups g where g.uid = x.group_uid) end)',
      type: 'text',
    },
    workflow: { sql: 'x.workflow', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    deploymentDisplayName: { sql: 'd.display_name', type: 'text' },
    blueprintId: { sql: 'b.id', type: 'text' },
    visibility: { sql: `coalesce(d.visibility, 'tenant')`, type: 'text' },
    tenantName: { sql: '(select t.name from tenants t where t.id = e.tenant_id)', type: 'text' },
    createdBy: { sql: '(select u.username from users u where u.id = x.created_by)', type: 'text' },
  },
};

/** `$2` a JSON array of rows as `EventRow` in events.ts; execution and deployment by surrogate key. */
export const insertEvents = tenantStatement<never>(
  'events_insert',
  `insert into events (tenant_id, execution_uid, deployment_uid, kind, type, level, logger, message, operation, node, instance, source, target, causes, at)
   select $1::bigint, e."executionUid", e."deploymentUid", e.kind, e.type, e.level, e.logger, e.message, e.operation, e.node, e.instance, e.source, e.target, e.causes,
          coalesce(e.at, date_trunc('milliseconds', clock_timestamp()))
   from json_to_recordset($2) as e("executionUid" bigint, "deploymentUid" bigint, kind text, type text, level text, logger text, message text,
          operation text, node text, instance text, source text, target text, causes json, at timestamptz)`,
);

export const deleteEventsOfDeployment = tenantStatement<never>(
  'events_delete_deployment',
  'delete from events where tenant_id = $1 and deployment_uid = $2',
);

export const deleteEventsOfExecutions = tenantStatement<never>(
  'events_delete_executions',
  'delete from events where tenant_id = $1 and execution_uid = any($2::bigint[])',
);

/** Of deployment `$2`: kinds `$3`, messages like one of `$4` (null: any), from `$5` on and before `$6` (null: no bound). */
export const deleteSomeEvents = tenantStatement<never>(
  'events_delete_some',
  `delete from events e where e.tenant_id = $1 and e.deployment_uid = $2 and e.kind = any($3::text[])
     and ($4::text[] is null or e.message ilike any($4::text[]))
     and ($5::timestamptz is null or e.at >= $5) and ($6::timestamptz is null or e.at < $6)`,
);
