import type { Json, JsonObject, PlanNode } from '../dsl/plan.js';
import type { DeploymentUid, TenantId } from '../ids.js';
import { tenantStatement } from '../store/statement.js';
import type { InstanceSnapshot } from './nodes.store.js';

export interface EvaluatedDeployment {
  readonly uid: DeploymentUid;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly id: string;
  readonly displayName: string;
  readonly blueprintId: string;
  readonly owner: string;
  readonly inputs: JsonObject;
  readonly capabilities: Readonly<Record<string, { readonly value: Json }>>;
  readonly labels: Readonly<Record<string, string[]>>;
}

const COLUMNS = `d.uid, d.tenant_id as "tenantId", t.name as "tenantName", d.id, d.display_name as "displayName", b.id as "blueprintId",
  u.username as owner, d.inputs, d.capabilities,
  coalesce((select json_object_agg(k.key, k.values) from (
    select l.key, json_agg(l.value order by l.value) as values from deployment_labels l
    where l.tenant_id = d.tenant_id and l.deployment_uid = d.uid group by l.key) k), '{}') as labels`;
const FROM = `deployments d join tenants t on t.id = d.tenant_id join blueprints b on b.uid = d.blueprint_uid join users u on u.id = d.created_by`;

export const deploymentByUid = tenantStatement<EvaluatedDeployment>(
  'evaluation_deployment_uid',
  `select ${COLUMNS} from ${FROM} where d.tenant_id = $1 and d.uid = $2`,
);

/** Another deployment, as `get_capability` names it: of the tenant, or shared with all. Private ones are the creator's. */
export const deploymentById = tenantStatement<EvaluatedDeployment>(
  'evaluation_deployment_id',
  `select ${COLUMNS} from ${FROM}
   where d.id = $2 and ((d.tenant_id = $1 and (d.visibility <> 'private' or u.username = $3)) or d.visibility = 'global')
   order by (d.tenant_id = $1) desc limit 1`,
);

/** By the key of nodes: with their own tenant the planner may go through all nodes of the deployment instead. */
export const nodesByName = tenantStatement<{ definition: PlanNode }>(
  'evaluation_nodes',
  `select n.definition from deployments d join nodes n on n.deployment_uid = d.uid
   where d.tenant_id = $1 and d.uid = $2 and n.name = any($3::text[])`,
);

export interface EvaluatedInstance extends Omit<InstanceSnapshot, 'state'> {
  readonly properties: JsonObject;
}

/** Instances named in `$3`, and all instances of the nodes named in `$4`. */
export const instancesFor = tenantStatement<EvaluatedInstance>(
  'evaluation_instances',
  `select i.id, i.node, i.index, i.host, i.relationships, i.scaling_groups as "scalingGroups", i.runtime_properties as properties
   from node_instances i
   where i.tenant_id = $1 and i.deployment_uid = $2 and (i.id = any($3::text[]) or i.node = any($4::text[]))
   order by i.node, i.index`,
);
