import { type SystemStatement, systemStatement } from '../store/statement.js';

export interface NamedTenantRow {
  readonly name: string;
}

interface UuidRow {
  readonly uuid: string;
}

export const selectTenantByUuid = systemStatement<NamedTenantRow>(
  'acting_tenant_by_uuid',
  'select name from tenants where uuid = $1',
  'finds the tenant that a request names; whether the caller is in it is asked afterwards',
);

/** Tables of what people address by its UUID, each a thing of one tenant. */
const TABLES = {
  workspace: 'workspaces',
  environment: 'account_environments',
  connection: 'cloud_accounts',
  design: 'designs',
  event: 'notices',
  team: 'teams',
  role: 'access_roles',
  keychain: 'keychains',
  invitation: 'invitations',
  badge: 'awards',
  curriculum: 'curricula',
} as const;
export type Addressed = keyof typeof TABLES;

const tenantOf = (thing: Addressed): SystemStatement<UuidRow> =>
  systemStatement(
    `acting_tenant_of_${thing}`,
    `select t.uuid from ${TABLES[thing]} it join tenants t on t.id = it.tenant_id where it.id = $1`,
    'finds the tenant that a thing is in; whether the caller is in it is asked afterwards',
  );

/** In which tenant a thing is, by its UUID. */
export const selectTenantOf = Object.fromEntries(
  (Object.keys(TABLES) as Addressed[]).map((thing) => [thing, tenantOf(thing)]),
) as Readonly<Record<Addressed, SystemStatement<UuidRow>>>;

/**
 * The tenant that a user prefers (`$2`: its UUID, or null) if they are in it, else the one they have been in for the longest,
 * else (for `$3`, who acts in every tenant) the preferred or the first one.
 */
export const selectUsualTenant = systemStatement<NamedTenantRow>(
  'acting_tenant_usual',
  `select t.name from tenants t
   left join (
     select m.tenant_id, min(m.joined_at) as joined_at from (
       select tu.tenant_id, tu.joined_at from tenant_users tu where tu.user_id = $1
       union all
       select tg.tenant_id, g.created_at from user_group_members m join user_groups g on g.id = m.group_id
       join tenant_user_groups tg on tg.group_id = m.group_id where m.user_id = $1) m
     group by m.tenant_id) mine on mine.tenant_id = t.id
   where mine.tenant_id is not null or $3::boolean
   order by (t.uuid = $2::uuid) desc nulls last, (mine.tenant_id is not null) desc, mine.joined_at, t.id
   limit 1`,
  'finds where a user works who has not said it, before any tenant is known',
);
