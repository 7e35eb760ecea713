import type { TenantId, UserId } from '../ids.js';
import { type SystemStatement, systemStatement } from '../store/statement.js';
import type { SystemRole, TenantRole } from './roles.js';

/** A user as every request needs them: who, and what they are in the tenant the request names. */
export interface StandingRow {
  readonly userId: UserId;
  readonly userUuid: string;
  readonly username: string;
  readonly systemRole: SystemRole;
  readonly active: boolean;
  readonly groupRoles: SystemRole[];
  /** Null where no tenant was named, or none has the name. */
  readonly tenantId: TenantId | null;
  readonly tenantUuid: string | null;
  readonly tenantName: string | null;
  readonly tenantRoles: TenantRole[];
}

/** `u` is the user, `t` the tenant asked for (or nulls). Every part is found by a primary key or unique index. */
const STANDING = `
  u.id as "userId", u.uuid as "userUuid", u.username, u.system_role as "systemRole", u.active,
  array(select distinct g.system_role from user_group_members m join user_groups g on g.id = m.group_id
        where m.user_id = u.id) as "groupRoles",
  t.id as "tenantId", t.uuid as "tenantUuid", t.name as "tenantName",
  array(select tu.role from tenant_users tu where tu.user_id = u.id and tu.tenant_id = t.id
        union
        select tg.role from user_group_members m
        join tenant_user_groups tg on tg.group_id = m.group_id and tg.tenant_id = t.id
        where m.user_id = u.id) as "tenantRoles"`;

/** The tenants of `u`, by their own membership and through groups. */
const OF_USER = `(select tu.tenant_id from tenant_users tu where tu.user_id = u.id
  union select tg.tenant_id from user_group_members m join tenant_user_groups tg on tg.group_id = m.group_id
  where m.user_id = u.id)`;
const REACHES_ALL = `(u.system_role in ('admin', 'auditor') or exists (select from user_group_members m
  join user_groups g on g.id = m.group_id where m.user_id = u.id and g.system_role in ('admin', 'auditor')))`;

/**
 * How a tenant is asked for, each a way to join it as `t`: `$2` is its name, or its UUID. At home is a user in the tenant
 * that they switched to while it is still theirs, else in their oldest one, else, who reaches all, in the first of all.
 */
const ASKED = {
  name: 't.name = $2',
  uuid: 't.uuid = $2::uuid',
  home: `$2::text is null and t.id = coalesce(
      (select u.current_tenant where u.current_tenant in ${OF_USER} or ${REACHES_ALL}),
      (select min(tenant_id) from ${OF_USER} own),
      (select min(all_of_them.id) from tenants all_of_them where ${REACHES_ALL}))`,
} as const;

/** A way of asking, and its value: the name, the UUID, or nothing. */
export type Asking = keyof typeof ASKED;

/** The same question for each way in which a tenant may be asked for. */
function asking<Row extends object>(
  name: string,
  question: (join: string) => string,
  why: string,
): Readonly<Record<Asking, SystemStatement<Row>>> {
  const made = (way: Asking) =>
    systemStatement<Row>(
      way === 'name' ? name : `${name}_${way}`,
      question(`left join tenants t on ${ASKED[way]}`),
      why,
    );
  return { name: made('name'), uuid: made('uuid'), home: made('home') };
}

const BEFORE = 'establishes who calls, before any tenant is known';

export interface SignInRow extends StandingRow {
  readonly passwordHash: string | null;
  /** What the user's own row says against signing in with a password, beside being inactive or locked. */
  readonly passwordRefused: boolean;
  /** Name of the directory that checks the password; null: the password is here. */
  readonly directory: string | null;
  readonly secondFactor: boolean;
  readonly failedLogins: number;
  /** Milliseconds since 1970; Infinity: until unlocked. */
  readonly lockedUntil: number | null;
  readonly lastLoginAt: number | null;
}

export const selectForSignIn = asking<SignInRow>(
  'callers_select_for_sign_in',
  (join) => `select ${STANDING},
     u.password_hash as "passwordHash", u.failed_logins as "failedLogins",
     u.console_denied or coalesce(u.password_expires_at <= now(), false) as "passwordRefused",
     case when u.authentication = 'ldap' then u.authority end as directory,
     exists (select from second_factors f where f.user_id = u.id and f.confirmed_at is not null) as "secondFactor",
     (extract(epoch from u.locked_until) * 1000)::float8 as "lockedUntil",
     (extract(epoch from u.last_login_at) * 1000)::float8 as "lastLoginAt"
   from users u ${join}
   where lower(u.username) = lower($1)`,
  BEFORE,
);

export interface TokenRow extends StandingRow {
  readonly tokenId: string;
  readonly kind: string;
  readonly secretHash: Buffer;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly idleSeconds: number | null;
  /** The tenant that the token is confined to. */
  readonly confinedTo: TenantId | null;
  readonly executionId: string | null;
}

export const selectForToken = asking<TokenRow>(
  'callers_select_for_token',
  (join) => `select ${STANDING},
     k.id as "tokenId", k.kind, k.secret_hash as "secretHash", k.tenant_id as "confinedTo", k.execution_id as "executionId",
     k.idle_seconds as "idleSeconds", (extract(epoch from k.created_at) * 1000)::float8 as "createdAt",
     (extract(epoch from k.expires_at) * 1000)::float8 as "expiresAt",
     (extract(epoch from k.last_used_at) * 1000)::float8 as "lastUsedAt"
   from tokens k join users u on u.id = k.user_id ${join}
   where k.id = $1`,
  BEFORE,
);

export interface SignedRow extends StandingRow {
  readonly generation: number;
  readonly apiAccess: boolean;
}

/** What a signed token says of its user, looked up again. */
export const selectForSigned = asking<SignedRow>(
  'callers_select_for_signed',
  (join) => `select ${STANDING}, u.credential_generation as generation, u.api_access as "apiAccess"
   from users u ${join} where u.id = $1`,
  BEFORE,
);

export const selectStanding = asking<StandingRow>(
  'callers_select_standing',
  (join) => `select ${STANDING} from users u ${join} where u.id = $1`,
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
  `select ${STANDING}, w.place::integer as place, md5(concat(u.password_hash, '|', u.credential_generation)) as "passwordMark",
     (w.token is null or exists (select from tokens k where k.id = w.token and k.user_id = u.id and (k.expires_at is null or k.expires_at > now()))) as "tokenGood"
   from unnest($1::bigint[], $2::text[], $3::text[]) with ordinality as w(user_id, token, tenant, place)
   join users u on u.id = w.user_id left join tenants t on t.name = w.tenant`,
  'looks once more at those who were let in before',
);
