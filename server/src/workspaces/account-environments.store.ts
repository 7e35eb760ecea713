import { sql } from 'kysely';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type EnvironmentField =
  | 'id'
  | 'name'
  | 'description'
  | 'tenant'
  | 'owner'
  | 'metadata'
  | 'createdAt'
  | 'updatedAt';

export const ENVIRONMENT_LIST: ListSpec<EnvironmentField> = {
  from: 'account_environments e join tenants t on t.id = e.tenant_id left join users o on o.id = e.owner_id',
  driver: { table: 'account_environments', alias: 'e', key: 'uid' },
  fields: {
    id: { sql: 'e.id', type: 'name' },
    name: { sql: 'e.name', type: 'text' },
    description: { sql: 'e.description', type: 'text' },
    tenant: { sql: 't.uuid', type: 'name' },
    owner: { sql: 'o.uuid', type: 'name' },
    metadata: { sql: 'e.metadata', type: 'json' },
    createdAt: { sql: 'e.created_at', type: 'time' },
    updatedAt: { sql: 'e.updated_at', type: 'time' },
  },
  confine: ownTenant('e', { visibility: false }),
  selections: {
    workspace: ([
      workspace,
    ]) => sql`exists (select from workspace_environments we join workspaces w on w.uid = we.workspace_uid
      where we.tenant_id = e.tenant_id and we.environment_uid = e.uid and w.id = ${workspace}::uuid)`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'e.uid',
  search: ['name'],
};

/** A cloud account as those see it who keep connections: with what they have noted on it, and its environments. */
export type ConnectionField =
  | 'id'
  | 'name'
  | 'kind'
  | 'status'
  | 'noted'
  | 'notedStatus'
  | 'notedType'
  | 'owner'
  | 'environments'
  | 'createdAt'
  | 'updatedAt';

export const CONNECTION_LIST: ListSpec<ConnectionField> = {
  from: 'cloud_accounts a left join users o on o.id = a.owner_id',
  driver: { table: 'cloud_accounts', alias: 'a', key: 'uid' },
  fields: {
    id: { sql: 'a.id', type: 'name' },
    name: { sql: 'a.name', type: 'text' },
    kind: { sql: 'a.kind', type: 'text' },
    status: { sql: 'a.status', type: 'text' },
    noted: { sql: `coalesce(a.settings -> 'connection', '{}'::jsonb)`, type: 'json' },
    notedStatus: { sql: `a.settings -> 'connection' ->> 'status'`, type: 'text' },
    notedType: { sql: `a.settings -> 'connection' ->> 'type'`, type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    environments: {
      sql: `(select coalesce(json_agg(json_build_object('id', e.id, 'name', e.name, 'description', e.description)), '[]')
        from environment_accounts ea join account_environments e on e.uid = ea.environment_uid
        where ea.tenant_id = a.tenant_id and ea.cloud_account_uid = a.uid)`,
      type: 'json',
    },
    createdAt: { sql: 'a.created_at', type: 'time' },
    updatedAt: { sql: 'a.updated_at', type: 'time' },
  },
  confine: ownTenant('a', { visibility: false }),
  selections: {
    environment: ([
      environment,
    ]) => sql`exists (select from environment_accounts ea join account_environments e on e.uid = ea.environment_uid
      where ea.tenant_id = a.tenant_id and ea.cloud_account_uid = a.uid and e.id = ${environment}::uuid)`,
    instance: ([instance]) => sql`a.settings -> 'connection' -> 'metadata' ->> 'instance_id' = ${instance}`,
  },
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'a.uid',
  search: ['name'],
};

export const countStatuses = tenantStatement<{ status: string; noted: string | null; count: number }>(
  'account_environments_count_statuses',
  `select a.status, a.settings -> 'connection' ->> 'status' as noted, count(*)::integer as count
   from cloud_accounts a where a.tenant_id = $1 group by 1, 2`,
);

export const lockEnvironment = tenantStatement<{ uid: number; id: string }>(
  'account_environments_lock',
  'select e.uid, e.id from account_environments e where e.tenant_id = $1 and e.id = $2 for no key update',
);

export const insertEnvironment = tenantStatement<{ id: string }>(
  'account_environments_insert',
  'insert into account_environments (tenant_id, name, description, metadata, owner_id) values ($1, $2, $3, $4, $5) returning id',
);

/** Null: as it is. */
export const updateEnvironment = tenantStatement(
  'account_environments_update',
  `update account_environments e set name = coalesce($3, e.name), description = coalesce($4, e.description),
     metadata = coalesce($5, e.metadata), updated_at = now() where e.tenant_id = $1 and e.uid = $2`,
);

export const deleteEnvironment = tenantStatement(
  'account_environments_delete',
  'delete from account_environments e where e.tenant_id = $1 and e.uid = $2',
);
