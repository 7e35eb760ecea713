import { sql } from 'kysely';
import type { JsonObject } from '../dsl/plan.js';
import type { UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type ServiceField =
  | 'number'
  | 'code'
  | 'name'
  | 'status'
  | 'type'
  | 'typeNumber'
  | 'typeLabel'
  | 'createdAt'
  | 'installedAt'
  | 'expiresOn'
  | 'parameters'
  | 'offer'
  | 'offerCode'
  | 'offerName'
  | 'group'
  | 'groupCode'
  | 'groupName'
  | 'owner'
  | 'ownerName'
  | 'deploymentId'
  | 'rate'
  | 'servers';

const SERVERS = `(select coalesce(json_agg(json_build_object('number', v.number, 'code', v.code, 'hostname', v.hostname, 'node', v.node)
  order by v.uid), '[]') from servers v where v.tenant_id = s.tenant_id and v.service_uid = s.uid)`;

/** What its servers cost, as they were ordered. */
const RATE = `(select coalesce(sum(h.rate), 0)::float8 from quota_holds h join servers v on v.uid = h.server_uid
  where h.tenant_id = s.tenant_id and v.tenant_id = s.tenant_id and v.service_uid = s.uid)`;

/** What was built under one name, as members of its group see it. */
export const serviceList: ListSpec<ServiceField> = {
  from: `services s join resource_types t on t.uid = s.resource_type_uid left join offers o on o.uid = s.offer_uid
    left join ordering_groups g on g.uid = s.group_uid left join users u on u.id = s.owner_id left join deployments p on p.uid = s.deployment_uid`,
  fields: {
    number: { sql: 's.number', type: 'integer' },
    code: { sql: 's.code', type: 'name' },
    name: { sql: 's.name', type: 'text' },
    status: { sql: 's.status', type: 'name' },
    type: { sql: 't.name', type: 'text' },
    typeNumber: { sql: 't.number', type: 'integer' },
    typeLabel: { sql: 't.label', type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
    installedAt: { sql: 's.installed_at', type: 'time' },
    expiresOn: { sql: 's.expires_on::text', type: 'text' },
    parameters: { sql: 's.parameters', type: 'json' },
    offer: { sql: 'o.number', type: 'integer' },
    offerCode: { sql: 'o.code', type: 'text' },
    offerName: { sql: 'o.name', type: 'text' },
    group: { sql: 'g.number', type: 'integer' },
    groupCode: { sql: 'g.code', type: 'text' },
    groupName: { sql: 'g.name', type: 'text' },
    owner: { sql: 'u.id', type: 'integer' },
    ownerName: { sql: 'u.username', type: 'text' },
    deploymentId: { sql: 'p.id', type: 'text' },
    rate: { sql: RATE, type: 'json' },
    servers: { sql: SERVERS, type: 'json' },
  },
  confine: (scope) => {
    const inTenant = sql`s.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    return sql`${inTenant} and (s.owner_id = ${scope.userId} or s.group_uid in (
      select g.uid from ordering_groups g join ordering_members m on m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId}
      join ordering_roles r on r.uid = m.role_uid and 'resource.view' = any(r.permissions)
      where g.tenant_id = ${scope.tenantId} and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path)))))`;
  },
  defaultSort: [{ field: 'number' }],
  tieBreak: 's.uid',
  search: ['name'],
};

export interface ServiceRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly status: 'provisioning' | 'active' | 'provision-failed' | 'historical';
  readonly groupUid: number | null;
  readonly ownerId: UserId | null;
  readonly deploymentId: string | null;
  readonly type: string;
  readonly parameters: JsonObject;
}

const SERVICE = `s.uid, s.number::integer as number, s.code, s.name, s.status, s.group_uid as "groupUid", s.owner_id as "ownerId",
  p.id as "deploymentId", t.name as type, s.parameters from services s join resource_types t on t.uid = s.resource_type_uid
  left join deployments p on p.uid = s.deployment_uid where s.tenant_id = $1 and t.tenant_id = $1`;

/** `$2` numbers, `$3` codes. */
export const selectServicesByKey = tenantStatement<ServiceRow>(
  'services_select_by_key',
  `select ${SERVICE} and (s.number = any($2::bigint[]) or s.code = any($3::text[])) order by s.uid`,
);

export const selectServicesByUid = tenantStatement<ServiceRow>(
  'services_select_by_uid',
  `select ${SERVICE} and s.uid = any($2::bigint[]) order by s.uid`,
);

export const selectServicesOfDeployments = tenantStatement<ServiceRow>(
  'services_select_of_deployments',
  `select ${SERVICE} and p.tenant_id = $1 and p.id = any($2::text[]) order by s.uid`,
);

/** `$2` number, `$3` name, `$4` type, `$5` offer, `$6` group, `$7` owner, `$8` parameters. */
export const insertService = tenantStatement<{ uid: number; code: string }>(
  'services_insert',
  `insert into services (tenant_id, number, name, resource_type_uid, offer_uid, group_uid, owner_id, parameters, expires_on)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, ($8::jsonb ->> 'expiration_date')::date) returning uid, code`,
);

export const bindService = tenantStatement(
  'services_bind',
  `update services s set deployment_uid = (select d.uid from deployments d where d.tenant_id = $1 and d.id = $3)
   where s.tenant_id = $1 and s.uid = $2`,
);

export const setServiceStatus = tenantStatement(
  'services_set_status',
  `update services s set status = $3, installed_at = case when $3 = 'active' then coalesce(s.installed_at, now()) else s.installed_at end,
     ended_at = case when $3 = 'historical' then now() end
   where s.tenant_id = $1 and s.uid = $2 and s.status <> 'historical'`,
);

/** `$2` service, `$3` event, `$4` message, `$5` username or null, `$6` execution or null. */
export const insertServiceHistory = tenantStatement(
  'services_insert_history',
  `insert into service_history (tenant_id, service_uid, event, message, user_id, execution_id)
   values ($1, $2, $3, $4, (select u.id from users u where u.username = $5), $6)`,
);

/** Servers that are parts of service `$2`. */
export const selectServersOfService = tenantStatement<{ uid: number }>(
  'services_servers',
  `select s.uid from servers s where s.tenant_id = $1 and s.service_uid = $2 and s.status <> 'historical' order by s.number`,
);

/** Server `$2` is one that somebody else built (`$3`), or no more. */
export const setFound = tenantStatement(
  'servers_set_found',
  'update servers s set found = $3 where s.tenant_id = $1 and s.uid = $2',
);

/** Server `$2` stands for instance `$5` of node `$4` in deployment `$3`, unless it stands for one already. */
export const bindFoundServer = tenantStatement(
  'servers_bind_found',
  `update servers s set deployment_uid = (select d.uid from deployments d where d.tenant_id = $1 and d.id = $3), node = $4,
     node_instance_id = $5, updated_at = now()
   where s.tenant_id = $1 and s.uid = $2 and s.deployment_uid is null and s.status <> 'historical'`,
);

/** Parameters of a server, and what one of them means to it. */
export const setServerParameters = tenantStatement(
  'servers_set_parameters',
  `update servers s set parameters = s.parameters || $3::jsonb, updated_at = now(),
     expires_on = case when $3::jsonb ? 'expiration_date' then nullif($3::jsonb ->> 'expiration_date', '')::date else s.expires_on end,
     expiry_handled_at = case when $3::jsonb ? 'expiration_date' then null else s.expiry_handled_at end
   where s.tenant_id = $1 and s.uid = $2`,
);

export interface ParameterRow {
  readonly uid: number;
  readonly parameters: JsonObject;
}
