/**
 * Secrets: values that blueprints ask for by key and that nobody finds written anywhere.
 *
 * Values are sealed (vault.ts) before they reach the store and are opened for one caller at a time; lists, audit rows,
 * errors and logs never hold one. A *hidden* value is told to the secret's creator and to those who see private
 * resources, and only they may change it; operations get it all the same, so whoever may run scripts in the tenant
 * can learn it. That is what the word means in the dialects too.
 */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { exportSecrets } from './export-secrets.js';
import { placeOf } from './place.js';
import { controls, type Secret, type SecretWithValue, told } from './secret.js';
import {
  deleteSecret,
  holdMasterKey,
  insertSecret,
  lockKey,
  lockSecret,
  pinMasterKey,
  putRecord,
  SECRET_LIST,
  type SecretField,
  type SecretRow,
  selectHolders,
  selectSecret,
  selectSeenKeys,
  selectUser,
  updateSecret,
  type Visibility,
} from './secrets.store.js';
import { obeys, requireSchema } from './value-schema.js';
import type { Vault } from './vault.js';

export type { Secret, SecretWithValue } from './secret.js';
export type { SecretField, Visibility };

export interface NewSecret {
  readonly key: string;
  /** A text, unless there is a schema. */
  readonly value: Json;
  readonly visibility?: Visibility;
  readonly hidden?: boolean;
  readonly schema?: JsonObject | null;
  /** A secret of the tenant with this key gets the value instead of being in the way. */
  readonly updateIfExists?: boolean;
  /** Whose it was and since when, where one is put back that was there before. Needs `records.restore`. */
  readonly record?: SecretRecord;
}

export interface SecretRecord {
  readonly createdBy?: string;
  readonly createdAt?: Date;
  readonly updatedAt?: Date;
}

export interface SecretChanges {
  readonly value?: Json;
  readonly visibility?: Visibility;
  readonly hidden?: boolean;
  readonly schema?: JsonObject | null;
}

/** Characters of a value as JSON: 1 MiB for texts, less where a schema is checked against it. */
const LONGEST = 1_048_576;
const LONGEST_WITH_SCHEMA = 65_536;
const BREADTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

export class Secrets {
  readonly #pool: Pool;
  readonly #vault: Vault;

  constructor({ pool, vault }: { pool: Pool; vault: Vault }) {
    this.#pool = pool;
    this.#vault = vault;
  }

  /**
   * To be called at each start: pins the master key for the store, or checks that the pinned one is there.
   *
   * @returns whether the pinned one is the current one, or one before it
   * @throws Error when the store's secrets are under another master key
   */
  async requireMasterKey(): Promise<'current' | 'former'> {
    const { fingerprint } = (await pinMasterKey.one(this.#pool, [this.#vault.fingerprint]))!;
    if (fingerprint === this.#vault.fingerprint) return 'current';
    if (this.#vault.holds(fingerprint)) return 'former';
    throw new Error(
      'the secrets in this database are encrypted under another master key: set ORRERY_MASTER_KEY to that one, or bring back the file master-key of the data folder that first used this database. Where the key was changed, ORRERY_FORMER_MASTER_KEYS may hold the one before',
    );
  }

  /** Without values. */
  async list(caller: Caller, query: ListQuery<SecretField>): Promise<ListPage> {
    return listPage(this.#pool, SECRET_LIST, scopeFor(caller, 'secrets.read'), query);
  }

  /** @throws DomainError `not-found` */
  async get(caller: Caller, key: string): Promise<SecretWithValue> {
    const scope = scopeFor(caller, 'secrets.read');
    const row = await this.#select(scope, key);
    return { ...told(row), value: controls(caller, row) ? { plain: this.#open(row) } : null };
  }

  /**
   * @throws DomainError `invalid`; `conflict` (`secret-exists`), also when the one in the way cannot be seen;
   *   `forbidden` for a global one without the right to it; as `update` when it updates
   */
  async create(caller: Caller, secret: NewSecret): Promise<Secret> {
    const scope = scopeFor(caller, 'secrets.write');
    requireName('secret', secret.key);
    const visibility = secret.visibility ?? 'tenant';
    if (visibility === 'global') requirePermission(caller, 'global.write');
    const schema = secret.schema ?? null;
    if (schema !== null) requireSchema(schema);
    const { key, hidden = false } = secret;
    await inTransaction(this.#pool, async (client) => {
      await lockKey.run(client, [key]);
      const [holder] = await selectHolders.all(client, [key, scope.tenantId, visibility === 'global']);
      if (holder !== undefined) {
        if (secret.updateIfExists !== true || holder.tenantId !== scope.tenantId) throw exists(key);
        const { updateIfExists: _, key: __, ...changes } = secret;
        await this.#update(client, caller, scope, key, changes);
        return;
      }
      const under = await this.#under(client);
      const { sealed, sealedKey } = this.#seal(scope, key, schema, secret.value, under);
      await insertSecret.run(client, scope.tenantId, [
        key,
        visibility,
        scope.userId,
        hidden,
        schema === null ? null : JSON.stringify(schema),
        sealed,
        sealedKey,
        under,
      ]);
      await record(client, caller, {
        action: 'create',
        thing: 'secret',
        id: key,
        details: { visibility, hidden },
      });
      if (secret.record !== undefined) await this.#putRecord(client, caller, scope, key, secret.record);
    });
    return told(await this.#select(scope, key));
  }

  /**
   * Secrets of a list with their values; without those whose values are hidden from the caller. Needs `secrets.write`, as
   * whoever carries values away could as well have made them.
   *
   * @throws DomainError `limit` (`export-too-large`): more than ten thousand, or more than 64 MB of values
   */
  async export(
    caller: Caller,
    query: Pick<ListQuery<SecretField>, 'filters' | 'search' | 'allTenants'>,
  ): Promise<SecretWithValue[]> {
    return exportSecrets(this.#pool, (row) => this.#open(row), caller, query);
  }

  /**
   * @throws DomainError `not-found`; `invalid`: nothing to change (`nothing-to-change`), a narrower visibility
   *   (`visibility-not-wider`), or a global one of another tenant (`global-of-another-tenant`); `conflict`
   *   (`secret-value-mismatch`, `secret-exists`); `forbidden` (`secret-hidden`)
   */
  async update(caller: Caller, key: string, changes: SecretChanges): Promise<Secret> {
    const scope = scopeFor(caller, 'secrets.write');
    if (Object.values(changes).every((change) => change === undefined)) {
      throw new DomainError('invalid', 'nothing-to-change', 'Nothing of the secret was given to change');
    }
    await inTransaction(this.#pool, async (client) => {
      if (changes.visibility === 'global') await lockKey.run(client, [key]);
      await this.#update(client, caller, scope, key, changes);
    });
    return told(await this.#select(scope, key));
  }

  /** @returns the secret as it was. @throws DomainError as `update` */
  async remove(caller: Caller, key: string): Promise<Secret> {
    const scope = scopeFor(caller, 'secrets.write');
    return inTransaction(this.#pool, async (client) => {
      const row = await this.#lock(client, caller, scope, key);
      await deleteSecret.run(client, scope.tenantId, [row.uid]);
      await record(client, caller, { action: 'delete', thing: 'secret', id: key });
      return told(row);
    });
  }

  /**
   * The value, for an operation or an output of a deployment in the scope. Hidden or not.
   *
   * @throws DomainError `not-found` (`secret-not-found`), also for a private one of somebody else
   */
  async reveal(scope: TenantScope, key: string): Promise<Json> {
    return this.#open(await this.#select(scope, key));
  }

  /** Of `keys`, those that `reveal` would not find in the scope; in the given order. */
  async missing(scope: TenantScope, keys: readonly string[]): Promise<string[]> {
    const seen = await selectSeenKeys.all(this.#pool, scope.tenantId, [
      keys,
      scope.userId,
      scope.seesPrivate,
    ]);
    const found = new Set(seen.map((row) => row.key));
    return keys.filter((key) => !found.has(key));
  }

  async #update(
    client: Client,
    caller: Caller,
    scope: TenantScope,
    key: string,
    changes: SecretChanges,
  ): Promise<void> {
    const row = await this.#lock(client, caller, scope, key);
    const visibility = changes.visibility ?? row.visibility;
    if (BREADTH[visibility] < BREADTH[row.visibility]) {
      throw new DomainError(
        'invalid',
        'visibility-not-wider',
        `Secret \`${key}\` is \`${row.visibility}\` and cannot become \`${visibility}\`: visibility only widens`,
      );
    }
    if (visibility === 'global' && row.visibility !== 'global') {
      requirePermission(caller, 'global.write');
      const holders = await selectHolders.all(client, [key, scope.tenantId, true]);
      if (holders.some((holder) => holder.tenantId !== scope.tenantId)) throw exists(key);
    }
    const schema = changes.schema === undefined ? row.schema : changes.schema;
    if (changes.schema != null) requireSchema(changes.schema);
    const resealed = changes.value !== undefined || changes.schema !== undefined;
    const { sealed, sealedKey, masterKey } = resealed
      ? this.#seal(scope, key, schema, changes.value ?? this.#open(row), await this.#under(client))
      : row;
    const hidden = changes.hidden ?? row.hidden;
    await updateSecret.run(client, scope.tenantId, [
      row.uid,
      visibility,
      hidden,
      schema === null ? null : JSON.stringify(schema),
      sealed,
      sealedKey,
      masterKey,
    ]);
    const changed = Object.keys(changes).filter((name) => changes[name as keyof SecretChanges] !== undefined);
    await record(client, caller, {
      action: 'update',
      thing: 'secret',
      id: key,
      details: { changed, visibility, hidden },
    });
  }

  async #putRecord(
    client: Client,
    caller: Caller,
    scope: TenantScope,
    key: string,
    { createdBy, createdAt, updatedAt }: SecretRecord,
  ): Promise<void> {
    requirePermission(caller, 'records.restore');
    if (createdBy !== undefined && (await selectUser.one(client, [createdBy]))?.there !== true) {
      throw new DomainError('invalid', 'user-unknown', `There is no user \`${createdBy}\``);
    }
    await putRecord.run(client, scope.tenantId, [
      key,
      createdBy ?? null,
      createdAt ?? null,
      updatedAt ?? null,
    ]);
  }

  async #select(scope: TenantScope, key: string): Promise<SecretRow> {
    const values = [key, scope.userId, scope.seesPrivate];
    const row = key.includes('\0') ? null : await selectSecret.one(this.#pool, scope.tenantId, values);
    if (row === null) throw notFound('Secret', key);
    return row;
  }

  /** The secret, to be changed by the caller. */
  async #lock(client: Client, caller: Caller, scope: TenantScope, key: string): Promise<SecretRow> {
    const values = [key, scope.userId, scope.seesPrivate];
    const row = key.includes('\0') ? null : await lockSecret.one(client, scope.tenantId, values);
    if (row === null) throw notFound('Secret', key);
    if (row.tenantId !== scope.tenantId) {
      throw new DomainError(
        'invalid',
        'global-of-another-tenant',
        `Secret \`${key}\` belongs to tenant \`${row.tenantName}\` and can be changed from there only`,
      );
    }
    if (!controls(caller, row)) {
      throw new DomainError(
        'forbidden',
        'secret-hidden',
        `User \`${caller.username}\` is not permitted to change the hidden secret \`${key}\``,
      );
    }
    return row;
  }

  /** The master key for new values, held until the transaction ends. */
  async #under(client: Client): Promise<string> {
    return (await holdMasterKey.one(client))?.fingerprint ?? this.#vault.fingerprint;
  }

  #seal(scope: TenantScope, key: string, schema: JsonObject | null, value: Json, under: string) {
    const text = JSON.stringify(value);
    const longest = schema === null ? LONGEST : LONGEST_WITH_SCHEMA;
    if (text.length > longest) {
      throw new DomainError(
        'limit',
        'secret-too-long',
        `The value of a secret ${schema === null ? '' : 'with a schema '}has at most ${longest} characters`,
      );
    }
    if (value === '' || value === null) {
      throw new DomainError('invalid', 'secret-value-empty', 'The value of a secret cannot be empty');
    }
    if (schema === null && typeof value !== 'string') {
      throw new DomainError(
        'invalid',
        'secret-value-not-text',
        'The value of a secret without schema must be a text',
      );
    }
    if (schema !== null && !obeys(schema, value)) {
      throw new DomainError(
        'conflict',
        'secret-value-mismatch',
        `The value of secret \`${key}\` does not obey its schema`,
      );
    }
    return this.#vault.seal(text, placeOf(scope.tenantId, key), under);
  }

  #open(row: SecretRow): Json {
    return JSON.parse(this.#vault.open(row, placeOf(row.tenantId, row.key))) as Json;
  }
}

function exists(key: string): DomainError {
  return new DomainError('conflict', 'secret-exists', `Secret \`${key}\` already exists`);
}
