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

/** Members of each of the tenants `$1`, but for those who reach every tenant. */
export const countMembers = systemStatement<{ tenantId: TenantId; members: number }>(
  'tenant_profiles_count_members',
  `select t.id as "tenantId",
     ((select coalesce(sum(r.difference), 0) from row_counts r where r.tenant_id = t.id and r.collection = 'tenant_users')
      - (select count(*) from users u join tenant_users tu on tu.user_id = u.id and tu.tenant_id = t.id
         where u.system_role <> 'member'))::integer as members
   from unnest($1::bigint[]) as t(id)`,
  'the tenants come from a list that was confined to what the caller may see',
);
