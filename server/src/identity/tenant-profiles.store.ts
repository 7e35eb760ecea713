import { sql } from 'kysely';
import type { TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { TenantRole } from './roles.js';

const WHY = 'the tenants themselves belong to no tenant';

export interface TenantProfileRow {
  readonly id: TenantId;
  readonly uuid: string;
  readonly name: string;
  /** What people read. */
  readonly title: string;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Users with a role of their own in it; those who come through groups are not counted. */
  readonly userCount: number;
}
export type TenantProfileField = keyof TenantProfileRow;

const FIELDS = {
  id: { sql: 't.id', type: 'integer' },
  uuid: { sql: 't.uuid::text', type: 'text' },
  name: { sql: 't.name', type: 'text' },
  title: { sql: 'coalesce(t.title, t.name)', type: 'text' },
  description: { sql: 't.description', type: 'text' },
  createdAt: { sql: 't.created_at', type: 'time' },
  updatedAt: { sql: 't.updated_at', type: 'time' },
  userCount: {
    sql: `(select coalesce(sum(c.difference), 0)::integer from row_counts c where c.tenant_id = t.id and c.collection = 'tenant_users')`,
    type: 'integer',
  },
} as const satisfies ListSpec<TenantProfileField>['fields'];

const COLUMNS = Object.entries(FIELDS)
  .map(([name, field]) => `${field.sql} as "${name}"`)
  .join(', ');

const select = (by: string, condition: string) =>
  systemStatement<TenantProfileRow>(
    `tenant_profiles_select_by_${by}`,
    `select ${COLUMNS} from tenants t where ${condition}`,
    WHY,
  );
export const selectTenantById = select('id', 't.id = $1');
export const selectTenantByUuid = select('uuid', 't.uuid = $1::uuid');
export const selectTenantByName = select('name', 't.name = $1');
export const selectTenantByTitle = select('title', 'lower(coalesce(t.title, t.name)) = lower($1)');

/** Which of `$2` the user `$1` is in, by themselves or through a group. */
export const selectRolesIn = systemStatement<{ role: TenantRole }>(
  'tenant_profiles_select_roles',
  `select tu.role from tenant_users tu where tu.user_id = $1 and tu.tenant_id = $2
   union select tg.role from user_group_members m
   join tenant_user_groups tg on tg.group_id = m.group_id and tg.tenant_id = $2 where m.user_id = $1`,
  WHY,
);

export const insertTenantProfile = systemStatement<{ id: TenantId }>(
  'tenant_profiles_insert',
  'insert into tenants (name, title, description) values ($1, $2, $3) on conflict do nothing returning id',
  WHY,
);

export const updateTenantProfile = systemStatement(
  'tenant_profiles_update',
  `update tenants set title = coalesce($2, title), description = case when $3 then $4 else description end, updated_at = now()
   where id = $1`,
  WHY,
);

/** The caller's own; all, for those who see all users. */
export const TENANT_PROFILE_LIST: ListSpec<TenantProfileField> = {
  from: 'tenants t',
  fields: FIELDS,
  confine: (scope) =>
    scope.seesPrivate
      ? sql`true`
      : sql`t.id in (
          select tu.tenant_id from tenant_users tu where tu.user_id = ${scope.userId}
          union select tg.tenant_id from user_group_members m
          join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'id' }],
  tieBreak: 't.id',
  search: ['name', 'title'],
};

export interface TenantFiguresRow {
  readonly id: TenantId;
  readonly title: string;
  readonly clouds: number;
  /** Members of its own, without those who reach every tenant by a system role. */
  readonly people: number;
}

/** What is counted of `t` as it comes and goes: read from an index, whose rows a chore keeps few. */
const counted = (collection: string) =>
  `(select coalesce(sum(c.difference), 0)::integer from row_counts c where c.tenant_id = t.id and c.collection = '${collection}')`;

const selectFigures = (whose: string, confined: string) =>
  systemStatement<TenantFiguresRow>(
    `tenant_profiles_select_figures_${whose}`,
    `select t.id, coalesce(t.title, t.name) as title, ${counted('clouds')} as clouds, ${counted('tenant_people')} as people
     from tenants t ${confined} order by t.id limit 10000`,
    WHY,
  );
/** Of all tenants; of those that the user `$1` is in. */
export const selectAllFigures = selectFigures('all', '');
export const selectOwnFigures = selectFigures(
  'own',
  `where t.id in (
     select tu.tenant_id from tenant_users tu where tu.user_id = $1
     union select tg.tenant_id from user_group_members m
     join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = $1)`,
);
