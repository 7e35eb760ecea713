/**
 * Named tokens without an end, any number of them; and every credential of a user as one list, since whoever looks after
 * their account wants to see all that opens it. Revoking one leaves the others alone and counts with the next request.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { requireText } from './names.js';
import { identityScope, requirePerson } from './permission.js';
import { findProfile, type UserRef, userNotFound } from './profiles.js';
import { type PutToken, putToken } from './tokens.js';
import {
  CREDENTIAL_LIST,
  type CredentialField,
  type CredentialRow,
  countTokens,
  deleteToken,
  lockOwner,
  selectCredential,
} from './tokens.store.js';

export type { CredentialField };
/** What may be told about a credential. */
export type Credential = CredentialRow;

/** Far more than anybody can look after; a bound all the same. */
const MOST = 10_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class SecurityTokens {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /**
   * A token of the caller's own, or (`for`) of another user, which only those may make who manage tokens.
   *
   * @returns with the value, told here and never again
   * @throws DomainError `invalid` (`token-name-missing`, `text-invalid`); `forbidden`; `not-found`; `limit` (`too-many-tokens`)
   */
  async create(
    caller: Caller,
    token: { readonly name: string; readonly purpose?: string | null; readonly for?: UserRef },
  ): Promise<{ readonly credential: Credential; readonly value: string }> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    if (token.name.trim() === '') {
      throw new DomainError('invalid', 'token-name-missing', 'A token needs a name', {
        details: { field: 'name' },
      });
    }
    requireText('name', token.name, 255);
    if (token.purpose != null) requireText('purpose', token.purpose, 4096);
    return inTransaction(this.#pool, async (client) => {
      let owner = caller.userId;
      if (token.for !== undefined) {
        requirePermission(caller, 'tokens.manage');
        const user = await findProfile(client, token.for);
        if (user === null) throw userNotFound(token.for);
        owner = user.id;
      }
      if ((await lockOwner.one(client, [owner])) === null) {
        throw new DomainError('conflict', 'user-inactive', 'The user is not active');
      }
      const { count } = (await countTokens.one(client, [owner, 'security']))!;
      if (count >= MOST) {
        throw new DomainError(
          'limit',
          'too-many-tokens',
          `A user may have ${MOST} tokens; revoke some first`,
        );
      }
      const put: PutToken = await putToken(client, owner, 'security', {
        name: token.name,
        purpose: token.purpose ?? null,
      });
      await record(client, caller, { action: 'create', thing: 'token', id: put.id });
      const credential = (await selectCredential.one(client, [put.uuid, owner]))!;
      return { credential, value: put.value };
    });
  }

  /** Credentials of every kind: the caller's own, or everybody's for those who manage tokens. */
  async list(caller: Caller, query: ListQuery<CredentialField>): Promise<ListPage> {
    requirePermission(caller, 'tokens.own');
    return listPage(this.#pool, CREDENTIAL_LIST, identityScope(caller, 'tokens.manage'), query);
  }

  /** @param id a UUID. @throws DomainError `not-found`, also for other people's */
  async get(caller: Caller, id: string): Promise<Credential> {
    requirePermission(caller, 'tokens.own');
    const owner = caller.permissions.has('tokens.manage') ? null : caller.userId;
    const found = UUID.test(id) ? await selectCredential.one(this.#pool, [id, owner]) : null;
    if (found === null) throw notFound('Token', id);
    return found;
  }

  /**
   * Ends any one credential of a person. Dead with the next request, in every process.
   *
   * @param id a UUID
   * @throws DomainError `not-found`, also for other people's
   */
  async revoke(caller: Caller, id: string): Promise<Credential> {
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const owner = caller.permissions.has('tokens.manage') ? null : caller.userId;
      const found = UUID.test(id) ? await selectCredential.one(client, [id, owner]) : null;
      if (found === null || (await deleteToken.run(client, [found.id])) === 0) throw notFound('Token', id);
      await record(client, caller, {
        action: 'delete',
        thing: found.kind === 'key' ? 'key' : 'token',
        id: found.id,
        details: { owner: found.username, kind: found.kind },
      });
      return found;
    });
  }
}
