/**
 * Credentials: what a user keeps to sign in to things with. The value is sealed (secrets/safe.ts) and told to its owner alone;
 * lists and changes never hold it.
 */
import { type Caller, requirePermission, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { TenantId } from '../ids.js';
import { isUuid } from '../membership/acting-tenant.js';
import type { Safe } from '../secrets/safe.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  CREDENTIAL_LIST,
  type CredentialField,
  deleteCredential,
  insertCredential,
  selectCredential,
  updateCredential,
} from './credentials.store.js';

export type { CredentialField } from './credentials.store.js';

export interface CredentialChange {
  readonly name?: string;
  readonly type?: string;
  readonly secret?: JsonObject;
}

/** Bytes of JSON text. */
const MOST_BYTES = 1_048_576;

export class UserCredentials {
  readonly #pool: Pool;
  readonly #safe: Safe;

  constructor(parts: { pool: Pool; safe: Safe }) {
    this.#pool = parts.pool;
    this.#safe = parts.safe;
  }

  /** The caller's own, without their values. */
  list(caller: Caller, query: ListQuery<CredentialField>): Promise<ListPage> {
    requirePermission(caller, 'tokens.own');
    const scope: TenantScope = {
      tenantId: 0 as TenantId,
      tenantName: '',
      userId: caller.userId,
      seesPrivate: false,
    };
    return listPage(this.#pool, CREDENTIAL_LIST, scope, query);
  }

  /** The value, for its owner alone. @throws DomainError `not-found` */
  async secretOf(caller: Caller, id: string): Promise<JsonObject> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    const row = isUuid(id) ? await selectCredential.one(this.#pool, [caller.userId, id]) : null;
    if (row === null) throw notFound('Credential', id.slice(0, 100));
    const text = await this.#safe.open(this.#pool, placeOf(row.id));
    return text === null ? {} : (JSON.parse(text) as JsonObject);
  }

  /** @returns its id */
  create(
    caller: Caller,
    credential: CredentialChange & { readonly name: string; readonly type: string },
  ): Promise<string> {
    return this.#change(caller, 'create', '', async (client) => {
      const row = await insertCredential.one(client, [caller.userId, credential.name, credential.type]);
      await this.#keep(client, row!.id, credential.secret ?? {});
      return row;
    });
  }

  /** @throws DomainError `not-found` */
  async update(caller: Caller, id: string, { name, type, secret }: CredentialChange): Promise<void> {
    await this.#change(caller, 'update', id, async (client) => {
      const row = isUuid(id)
        ? await updateCredential.one(client, [caller.userId, id, name ?? null, type ?? null])
        : null;
      if (row !== null && secret !== undefined) await this.#keep(client, row.id, secret);
      return row;
    });
  }

  /** @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', id, async (client) => {
      const row = isUuid(id) ? await deleteCredential.one(client, [caller.userId, id]) : null;
      if (row !== null) await this.#safe.forget(client, placeOf(row.id));
      return row;
    });
  }

  async #keep(client: Client, id: string, secret: JsonObject): Promise<void> {
    const text = JSON.stringify(secret);
    if (Buffer.byteLength(text) > MOST_BYTES) {
      throw new DomainError('limit', 'credential-too-large', `A credential has at most ${MOST_BYTES} bytes`);
    }
    await this.#safe.keep(client, placeOf(id), text);
  }

  async #change(
    caller: Caller,
    action: string,
    asked: string,
    work: (client: Client) => Promise<{ readonly id: string } | null>,
  ): Promise<string> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const row = await work(client);
      if (row === null) throw notFound('Credential', asked.slice(0, 100));
      await record(client, caller, { action, thing: 'credential', id: row.id, details: { uuid: row.id } });
      return row.id;
    });
  }
}

function placeOf(id: string): string {
  return `credentials/${id}`;
}
