import type { UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';
import type { TenantRole } from './roles.js';

const WHY = 'directories and providers serve the whole installation';

export type AuthorityKind = 'ldap' | 'oidc';

export interface AuthorityRow {
  readonly id: number;
  readonly name: string;
  readonly kind: AuthorityKind;
  readonly enabled: boolean;
  readonly settings: unknown;
  readonly mappedGroups: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const COLUMNS = `a.id, a.name, a.kind, a.enabled, a.settings, a.created_at as "createdAt", a.updated_at as "updatedAt",
  (select count(*) from user_groups g where g.ldap_dn is not null)::integer as "mappedGroups"`;

export const selectAuthorities = systemStatement<AuthorityRow>(
  'authorities_select_all',
  `select ${COLUMNS} from authorities a order by a.name limit 1000`,
  WHY,
);

export const selectAuthority = systemStatement<AuthorityRow>(
  'authorities_select',
  `select ${COLUMNS} from authorities a where lower(a.name) = lower($1)`,
  WHY,
);

export const upsertAuthority = systemStatement<{ id: number }>(
  'authorities_upsert',
  `insert into authorities (name, kind, enabled, settings) values ($1, $2, $3, $4)
   on conflict (lower(name)) do update set kind = excluded.kind, enabled = excluded.enabled, settings = excluded.settings, updated_at = now()
   returning id`,
  WHY,
);

export const deleteAuthority = systemStatement<{ id: number }>(
  'authorities_delete',
  'delete from authorities where lower(name) = lower($1) returning id',
  WHY,
);

export const selectProvisioned = systemStatement<{ id: UserId; username: string }>(
  'authorities_select_provisioned',
  'select id, username from users where authority = $1 and external_id = $2 for no key update',
  WHY,
);

/** An address is taken over only where it is new: people may have corrected it here. */
export const updateProvisioned = systemStatement(
  'authorities_update_provisioned',
  `update users set email = coalesce($2, email), first_name = coalesce($3, first_name), last_name = coalesce($4, last_name),
     display_name = coalesce($5, display_name), updated_at = now()
   where id = $1 and (email, first_name, last_name, display_name) is distinct from
     (coalesce($2, email), coalesce($3, first_name), coalesce($4, last_name), coalesce($5, display_name))`,
  WHY,
);

/** The groups that a directory fills: exactly those whose distinguished names (in small letters) are `$2`. */
export const replaceMappedGroups = systemStatement(
  'authorities_replace_mapped_groups',
  `with wanted as (select id from user_groups where lower(ldap_dn) = any($2::text[])),
   gone as (delete from user_group_members m using user_groups g
     where m.user_id = $1 and g.id = m.group_id and g.ldap_dn is not null and g.id not in (select id from wanted))
   insert into user_group_members (user_id, group_id) select $1, id from wanted on conflict do nothing`,
  WHY,
);

export const insertFirstMembership = systemStatement(
  'authorities_insert_membership',
  `insert into tenant_users (tenant_id, user_id, role) select id, $1, $3::text from tenants where name = $2 on conflict do nothing`,
  WHY,
);

export type FirstMembership = { readonly tenant: string; readonly role: TenantRole };
