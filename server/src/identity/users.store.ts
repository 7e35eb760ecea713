import { sql } from 'kysely';
import type { UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { SystemRole, TenantRole } from './roles.js';

const WHY = 'users belong to no tenant';

export interface UserRow {
  readonly id: UserId;
  readonly username: string;
  readonly role: SystemRole;
  readonly active: boolean;
  readonly builtin: boolean;
  readonly locked: boolean;
  readonly gettingStarted: boolean;
  readonly createdAt: Date;
  readonly firstLoginAt: Date | null;
  readonly lastLoginAt: Date | null;
  readonly groups: string[];
  readonly tenants: string[];
  /** System role -> groups that give it. */
  readonly groupSystemRoles: Readonly<Record<string, string[]>>;
  /** Tenant -> roles in it, own and through groups. */
  readonly tenantRoles: Readonly<Record<string, TenantRole[]>>;
}

const GROUPS = `array(select g.name from user_group_members m join user_groups g on g.id = m.group_id
  where m.user_id = u.id order by g.name)`;
/** Every (tenant, role) of the user `u`, own and through groups. */
const ROLES = `(select tu.tenant_id, tu.role from tenant_users tu where tu.user_id = u.id
  union select tg.tenant_id, tg.role from user_group_members m
  join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = u.id)`;
const TENANTS = `array(select distinct t.name from ${ROLES} r join tenants t on t.id = r.tenant_id order by t.name)`;
const GROUP_SYSTEM_ROLES = `(select coalesce(json_object_agg(role, names), '{}') from (
  select g.system_role as role, json_agg(g.name order by g.name) as names
  from user_group_members m join user_groups g on g.id = m.group_id
  where m.user_id = u.id group by g.system_role) by_role)`;
const TENANT_ROLES = `(select coalesce(json_object_agg(name, roles order by name), '{}') from (
  select t.name, json_agg(r.role order by r.role) as roles
  from ${ROLES} r join tenants t on t.id = r.tenant_id group by t.name) by_tenant)`;
const LOCKED = 'coalesce(u.locked_until > now(), false)';

export const selectUser = systemStatement<UserRow>(
  'users_select',
  `select u.id, u.username, u.system_role as role, u.active, u.builtin, ${LOCKED} as locked,
     u.getting_started as "gettingStarted", u.created_at as "createdAt", u.first_login_at as "firstLoginAt", u.last_login_at as "lastLoginAt",
     ${GROUPS} as groups, ${TENANTS} as tenants,
     ${GROUP_SYSTEM_ROLES} as "groupSystemRoles", ${TENANT_ROLES} as "tenantRoles"
   from users u where lower(u.username) = lower($1)`,
  WHY,
);

export interface LockedUserRow {
  readonly id: UserId;
  readonly username: string;
  readonly role: SystemRole;
  readonly active: boolean;
  readonly builtin: boolean;
  readonly locked: boolean;
  readonly authentication: string;
}

export const lockUser = systemStatement<LockedUserRow>(
  'users_lock',
  `select u.id, u.username, u.system_role as role, u.active, u.builtin, u.authentication, ${LOCKED} as locked
   from users u where lower(u.username) = lower($1) for no key update`,
  WHY,
);

export const insertUser = systemStatement<{ id: UserId }>(
  'users_insert',
  `insert into users (username, password_hash, system_role, builtin, applied_password_hash) values ($1, $2, $3, $4, $5)
   on conflict (lower(username)) do nothing returning id`,
  WHY,
);

/** Sealed values of a user, whose places begin with theirs (secrets/safe.ts); no foreign key says so. */
export const deleteKeptOfUser = systemStatement(
  'users_delete_kept',
  `delete from sealed_values where starts_with(place, 'users/' || $1::bigint || '/')`,
  WHY,
);

export const deleteUser = systemStatement('users_delete', 'delete from users where id = $1', WHY);

export const updatePassword = systemStatement(
  'users_update_password',
  `update users set password_hash = $2, failed_logins = 0, locked_until = null, password_reset_required = false, password_expires_at = null,
     authentication = 'internal', authority = null, external_id = null, credential_generation = credential_generation + 1, updated_at = now()
   where id = $1`,
  WHY,
);

export const updateRole = systemStatement(
  'users_update_role',
  'update users set system_role = $2 where id = $1',
  WHY,
);

export const updateActive = systemStatement(
  'users_update_active',
  `update users set active = $2, credential_generation = credential_generation + case when $2 then 0 else 1 end, updated_at = now()
   where id = $1`,
  WHY,
);

export const updateGettingStarted = systemStatement(
  'users_update_getting_started',
  'update users set getting_started = $2 where id = $1',
  WHY,
);

export const updateUnlocked = systemStatement(
  'users_update_unlocked',
  'update users set failed_logins = 0, locked_until = null where id = $1',
  WHY,
);

/** One order for all who lock several administrators: no deadlock, and the last one cannot go twice at once. */
export const lockActiveAdmins = systemStatement<{ id: UserId }>(
  'users_lock_active_admins',
  `select id from users where system_role = 'admin' and active order by id for no key update`,
  WHY,
);

export type UserField =
  | 'id'
  | 'username'
  | 'role'
  | 'active'
  | 'locked'
  | 'gettingStarted'
  | 'createdAt'
  | 'firstLoginAt'
  | 'lastLoginAt'
  | 'groups'
  | 'groupCount'
  | 'tenants'
  | 'tenantCount'
  | 'groupSystemRoles'
  | 'tenantRoles';

export const USER_LIST: ListSpec<UserField> = {
  from: 'users u',
  fields: {
    id: { sql: 'u.id', type: 'integer' },
    username: { sql: 'u.username', type: 'text' },
    role: { sql: 'u.system_role', type: 'text' },
    active: { sql: 'u.active', type: 'boolean' },
    locked: { sql: LOCKED, type: 'boolean' },
    gettingStarted: { sql: 'u.getting_started', type: 'boolean' },
    createdAt: { sql: 'u.created_at', type: 'time' },
    firstLoginAt: { sql: 'u.first_login_at', type: 'time' },
    lastLoginAt: { sql: 'u.last_login_at', type: 'time' },
    groups: { sql: `to_json(${GROUPS})`, type: 'json' },
    groupCount: { sql: `cardinality(${GROUPS})`, type: 'integer' },
    tenants: { sql: `to_json(${TENANTS})`, type: 'json' },
    tenantCount: { sql: `cardinality(${TENANTS})`, type: 'integer' },
    groupSystemRoles: { sql: GROUP_SYSTEM_ROLES, type: 'json' },
    tenantRoles: { sql: TENANT_ROLES, type: 'json' },
  },
  confine: (scope) => (scope.seesPrivate ? sql`true` : sql`u.id = ${scope.userId}`),
  defaultSort: [{ field: 'username' }],
  tieBreak: 'u.id',
  search: ['username'],
};
