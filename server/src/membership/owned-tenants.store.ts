import { sql } from 'kysely';
import type { TenantId, UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'tenants are what everything else belongs to';

export type OwnedTenantField =
  | 'id'
  | 'name'
  | 'tenantName'
  | 'description'
  | 'country'
  | 'region'
  | 'domain'
  | 'owner'
  | 'preferences'
  | 'createdAt'
  | 'updatedAt';

/** Those that the caller is in; with `seesPrivate`, all. */
export const OWNED_TENANT_LIST: ListSpec<OwnedTenantField> = {
  from: 'tenants t left join users o on o.id = t.owner_id',
  driver: { table: 'tenants', alias: 't', key: 'id' },
  fields: {
    id: { sql: 't.uuid', type: 'name' },
    name: { sql: 'coalesce(t.title, t.name)', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    description: { sql: `coalesce(t.description, '')`, type: 'text' },
    country: { sql: 't.country', type: 'json' },
    region: { sql: 't.region', type: 'json' },
    domain: { sql: 't.domain', type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    preferences: { sql: 't.preferences', type: 'json' },
    createdAt: { sql: 't.created_at', type: 'time' },
    updatedAt: { sql: 't.updated_at', type: 'time' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? sql`true`
      : sql`t.id in (select tu.tenant_id from tenant_users tu where tu.user_id = ${scope.userId}
          union select tg.tenant_id from user_group_members m
          join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 't.id',
  search: ['name'],
};

export interface LockedProfileRow {
  readonly id: TenantId;
  readonly name: string;
  readonly title: string;
  readonly uuid: string;
  readonly ownerId: UserId | null;
}

export const lockProfile = systemStatement<LockedProfileRow>(
  'owned_tenants_lock',
  'select id, name, coalesce(title, name) as title, uuid, owner_id as "ownerId" from tenants where id = $1 for no key update',
  WHY,
);

/** `$1` name, `$2` title, `$3` description, `$4` owner, `$5` country, `$6` region, `$7` preferences. */
export const insertProfile = systemStatement<{ id: TenantId; uuid: string }>(
  'owned_tenants_insert',
  `insert into tenants (name, title, description, owner_id, country, region, preferences)
   values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning id, uuid`,
  WHY,
);

/** Null: as it is. */
export const updateProfile = systemStatement(
  'owned_tenants_update',
  `update tenants set title = coalesce($2, title), description = coalesce($3, description), country = coalesce($4, country),
     region = coalesce($5, region), preferences = coalesce($6, preferences), updated_at = now() where id = $1`,
  WHY,
);

export const insertMember = systemStatement(
  'owned_tenants_insert_member',
  'insert into tenant_users (tenant_id, user_id, role) values ($1, $2, $3) on conflict do nothing',
  WHY,
);

/** How many tenants a user is in. */
export const countTenantsOf = systemStatement<{ count: number }>(
  'owned_tenants_count_of_user',
  'select count(*)::integer as count from tenant_users where user_id = $1',
  WHY,
);

export const deleteMembers = systemStatement(
  'owned_tenants_delete_members',
  'delete from tenant_users where tenant_id = $1',
  WHY,
);

export const deleteProfile = systemStatement(
  'owned_tenants_delete',
  'delete from tenants where id = $1',
  WHY,
);

export const selectTitle = systemStatement<{ id: TenantId }>(
  'owned_tenants_select_title',
  'select id from tenants where lower(coalesce(title, name)) = lower($1)',
  WHY,
);
