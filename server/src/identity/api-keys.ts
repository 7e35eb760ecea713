/**
 * The one key of a user: letters and digits, without an end. Making a key ends the one before in the same transaction (and a
 * unique index sees to it), so that there is never a moment with two.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type AuditActor, record } from './audit.js';
import { mayChange, maySee } from './authority-over.js';
import { identityScope, requirePerson } from './permission.js';
import { findProfile, type Profile, type UserRef, userNotFound } from './profiles.js';
import { KEY_LENGTHS } from './token-values.js';
import { type PutToken, putToken } from './tokens.js';
import { type CredentialField, deleteTokensOfKind, KEY_LIST, lockOwner } from './tokens.store.js';

export type { CredentialField } from './tokens.store.js';

export class ApiKeys {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /**
   * A key for the user; the one before is dead from now on. For oneself: those who manage anybody, and whom it was allowed.
   *
   * @param length of the key; at least 51 in any case
   * @returns with the value, told here and never again
   * @throws DomainError `forbidden` (`key-forbidden`); `not-found`; `invalid` (`key-too-long`)
   */
  async create(caller: Caller, ref: UserRef, length: number = KEY_LENGTHS.least): Promise<PutToken> {
    requirePerson(caller);
    if (!Number.isSafeInteger(length) || length > KEY_LENGTHS.most) {
      throw new DomainError('invalid', 'key-too-long', `A key has at most ${KEY_LENGTHS.most} characters`, {
        details: { field: 'length' },
      });
    }
    return inTransaction(this.#pool, async (client) => {
      const user = await this.#find(client, caller, ref);
      const held = await lockOwner.one(client, [user.id]);
      // Removed since it was found; one that is suspended may have a key.
      if (held === null && (await findProfile(client, ref)) === null) throw userNotFound(ref);
      return putKey(client, caller, user.id, Math.max(length, KEY_LENGTHS.least), user.username);
    });
  }

  /** Who has a key, and when it was used: never the key. Of the tenant's members for who manages them; else one's own. */
  async list(caller: Caller, query: ListQuery<CredentialField>): Promise<ListPage> {
    requirePermission(caller, 'tokens.own');
    const { tenant } = caller;
    const scope = identityScope(caller, 'users.read');
    const manages = tenant !== null && caller.permissions.has('members.manage');
    return listPage(this.#pool, KEY_LIST, manages ? { ...scope, tenantId: tenant.id } : scope, query);
  }

  /** Ends the user's key, if there is one. @returns whether there was */
  async deactivate(caller: Caller, ref: UserRef): Promise<boolean> {
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const user = await this.#find(client, caller, ref, true);
      const ended = await deleteTokensOfKind.all(client, [user.id, 'key']);
      if (ended.length === 0) return false;
      await record(client, caller, { action: 'delete', thing: 'key', id: user.username });
      return true;
    });
  }

  async #find(client: Client, caller: Caller, ref: UserRef, ending = false): Promise<Profile> {
    const user = await findProfile(client, ref);
    if (user === null || !maySee(caller, user)) throw userNotFound(ref);
    if (mayChange(caller, user)) return user;
    const own = user.id === caller.userId;
    if (own && (ending || user.keysAllowed || caller.permissions.has('members.manage'))) return user;
    if (own) requirePermission(caller, 'tokens.own');
    throw new DomainError(
      'forbidden',
      'key-forbidden',
      own
        ? `User \`${user.username}\` may not make a key`
        : `User \`${caller.username}\` may not make a key for user \`${user.username}\``,
    );
  }
}

/** For the services of this room, in their transaction. */
export async function putKey(
  client: Client,
  actor: AuditActor,
  userId: UserId,
  length: number = KEY_LENGTHS.least,
  username: string = String(userId),
): Promise<PutToken> {
  await deleteTokensOfKind.all(client, [userId, 'key']);
  const key = await putToken(client, userId, 'key', { length });
  await record(client, actor, { action: 'create', thing: 'key', id: username });
  return key;
}
