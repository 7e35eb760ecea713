import { sql } from 'kysely';
import type { JsonObject } from '../dsl/plan.js';
import type { DeploymentUid, TenantId, UserId } from '../ids.js';
import type { Via } from '../store/item-text.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { Power } from './handlers/handler.js';
import type { ServerState } from './server-state.js';

export type ServerField =
  | 'number'
  | 'code'
  | 'id'
  | 'hostname'
  | 'status'
  | 'power'
  | 'ip'
  | 'privateIp'
  | 'mac'
  | 'port'
  | 'cpus'
  | 'memoryMb'
  | 'memoryGb'
  | 'diskGb'
  | 'osFamily'
  | 'username'
  | 'hasPassword'
  | 'hasKey'
  | 'expiresOn'
  | 'parameters'
  | 'labels'
  | 'notes'
  | 'facts'
  | 'trouble'
  | 'createdAt'
  | 'updatedAt'
  | 'seenAt'
  | 'endedAt'
  | 'group'
  | 'groupCode'
  | 'groupName'
  | 'environment'
  | 'environmentCode'
  | 'environmentName'
  | 'osBuild'
  | 'osBuildCode'
  | 'osBuildName'
  | 'account'
  | 'accountName'
  | 'accountKind'
  | 'owner'
  | 'ownerName'
  | 'deploymentId'
  | 'node'
  | 'instanceId'
  | 'disks'
  | 'nics'
  | 'snapshots';

const DISKS = `(select coalesce(json_agg(json_build_object('id', d.id, 'providerId', d.provider_id, 'name', d.name, 'gb', d.gb,
  'datastore', d.datastore, 'provisioning', d.provisioning) order by d.position), '[]') from server_disks d
  where d.tenant_id = s.tenant_id and d.server_uid = s.uid)`;
const NICS = `(select coalesce(json_agg(json_build_object('network', n.network, 'mac', n.mac, 'ip', n.ip, 'privateIp', n.private_ip)
  order by n.position), '[]') from server_nics n where n.tenant_id = s.tenant_id and n.server_uid = s.uid)`;
const SNAPSHOTS = `(select coalesce(json_agg(json_build_object('id', n.id, 'name', n.name, 'bytes', n.bytes, 'createdAt', n.created_at)
  order by n.uid), '[]') from server_snapshots n where n.tenant_id = s.tenant_id and n.server_uid = s.uid)`;

const via = (given: Omit<Via, 'column'>) => (column: string) => ({ ...given, column });
const ofTenant = { id: 'uid', ofTenant: true, leads: 'always' } as const;
const inGroup = via({ key: 's.group_uid', table: 'ordering_groups', ...ofTenant });
const inEnvironment = via({ key: 's.environment_uid', table: 'ordering_environments', ...ofTenant });
const ofBuild = via({ key: 's.os_build_uid', table: 'os_builds', ...ofTenant });
const inAccount = via({ key: 's.cloud_account_uid', table: 'cloud_accounts', ...ofTenant });
const ofOwner = via({ key: 's.owner_id', table: 'users', id: 'id', leads: 'equality' });
const TALLIED = [
  ...['tenant_id', 'status', 'power'],
  ...['group_uid', 'environment_uid', 'os_build_uid', 'cloud_account_uid'],
];

export const serverList: ListSpec<ServerField> = {
  from: `servers s left join ordering_groups g on g.uid = s.group_uid left join ordering_environments e on e.uid = s.environment_uid
    left join os_builds b on b.uid = s.os_build_uid left join cloud_accounts a on a.uid = s.cloud_account_uid
    left join users u on u.id = s.owner_id left join deployments p on p.uid = s.deployment_uid`,
  driver: {
    ...{ table: 'servers', alias: 's', key: 'uid', counted: true },
    tally: { table: 'server_tallies', columns: TALLIED },
  },
  fields: {
    number: { sql: 's.number', type: 'integer' },
    code: { sql: 's.code', type: 'name' },
    id: { sql: 's.id', type: 'text' },
    hostname: { sql: 's.hostname', type: 'text' },
    status: { sql: 's.status', type: 'name' },
    power: { sql: 's.power', type: 'name' },
    ip: { sql: 's.ip', type: 'text' },
    privateIp: { sql: 's.private_ip', type: 'text' },
    mac: { sql: 's.mac', type: 'text' },
    port: { sql: 's.port', type: 'integer' },
    cpus: { sql: 's.cpus', type: 'integer' },
    memoryMb: { sql: 's.memory_mb', type: 'integer' },
    memoryGb: { sql: '(s.memory_mb / 1024.0)', type: 'json' },
    diskGb: { sql: 's.disk_gb', type: 'integer' },
    osFamily: { sql: 's.os_family', type: 'text' },
    username: { sql: 's.username', type: 'text' },
    hasPassword: { sql: 's.has_password', type: 'boolean' },
    hasKey: { sql: 's.has_key', type: 'boolean' },
    expiresOn: { sql: 's.expires_on::text', type: 'text' },
    parameters: { sql: 's.parameters', type: 'json' },
    labels: { sql: 'to_json(s.labels)', type: 'json' },
    notes: { sql: 's.notes', type: 'text' },
    facts: { sql: 's.facts', type: 'json' },
    trouble: { sql: 's.trouble', type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
    updatedAt: { sql: 's.updated_at', type: 'time' },
    seenAt: { sql: 's.seen_at', type: 'time' },
    endedAt: { sql: 's.ended_at', type: 'time' },
    group: { sql: 'g.number', type: 'integer', via: inGroup('number') },
    groupCode: { sql: 'g.code', type: 'text', via: inGroup('code') },
    groupName: { sql: 'g.name', type: 'text', via: inGroup('name') },
    environment: { sql: 'e.number', type: 'integer', via: inEnvironment('number') },
    environmentCode: { sql: 'e.code', type: 'text', via: inEnvironment('code') },
    environmentName: { sql: 'e.name', type: 'text', via: inEnvironment('name') },
    osBuild: { sql: 'b.number', type: 'integer', via: ofBuild('number') },
    osBuildCode: { sql: 'b.code', type: 'text', via: ofBuild('code') },
    osBuildName: { sql: 'b.name', type: 'text', via: ofBuild('name') },
    account: { sql: 'a.uid', type: 'integer', via: inAccount('uid') },
    accountName: { sql: 'a.name', type: 'text', via: inAccount('name') },
    accountKind: { sql: 'a.kind', type: 'text', via: inAccount('kind') },
    owner: { sql: 'u.id', type: 'integer', via: ofOwner('id') },
    ownerName: { sql: 'u.username', type: 'text', via: ofOwner('username') },
    deploymentId: { sql: 'p.id', type: 'text' },
    node: { sql: 's.node', type: 'text' },
    instanceId: { sql: 's.node_instance_id', type: 'text' },
    disks: { sql: DISKS, type: 'json' },
    nics: { sql: NICS, type: 'json' },
    snapshots: { sql: SNAPSHOTS, type: 'json' },
  },
  // Of whoever sees everything, all; else those of groups in which a role lets one see servers, and one's own in others.
  confine: (scope) => {
    const inTenant = sql`s.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    const inSight = sql`select g.uid from ordering_groups g
      join ordering_members m on m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId}
      join ordering_roles r on r.uid = m.role_uid and 'server.view' = any(r.permissions)
      where g.tenant_id = ${scope.tenantId} and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path)))`;
    return [
      { lead: { key: 's.group_uid', found: sql`select distinct v.uid from (${inSight}) v` }, rest: inTenant },
      sql`${inTenant} and s.owner_id = ${scope.userId} and (s.group_uid in (${inSight})) is not true`,
    ];
  },
  defaultSort: [],
  tieBreak: 's.uid',
  search: ['hostname'],
};

/** What the inventory works with. */
export interface ServerRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly id: string;
  readonly hostname: string;
  readonly status: ServerState;
  readonly power: Power;
  readonly resourceUid: number | null;
  /** What the handler calls it; null: nothing is there. */
  readonly providerId: string | null;
  readonly accountUid: number | null;
  readonly groupUid: number | null;
  readonly environmentUid: number | null;
  readonly osBuildUid: number | null;
  readonly ownerId: UserId | null;
  readonly deploymentUid: DeploymentUid | null;
  readonly deploymentId: string | null;
  readonly node: string | null;
  readonly instanceId: string | null;
  /** Somebody else built it: its handler knows it by its own name alone. */
  readonly found: boolean;
  readonly ip: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly parameters: JsonObject;
}

const SERVER = `s.uid, s.number::integer as number, s.code, s.id, s.hostname, s.status, s.power, s.resource_uid as "resourceUid",
  r.provider_id as "providerId", s.cloud_account_uid as "accountUid", s.group_uid as "groupUid", s.environment_uid as "environmentUid",
  s.os_build_uid as "osBuildUid", s.owner_id as "ownerId", s.deployment_uid as "deploymentUid", p.id as "deploymentId", s.node,
  s.node_instance_id as "instanceId", s.found, s.ip, s.cpus, s.memory_mb as "memoryMb", s.disk_gb as "diskGb", s.parameters`;
const FROM = `from servers s left join inventory_resources r on r.uid = s.resource_uid
  left join deployments p on p.uid = s.deployment_uid where s.tenant_id = $1`;

/** `$2` number or `$3` code; `$4` user, `$5` whether they see all. */
export const selectServer = tenantStatement<ServerRow>(
  'servers_select',
  `select ${SERVER} ${FROM} and (s.number = $2 or s.code = $3) and ($5 or s.owner_id = $4 or s.group_uid in (
     select g.uid from ordering_groups g join ordering_members m on m.tenant_id = $1 and m.user_id = $4
     join ordering_roles o on o.uid = m.role_uid and 'server.view' = any(o.permissions)
     where g.tenant_id = $1 and (m.group_uid = g.uid or (o.reaches_down and m.group_uid = any(g.path)))))`,
);

export const selectServersByUid = tenantStatement<ServerRow>(
  'servers_select_by_uid',
  `select ${SERVER} ${FROM} and s.uid = any($2::bigint[]) order by s.uid`,
);

/** `$2` numbers, `$3` codes. */
export const selectServersByKey = tenantStatement<ServerRow>(
  'servers_select_by_key',
  `select ${SERVER} ${FROM} and (s.number = any($2::bigint[]) or s.code = any($3::text[])) order by s.uid`,
);

export const selectServersOfDeployment = tenantStatement<ServerRow>(
  'servers_select_of_deployment',
  `select ${SERVER} ${FROM} and p.tenant_id = $1 and p.id = $2 and s.status <> 'historical' order by s.number`,
);

/** The one that stands for node instance `$2`. */
export const selectServerOfInstance = tenantStatement<ServerRow>(
  'servers_select_of_instance',
  `select ${SERVER} ${FROM} and s.node_instance_id = $2 and s.status <> 'historical'`,
);

/** Those of account `$2` that are not over. */
export const selectServersOfAccount = tenantStatement<ServerRow>(
  'servers_select_of_account',
  `select ${SERVER} ${FROM} and s.cloud_account_uid = $2 and s.status <> 'historical' order by s.uid`,
);

/** One that was registered for node `$3` of deployment `$2` and has no instance yet becomes that of instance `$4`. */
export const claimRegistered = tenantStatement<{ uid: number }>(
  'servers_claim_registered',
  `update servers s set node_instance_id = $4, updated_at = now()
   where s.tenant_id = $1 and s.uid = (select o.uid from servers o where o.tenant_id = $1 and o.deployment_uid = $2 and o.node = $3
     and o.node_instance_id is null and o.status <> 'historical' order by o.uid limit 1 for update skip locked)
   returning s.uid`,
);

export interface InstanceFacts {
  readonly deploymentUid: DeploymentUid;
  readonly node: string;
  readonly state: string;
  readonly creatorId: UserId | null;
  readonly runtimeProperties: JsonObject;
  readonly properties: JsonObject;
}

/** `$2` id of a node instance. Its node is looked for by its key, not among all nodes of the tenant. */
export const selectInstanceFacts = tenantStatement<InstanceFacts>(
  'servers_instance_facts',
  `select i.deployment_uid as "deploymentUid", i.node, i.state, d.created_by as "creatorId", i.runtime_properties as "runtimeProperties",
     coalesce(n.definition -> 'properties', '{}') as properties
   from node_instances i
   cross join lateral (select h.created_by from deployments h where h.tenant_id = $1 and h.uid = i.deployment_uid offset 0) d
   cross join lateral (select l.definition from nodes l where l.deployment_uid = i.deployment_uid and l.name = i.node offset 0) n
   where i.tenant_id = $1 and i.id = $2`,
);

/** Where servers of the same node stand already: instances that are added by scaling go there too. */
export const selectSibling = tenantStatement<{
  uid: number;
  groupUid: number | null;
  environmentUid: number | null;
  osBuildUid: number | null;
  ownerId: UserId | null;
  expiresOn: string | null;
  serviceUid: number | null;
}>(
  'servers_sibling',
  `select s.uid, s.group_uid as "groupUid", s.environment_uid as "environmentUid", s.os_build_uid as "osBuildUid", s.owner_id as "ownerId",
     s.expires_on::text as "expiresOn", s.service_uid as "serviceUid"
   from servers s where s.tenant_id = $1 and s.deployment_uid = $2 and s.node = $3 order by s.uid desc limit 1`,
);

/**
 * `$2` number, `$3` hostname, `$4` account, `$5` group, `$6` environment, `$7` OS build, `$8` owner, `$9` deployment, `$10` node,
 * `$11` instance, `$12` cpus, `$13` memory, `$14` disk, `$15` parameters, `$16` status, `$17` expiry,
 * `$18` what it is a part of. Group and environment
 * are those that collect what is in no other, where none is named.
 */
export const insertServer = tenantStatement<{ uid: number; id: string; number: number; code: string }>(
  'servers_insert',
  `insert into servers (tenant_id, number, hostname, cloud_account_uid, group_uid, environment_uid, os_build_uid, owner_id, deployment_uid,
     node, node_instance_id, cpus, memory_mb, disk_gb, parameters, status, expires_on, service_uid)
   values ($1, $2, $3, $4, coalesce($5, (select g.uid from ordering_groups g where g.tenant_id = $1 and g.name = 'Unassigned' and g.parent_uid is null)),
     coalesce($6, (select e.uid from ordering_environments e where e.tenant_id = $1 and e.unassigned)), $7, $8, $9, $10, $11, $12, $13, $14,
     $15::jsonb, $16, $17::date, $18)
   returning uid, id, number::integer as number, code`,
);

/** `$3` deployment, `$4` what they are a part of or null. */
export const bindServers = tenantStatement(
  'servers_bind',
  `update servers s set deployment_uid = (select d.uid from deployments d where d.tenant_id = $1 and d.id = $3), service_uid = $4, updated_at = now()
   where s.tenant_id = $1 and s.uid = any($2::bigint[])`,
);

/** `$3` status, `$4` trouble. */
export const setServerStatus = tenantStatement(
  'servers_set_status',
  `update servers s set status = $3, trouble = $4, updated_at = now(),
     power = case when $3 = 'historical' then 'off' else s.power end,
     ended_at = case when $3 = 'historical' then coalesce(s.ended_at, now()) end
   where s.tenant_id = $1 and s.uid = any($2::bigint[]) and s.status <> 'historical'`,
);

/**
 * What was seen of it. `$3` power, `$4` hostname, `$5` ip, `$6` private ip, `$7` port, `$8` mac, `$9` cpus, `$10` memory, `$11` disk,
 * `$12` OS family, `$13` facts, `$14` resource, `$15` status (null: as it is), `$16` account.
 */
export const saveSeen = tenantStatement(
  'servers_save_seen',
  `update servers s set power = $3, hostname = $4, ip = $5, private_ip = $6, port = $7, mac = $8, cpus = $9, memory_mb = $10, disk_gb = $11,
     os_family = case when $12 = '' then s.os_family else $12 end, facts = $13::jsonb, resource_uid = $14, status = coalesce($15, s.status),
     cloud_account_uid = $16, trouble = '', seen_at = now(), updated_at = now()
   where s.tenant_id = $1 and s.uid = $2`,
);

export const setHasPassword = tenantStatement(
  'servers_set_has_password',
  'update servers s set has_password = true, updated_at = now() where s.tenant_id = $1 and s.uid = $2 and not s.has_password',
);

/** `$3` event, `$4` message, `$5` username or null, `$6` execution or null. */
export const insertHistory = tenantStatement(
  'servers_insert_history',
  `insert into server_history (tenant_id, server_uid, event, message, user_id, execution_id)
   values ($1, $2, $3, $4, (select u.id from users u where u.username = $5), $6)`,
);

/** What people call where servers `$2` stand, and what they are made of. */
export const selectNames = tenantStatement<{
  uid: number;
  environment: { uid: number; number: number; code: string; name: string } | null;
  osBuild: string | null;
  accountId: string | null;
}>(
  'servers_names',
  `select s.uid, b.name as "osBuild", a.id as "accountId", case when e.uid is not null
     then json_build_object('uid', e.uid, 'number', e.number, 'code', e.code, 'name', e.name) end as environment
   from servers s left join ordering_environments e on e.uid = s.environment_uid left join os_builds b on b.uid = s.os_build_uid
     left join cloud_accounts a on a.uid = s.cloud_account_uid
   where s.tenant_id = $1 and s.uid = any($2::bigint[])`,
);

export const selectAccountKind = tenantStatement<{ kind: string }>(
  'servers_account_kind',
  `select a.kind from servers s join cloud_accounts a on a.uid = s.cloud_account_uid where s.tenant_id = $1 and a.tenant_id = $1 and s.uid = $2`,
);

/** Names in use that are like one of `$2`, in lower case. */
export const selectTaken = tenantStatement<{ hostname: string }>(
  'servers_taken',
  `select lower(s.hostname) as hostname from servers s
   where s.tenant_id = $1 and s.status <> 'historical' and lower(s.hostname) like any($2::text[])`,
);

export const tenantByName = systemStatement<{ id: TenantId }>(
  'servers_tenant_by_name',
  'select id from tenants where name = $1',
  'an operation tells the name of its tenant, which every later statement is confined to',
);

/** `$2` name or id; '': the first of kind local. */
export const selectAccountFor = tenantStatement<{ uid: number; kind: string }>(
  'servers_account_for',
  `select a.uid, a.kind from cloud_accounts a where a.tenant_id = $1 and a.is_cloud
     and case when $2 = '' then a.kind = 'local' else a.name = $2 or a.id::text = $2 end order by a.uid limit 1`,
);

/**
 * The found resource of an instance: `$2` account, `$3` region, `$4` the handler's name, `$5` name, `$6` tags, `$7` facts, `$8` digest,
 * `$9` owner, `$10` deployment, `$11` instance. Somebody who only looked does not take away who built it.
 */
export const upsertInstanceResource = tenantStatement<{ uid: number }>(
  'servers_upsert_resource',
  `insert into inventory_resources (tenant_id, cloud_account_uid, type, region, provider_id, name, tags, facts, digest, owner_id,
     deployment_uid, node_instance_id)
   values ($1, $2, 'instance', $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9, $10, $11)
   on conflict (cloud_account_uid, type, region, provider_id) do update set name = excluded.name, tags = excluded.tags,
     facts = inventory_resources.facts || excluded.facts, digest = excluded.digest, destroyed_at = null,
     modified_at = case when inventory_resources.digest = excluded.digest then inventory_resources.modified_at else now() end,
     owner_id = coalesce(excluded.owner_id, inventory_resources.owner_id),
     deployment_uid = coalesce(excluded.deployment_uid, inventory_resources.deployment_uid),
     node_instance_id = coalesce(excluded.node_instance_id, inventory_resources.node_instance_id)
   returning uid`,
);

export const endResources = tenantStatement(
  'servers_end_resources',
  `update inventory_resources r set destroyed_at = now() from servers s
   where s.tenant_id = $1 and r.tenant_id = $1 and r.uid = s.resource_uid and s.uid = any($2::bigint[]) and r.destroyed_at is null`,
);
