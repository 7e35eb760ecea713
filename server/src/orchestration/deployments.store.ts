import type { InputDefinition, JsonObject, PlanWorkflow, SharedTypes, ValueDefinition } from '../dsl/plan.js';
import type { BlueprintUid, DeploymentUid, TenantId, UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import {
  DIRECT_ENVIRONMENTS_COUNT,
  DIRECT_SERVICES_COUNT,
  ENVIRONMENT_TYPE,
  ENVIRONMENTS_COUNT,
  ENVIRONMENTS_HEALTH,
  HAS_CHILDREN,
  SERVICES_COUNT,
  SERVICES_HEALTH,
  WHOLE_HEALTH,
} from './deployment-family.store.js';
import { DEPLOYMENT_SELECTIONS } from './deployment-selections.store.js';
import { DRIFTED } from './drift.store.js';

export type Visibility = 'private' | 'tenant' | 'global';
export type Health = 'good' | 'in-progress' | 'requires-attention';

export interface DeploymentRecord {
  readonly uid: DeploymentUid;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly id: string;
  readonly blueprintId: string;
  readonly blueprintUid: BlueprintUid;
  readonly displayName: string;
  readonly description: string | null;
  readonly visibility: Visibility;
  readonly createdBy: string;
  readonly createdById: UserId;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly inputs: JsonObject;
  readonly outputs: Readonly<Record<string, ValueDefinition>>;
  readonly capabilities: Readonly<Record<string, ValueDefinition>>;
  readonly workflows: Readonly<Record<string, PlanWorkflow>>;
  readonly groups: JsonObject;
  readonly scalingGroups: JsonObject;
  readonly policyTypes: JsonObject;
  readonly policyTriggers: JsonObject;
  readonly resourceTags: JsonObject;
  readonly rest: DeploymentRest;
  readonly installed: boolean;
  readonly health: Health;
  readonly labels: readonly DeploymentLabel[];
  readonly latestExecution: LatestExecution | null;
  readonly createExecutionId: string | null;
  readonly unavailableInstances: number;
}

export interface DeploymentLabel {
  readonly key: string;
  readonly value: string;
  readonly createdBy: string;
  readonly createdAt: string;
}

export interface LatestExecution {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
  readonly totalOperations: number;
  readonly finishedOperations: number;
}

/** What few readers of a plan want, kept apart from what every list shows. */
export interface DeploymentRest {
  readonly settings: JsonObject;
  readonly inputSchema: Readonly<Record<string, InputDefinition>>;
}

export type DeploymentField =
  | 'id'
  | 'displayName'
  | 'blueprintId'
  | 'description'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt'
  | 'inputs'
  | 'outputs'
  | 'capabilities'
  | 'groups'
  | 'scalingGroups'
  | 'policyTypes'
  | 'policyTriggers'
  | 'resourceTags'
  | 'labels'
  | 'installed'
  | 'health'
  | 'latestExecutionId'
  | 'latestExecutionStatus'
  | 'latestExecutionWorkflow'
  | 'latestExecutionTotalOperations'
  | 'latestExecutionFinishedOperations'
  | 'createExecutionId'
  | 'unavailableInstances'
  | 'driftedInstances'
  | 'uid'
  | 'workflowsDigest'
  | 'siteName'
  | 'runtimeOnly'
  | 'groupIds'
  | 'wholeHealth'
  | 'servicesCount'
  | 'servicesHealth'
  | 'environmentsCount'
  | 'environmentsHealth'
  | 'directServicesCount'
  | 'directEnvironmentsCount'
  | 'environmentType'
  | 'hasChildren';

const UNAVAILABLE = `(case when d.installed and d.health <> 'in-progress' then 0 else (select count(*) from node_instances i
  where i.deployment_uid = d.uid and i.tenant_id = d.tenant_id and i.state <> 'started') end)::integer`;

const GROUP_IDS = `coalesce((select json_agg(g.id order by g.id) from deployment_group_members m
  join deployment_groups g on g.uid = m.group_uid where m.deployment_uid = d.uid and m.tenant_id = d.tenant_id), '[]')`;

export const deploymentList: ListSpec<DeploymentField> = {
  // Each deployment has its blueprint, tenant and creator; said as an outer join, PostgreSQL leaves out those that nothing is shown of.
  from: `deployments d
    left join blueprints b on b.uid = d.blueprint_uid
    left join tenants t on t.id = d.tenant_id
    left join users u on u.id = d.created_by
    left join executions x on x.uid = d.latest_execution_uid
    left join executions c on c.uid = d.create_execution_uid`,
  driver: { table: 'deployments', alias: 'd', key: 'uid', counted: true },
  versions: {
    by: ['d', 'x'],
    fixed: ['b.id', 't.name', 'u.username', 'c.id'],
    unless: {
      sql: `d.is_parent or d.site_uid is not null or exists (select from deployment_group_members m
        where m.deployment_uid = d.uid and m.tenant_id = d.tenant_id)`,
      fields: [
        'siteName',
        'groupIds',
        'wholeHealth',
        'servicesCount',
        'servicesHealth',
        'environmentsCount',
        'environmentsHealth',
        'directServicesCount',
        'directEnvironmentsCount',
        'environmentType',
        'hasChildren',
      ],
    },
  },
  fields: {
    id: { sql: 'd.id', type: 'name' },
    displayName: { sql: 'd.display_name', type: 'text' },
    blueprintId: { sql: 'b.id', type: 'name' },
    description: { sql: 'd.description', type: 'text' },
    visibility: { sql: 'd.visibility', type: 'name' },
    tenantName: { sql: 't.name', type: 'name' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'd.created_at', type: 'time' },
    updatedAt: { sql: 'd.updated_at', type: 'time' },
    inputs: { sql: 'd.inputs', type: 'json' },
    outputs: { sql: 'd.outputs', type: 'json' },
    capabilities: { sql: 'd.capabilities', type: 'json' },
    groups: { sql: 'd.groups', type: 'json' },
    scalingGroups: { sql: 'd.scaling_groups', type: 'json' },
    policyTypes: { sql: 'd.policy_types', type: 'json' },
    policyTriggers: { sql: 'd.policy_triggers', type: 'json' },
    resourceTags: { sql: 'd.resource_tags', type: 'json' },
    labels: { sql: 'd.labels', type: 'json' },
    installed: { sql: 'd.installed', type: 'boolean' },
    health: { sql: 'd.health', type: 'name' },
    latestExecutionId: { sql: 'x.id', type: 'name' },
    latestExecutionStatus: { sql: 'x.status', type: 'name' },
    latestExecutionWorkflow: { sql: 'x.workflow', type: 'text' },
    latestExecutionTotalOperations: { sql: 'x.total_operations', type: 'integer' },
    latestExecutionFinishedOperations: { sql: 'x.finished_operations', type: 'integer' },
    createExecutionId: { sql: 'c.id', type: 'name' },
    unavailableInstances: { sql: UNAVAILABLE, type: 'integer' },
    driftedInstances: { sql: DRIFTED, type: 'integer' },
    siteName: {
      sql: '(case when d.site_uid is not null then (select s.name from sites s where s.uid = d.site_uid) end)',
      type: 'text',
    },
    uid: { sql: 'd.uid', type: 'integer' },
    workflowsDigest: { sql: 'md5(d.workflows::text)', type: 'text' },
    runtimeOnly: { sql: 'd.runtime_only', type: 'boolean' },
    groupIds: { sql: GROUP_IDS, type: 'json' },
    wholeHealth: { sql: WHOLE_HEALTH, type: 'text' },
    servicesCount: { sql: SERVICES_COUNT, type: 'integer' },
    servicesHealth: { sql: SERVICES_HEALTH, type: 'text' },
    environmentsCount: { sql: ENVIRONMENTS_COUNT, type: 'integer' },
    environmentsHealth: { sql: ENVIRONMENTS_HEALTH, type: 'text' },
    directServicesCount: { sql: DIRECT_SERVICES_COUNT, type: 'integer' },
    directEnvironmentsCount: { sql: DIRECT_ENVIRONMENTS_COUNT, type: 'integer' },
    environmentType: { sql: ENVIRONMENT_TYPE, type: 'text' },
    hasChildren: { sql: HAS_CHILDREN, type: 'boolean' },
  },
  selections: DEPLOYMENT_SELECTIONS,
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'd.uid',
  search: ['id', 'displayName'],
};

/** What a caller may see: `$3` the user, `$4` whether others' private resources show. */
const VISIBLE = `((d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $3 or $4)) or d.visibility = 'global')`;

export const selectDeployment = tenantStatement<DeploymentRecord>(
  'deployment_select',
  `select d.uid, d.tenant_id as "tenantId", t.name as "tenantName", d.id, b.id as "blueprintId", d.blueprint_uid as "blueprintUid",
          d.display_name as "displayName", d.description, d.visibility, u.username as "createdBy", d.created_by as "createdById",
          d.created_at as "createdAt", d.updated_at as "updatedAt", d.inputs, d.outputs, d.capabilities, d.workflows,
          d.groups, d.scaling_groups as "scalingGroups", d.policy_types as "policyTypes", d.policy_triggers as "policyTriggers",
          d.resource_tags as "resourceTags", d.rest,
          d.installed, d.health, d.labels,
          case when x.uid is null then null else json_build_object('id', x.id, 'workflow', x.workflow, 'status', x.status,
            'totalOperations', x.total_operations, 'finishedOperations', x.finished_operations) end as "latestExecution",
          c.id as "createExecutionId", ${UNAVAILABLE} as "unavailableInstances"
   from ${deploymentList.from}
   where d.id = $2 and ${VISIBLE}
   order by (d.tenant_id = $1) desc limit 1`,
);

export interface DeploymentHead {
  readonly uid: DeploymentUid;
  readonly tenantId: TenantId;
  readonly id: string;
  readonly visibility: Visibility;
  readonly createdById: UserId;
  readonly createdBy: string;
  readonly workflows: Readonly<Record<string, PlanWorkflow>>;
  readonly blueprint: { readonly id: string; readonly visibility: Visibility };
}

/** The caller's own tenant's deployment, locked until the transaction ends. */
export const lockDeployment = tenantStatement<DeploymentHead>(
  'deployment_lock',
  `select d.uid, d.tenant_id as "tenantId", d.id, d.visibility, d.created_by as "createdById", u.username as "createdBy", d.workflows,
     json_build_object('id', b.id, 'visibility', b.visibility) as blueprint
   from deployments d join users u on u.id = d.created_by join blueprints b on b.uid = d.blueprint_uid
   where d.tenant_id = $1 and d.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4)
   for update of d`,
);

/** Locks a deployment until the transaction ends. Whoever locks one and its executions begins here, so that none wait in a circle. */
export const holdDeployment = tenantStatement<never>(
  'deployment_hold',
  'select from deployments d where d.tenant_id = $1 and d.uid = $2 for no key update',
);

/** The same for the deployment of execution `$2`. */
export const holdDeploymentOf = tenantStatement<never>(
  'deployment_hold_of_execution',
  `select from deployments d
   where d.tenant_id = $1 and d.uid = (select x.deployment_uid from executions x where x.tenant_id = $1 and x.id = $2)
   for no key update of d`,
);

export const insertDeployment = tenantStatement<{ uid: DeploymentUid }>(
  'deployment_insert',
  `insert into deployments (tenant_id, id, blueprint_uid, display_name, description, visibility, created_by, inputs, outputs, capabilities, workflows,
     groups, scaling_groups, policy_types, policy_triggers, resource_tags, types, rest)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) returning uid`,
);

export const globalIdTaken = systemStatement<{ taken: boolean }>(
  'deployment_global_taken',
  `select exists (select from deployments where id = $1 and visibility = 'global') as taken`,
  'ids of deployments shared with every tenant are unique across tenants (cloudify.md §2.2)',
);

export const idTakenElsewhere = systemStatement<{ taken: boolean }>(
  'deployment_taken_elsewhere',
  `select exists (select from deployments where id = $1 and uid <> $2) as taken`,
  'the id of a deployment that is shared with every tenant is taken in every tenant (cloudify.md §2.2)',
);

export const setCreateExecution = tenantStatement<never>(
  'deployment_set_create_execution',
  `update deployments d set create_execution_uid = $3, latest_execution_uid = $3
   where d.tenant_id = $1 and d.uid = $2`,
);

/** `$3` the site; null: it stands nowhere. */
export const setSite = tenantStatement<never>(
  'deployment_set_site',
  'update deployments d set site_uid = $3, updated_at = now() where d.tenant_id = $1 and d.uid = $2',
);

export const setLatestExecution = tenantStatement<never>(
  'deployment_set_latest_execution',
  `update deployments d set latest_execution_uid = $3, health = 'in-progress', updated_at = now()
   where d.tenant_id = $1 and d.uid = $2`,
);

/** What checks of drift leave on an instance; where nothing is, `has_drifted` need not be asked. */
const DRIFTS =
  '{configuration_drift,source_relationships_configuration_drift,target_relationships_configuration_drift}';

/** Recomputes what an ended execution means for its deployment (cloudify-rest.md §D2). `$3`: the execution's end. */
export const settleDeployment = tenantStatement<never>(
  'deployment_settle',
  `update deployments d set installed = s.installed, drifted_instances = s.drifted, updated_at = now(),
          health = case when $3 = 'failed' or not s.installed then 'requires-attention' else 'good' end
   from (select count(*) filter (where i.state <> 'started') = 0 as installed,
           count(*) filter (where i.system_properties ?| '${DRIFTS}' and has_drifted(i.system_properties)) as drifted
         from node_instances i where i.tenant_id = $1 and i.deployment_uid = $2) s
   where d.tenant_id = $1 and d.uid = $2`,
);

export const updateDeployment = tenantStatement<never>(
  'deployment_update',
  `update deployments d set display_name = coalesce($3, d.display_name), description = coalesce($4, d.description),
          visibility = coalesce($5, d.visibility), updated_at = now()
   where d.tenant_id = $1 and d.uid = $2`,
);

export const deleteLabels = tenantStatement<never>(
  'deployment_labels_delete',
  'delete from deployment_labels where tenant_id = $1 and deployment_uid = $2',
);

const LABELS = `coalesce((select json_agg(json_build_object('key', l.key, 'value', l.value,
    'created_by', lu.username, 'created_at', to_char(l.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    order by l.key, l.value)
  from deployment_labels l join users lu on lu.id = l.created_by
  where l.deployment_uid = d.uid and l.tenant_id = d.tenant_id), '[]')`;

export const insertLabels = tenantStatement<never>(
  'deployment_labels_insert',
  `insert into deployment_labels (tenant_id, deployment_uid, key, value, created_by)
   select $1::bigint, $2::bigint, l.key, l.value, $3::bigint from json_to_recordset($4) as l(key text, value text)
   on conflict do nothing`,
);

/** Lists show labels as they were last set. */
export const showLabels = tenantStatement<never>(
  'deployment_labels_show',
  `update deployments d set labels = ${LABELS} where d.tenant_id = $1 and d.uid = $2`,
);

/** States of instances that hinder a deletion, with how many; none hinders when it returns nothing. */
export const liveInstances = tenantStatement<{ id: string; state: string }>(
  'deployment_live_instances',
  `select i.id, i.state from node_instances i
   where i.tenant_id = $1 and i.deployment_uid = $2 and i.state not in ('uninitialized', 'deleted') order by i.id limit 10`,
);

export const deleteOperations = tenantStatement<never>(
  'deployment_delete_operations',
  `delete from operations o using executions x
   where o.tenant_id = $1 and x.tenant_id = $1 and x.deployment_uid = $2 and o.execution_uid = x.uid`,
);
export const deleteInstances = tenantStatement<never>(
  'deployment_delete_instances',
  'delete from node_instances where tenant_id = $1 and deployment_uid = $2',
);
export const deleteNodes = tenantStatement<never>(
  'deployment_delete_nodes',
  'delete from nodes where tenant_id = $1 and deployment_uid = $2',
);
export const deleteDeployment = tenantStatement<never>(
  'deployment_delete',
  'delete from deployments where tenant_id = $1 and uid = $2',
);

export const selectTypes = systemStatement<{ types: SharedTypes }>(
  'deployment_types',
  'select types from deployments where uid = $1',
  'the uid comes from a row that was read in the caller’s own scope, or from a claimed execution',
);

/** Some of the deployments that stand on a blueprint. */
export const selectStandingOn = systemStatement<{ name: string }>(
  'deployments_of_blueprint',
  `select case when d.tenant_id = b.tenant_id then d.id else 'one of another tenant' end as name
   from deployments d join blueprints b on b.uid = d.blueprint_uid where d.blueprint_uid = $1 order by d.uid limit 10`,
  'a blueprint shared with every tenant may carry deployments of others, which are told of without their names',
);

/** The workflows of the deployments `$1`. */
export const workflowsOf = systemStatement<{ workflows: Readonly<Record<string, PlanWorkflow>> }>(
  'deployment_workflows',
  'select workflows from deployments where uid = any($1::bigint[])',
  'the uids come from a list that was read in the caller’s own scope',
);
