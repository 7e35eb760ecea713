import { sql } from 'kysely';
import type { TenantId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { TenantRole } from './roles.js';

const WHY = 'the tenants themselves, and who is in them, belong to no tenant';

export interface TenantRow {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAt: Date;
  /** Everybody with a role in the tenant: direct members and members of its groups. */
  readonly users: string[];
  readonly groups: string[];
  readonly userRoles: {
    readonly direct: Readonly<Record<string, TenantRole>>;
    readonly groups: Readonly<Record<string, { readonly role: TenantRole; readonly users: string[] }>>;
  };
}

const USERS = `array(select u.username from users u where u.id in (
    select tu.user_id from tenant_users tu where tu.tenant_id = t.id
    union select m.user_id from tenant_user_groups tg join user_group_members m on m.group_id = tg.group_id
    where tg.tenant_id = t.id) order by u.username)`;
const GROUPS = `array(select g.name from tenant_user_groups tg join user_groups g on g.id = tg.group_id
  where tg.tenant_id = t.id order by g.name)`;
const USER_ROLES = `json_build_object(
  'direct', (select coalesce(json_object_agg(u.username, tu.role order by u.username), '{}')
             from tenant_users tu join users u on u.id = tu.user_id where tu.tenant_id = t.id),
  'groups', (select coalesce(json_object_agg(g.name, json_build_object('role', tg.role, 'users',
               array(select u.username from user_group_members m join users u on u.id = m.user_id
                     where m.group_id = g.id order by u.username)) order by g.name), '{}')
             from tenant_user_groups tg join user_groups g on g.id = tg.group_id where tg.tenant_id = t.id))`;

export const selectTenant = systemStatement<TenantRow>(
  'tenants_select',
  `select t.id, t.name, t.created_at as "createdAt", ${USERS} as users, ${GROUPS} as groups,
     ${USER_ROLES} as "userRoles"
   from tenants t where t.name = $1`,
  WHY,
);

export interface LockedTenantRow {
  readonly id: TenantId;
  readonly name: string;
}

export const lockTenant = systemStatement<LockedTenantRow>(
  'tenants_lock',
  'select id, name from tenants where name = $1 for no key update',
  WHY,
);

export const insertTenant = systemStatement<{ id: TenantId }>(
  'tenants_insert',
  'insert into tenants (name) values ($1) on conflict do nothing returning id',
  WHY,
);

export const deleteTenant = systemStatement('tenants_delete', 'delete from tenants where id = $1', WHY);

export const countMembers = systemStatement<{ users: number; groups: number }>(
  'tenants_count_members',
  `select (select count(*) from tenant_users where tenant_id = $1)::integer as users,
          (select count(*) from tenant_user_groups where tenant_id = $1)::integer as groups`,
  WHY,
);

/** What the membership of users and that of groups have in common. */
export interface MembershipStatements {
  readonly thing: 'User' | 'User group';
  readonly lock: ReturnType<typeof systemStatement<{ id: number; name: string }>>;
  readonly insert: ReturnType<typeof systemStatement<object>>;
  readonly update: ReturnType<typeof systemStatement<object>>;
  readonly delete: ReturnType<typeof systemStatement<object>>;
}

export const USERS_OF_TENANT: MembershipStatements = {
  thing: 'User',
  lock: systemStatement(
    'tenants_lock_user',
    'select id, username as name from users where lower(username) = lower($1) for no key update',
    WHY,
  ),
  insert: systemStatement(
    'tenants_insert_user',
    'insert into tenant_users (tenant_id, user_id, role) values ($1, $2, $3) on conflict do nothing',
    WHY,
  ),
  update: systemStatement(
    'tenants_update_user',
    'update tenant_users set role = $3 where tenant_id = $1 and user_id = $2',
    WHY,
  ),
  delete: systemStatement(
    'tenants_delete_user',
    'delete from tenant_users where tenant_id = $1 and user_id = $2',
    WHY,
  ),
};

export const GROUPS_OF_TENANT: MembershipStatements = {
  thing: 'User group',
  lock: systemStatement(
    'tenants_lock_group',
    'select id, name from user_groups where lower(name) = lower($1) for no key update',
    WHY,
  ),
  insert: systemStatement(
    'tenants_insert_group',
    'insert into tenant_user_groups (tenant_id, group_id, role) values ($1, $2, $3) on conflict do nothing',
    WHY,
  ),
  update: systemStatement(
    'tenants_update_group',
    'update tenant_user_groups set role = $3 where tenant_id = $1 and group_id = $2',
    WHY,
  ),
  delete: systemStatement(
    'tenants_delete_group',
    'delete from tenant_user_groups where tenant_id = $1 and group_id = $2',
    WHY,
  ),
};

export type TenantField =
  | 'id'
  | 'name'
  | 'createdAt'
  | 'users'
  | 'userCount'
  | 'groups'
  | 'groupCount'
  | 'userRoles';

export const TENANT_LIST: ListSpec<TenantField> = {
  from: 'tenants t',
  fields: {
    id: { sql: 't.id', type: 'integer' },
    name: { sql: 't.name', type: 'text' },
    createdAt: { sql: 't.created_at', type: 'time' },
    users: { sql: `to_json(${USERS})`, type: 'json' },
    userCount: { sql: `cardinality(${USERS})`, type: 'integer' },
    groups: { sql: `to_json(${GROUPS})`, type: 'json' },
    groupCount: { sql: `cardinality(${GROUPS})`, type: 'integer' },
    userRoles: { sql: USER_ROLES, type: 'json' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? sql`true`
      : sql`t.id in (
          select tu.tenant_id from tenant_users tu where tu.user_id = ${scope.userId}
          union select tg.tenant_id from user_group_members m
          join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'name' }],
  tieBreak: 't.id',
  search: ['name'],
};

/** The same for those who do not manage tenants: how many others are there, not who. */
export const TENANT_LIST_OF_MEMBERS: ListSpec<TenantField> = {
  ...TENANT_LIST,
  fields: {
    ...TENANT_LIST.fields,
    users: { sql: `'[]'::json`, type: 'json' },
    groups: { sql: `'[]'::json`, type: 'json' },
    userRoles: { sql: `'{}'::json`, type: 'json' },
  },
};
