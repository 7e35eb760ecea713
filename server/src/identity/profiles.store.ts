import { sql } from 'kysely';
import type { TenantId, UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { SystemRole, TenantRole } from './roles.js';

const WHY = 'users belong to no tenant';

/** Who vouches for a user. */
export type Authentication = 'internal' | 'ldap' | 'oidc' | 'saml' | 'api-only';

export interface Membership {
  readonly id: TenantId;
  readonly uuid: string;
  readonly name: string;
  readonly title: string;
  readonly description: string | null;
  /** Own and through groups. */
  readonly roles: readonly TenantRole[];
}

export interface ProfileRow {
  readonly id: UserId;
  readonly uuid: string;
  readonly username: string;
  readonly email: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  /** As it was given; see `nameOf` for what to show. */
  readonly displayName: string | null;
  readonly systemRole: SystemRole;
  /** Of groups. */
  readonly groupRoles: readonly SystemRole[];
  readonly active: boolean;
  readonly builtin: boolean;
  /** By failures in a row. */
  readonly locked: boolean;
  readonly failedLogins: number;
  readonly authentication: Authentication;
  /** The directory or provider. */
  readonly authority: string | null;
  readonly apiAccess: boolean;
  readonly keysAllowed: boolean;
  readonly consoleDenied: boolean;
  readonly passwordResetRequired: boolean;
  readonly passwordExpiresAt: Date | null;
  readonly secondFactor: boolean;
  readonly secondFactorRequired: boolean;
  readonly hasKey: boolean;
  /** The tenant switched to, if any. */
  readonly currentTenant: { readonly id: TenantId; readonly uuid: string; readonly name: string } | null;
  readonly memberships: readonly Membership[];
  readonly groups: readonly { readonly id: number; readonly name: string }[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly firstLoginAt: Date | null;
  readonly lastLoginAt: Date | null;
}

export type ProfileField = keyof ProfileRow | 'name';

const MEMBERSHIPS = `(select coalesce(json_agg(json_build_object('id', t.id, 'uuid', t.uuid, 'name', t.name,
    'title', coalesce(t.title, t.name), 'description', t.description, 'roles', own.roles) order by t.id), '[]')
  from (select r.tenant_id, json_agg(r.role order by r.role) as roles from (
      select tu.tenant_id, tu.role from tenant_users tu where tu.user_id = u.id
      union select tg.tenant_id, tg.role from user_group_members m
      join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = u.id) r group by r.tenant_id) own
  join tenants t on t.id = own.tenant_id)`;

/** What is shown of a user: as text, and of which type. */
const FIELDS = {
  id: { sql: 'u.id', type: 'integer' },
  uuid: { sql: 'u.uuid::text', type: 'text' },
  username: { sql: 'u.username', type: 'text' },
  email: { sql: 'u.email', type: 'text' },
  firstName: { sql: 'u.first_name', type: 'text' },
  lastName: { sql: 'u.last_name', type: 'text' },
  displayName: { sql: 'u.display_name', type: 'text' },
  name: {
    sql: `coalesce(u.display_name, nullif(concat_ws(' ', u.first_name, u.last_name), ''), u.username)`,
    type: 'text',
  },
  systemRole: { sql: 'u.system_role', type: 'text' },
  groupRoles: {
    sql: `array_to_json(array(select distinct g.system_role from user_group_members m join user_groups g on g.id = m.group_id where m.user_id = u.id))`,
    type: 'json',
  },
  active: { sql: 'u.active', type: 'boolean' },
  builtin: { sql: 'u.builtin', type: 'boolean' },
  locked: { sql: 'coalesce(u.locked_until > now(), false)', type: 'boolean' },
  failedLogins: { sql: 'u.failed_logins', type: 'integer' },
  authentication: { sql: 'u.authentication', type: 'text' },
  authority: { sql: 'u.authority', type: 'text' },
  apiAccess: { sql: 'u.api_access', type: 'boolean' },
  keysAllowed: { sql: 'u.keys_allowed', type: 'boolean' },
  consoleDenied: { sql: 'u.console_denied', type: 'boolean' },
  passwordResetRequired: { sql: 'u.password_reset_required', type: 'boolean' },
  passwordExpiresAt: { sql: 'u.password_expires_at', type: 'time' },
  secondFactor: {
    sql: 'exists (select from second_factors f where f.user_id = u.id and f.confirmed_at is not null)',
    type: 'boolean',
  },
  secondFactorRequired: { sql: 'u.second_factor_required', type: 'boolean' },
  hasKey: {
    sql: `exists (select from tokens k where k.user_id = u.id and k.kind = 'key')`,
    type: 'boolean',
  },
  currentTenant: {
    sql: `(select json_build_object('id', c.id, 'uuid', c.uuid, 'name', c.name) from tenants c where c.id = u.current_tenant)`,
    type: 'json',
  },
  memberships: { sql: MEMBERSHIPS, type: 'json' },
  groups: {
    sql: `(select coalesce(json_agg(json_build_object('id', g.id, 'name', g.name) order by g.name), '[]')
      from user_group_members m join user_groups g on g.id = m.group_id where m.user_id = u.id)`,
    type: 'json',
  },
  createdAt: { sql: 'u.created_at', type: 'time' },
  updatedAt: { sql: 'u.updated_at', type: 'time' },
  firstLoginAt: { sql: 'u.first_login_at', type: 'time' },
  lastLoginAt: { sql: 'u.last_login_at', type: 'time' },
} as const satisfies ListSpec<ProfileField>['fields'];

const COLUMNS = Object.entries(FIELDS)
  .filter(([name]) => name !== 'name')
  .map(([name, field]) => `${field.sql} as "${name}"`)
  .join(', ');

export const selectProfileById = systemStatement<ProfileRow>(
  'profiles_select_by_id',
  `select ${COLUMNS} from users u where u.id = $1`,
  WHY,
);
export const selectProfileByUuid = systemStatement<ProfileRow>(
  'profiles_select_by_uuid',
  `select ${COLUMNS} from users u where u.uuid = $1::uuid`,
  WHY,
);
export const selectProfileByName = systemStatement<ProfileRow>(
  'profiles_select_by_name',
  `select ${COLUMNS} from users u where lower(u.username) = lower($1)`,
  WHY,
);
/** Several people may have one address: the first of them. */
export const selectProfileByEmail = systemStatement<ProfileRow>(
  'profiles_select_by_email',
  `select ${COLUMNS} from users u where lower(u.email) = lower($1) order by u.id limit 1`,
  WHY,
);

/** Who is called by this text, or has it as their address. */
export const selectNamesOfEmail = systemStatement<{ username: string }>(
  'profiles_select_names_of_email',
  `select username from users where lower(username) = lower($1)
   union select username from users where lower(email) = lower($1) limit 10`,
  WHY,
);

/** With `no key update`: what follows in the transaction sees the user as they stay. */
export const lockProfile = systemStatement<{ id: UserId }>(
  'profiles_lock',
  'select id from users where id = $1 for no key update',
  WHY,
);

export const updateProfile = systemStatement(
  'profiles_update',
  `update users set
     username = coalesce($2, username), email = case when $3 then $4 else email end,
     first_name = case when $5 then $6 else first_name end, last_name = case when $7 then $8 else last_name end,
     display_name = case when $9 then $10 else display_name end,
     api_access = coalesce($11, api_access), keys_allowed = coalesce($12, keys_allowed),
     console_denied = coalesce($13, console_denied), second_factor_required = coalesce($14, second_factor_required),
     credential_generation = credential_generation + case when $11 = false or $13 then 1 else 0 end,
     updated_at = now()
   where id = $1`,
  WHY,
);

export const insertProfile = systemStatement<{ id: UserId }>(
  'profiles_insert',
  `insert into users (username, password_hash, system_role, email, first_name, last_name, display_name, authentication,
     authority, external_id, api_access, keys_allowed, second_factor_required, password_reset_required, password_expires_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
   on conflict (lower(username)) do nothing returning id`,
  WHY,
);

export const updateSystemRole = systemStatement(
  'profiles_update_system_role',
  'update users set system_role = $2, updated_at = now() where id = $1',
  WHY,
);

export const upsertMembership = systemStatement(
  'profiles_upsert_membership',
  `insert into tenant_users (tenant_id, user_id, role) values ($1, $2, $3)
   on conflict (user_id, tenant_id) do update set role = excluded.role`,
  WHY,
);

export const deleteMembership = systemStatement(
  'profiles_delete_membership',
  'delete from tenant_users where tenant_id = $1 and user_id = $2',
  WHY,
);

/** Signed tokens end with the generation. */
export const updateStanding = systemStatement(
  'profiles_update_active',
  `update users set active = $2, credential_generation = credential_generation + case when $2 then 0 else 1 end, updated_at = now()
   where id = $1`,
  WHY,
);

export const updateToApiOnly = systemStatement(
  'profiles_update_to_api_only',
  `update users set authentication = 'api-only', authority = null, external_id = null, password_hash = null, password_reset_required = false,
     password_expires_at = null, credential_generation = credential_generation + 1, updated_at = now()
   where id = $1`,
  WHY,
);

export const updateOwnPassword = systemStatement(
  'profiles_update_password',
  `update users set password_hash = $2, password_reset_required = $3, password_expires_at = $4, authentication = 'internal', authority = null,
     external_id = null, failed_logins = 0, locked_until = null, credential_generation = credential_generation + 1, updated_at = now()
   where id = $1`,
  WHY,
);

export const updateCurrentTenant = systemStatement(
  'profiles_update_current_tenant',
  'update users set current_tenant = $2 where id = $1',
  WHY,
);

const OF_TENANT = (tenant: TenantId) => sql`u.id in (
  select tu.user_id from tenant_users tu where tu.tenant_id = ${tenant}
  union select m.user_id from tenant_user_groups tg join user_group_members m on m.group_id = tg.group_id
  where tg.tenant_id = ${tenant})`;

/** Everybody, for those who see all users; else nobody but the caller. */
export const PROFILE_LIST: ListSpec<ProfileField> = {
  from: 'users u',
  fields: FIELDS,
  confine: (scope) => (scope.seesPrivate ? sql`true` : sql`u.id = ${scope.userId}`),
  defaultSort: [{ field: 'username' }],
  tieBreak: 'u.id',
  search: ['username', 'email', 'firstName', 'lastName', 'displayName'],
};

/** Those who are in the tenant of the call, by themselves or through a group. */
export const MEMBER_LIST: ListSpec<ProfileField> = {
  ...PROFILE_LIST,
  confine: (scope) => OF_TENANT(scope.tenantId),
};
