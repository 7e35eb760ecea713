import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';
import type { SystemRole } from './roles.js';

const WHY = 'tokens belong to users, and users to no tenant';

export const insertToken = systemStatement<{ createdAt: Date }>(
  'tokens_insert',
  `insert into tokens (id, user_id, kind, secret_hash, description, expires_at)
   values ($1, $2, $3, $4, $5, $6) returning created_at as "createdAt"`,
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
  readonly kind: 'api' | 'session';
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
   where k.id = $1 and k.kind <> 'execution' and ($2::bigint is null or k.user_id = $2)`,
  WHY,
);

export const deleteToken = systemStatement('tokens_delete', 'delete from tokens where id = $1', WHY);

export const deleteExpiredTokens = systemStatement(
  'tokens_delete_expired',
  'delete from tokens where user_id = $1 and expires_at <= $2',
  WHY,
);

/** All but the newest `$3`. */
export const deleteSurplusTokens = systemStatement(
  'tokens_delete_surplus',
  `delete from tokens where id in (
     select id from tokens where user_id = $1 and kind = $2 order by created_at desc, id offset $3)`,
  WHY,
);

export const deleteSessionTokens = systemStatement(
  'tokens_delete_sessions',
  `delete from tokens where user_id = $1 and kind = 'session'`,
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
      ? sql`k.kind <> 'execution'`
      : sql`(k.kind <> 'execution' and k.user_id = ${scope.userId})`,
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 'k.id',
  search: ['id'],
};
