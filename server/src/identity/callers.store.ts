import type { TenantId, UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';
import type { SystemRole, TenantRole } from './roles.js';

/** A user as every request needs them: who, and what they are in the tenant the request names. */
export interface StandingRow {
  readonly userId: UserId;
  readonly username: string;
  readonly systemRole: SystemRole;
  readonly active: boolean;
  readonly groupRoles: SystemRole[];
  /** Null where no tenant was named, or none has the name. */
  readonly tenantId: TenantId | null;
  readonly tenantName: string | null;
  readonly tenantRoles: TenantRole[];
}

/** `u` is the user, `t` the tenant asked for (or nulls). Every part is found by a primary key or unique index. */
const STANDING = `
  u.id as "userId", u.username, u.system_role as "systemRole", u.active,
  array(select distinct g.system_role from user_group_members m join user_groups g on g.id = m.group_id
        where m.user_id = u.id) as "groupRoles",
  t.id as "tenantId", t.name as "tenantName",
  array(select tu.role from tenant_users tu where tu.user_id = u.id and tu.tenant_id = t.id
        union
        select tg.role from user_group_members m
        join tenant_user_groups tg on tg.group_id = m.group_id and tg.tenant_id = t.id
        where m.user_id = u.id) as "tenantRoles"`;

export interface SignInRow extends StandingRow {
  readonly passwordHash: string | null;
  readonly failedLogins: number;
  /** Milliseconds since 1970; Infinity: until unlocked. */
  readonly lockedUntil: number | null;
  readonly lastLoginAt: number | null;
}

export const selectForSignIn = systemStatement<SignInRow>(
  'callers_select_for_sign_in',
  `select ${STANDING},
     u.password_hash as "passwordHash", u.failed_logins as "failedLogins",
     (extract(epoch from u.locked_until) * 1000)::float8 as "lockedUntil",
     (extract(epoch from u.last_login_at) * 1000)::float8 as "lastLoginAt"
   from users u left join tenants t on t.name = $2
   where lower(u.username) = lower($1)`,
  'establishes who calls, before any tenant is known',
);

export interface TokenRow extends StandingRow {
  readonly tokenId: string;
  readonly secretHash: Buffer;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  /** The tenant that the token is confined to. */
  readonly confinedTo: TenantId | null;
  readonly executionId: string | null;
}

export const selectForToken = systemStatement<TokenRow>(
  'callers_select_for_token',
  `select ${STANDING},
     k.id as "tokenId", k.secret_hash as "secretHash", k.tenant_id as "confinedTo", k.execution_id as "executionId",
     (extract(epoch from k.expires_at) * 1000)::float8 as "expiresAt",
     (extract(epoch from k.last_used_at) * 1000)::float8 as "lastUsedAt"
   from tokens k join users u on u.id = k.user_id left join tenants t on t.name = $2
   where k.id = $1`,
  'establishes who calls, before any tenant is known',
);

export const selectStanding = systemStatement<StandingRow>(
  'callers_select_standing',
  `select ${STANDING} from users u left join tenants t on t.name = $2 where u.id = $1`,
  'finds what a user is in the tenant that the call names',
);

export const selectStandingByName = systemStatement<StandingRow>(
  'callers_select_standing_by_name',
  `select ${STANDING} from users u left join tenants t on t.name = $2 where lower(u.username) = lower($1)`,
  'finds what a user is in the tenant that the server itself acts in',
);

export interface RecheckRow extends StandingRow {
  /** Of the ticket, from 1. */
  readonly place: number;
  readonly tokenGood: boolean;
  readonly passwordMark: string | null;
}

/** `$1` users, `$2` their tokens (null: none), `$3` names of tenants, side by side. */
export const selectRechecks = systemStatement<RecheckRow>(
  'callers_select_rechecks',
  `select ${STANDING}, w.place::integer as place, md5(u.password_hash) as "passwordMark",
     (w.token is null or exists (select from tokens k where k.id = w.token and k.user_id = u.id and (k.expires_at is null or k.expires_at > now()))) as "tokenGood"
   from unnest($1::bigint[], $2::text[], $3::text[]) with ordinality as w(user_id, token, tenant, place)
   join users u on u.id = w.user_id left join tenants t on t.name = w.tenant`,
  'looks once more at those who were let in before',
);
