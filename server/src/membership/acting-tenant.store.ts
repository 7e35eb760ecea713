import { systemStatement } from '../store/statement.js';

export interface NamedTenantRow {
  readonly name: string;
}

export const selectTenantByUuid = systemStatement<NamedTenantRow>(
  'acting_tenant_by_uuid',
  'select name from tenants where uuid = $1',
  'finds the tenant that a request names; whether the caller is in it is asked afterwards',
);

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
