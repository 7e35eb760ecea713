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

/** What is known of an execution and a deployment, for all events that have both. */
export interface Names {
  readonly executionId: string | null;
  readonly executionGroupId: string | null;
  readonly workflow: string | null;
  readonly deploymentId: string | null;
  readonly deploymentDisplayName: string | null;
  readonly blueprintId: string | null;
  readonly visibility: string;
  readonly tenantName: string;
  readonly createdBy: string | null;
}

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

/** Of executions `$3` and deployments `$4`, the n-th of the one with the n-th of the other, called `$2`; null: none. */
export const selectNames = tenantStatement<Names & { readonly key: string }>(
  'events_names',
  `select s.key, x.id as "executionId", x."group" as "executionGroupId", x.workflow, d.id as "deploymentId",
     d.display_name as "deploymentDisplayName", d.blueprint as "blueprintId", coalesce(d.visibility, 'tenant') as visibility,
     t.name as "tenantName", x.username as "createdBy"
   from unnest($2::text[], $3::bigint[], $4::bigint[]) s(key, execution, deployment)
     join tenants t on t.id = $1
     left join lateral (
       select e.id, e.workflow, (select g.id from execution_groups g where g.uid = e.group_uid) as "group",
         (select u.username from users u where u.id = e.created_by) as username
       from executions e where e.tenant_id = $1 and e.uid = s.execution offset 0) x on true
     left join lateral (
       select o.id, o.display_name, o.visibility, (select b.id from blueprints b where b.uid = o.blueprint_uid) as blueprint
       from deployments o where o.tenant_id = $1 and o.uid = s.deployment offset 0) d on true`,
);

/** `$2` a JSON array of rows as `NewEvent` in events.ts, with "executionUid" and "deploymentUid". */
export const insertEvents = tenantStatement<never>('events_insert', 'select append_events($1, $2)');

export const deleteEventsOfDeployment = tenantStatement<never>(
  'events_delete_deployment',
  'delete from event_packs where tenant_id = $1 and deployment_uid = $2',
);

export const deleteEventsOfExecutions = tenantStatement<never>(
  'events_delete_executions',
  'delete from event_packs where tenant_id = $1 and execution_uid = any($2::bigint[])',
);

/** Of deployment `$2`: kinds `$3`, messages like one of `$4` (null: any), from `$5` on and before `$6` (null: no bound). */
export const deleteSomeEvents = tenantStatement<{ gone: number }>(
  'events_delete_some',
  'select delete_some_events($1, $2, $3, $4, $5, $6) as gone',
);
