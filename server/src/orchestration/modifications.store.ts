import type { Json, JsonObject } from '../dsl/plan.js';
import type { DeploymentUid } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import type { InstanceModel, InstanceRelationship } from './planning/model.js';

export type ModificationStatus = 'started' | 'finished' | 'rolled-back';

export type ModificationField =
  | 'id'
  | 'deploymentId'
  | 'executionId'
  | 'status'
  | 'asked'
  | 'context'
  | 'added'
  | 'extended'
  | 'reduced'
  | 'removed'
  | 'beforeModification'
  | 'beforeRollback'
  | 'createdAt'
  | 'endedAt'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

export const modificationList: ListSpec<ModificationField> = {
  from: `deployment_modifications m
    join deployments d on d.uid = m.deployment_uid
    join tenants t on t.id = m.tenant_id
    join users u on u.id = m.created_by
    left join executions x on x.uid = m.execution_uid`,
  fields: {
    id: { sql: 'm.id', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    executionId: { sql: 'x.id', type: 'text' },
    status: { sql: 'm.status', type: 'text' },
    asked: { sql: 'm.asked', type: 'json' },
    context: { sql: 'm.context', type: 'json' },
    added: { sql: 'm.added', type: 'json' },
    extended: { sql: 'm.extended', type: 'json' },
    reduced: { sql: 'm.reduced', type: 'json' },
    removed: { sql: 'm.removed', type: 'json' },
    beforeModification: { sql: 'm.before_modification', type: 'json' },
    beforeRollback: { sql: 'm.before_rollback', type: 'json' },
    createdAt: { sql: 'm.created_at', type: 'time' },
    endedAt: { sql: 'm.ended_at', type: 'time' },
    visibility: { sql: 'd.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'm.uid',
  search: ['id'],
};

/** What `change` keeps of a modification: what finishing and rolling back need. */
export interface StoredChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly rewired: readonly {
    readonly id: string;
    readonly after: readonly InstanceRelationship[];
    readonly scalingGroups: InstanceModel['scalingGroups'];
  }[];
}

export const selectStarted = tenantStatement<{ id: string; change: StoredChange }>(
  'modification_started',
  `select m.id, m.change from deployment_modifications m
   where m.tenant_id = $1 and m.deployment_uid = $2 and m.status = 'started'`,
);

/** `$2` id, `$3` user, `$4` whether others' private ones show. */
export const selectModified = tenantStatement<{ deploymentUid: DeploymentUid; status: ModificationStatus }>(
  'modification_deployment',
  `select m.deployment_uid as "deploymentUid", m.status
   from deployment_modifications m join deployments d on d.uid = m.deployment_uid
   where m.tenant_id = $1 and m.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);

const WHOLE = `json_build_object('id', i.id, 'node', i.node, 'index', i.index, 'host', i.host, 'state', i.state, 'version', i.version,
  'runtimeProperties', i.runtime_properties, 'systemProperties', i.system_properties, 'relationships', i.relationships,
  'scalingGroups', i.scaling_groups)`;

export interface WholeInstance extends JsonObject {
  readonly id: string;
  readonly node: string;
  readonly relationships: Json[];
}

/** Every instance of the deployment with its properties. */
export const wholeInstances = tenantStatement<{ instance: WholeInstance }>(
  'modification_instances',
  `select ${WHOLE} as instance from node_instances i
   where i.tenant_id = $1 and i.deployment_uid = $2 order by i.node, i.index`,
);

export const insertModification = tenantStatement<never>(
  'modification_insert',
  `insert into deployment_modifications (tenant_id, deployment_uid, id, execution_uid, status, asked, context, change, added, extended, reduced,
     removed, before_modification, created_by)
   values ($1, $2, $3, $4, 'started', $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);

/** `$4` what becomes of it; `$5` instances before a rollback. */
export const endModification = tenantStatement<never>(
  'modification_end',
  `update deployment_modifications m set status = $4, before_rollback = $5, ended_at = now()
   where m.tenant_id = $1 and m.deployment_uid = $2 and m.id = $3`,
);

export const deleteSomeInstances = tenantStatement<never>(
  'instances_delete_some',
  'delete from node_instances i where i.tenant_id = $1 and i.deployment_uid + 0 = $2 and i.id = any($3::text[])',
);

/** `$3`: JSON array of `{id, relationships, scalingGroups}`. */
export const rewireInstances = tenantStatement<never>(
  'instances_rewire',
  `update node_instances i set relationships = c.relationships, scaling_groups = c."scalingGroups", version = i.version + 1, updated_at = now()
   from json_to_recordset($3) as c(id text, relationships json, "scalingGroups" json)
   where i.tenant_id = $1 and i.deployment_uid = $2 and i.id = c.id`,
);

/** What is related to whom as it was before modification `$3`, for the instances `$4`. */
export const restoreWiring = tenantStatement<never>(
  'instances_restore_wiring',
  `update node_instances i set relationships = b.relationships, scaling_groups = b."scalingGroups", version = i.version + 1, updated_at = now()
   from deployment_modifications m, json_to_recordset(m.before_modification) as b(id text, relationships json, "scalingGroups" json)
   where i.tenant_id = $1 and i.deployment_uid = $2 and m.tenant_id = $1 and m.id = $3 and b.id = i.id and i.id = any($4::text[])`,
);

/** Numbers of instances now and planned. */
export const selectCounts = tenantStatement<{ node: string; instances: number; planned: number }>(
  'nodes_counts',
  `select n.name as node, n.instances, n.planned_instances as planned from nodes n
   where n.tenant_id = $1 and n.deployment_uid = $2`,
);

/** `$3`: JSON array of `{name, planned}`. */
export const planCounts = tenantStatement<never>(
  'nodes_plan_counts',
  `update nodes n set planned_instances = c.planned from json_to_recordset($3) as c(name text, planned integer)
   where n.tenant_id = $1 and n.deployment_uid = $2 and n.name = c.name`,
);

export const acceptCounts = tenantStatement<never>(
  'nodes_accept_counts',
  `update nodes n set instances = n.planned_instances
   where n.tenant_id = $1 and n.deployment_uid = $2 and n.instances <> n.planned_instances`,
);

export const revertCounts = tenantStatement<never>(
  'nodes_revert_counts',
  `update nodes n set planned_instances = n.instances
   where n.tenant_id = $1 and n.deployment_uid = $2 and n.instances <> n.planned_instances`,
);

export const selectScalingGroups = tenantStatement<{ groups: Record<string, CountedGroup> }>(
  'deployment_scaling_groups',
  'select d.scaling_groups as groups from deployments d where d.tenant_id = $1 and d.uid = $2',
);

export const setScalingGroups = tenantStatement<never>(
  'deployment_set_scaling_groups',
  'update deployments d set scaling_groups = $3 where d.tenant_id = $1 and d.uid = $2',
);

/** A scaling group of a plan with how many instances there are of it; absent: as many as the plan says. */
export interface CountedGroup {
  readonly members: readonly string[];
  readonly scaling: {
    readonly default: number;
    readonly min: Json;
    readonly max: Json;
    readonly current?: number;
    readonly planned?: number;
  };
}
