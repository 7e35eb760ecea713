import type { JsonObject, PlanNode, SharedTypes } from '../dsl/plan.js';
import type { DeploymentUid, TenantId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { type Queryable, systemStatement, tenantStatement } from '../store/statement.js';
import type { InstanceLifecycleState } from './planning/graph.js';
import type { InstanceRelationship } from './planning/model.js';

export type NodeField =
  | 'id'
  | 'deploymentUid'
  | 'deploymentId'
  | 'deploymentDisplayName'
  | 'blueprintId'
  | 'type'
  | 'hostId'
  | 'definition'
  | 'defaultInstances'
  | 'minInstances'
  | 'maxInstances'
  | 'currentInstances'
  | 'plannedInstances'
  | 'actualInstances'
  | 'unavailableInstances'
  | 'driftedInstances'
  | 'visibility'
  | 'tenantName'
  | 'createdBy';

const INSTANCES = `(select count(*) from node_instances i
  where i.deployment_uid = n.deployment_uid and i.tenant_id = n.tenant_id and i.node = n.name`;

export const nodeList: ListSpec<NodeField> = {
  from: `nodes n
    join deployments d on d.uid = n.deployment_uid and d.tenant_id = n.tenant_id
    join blueprints b on b.uid = d.blueprint_uid
    join tenants t on t.id = d.tenant_id
    join users u on u.id = d.created_by`,
  fields: {
    id: { sql: 'n.name', type: 'text' },
    deploymentUid: { sql: 'n.deployment_uid', type: 'integer' },
    deploymentId: { sql: 'd.id', type: 'text' },
    deploymentDisplayName: { sql: 'd.display_name', type: 'text' },
    blueprintId: { sql: 'b.id', type: 'text' },
    type: { sql: 'n.type', type: 'text' },
    hostId: { sql: 'n.host', type: 'text' },
    definition: { sql: 'n.definition', type: 'json' },
    defaultInstances: { sql: 'n.default_instances', type: 'integer' },
    minInstances: { sql: 'n.min_instances', type: 'integer' },
    maxInstances: { sql: 'n.max_instances', type: 'integer' },
    currentInstances: { sql: 'n.instances', type: 'integer' },
    plannedInstances: { sql: 'n.planned_instances', type: 'integer' },
    actualInstances: { sql: `${INSTANCES})::integer`, type: 'integer' },
    unavailableInstances: { sql: `${INSTANCES} and i.state <> 'started')::integer`, type: 'integer' },
    driftedInstances: {
      sql: `(case when d.health <> 'in-progress' and d.drifted_instances = 0 then 0
        else ${INSTANCES} and has_drifted(i.system_properties)) end)::integer`,
      type: 'integer',
    },
    visibility: { sql: 'd.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'deploymentUid' }],
  tieBreak: 'n.ordinal',
  search: ['id'],
};

export const insertNodes = tenantStatement<never>(
  'nodes_insert',
  `insert into nodes (tenant_id, deployment_uid, name, ordinal, type, host, definition, default_instances, min_instances, max_instances, instances, planned_instances)
   select $1::bigint, $2::bigint, n.name, n.ordinal, n.type, n.host, n.definition, n."default", n.min, n.max, coalesce(n.instances, n."default"), coalesce(n.instances, n."default")
   from json_to_recordset($3) as n(name text, ordinal integer, type text, host text, definition json, "default" integer, min integer, max integer, instances integer)`,
);

/** Every node of a deployment, in the blueprint's order. */
export const selectDefinitions = tenantStatement<{ definition: PlanNode }>(
  'nodes_definitions',
  'select n.definition from nodes n where n.tenant_id = $1 and n.deployment_uid = $2 order by n.ordinal',
);

export interface InstanceRecord {
  readonly id: string;
  readonly deploymentUid: DeploymentUid;
  readonly deploymentId: string;
  readonly node: string;
  readonly index: number;
  readonly host: string | null;
  readonly state: InstanceLifecycleState;
  readonly version: number;
  readonly runtimeProperties: JsonObject;
  readonly systemProperties: JsonObject;
  readonly relationships: readonly InstanceRelationship[];
  readonly scalingGroups: readonly { readonly name: string; readonly id: string }[];
  readonly visibility: 'private' | 'tenant' | 'global';
  readonly tenantName: string;
  readonly createdBy: string;
}

export type InstanceField = Exclude<keyof InstanceRecord, 'deploymentUid'> | 'drifted';

const INSTANCE_FROM = `node_instances i
  join deployments d on d.uid = i.deployment_uid and d.tenant_id = i.tenant_id
  join tenants t on t.id = d.tenant_id
  join users u on u.id = d.created_by`;

export const instanceList: ListSpec<InstanceField> = {
  from: INSTANCE_FROM,
  fields: {
    id: { sql: 'i.id', type: 'text' },
    deploymentId: { sql: 'd.id', type: 'text' },
    node: { sql: 'i.node', type: 'text' },
    index: { sql: 'i.index', type: 'integer' },
    host: { sql: 'i.host', type: 'text' },
    state: { sql: 'i.state', type: 'text' },
    version: { sql: 'i.version', type: 'integer' },
    runtimeProperties: { sql: 'i.runtime_properties', type: 'json' },
    systemProperties: { sql: 'i.system_properties', type: 'json' },
    drifted: { sql: 'has_drifted(i.system_properties)', type: 'boolean' },
    relationships: { sql: 'i.relationships', type: 'json' },
    scalingGroups: { sql: 'i.scaling_groups', type: 'json' },
    visibility: { sql: 'd.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
  },
  confine: ownTenant('d', { visibility: true }),
  defaultSort: [{ field: 'deploymentId' }, { field: 'node' }, { field: 'index' }],
  tieBreak: 'i.id',
  search: ['id'],
};

export const selectInstance = tenantStatement<InstanceRecord>(
  'instance_select',
  `select i.id, i.deployment_uid as "deploymentUid", d.id as "deploymentId", i.node, i.index, i.host, i.state, i.version,
          i.runtime_properties as "runtimeProperties", i.system_properties as "systemProperties", i.relationships,
          i.scaling_groups as "scalingGroups", d.visibility, t.name as "tenantName", u.username as "createdBy"
   from ${INSTANCE_FROM}
   where i.id = $2 and ((d.tenant_id = $1 and (d.visibility <> 'private' or d.created_by = $3 or $4)) or d.visibility = 'global')`,
);

/** Locks an instance of the caller's own tenant. */
export const lockInstance = tenantStatement<{ version: number; state: string; deploymentUid: DeploymentUid }>(
  'instance_lock',
  `select i.version, i.state, i.deployment_uid as "deploymentUid"
   from node_instances i join deployments d on d.uid = i.deployment_uid
   where i.tenant_id = $1 and i.id = $2 and (d.visibility <> 'private' or d.created_by = $3 or $4) for update of i`,
);

/** Only what is given changes; one step of the version. */
export const updateInstance = tenantStatement<never>(
  'instance_update',
  `update node_instances i set state = coalesce($3, i.state), runtime_properties = coalesce($4::jsonb, i.runtime_properties),
          system_properties = coalesce($5::jsonb, i.system_properties), version = i.version + 1, updated_at = now()
   where i.tenant_id = $1 and i.id = $2
     and (coalesce($3, i.state), coalesce($4::jsonb, i.runtime_properties), coalesce($5::jsonb, i.system_properties))
         is distinct from (i.state, i.runtime_properties, i.system_properties)`,
);

export const insertInstances = tenantStatement<never>(
  'instances_insert',
  `insert into node_instances (tenant_id, deployment_uid, id, node, index, host, relationships, scaling_groups)
   select $1::bigint, $2::bigint, i.id, i.node, i.index, i.host, i.relationships, i."scalingGroups"
   from json_to_recordset($3) as i(id text, node text, index integer, host text, relationships json, "scalingGroups" json)`,
);

export interface InstanceSnapshot {
  readonly id: string;
  readonly node: string;
  readonly index: number;
  readonly host: string | null;
  readonly state: InstanceLifecycleState;
  readonly relationships: readonly InstanceRelationship[];
  readonly scalingGroups: readonly { readonly name: string; readonly id: string }[];
}

interface InstanceRow extends Omit<InstanceSnapshot, 'relationships' | 'scalingGroups'> {
  /** JSON. */
  readonly relationships: string;
  readonly scalingGroups: string;
}

/**
 * Without their nodes: joined with them for the order, ten thousand took a hundred seconds once. Before the tables are analyzed a plan may
 * compare each instance with each node.
 */
const selectInstanceRows = tenantStatement<InstanceRow>(
  'instances_of_deployment',
  `select i.id, i.node, i.index, i.host, i.state, i.relationships::text, i.scaling_groups::text as "scalingGroups"
   from node_instances i where i.tenant_id = $1 and i.deployment_uid = $2`,
);

/** Every instance of a deployment, in no order (`inPlanOrder`); without properties. */
export const selectInstances = {
  async all(db: Queryable, tenant: TenantId, values: readonly unknown[]): Promise<InstanceSnapshot[]> {
    return withShared(await selectInstanceRows.all(db, tenant, values));
  },
};

/**
 * What many instances have alike is in memory once: names and states, and the relationships of all that stand in the same. Of a hundred
 * thousand that is most of what they take.
 */
function withShared(rows: readonly InstanceRow[]): InstanceSnapshot[] {
  const texts = new Map<string, string>();
  const lists = new Map<string, unknown>();
  const text = <T extends string>(value: T): T => {
    const known = texts.get(value);
    if (known === undefined) texts.set(value, value);
    return (known as T | undefined) ?? value;
  };
  const list = <T>(json: string): T => {
    let known = lists.get(json);
    if (known === undefined) {
      known = JSON.parse(json);
      lists.set(json, known);
    }
    return known as T;
  };
  return rows.map(({ id, node, index, host, state, relationships, scalingGroups }) => ({
    id,
    node: text(node),
    index,
    host: host === null ? null : text(host),
    state: text(state),
    relationships: list<InstanceSnapshot['relationships']>(relationships),
    scalingGroups: list<InstanceSnapshot['scalingGroups']>(scalingGroups),
  }));
}

/** Runtime properties of the instances named in `$3`, or of all instances of the nodes named in `$4`. */
export const selectProperties = tenantStatement<{
  id: string;
  node: string;
  index: number;
  properties: JsonObject;
  version: number;
}>(
  'instances_properties',
  `select i.id, i.node, i.index, i.runtime_properties as properties, i.version from node_instances i
   where i.tenant_id = $1 and i.deployment_uid = $2 and (i.id = any($3::text[]) or i.node = any($4::text[]))
   order by i.node, i.index`,
);

/** Just those named in `$3`: the walker asks this for every batch, by primary key. */
export const selectPropertiesById = tenantStatement<{ id: string; properties: JsonObject; version: number }>(
  'instances_properties_by_id',
  `select i.id, i.runtime_properties as properties, i.version from node_instances i
   where i.tenant_id = $1 and i.deployment_uid + 0 = $2 and i.id = any($3::text[])`,
);

/** What checks left on the instances of a deployment. */
export const selectHealth = tenantStatement<{ id: string; properties: JsonObject }>(
  'instances_health',
  `select i.id, i.system_properties as properties from node_instances i where i.tenant_id = $1 and i.deployment_uid = $2`,
);

export const instanceStates = tenantStatement<{ state: InstanceLifecycleState; count: number }>(
  'instances_states',
  `select i.state, count(*)::integer as count from node_instances i
   where i.tenant_id = $1 and i.deployment_uid = $2 group by i.state`,
);

/** The types of several deployments at once, for rendering a page of nodes. */
export const typesOfDeployments = systemStatement<{ uid: DeploymentUid; types: SharedTypes }>(
  'nodes_types_of_deployments',
  'select uid, types from deployments where uid = any($1::bigint[])',
  'the uids come from a page of nodes that was read in the caller’s own scope',
);
