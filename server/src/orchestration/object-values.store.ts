/** What values of object types name: blueprints, deployments and secrets that a scope sees, and what is in a deployment. */
import type { JsonObject, SharedTypes, ValueDefinition } from '../dsl/plan.js';
import type { DeploymentUid, TenantId } from '../ids.js';
import { tenantStatement } from '../store/statement.js';

export interface NamedObject {
  readonly id: string;
  /** What else it is called. */
  readonly name: string;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly attributes: Readonly<Record<string, string | null>>;
}

const seen = (alias: string) =>
  `((${alias}.tenant_id = $1 and (${alias}.visibility <> 'private' or ${alias}.created_by = $3 or $4)) or ${alias}.visibility = 'global')`;

/** `$2` ids, `$3` user, `$4` whether others' private ones show; so do the next two. */
export const blueprintsNamed = tenantStatement<NamedObject>(
  'object_blueprints',
  `select b.id, b.id as name,
     coalesce((select json_agg(json_build_object('key', l.key, 'value', l.value)) from blueprint_labels l
       where l.tenant_id = b.tenant_id and l.blueprint_uid = b.uid), '[]') as labels,
     json_build_object('id', b.id, 'createdBy', u.username, 'state', b.state, 'tenantName', t.name) as attributes
   from blueprints b join tenants t on t.id = b.tenant_id join users u on u.id = b.created_by
   where b.id = any($2::text[]) and b.state = 'uploaded' and ${seen('b')}`,
);

export const deploymentsNamed = tenantStatement<
  NamedObject & { readonly uid: DeploymentUid; readonly tenantId: TenantId }
>(
  'object_deployments',
  `select d.uid, d.tenant_id as "tenantId", d.id, d.display_name as name,
     coalesce((select json_agg(json_build_object('key', l.key, 'value', l.value)) from deployment_labels l
       where l.tenant_id = d.tenant_id and l.deployment_uid = d.uid), '[]') as labels,
     json_build_object('id', d.id, 'displayName', d.display_name, 'blueprintId', b.id, 'siteName', s.name,
       'createdBy', u.username, 'tenantName', t.name, 'installed', d.installed::text,
       'schedules', (select min(e.id) from execution_schedules e where e.tenant_id = d.tenant_id and e.deployment_uid = d.uid)) as attributes
   from deployments d join tenants t on t.id = d.tenant_id join users u on u.id = d.created_by
     join blueprints b on b.uid = d.blueprint_uid left join sites s on s.uid = d.site_uid
   where d.id = any($2::text[]) and ${seen('d')}`,
);

export const secretsNamed = tenantStatement<NamedObject>(
  'object_secrets',
  `select s.key as id, s.key as name, '[]'::json as labels, json_build_object('key', s.key, 'tenantName', t.name) as attributes
   from secrets s join tenants t on t.id = s.tenant_id
   where s.key = any($2::text[]) and ${seen('s')}`,
);

/** `$2` deployment, `$3` names. */
export const nodesNamed = tenantStatement<{ name: string }>(
  'object_nodes',
  `select n.name from deployments d join nodes n on n.deployment_uid = d.uid
   where d.tenant_id = $1 and d.uid = $2 and n.name = any($3::text[])`,
);

/** `$2` deployment, `$3` ids. */
export const instancesNamed = tenantStatement<{ name: string }>(
  'object_instances',
  'select i.id as name from node_instances i where i.tenant_id = $1 and i.deployment_uid = $2 and i.id = any($3::text[])',
);

/** `$2` deployment. */
export const partsOfDeployment = tenantStatement<{
  types: SharedTypes;
  groups: JsonObject;
  capabilities: Readonly<Record<string, ValueDefinition>>;
}>(
  'object_parts',
  `select d.types, d.scaling_groups as groups, d.capabilities from deployments d where d.tenant_id = $1 and d.uid = $2`,
);
