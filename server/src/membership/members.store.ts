import { sql } from 'kysely';
import type { UserId } from '../ids.js';
import type { ListField } from '../store/item-text.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'users belong to no tenant, and who is in which is kept beside all tenants';

export type PersonField =
  | 'id'
  | 'username'
  | 'authentication'
  | 'email'
  | 'firstName'
  | 'lastName'
  | 'avatarUrl'
  | 'active'
  | 'systemRole'
  | 'bio'
  | 'country'
  | 'region'
  | 'socials'
  | 'firstLoginAt'
  | 'lastLoginAt'
  | 'createdAt'
  | 'updatedAt'
  | 'tenants'
  | 'teams'
  | 'tenantRole'
  | 'roles'
  | 'joinedAt';

const TENANTS = `(select coalesce(json_agg(json_build_object(
    'id', t.uuid, 'name', coalesce(t.title, t.name), 'description', coalesce(t.description, ''),
    'owner', (select o.uuid from users o where o.id = t.owner_id), 'country', t.country, 'region', t.region,
    'tenantRole', mine.role, 'roles', ${rolesIn('mine.tenant_id', 'u.id')},
    'createdAt', t.created_at, 'updatedAt', t.updated_at) order by mine.joined_at, t.id), '[]')
  from tenant_users mine join tenants t on t.id = mine.tenant_id where mine.user_id = u.id)`;
const TEAMS = `(select coalesce(json_agg(json_build_object(
    'id', tm.id, 'name', tm.name, 'description', tm.description,
    'owner', (select o.uuid from users o where o.id = tm.owner_id),
    'createdAt', tm.created_at, 'updatedAt', tm.updated_at) order by tm.uid), '[]')
  from team_members own join teams tm on tm.uid = own.team_uid and tm.deleted_at is null where own.user_id = u.id)`;

/** Ids, or names where the tenant has made them, of the roles that somebody has beside the tenant role. */
function rolesIn(tenant: string, user: string): string {
  return `(select coalesce(json_agg(coalesce(ar.name, mr.role_id::text)), '[]') from member_roles mr
    left join access_roles ar on ar.id = mr.role_id and ar.tenant_id = mr.tenant_id
    where mr.tenant_id = ${tenant} and mr.user_id = ${user})`;
}

const FIELDS: Readonly<Record<Exclude<PersonField, 'tenantRole' | 'roles' | 'joinedAt'>, ListField>> = {
  id: { sql: 'u.uuid', type: 'name' },
  username: { sql: 'u.username', type: 'text' },
  authentication: { sql: 'u.authentication', type: 'name' },
  email: { sql: `coalesce(u.email, '')`, type: 'text' },
  firstName: { sql: `coalesce(u.first_name, '')`, type: 'text' },
  lastName: { sql: `coalesce(u.last_name, '')`, type: 'text' },
  avatarUrl: { sql: `coalesce(u.avatar_url, '')`, type: 'text' },
  active: { sql: 'u.active', type: 'boolean' },
  systemRole: { sql: 'u.system_role', type: 'name' },
  bio: { sql: `coalesce(u.bio, '')`, type: 'text' },
  country: { sql: 'u.country', type: 'json' },
  region: { sql: 'u.region', type: 'json' },
  socials: { sql: 'u.socials', type: 'json' },
  firstLoginAt: { sql: 'u.first_login_at', type: 'time' },
  lastLoginAt: { sql: 'u.last_login_at', type: 'time' },
  createdAt: { sql: 'u.created_at', type: 'time' },
  updatedAt: { sql: 'u.updated_at', type: 'time' },
  tenants: { sql: TENANTS, type: 'json' },
  teams: { sql: TEAMS, type: 'json' },
};

const SEARCHED: readonly PersonField[] = ['firstName', 'lastName', 'email', 'username'];
const ORDER = { defaultSort: [{ field: 'updatedAt', descending: true }], search: SEARCHED } as const;

/** Of whom a user may be told everything: themselves, and whoever shares a tenant with them. */
const KNOWN = (user: UserId) => sql`(u.id = ${user} or exists (select from tenant_users a
  join tenant_users b on b.tenant_id = a.tenant_id where a.user_id = ${user} and b.user_id = u.id))`;

/** With `seesPrivate`, everybody; else those whom the caller knows. */
export const PEOPLE_LIST: ListSpec<PersonField> = {
  from: 'users u',
  driver: { table: 'users', alias: 'u', key: 'id' },
  fields: {
    ...FIELDS,
    tenantRole: { sql: 'null::text', type: 'text' },
    roles: { sql: `'[]'::json`, type: 'json' },
    joinedAt: { sql: 'null::timestamptz', type: 'time' },
  },
  confine: (scope) => (scope.seesPrivate ? sql`true` : KNOWN(scope.userId)),
  tieBreak: 'u.id',
  ...ORDER,
};

/** What everybody may be told of anybody. */
export const STRANGER_LIST: ListSpec<PersonField> = {
  ...PEOPLE_LIST,
  confine: () => sql`true`,
};

/** Members of the tenant of the call. */
export const MEMBER_LIST: ListSpec<PersonField> = {
  from: 'tenant_users tu join users u on u.id = tu.user_id',
  fields: {
    ...FIELDS,
    tenantRole: { sql: 'tu.role', type: 'name' },
    roles: { sql: rolesIn('tu.tenant_id', 'u.id'), type: 'json' },
    joinedAt: { sql: 'tu.joined_at', type: 'time' },
  },
  confine: (scope) => sql`tu.tenant_id = ${scope.tenantId}`,
  selections: {
    team: ([team]) => sql`exists (select from team_members m join teams tm on tm.uid = m.team_uid
      where m.tenant_id = tu.tenant_id and m.user_id = u.id and tm.id = ${team}::uuid)`,
  },
  tieBreak: 'u.id',
  ...ORDER,
};

export const updatePerson = systemStatement(
  'members_update',
  `update users set first_name = coalesce($2, first_name), last_name = coalesce($3, last_name), bio = coalesce($4, bio),
     avatar_url = coalesce($5, avatar_url), country = coalesce($6, country), region = coalesce($7, region),
     socials = coalesce($8, socials), updated_at = now() where id = $1`,
  WHY,
);

export const selectPersonKey = systemStatement<{ id: UserId; username: string }>(
  'members_select_key',
  'select id, username from users where uuid = $1',
  WHY,
);

export const selectByEmail = systemStatement<{ id: UserId; username: string }>(
  'members_select_by_email',
  'select id, username from users where lower(email) = lower($1) or lower(username) = lower($1) order by id limit 1',
  WHY,
);

export const insertMembership = systemStatement(
  'members_insert_membership',
  `insert into tenant_users (tenant_id, user_id, role) values ($1, $2, $3) on conflict do nothing`,
  WHY,
);

export const deleteMembership = systemStatement(
  'members_delete_membership',
  'delete from tenant_users where tenant_id = $1 and user_id = $2',
  WHY,
);

export const selectMembership = systemStatement<{ role: string; others: number; managers: number }>(
  'members_select_membership',
  `select tu.role,
     (select count(*)::integer from tenant_users o where o.tenant_id = $1 and o.user_id <> $2) as others,
     (select count(*)::integer from tenant_users o where o.tenant_id = $1 and o.user_id <> $2 and o.role = 'manager') as managers
   from tenant_users tu where tu.tenant_id = $1 and tu.user_id = $2 for update of tu`,
  WHY,
);

/** Tenants in which the user is the last manager of others. */
export const selectHeldTenants = systemStatement<{ name: string }>(
  'members_select_held_tenants',
  `select coalesce(t.title, t.name) as name from tenant_users tu join tenants t on t.id = tu.tenant_id
   where tu.user_id = $1 and tu.role = 'manager'
   and exists (select from tenant_users o where o.tenant_id = tu.tenant_id and o.user_id <> $1)
   and not exists (select from tenant_users o where o.tenant_id = tu.tenant_id and o.user_id <> $1 and o.role = 'manager')
   limit 1`,
  WHY,
);

export const lockSelf = systemStatement<{ builtin: boolean; role: string }>(
  'members_lock_self',
  'select builtin, system_role as role from users where id = $1 for update',
  WHY,
);

export const deleteSelf = systemStatement('members_delete_self', 'delete from users where id = $1', WHY);
