import { sql } from 'kysely';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { FilterRule } from './filter-rules.js';
import { SYSTEM_FILTERS } from './system-filters.js';

export type Visibility = 'private' | 'tenant' | 'global';
export type FilterCollection = 'blueprints' | 'deployments';

export type FilterField =
  | 'id'
  | 'rules'
  | 'system'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt';

const SYSTEM = JSON.stringify(SYSTEM_FILTERS.map(({ id, rules }) => ({ id, rules }))).replaceAll("'", "''");

/** Stored filters and those that everybody has, which are kept nowhere: they look as if the first administrator had made them. */
const EVERY = `(select f.uid, f.tenant_id, f.collection, f.id, f.rules, false as system, f.visibility, f.created_by, f.created_at, f.updated_at
    from filters f
  union all
  select -s.place, null, 'deployments', s.filter ->> 'id', s.filter -> 'rules', true, 'global', null,
    (select min(t.created_at) from tenants t), (select min(t.created_at) from tenants t)
    from json_array_elements('${SYSTEM}') with ordinality as s(filter, place)) f`;

/** The list of filters of one collection. */
export function filterList(collection: FilterCollection): ListSpec<FilterField> {
  const own = ownTenant('f', { visibility: true });
  return {
    from: `${EVERY} left join tenants t on t.id = f.tenant_id left join users u on u.id = f.created_by`,
    fields: {
      id: { sql: 'f.id', type: 'text' },
      rules: { sql: 'f.rules', type: 'json' },
      system: { sql: 'f.system', type: 'boolean' },
      visibility: { sql: 'f.visibility', type: 'text' },
      tenantName: { sql: `coalesce(t.name, 'default_tenant')`, type: 'text' },
      createdBy: { sql: `coalesce(u.username, 'admin')`, type: 'text' },
      createdAt: { sql: 'f.created_at', type: 'time' },
      updatedAt: { sql: 'f.updated_at', type: 'time' },
    },
    confine: (scope) => [
      ...own(scope).map((branch) => sql`f.collection = ${collection} and not f.system and ${branch}`),
      sql`f.collection = ${collection} and f.system`,
    ],
    defaultSort: [{ field: 'createdAt' }],
    tieBreak: 'f.uid',
    search: ['id'],
  };
}

export interface FilterRow {
  readonly uid: number;
  readonly own: boolean;
  readonly rules: readonly FilterRule[];
  readonly visibility: Visibility;
}

/** `$2` collection, `$3` id, `$4` user, `$5` whether others' private ones show. */
export const selectFilter = tenantStatement<FilterRow>(
  'filter_select',
  `select f.uid, f.tenant_id = $1 as own, f.rules, f.visibility from filters f
   where f.collection = $2 and f.id = $3
     and ((f.tenant_id = $1 and (f.visibility <> 'private' or f.created_by = $4 or $5)) or f.visibility = 'global')
   order by (f.tenant_id = $1) desc limit 1`,
);

export const insertFilter = tenantStatement(
  'filter_insert',
  'insert into filters (tenant_id, collection, id, rules, visibility, created_by) values ($1, $2, $3, $4, $5, $6)',
);

export const updateFilter = tenantStatement(
  'filter_update',
  `update filters f set rules = coalesce($3, f.rules), visibility = coalesce($4, f.visibility), updated_at = now()
   where f.tenant_id = $1 and f.uid = $2`,
);

export const deleteFilter = tenantStatement(
  'filter_delete',
  'delete from filters f where f.tenant_id = $1 and f.uid = $2',
);

/** `$1` collection, `$2` id, `$3` tenant, `$4` in any tenant, not only as a global one. */
export const filterTakenElsewhere = systemStatement<{ taken: boolean }>(
  'filter_taken_elsewhere',
  `select exists (select from filters
     where collection = $1 and id = $2 and tenant_id <> $3 and (visibility = 'global' or $4)) as taken`,
  'ids of filters that are shared with every tenant are unique across tenants (cloudify.md §2.2)',
);
