import { sql } from 'kysely';
import type { UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { TokenKind } from './callers.js';
import type { SystemRole } from './roles.js';

const WHY = 'tokens belong to users, and users to no tenant';

export const insertToken = systemStatement<{ createdAt: Date; uuid: string }>(
  'tokens_insert',
  `insert into tokens (id, user_id, kind, secret_hash, suffix, description, expires_at, name, purpose, idle_seconds)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning created_at as "createdAt", uuid`,
  WHY,
);

export const insertExecutionToken = systemStatement(
  'tokens_insert_for_execution',
  `insert into tokens (id, user_id, kind, secret_hash, tenant_id, execution_id)
   values ($1, $2, 'execution', $3, $4, $5)`,
  WHY,
);

export const deleteExecutionTokens = systemStatement(
  'tokens_delete_of_execution',
  'delete from tokens where execution_id = $1',
  WHY,
);

export interface TokenRecordRow {
  readonly id: string;
  readonly username: string;
  readonly role: SystemRole;
  readonly kind: TokenKind;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** `$2`: whose tokens; null: anybody's. */
export const selectToken = systemStatement<TokenRecordRow>(
  'tokens_select',
  `select k.id, u.username, u.system_role as role, k.kind, k.description, k.created_at as "createdAt",
     k.expires_at as "expiresAt", k.last_used_at as "lastUsedAt"
   from tokens k join users u on u.id = k.user_id
   where k.id = $1 and k.kind in ('api', 'session') and ($2::bigint is null or k.user_id = $2)`,
  WHY,
);

export const deleteToken = systemStatement('tokens_delete', 'delete from tokens where id = $1', WHY);

export const deleteExpiredTokens = systemStatement(
  'tokens_delete_expired',
  'delete from tokens where user_id = $1 and expires_at <= $2',
  WHY,
);

/** Idle for longer than they may be, and a minute, since uses are written a little late. */
export const deleteIdleTokens = systemStatement(
  'tokens_delete_idle',
  `delete from tokens where user_id = $1 and idle_seconds is not null
     and coalesce(last_used_at, created_at) + make_interval(secs => idle_seconds + 60) <= $2`,
  WHY,
);

/** All but the newest `$3`. */
export const deleteSurplusTokens = systemStatement(
  'tokens_delete_surplus',
  `delete from tokens where id in (
     select id from tokens where user_id = $1 and kind = $2 order by created_at desc, id offset $3)`,
  WHY,
);

/** What was handed out for a sign-in. */
export const deleteSessionTokens = systemStatement(
  'tokens_delete_sessions',
  `delete from tokens where user_id = $1 and kind in ('session', 'login', 'browser')`,
  WHY,
);

/** Of those, all but `$2` (null: all). */
export const deleteOtherSessions = systemStatement(
  'tokens_delete_other_sessions',
  `delete from tokens where user_id = $1 and kind in ('session', 'login', 'browser') and ($2::text is null or id <> $2)`,
  WHY,
);

export const deleteTokensOfKind = systemStatement<{ id: string }>(
  'tokens_delete_of_kind',
  'delete from tokens where user_id = $1 and kind = $2 returning id',
  WHY,
);

export const deleteOwnTokens = systemStatement(
  'tokens_delete_own',
  `delete from tokens where user_id = $1 and kind <> 'execution'`,
  WHY,
);

export const countTokens = systemStatement<{ count: number }>(
  'tokens_count',
  'select count(*)::integer as count from tokens where user_id = $1 and kind = $2',
  WHY,
);

/** Makes those who issue tokens for one user wait for each other, so that bounds hold. */
export const lockOwner = systemStatement<{ role: SystemRole }>(
  'tokens_lock_owner',
  'select system_role as role from users where id = $1 and active for no key update',
  WHY,
);

export const updateLastUses = systemStatement(
  'tokens_update_last_uses',
  `update tokens k set last_used_at = greatest(k.last_used_at, used.at)
   from unnest($1::text[], $2::timestamptz[]) as used (id, at) where k.id = used.id`,
  WHY,
);

export type TokenField =
  | 'id'
  | 'maskedValue'
  | 'username'
  | 'role'
  | 'kind'
  | 'description'
  | 'createdAt'
  | 'expiresAt'
  | 'lastUsedAt';

export const TOKEN_LIST: ListSpec<TokenField> = {
  from: 'tokens k join users u on u.id = k.user_id',
  fields: {
    id: { sql: 'k.id', type: 'text' },
    maskedValue: { sql: `('ctok-' || k.id || '-********')`, type: 'text' },
    username: { sql: 'u.username', type: 'text' },
    role: { sql: 'u.system_role', type: 'text' },
    kind: { sql: 'k.kind', type: 'text' },
    description: { sql: 'k.description', type: 'text' },
    createdAt: { sql: 'k.created_at', type: 'time' },
    expiresAt: { sql: 'k.expires_at', type: 'time' },
    lastUsedAt: { sql: 'k.last_used_at', type: 'time' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? sql`k.kind in ('api', 'session')`
      : sql`(k.kind in ('api', 'session') and k.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'k.id',
  search: ['id'],
};

export type CredentialField =
  | 'id'
  | 'uuid'
  | 'kind'
  | 'name'
  | 'purpose'
  | 'suffix'
  | 'userId'
  | 'userUuid'
  | 'username'
  | 'createdAt'
  | 'expiresAt'
  | 'lastUsedAt';

/** Every kind of token that a person holds. */
export const CREDENTIAL_LIST: ListSpec<CredentialField> = {
  from: 'tokens k join users u on u.id = k.user_id',
  fields: {
    id: { sql: 'k.id', type: 'text' },
    uuid: { sql: 'k.uuid::text', type: 'text' },
    kind: { sql: 'k.kind', type: 'text' },
    name: { sql: 'coalesce(k.name, k.description)', type: 'text' },
    purpose: { sql: 'k.purpose', type: 'text' },
    suffix: { sql: 'k.suffix', type: 'text' },
    userId: { sql: 'u.id', type: 'integer' },
    userUuid: { sql: 'u.uuid::text', type: 'text' },
    username: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'k.created_at', type: 'time' },
    expiresAt: { sql: 'k.expires_at', type: 'time' },
    lastUsedAt: { sql: 'k.last_used_at', type: 'time' },
  },
  confine: (scope) =>
    scope.seesPrivate
      ? sql`k.kind <> 'execution'`
      : sql`(k.kind <> 'execution' and k.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'createdAt', descending: true }],
  tieBreak: 'k.id',
  search: ['name'],
};

export interface CredentialRow {
  readonly id: string;
  readonly uuid: string;
  readonly kind: TokenKind;
  readonly name: string | null;
  readonly purpose: string | null;
  readonly suffix: string | null;
  readonly userId: UserId;
  readonly userUuid: string;
  readonly username: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** By UUID. `$2`: whose; null: anybody's. */
export const selectCredential = systemStatement<CredentialRow>(
  'tokens_select_credential',
  `select k.id, k.uuid, k.kind, coalesce(k.name, k.description) as name, k.purpose, k.suffix, u.id as "userId", u.uuid as "userUuid", u.username,
     k.created_at as "createdAt", k.expires_at as "expiresAt", k.last_used_at as "lastUsedAt"
   from tokens k join users u on u.id = k.user_id
   where k.uuid = $1::uuid and k.kind <> 'execution' and ($2::bigint is null or k.user_id = $2)`,
  WHY,
);

/** Keys of the members of the call's tenant, or of everybody for who sees all users; else one's own. */
export const KEY_LIST: ListSpec<CredentialField> = {
  ...CREDENTIAL_LIST,
  confine: (scope) => {
    if (scope.seesPrivate) return sql`k.kind = 'key'`;
    const members = sql`select tu.user_id from tenant_users tu where tu.tenant_id = ${scope.tenantId}`;
    return sql`(k.kind = 'key' and (k.user_id = ${scope.userId} or k.user_id in (${members})))`;
  },
};
