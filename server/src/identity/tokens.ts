/**
 * Tokens: a random secret in place of a password, in one table whatever the kind. How each is written, and what of it is
 * kept, is in token-values.ts.
 *
 * Kinds. `api`: made by hand, shown once. `session`: handed to a client that asks for one after signing in with
 * a password; a new one each time, valid for some hours, the newest few kept per user. (Giving the same value again
 * would need the secret kept, or derived from a key that all replicas share.) `execution`: of one execution, for
 * its operations to call back with; works in the execution's tenant only and cannot manage identities. `key`: the one
 * key of a user (api-keys.ts). `login` and `browser`: a sign-in, until it ends (sessions.ts). `security`: named, any number,
 * without an end (security-tokens.ts).
 *
 * A revoked token is a deleted row, and every request reads the row: revocation counts at once.
 */
import { timingSafeEqual } from 'node:crypto';
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { ExecutionId, TenantId, UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { SharedQuestions } from '../store/shared-questions.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import {
  type Authenticated,
  askOf,
  authenticatedFrom,
  signInRefused,
  type TenantAsk,
  type TokenKind,
} from './callers.js';
import { selectForToken, type TokenRow } from './callers.store.js';
import { LastUse } from './last-use.js';
import { identityScope, requirePerson } from './permission.js';
import type { SystemRole } from './roles.js';
import { newTokenValue, readTokenValue } from './token-values.js';
import {
  countTokens,
  deleteExecutionTokens,
  deleteExpiredTokens,
  deleteSurplusTokens,
  deleteToken,
  insertExecutionToken,
  insertToken,
  lockOwner,
  selectToken,
  TOKEN_LIST,
  type TokenField,
  type TokenRecordRow,
  updateLastUses,
} from './tokens.store.js';

export type { TokenField };
/** What may be told about a token: everything but its secret. */
export type TokenRecord = TokenRecordRow;

export interface TokenSettings {
  readonly sessionHours: number;
  readonly sessionsPerUser: number;
  readonly apiTokensPerUser: number;
}

export const TOKEN_DEFAULTS: TokenSettings = {
  sessionHours: 10,
  sessionsPerUser: 32,
  apiTokensPerUser: 1000,
};

/** Last uses are written once a minute at most: a sign-in is not called idle for what was not written yet. */
const NOTED_LATE_MS = 60_000;

/** What `verify` takes unless told otherwise. */
const USUAL: readonly TokenKind[] = ['api', 'session', 'execution'];

export class Tokens {
  readonly #pool: Pool;
  readonly #settings: TokenSettings;
  readonly #now: () => number;
  readonly #lastUses: LastUse<string>;
  readonly #questions = new SharedQuestions();

  constructor(parts: { pool: Pool; settings?: Partial<TokenSettings>; now?: () => number }) {
    this.#pool = parts.pool;
    this.#settings = { ...TOKEN_DEFAULTS, ...parts.settings };
    this.#now = parts.now ?? Date.now;
    this.#lastUses = new LastUse((ids, times) => updateLastUses.run(parts.pool, [ids, times]));
  }

  /**
   * Who signs in.
   *
   * @param tenant as for `Credentials.verifyPassword`
   * @param kinds those that the dialect takes here
   * @throws DomainError `unauthenticated`: unknown, revoked, expired or idle token, one of another kind, or a user who is not
   *   active
   */
  async verify(
    value: string,
    tenant: TenantAsk = null,
    kinds: readonly TokenKind[] = USUAL,
  ): Promise<Authenticated> {
    const shown = readTokenValue(value);
    if (shown === null || !shown.kinds.some((kind) => kinds.includes(kind))) throw signInRefused();
    const { way, value: asked } = askOf(tenant);
    const row = await this.#questions.ask(JSON.stringify([shown.id, way, asked]), () =>
      selectForToken[way].one(this.#pool, [shown.id, asked]),
    );
    if (row === null || !timingSafeEqual(row.secretHash, shown.hash)) throw signInRefused();
    const now = this.#now();
    const kind = row.kind as TokenKind;
    if (!row.active || !kinds.includes(kind) || isOver(row, now)) throw signInRefused();
    this.#lastUses.note(row.tokenId, row.lastUsedAt, now);
    const authenticated = { ...authenticatedFrom(row, tenant), tokenId: row.tokenId, tokenKind: kind };
    if (row.confinedTo === null) return authenticated;
    return {
      ...authenticated,
      confinedTo: row.confinedTo,
      executionId: row.executionId as ExecutionId,
    };
  }

  /**
   * A new token of the caller's own. `value` is shown here and never again. The caller's expired tokens are removed
   * at the same time.
   *
   * @throws DomainError `invalid` (`token-expiry-past`), `limit` (`too-many-tokens`)
   */
  async issue(
    caller: Caller,
    { description, expiresAt }: { description?: string | null; expiresAt?: Date | null } = {},
  ): Promise<{ token: TokenRecord; value: string }> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    const now = new Date(this.#now());
    if (expiresAt != null && !(expiresAt > now)) {
      throw new DomainError(
        'invalid',
        'token-expiry-past',
        'The expiration date of a token must be in the future',
      );
    }
    if (description != null && (description.length > 1024 || description.includes('\0'))) {
      throw new DomainError(
        'invalid',
        'token-description',
        'A token description has at most 1024 characters',
      );
    }
    return inTransaction(this.#pool, async (client) => {
      const owner = await this.#lockOwner(client, caller.userId);
      await deleteExpiredTokens.run(client, [caller.userId, now]);
      const { count } = (await countTokens.one(client, [caller.userId, 'api']))!;
      if (count >= this.#settings.apiTokensPerUser) {
        throw new DomainError(
          'limit',
          'too-many-tokens',
          `A user may have ${count} tokens; revoke some first`,
        );
      }
      const issued = await this.#insert(
        client,
        caller,
        'api',
        description ?? null,
        expiresAt ?? null,
        owner.role,
      );
      await record(client, caller, { action: 'create', thing: 'token', id: issued.token.id });
      return issued;
    });
  }

  /**
   * A token for a client that signed in with a password, for the next hours. The user's oldest are dropped when there
   * are too many.
   */
  async sessionToken(caller: Caller): Promise<{ token: TokenRecord; value: string }> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    const now = this.#now();
    const expiresAt = new Date(now + this.#settings.sessionHours * 3_600_000);
    return inTransaction(this.#pool, async (client) => {
      const owner = await this.#lockOwner(client, caller.userId);
      await deleteExpiredTokens.run(client, [caller.userId, new Date(now)]);
      await deleteSurplusTokens.run(client, [caller.userId, 'session', this.#settings.sessionsPerUser - 1]);
      const issued = await this.#insert(client, caller, 'session', null, expiresAt, owner.role);
      await record(client, caller, {
        action: 'create',
        thing: 'token',
        id: issued.token.id,
        details: { session: true },
      });
      return issued;
    });
  }

  /** The caller's own, or everybody's for those who manage tokens. */
  async list(caller: Caller, query: ListQuery<TokenField>): Promise<ListPage> {
    requirePermission(caller, 'tokens.own');
    return listPage(this.#pool, TOKEN_LIST, identityScope(caller, 'tokens.manage'), query);
  }

  /** @throws DomainError `not-found`, also for other people's tokens */
  async get(caller: Caller, id: string): Promise<TokenRecord> {
    requirePermission(caller, 'tokens.own');
    return this.#find(this.#pool, caller, id);
  }

  /**
   * The token is dead with the next request.
   *
   * @throws DomainError `not-found`, also for other people's tokens
   */
  async revoke(caller: Caller, id: string): Promise<TokenRecord> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const token = await this.#find(client, caller, id);
      if ((await deleteToken.run(client, [token.id])) === 0) throw notFound('Token', id);
      await record(client, caller, {
        action: 'delete',
        thing: 'token',
        id: token.id,
        details: { owner: token.username },
      });
      return token;
    });
  }

  /** Writes what is not written yet. Call before the pool ends. */
  close(): Promise<void> {
    return this.#lastUses.flush();
  }

  async #find(db: Queryable, caller: Caller, id: string): Promise<TokenRecord> {
    const owner = caller.permissions.has('tokens.manage') ? null : caller.userId;
    const token = id.includes('\0') ? null : await selectToken.one(db, [id, owner]);
    if (token === null) throw notFound('Token', id);
    return token;
  }

  async #lockOwner(client: Queryable, userId: UserId): Promise<{ role: SystemRole }> {
    const owner = await lockOwner.one(client, [userId]);
    if (owner === null) throw signInRefused();
    return owner;
  }

  async #insert(
    client: Queryable,
    caller: Caller,
    kind: 'api' | 'session',
    description: string | null,
    expiresAt: Date | null,
    role: SystemRole,
  ): Promise<{ token: TokenRecord; value: string }> {
    const { id, value, createdAt } = await putToken(client, caller.userId, kind, { description, expiresAt });
    const { username } = caller;
    return {
      token: { id, username, role, kind, description, createdAt, expiresAt, lastUsedAt: null },
      value,
    };
  }
}

/** A token of any kind but `execution`, put into the table. `client` should be a transaction that has locked the user. */
export async function putToken(
  client: Queryable,
  userId: UserId,
  kind: TokenKind,
  facts: {
    readonly description?: string | null;
    readonly expiresAt?: Date | null;
    readonly name?: string | null;
    readonly purpose?: string | null;
    readonly idleSeconds?: number | null;
    /** Of a key, in characters. */
    readonly length?: number;
  } = {},
): Promise<PutToken> {
  const { id, hash, value, suffix } = newTokenValue(kind, facts.length);
  const { description = null, expiresAt = null, name = null, purpose = null, idleSeconds = null } = facts;
  const values = [id, userId, kind, hash, suffix, description, expiresAt, name, purpose, idleSeconds];
  const row = (await insertToken.one(client, values))!;
  return { id, uuid: row.uuid, value, suffix, createdAt: row.createdAt };
}

export interface PutToken {
  readonly id: string;
  readonly uuid: string;
  /** Told here and never again. */
  readonly value: string;
  readonly suffix: string;
  readonly createdAt: Date;
}

function isOver(row: TokenRow, now: number): boolean {
  if (row.expiresAt !== null && row.expiresAt <= now) return true;
  if (row.idleSeconds === null) return false;
  return (row.lastUsedAt ?? row.createdAt) + row.idleSeconds * 1000 + NOTED_LATE_MS <= now;
}

/**
 * The token of an execution, for its operations. Written in the caller's transaction; the one that ends the execution
 * revokes it.
 */
export async function issueExecutionToken(
  client: Queryable,
  creator: UserId,
  tenant: TenantId,
  executionId: ExecutionId,
): Promise<string> {
  const { id, hash, value } = newTokenValue('execution');
  await insertExecutionToken.run(client, [id, creator, hash, tenant, executionId]);
  return value;
}

/** Ends the tokens of an execution with the transaction of `client`. */
export async function revokeExecutionTokens(client: Queryable, executionId: ExecutionId): Promise<void> {
  await deleteExecutionTokens.run(client, [executionId]);
}
