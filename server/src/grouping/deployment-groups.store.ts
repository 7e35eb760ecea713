import type { JsonObject } from '../dsl/plan.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type Visibility = 'private' | 'tenant' | 'global';

export type DeploymentGroupField =
  | 'id'
  | 'description'
  | 'defaultBlueprintId'
  | 'defaultInputs'
  | 'deploymentIds'
  | 'labels'
  | 'made'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt';

export const deploymentGroupList: ListSpec<DeploymentGroupField> = {
  from: `deployment_groups g
    left join blueprints b on b.uid = g.default_blueprint_uid
    join tenants t on t.id = g.tenant_id
    join users u on u.id = g.created_by`,
  driver: { table: 'deployment_groups', alias: 'g', key: 'uid' },
  fields: {
    id: { sql: 'g.id', type: 'text' },
    description: { sql: 'g.description', type: 'text' },
    defaultBlueprintId: { sql: 'b.id', type: 'text' },
    defaultInputs: { sql: 'g.default_inputs', type: 'json' },
    deploymentIds: {
      sql: `coalesce((select json_agg(d.id order by d.id) from deployment_group_members m join deployments d on d.uid = m.deployment_uid
        where m.group_uid = g.uid), '[]')`,
      type: 'json',
    },
    labels: { sql: 'g.labels', type: 'json' },
    made: { sql: 'g.made', type: 'integer' },
    visibility: { sql: 'g.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'g.created_at', type: 'time' },
  },
  confine: ownTenant('g', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'g.uid',
  search: ['id'],
};

export interface GroupLabel {
  readonly key: string;
  readonly value: string;
}

export interface GroupRow {
  readonly uid: number;
  readonly defaultBlueprint: string | null;
  readonly defaultInputs: JsonObject;
  readonly labels: readonly GroupLabel[];
  readonly visibility: Visibility;
}

const SEEN = `g.tenant_id = $1 and g.id = $2 and (g.visibility <> 'private' or g.created_by = $3 or $4)`;

/** `$2` id, `$3` user, `$4` whether others' private ones show. Locked until the transaction ends. */
export const lockGroup = tenantStatement<GroupRow>(
  'deployment_group_lock',
  `select g.uid, b.id as "defaultBlueprint", g.default_inputs as "defaultInputs", g.labels, g.visibility
   from deployment_groups g left join blueprints b on b.uid = g.default_blueprint_uid where ${SEEN} for update of g`,
);

/** `$2` id, `$3` description, `$4` blueprint, `$5` inputs, `$6` labels, `$7` visibility, `$8` user. Nothing when it is there. */
export const insertGroup = tenantStatement<{ uid: number }>(
  'deployment_group_insert',
  `insert into deployment_groups (tenant_id, id, description, default_blueprint_uid, default_inputs, labels, visibility, created_by)
   values ($1, $2, $3, $4, coalesce($5::json, '{}'), coalesce($6::json, '[]'), coalesce($7, 'tenant'), $8)
   on conflict (tenant_id, id) do nothing returning uid`,
);

/** null: as it is. */
export const updateGroup = tenantStatement(
  'deployment_group_update',
  `update deployment_groups g set description = coalesce($3, g.description), default_blueprint_uid = coalesce($4, g.default_blueprint_uid),
     default_inputs = coalesce($5::json, g.default_inputs), labels = coalesce($6::json, g.labels), visibility = coalesce($7, g.visibility)
   where g.tenant_id = $1 and g.uid = $2`,
);

/** Numbers for `$3` new deployments: the last of them. */
export const countMade = tenantStatement<{ made: number }>(
  'deployment_group_count_made',
  'update deployment_groups g set made = g.made + $3 where g.tenant_id = $1 and g.uid = $2 returning g.made',
);

export const deleteGroup = tenantStatement(
  'deployment_group_delete',
  'delete from deployment_groups g where g.tenant_id = $1 and g.uid = $2',
);

/** Of the ids `$2` those of the tenant's deployments that the caller may see; `$3` user, `$4` sees private. */
export const knownDeployments = tenantStatement<{ uid: number; id: string }>(
  'deployment_group_known',
  `select d.uid, d.id from deployments d
   where d.tenant_id = $1 and d.id = any($2::text[]) and (d.visibility <> 'private' or d.created_by = $3 or $4)`,
);

export const addMembers = tenantStatement(
  'deployment_group_add',
  `insert into deployment_group_members (tenant_id, group_uid, deployment_uid)
   select $1::bigint, $2, m.uid from unnest($3::bigint[]) as m (uid) on conflict do nothing`,
);

export const dropMembers = tenantStatement(
  'deployment_group_drop',
  'delete from deployment_group_members m where m.tenant_id = $1 and m.group_uid = $2 and m.deployment_uid = any($3::bigint[])',
);

export const dropOtherMembers = tenantStatement(
  'deployment_group_drop_others',
  'delete from deployment_group_members m where m.tenant_id = $1 and m.group_uid = $2 and not m.deployment_uid = any($3::bigint[])',
);

/** In the order in which whoever locks several locks them. */
export const selectMembers = tenantStatement<{ uid: number; id: string }>(
  'deployment_group_members',
  `select d.uid, d.id from deployment_group_members m join deployments d on d.uid = m.deployment_uid
   where m.tenant_id = $1 and d.tenant_id = $1 and m.group_uid = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4) order by d.uid`,
);
