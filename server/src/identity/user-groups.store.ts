import { sql } from 'kysely';
import type { UserGroupId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { SystemRole, TenantRole } from './roles.js';

const WHY = 'user groups belong to no tenant';

export interface UserGroupRow {
  readonly id: UserGroupId;
  readonly name: string;
  readonly role: SystemRole;
  readonly ldapDn: string | null;
  readonly users: string[];
  readonly tenants: string[];
  /** Tenant -> role in it. */
  readonly tenantRoles: Readonly<Record<string, TenantRole>>;
}

const USERS = `array(select u.username from user_group_members m join users u on u.id = m.user_id
  where m.group_id = g.id order by u.username)`;
const TENANTS = `array(select t.name from tenant_user_groups tg join tenants t on t.id = tg.tenant_id
  where tg.group_id = g.id order by t.name)`;
const TENANT_ROLES = `(select coalesce(json_object_agg(t.name, tg.role order by t.name), '{}')
  from tenant_user_groups tg join tenants t on t.id = tg.tenant_id where tg.group_id = g.id)`;

export const selectUserGroup = systemStatement<UserGroupRow>(
  'user_groups_select',
  `select g.id, g.name, g.system_role as role, g.ldap_dn as "ldapDn",
     ${USERS} as users, ${TENANTS} as tenants, ${TENANT_ROLES} as "tenantRoles"
   from user_groups g where lower(g.name) = lower($1)`,
  WHY,
);

export interface LockedUserGroupRow {
  readonly id: UserGroupId;
  readonly name: string;
}

export const lockUserGroup = systemStatement<LockedUserGroupRow>(
  'user_groups_lock',
  'select id, name from user_groups where lower(name) = lower($1) for no key update',
  WHY,
);

export const insertUserGroup = systemStatement(
  'user_groups_insert',
  'insert into user_groups (name, system_role, ldap_dn) values ($1, $2, $3) on conflict do nothing',
  WHY,
);

export const deleteUserGroup = systemStatement(
  'user_groups_delete',
  'delete from user_groups where id = $1',
  WHY,
);

export const updateUserGroupRole = systemStatement(
  'user_groups_update_role',
  'update user_groups set system_role = $2 where id = $1',
  WHY,
);

export const insertMember = systemStatement(
  'user_groups_insert_member',
  'insert into user_group_members (group_id, user_id) values ($1, $2) on conflict do nothing',
  WHY,
);

export const deleteMember = systemStatement(
  'user_groups_delete_member',
  'delete from user_group_members where group_id = $1 and user_id = $2',
  WHY,
);

export type UserGroupField =
  | 'id'
  | 'name'
  | 'role'
  | 'ldapDn'
  | 'users'
  | 'userCount'
  | 'tenants'
  | 'tenantCount'
  | 'tenantRoles';

export const USER_GROUP_LIST: ListSpec<UserGroupField> = {
  from: 'user_groups g',
  fields: {
    id: { sql: 'g.id', type: 'integer' },
    name: { sql: 'g.name', type: 'text' },
    role: { sql: 'g.system_role', type: 'text' },
    ldapDn: { sql: 'g.ldap_dn', type: 'text' },
    users: { sql: `to_json(${USERS})`, type: 'json' },
    userCount: { sql: `cardinality(${USERS})`, type: 'integer' },
    tenants: { sql: `to_json(${TENANTS})`, type: 'json' },
    tenantCount: { sql: `cardinality(${TENANTS})`, type: 'integer' },
    tenantRoles: { sql: TENANT_ROLES, type: 'json' },
  },
  // The service lets nobody else in; still, who may not see all sees none.
  confine: (scope) => (scope.seesPrivate ? sql`true` : sql`false`),
  defaultSort: [{ field: 'name' }],
  tieBreak: 'g.id',
  search: ['name'],
};
