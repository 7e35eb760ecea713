import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type DesignResourceField =
  | 'id'
  | 'owner'
  | 'name'
  | 'namespace'
  | 'type'
  | 'model'
  | 'createdAt'
  | 'updatedAt';

/** The caller's own in the tenant of the call. */
export const RESOURCE_LIST: ListSpec<DesignResourceField> = {
  from: 'design_resources r left join users o on o.id = r.user_id',
  driver: { table: 'design_resources', alias: 'r', key: 'uid' },
  fields: {
    id: { sql: 'r.id', type: 'name' },
    owner: { sql: 'o.uuid', type: 'name' },
    name: { sql: 'r.name', type: 'text' },
    namespace: { sql: 'r.namespace', type: 'text' },
    type: { sql: 'r.type', type: 'text' },
    model: { sql: 'r.model', type: 'text' },
    createdAt: { sql: 'r.created_at', type: 'time' },
    updatedAt: { sql: 'r.updated_at', type: 'time' },
  },
  confine: (scope) => sql`r.tenant_id = ${scope.tenantId} and r.user_id = ${scope.userId}`,
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'r.uid',
  search: ['name'],
};

export const upsertResource = tenantStatement<{ id: string }>(
  'design_resources_upsert',
  `insert into design_resources as r (tenant_id, id, user_id, name, namespace, type, model)
   values ($1, coalesce($2, gen_random_uuid()), $3, $4, $5, $6, $7)
   on conflict (id) do update set name = excluded.name, namespace = excluded.namespace, type = excluded.type, model = excluded.model, updated_at = now()
   where r.tenant_id = excluded.tenant_id and r.user_id = excluded.user_id returning r.id`,
);

export const deleteResource = tenantStatement<{ id: string }>(
  'design_resources_delete',
  'delete from design_resources r where r.tenant_id = $1 and r.user_id = $2 and r.id = $3 returning r.id',
);
