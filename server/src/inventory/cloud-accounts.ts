/**
 * Cloud accounts: what a tenant has at providers, and how it signs in there. One row is a cloud, a resource handler or a
 * connection, depending on whose words are spoken.
 *
 * What is secret of an account is one sealed JSON object in the safe and never leaves this room but through
 * `secretsOf`, for those who act at the provider. Everything else is `settings`, which anybody may read who may read the
 * account.
 */
import { randomUUID } from 'node:crypto';
import { type Caller, scopeFor } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import type { CloudAccountState } from './cloud-account-state.js';
import {
  ACCOUNT_LIST,
  type CloudAccountField,
  type CloudAccountRow,
  deleteAccount,
  deleteCounts,
  insertAccount,
  insertPlatformAccount,
  lockAccount,
  selectAccount,
  selectAccountById,
  selectAllOf,
  selectPlatformAccount,
  updateAccount,
  updateStatus,
} from './cloud-accounts.store.js';

export type { CloudAccountField } from './cloud-accounts.store.js';

/** An account, without its secrets. */
export type CloudAccount = CloudAccountRow;

/** Where what is secret of an account is kept, sealed. */
export interface SafeForAccounts {
  keep(client: Client, place: string, value: string): Promise<void>;
  open(db: Queryable, place: string): Promise<string | null>;
  forget(db: Queryable, place: string): Promise<void>;
}

/** The number of its row, or its UUID. */
export type CloudAccountKey = number | string;

export interface NewCloudAccount {
  readonly name: string;
  /** `aws`, `azure`, `gcp`, `kubernetes`, `local`, `ssh`, …: small letters, digits, `.`, `_`, `-`. */
  readonly kind: string;
  /** False: a service without resources of its own. */
  readonly isCloud?: boolean;
  readonly status?: CloudAccountState | string;
  /** What the provider calls it. Within tenant and kind there is one account of it. */
  readonly providerAccount?: string | null;
  /** `standard` where nothing is said. */
  readonly signIn?: string;
  readonly settings?: JsonObject;
  readonly secrets?: JsonObject;
}

/** What is not named stays. */
export interface CloudAccountChange {
  readonly name?: string;
  readonly status?: CloudAccountState | string;
  readonly statusReason?: string | null;
  readonly providerAccount?: string | null;
  readonly signIn?: string;
  /** Member by member over the ones that are there; null takes one away. */
  readonly settings?: JsonObject;
  /** Likewise. */
  readonly secrets?: JsonObject;
}

const LARGEST = 65_536;

export class CloudAccounts {
  readonly #pool: Pool;
  readonly #safe: SafeForAccounts | null;

  /** @param parts.safe null: accounts with secrets are refused */
  constructor(parts: { pool: Pool; safe: SafeForAccounts | null }) {
    this.#pool = parts.pool;
    this.#safe = parts.safe;
  }

  /** Needs `cloud-accounts.read`. */
  async list(caller: Caller, query: ListQuery<CloudAccountField>): Promise<ListPage> {
    return listPage(this.#pool, ACCOUNT_LIST, scopeFor(caller, 'cloud-accounts.read'), query);
  }

  /** Needs `cloud-accounts.read`. @throws DomainError `not-found` */
  async get(caller: Caller, key: CloudAccountKey): Promise<CloudAccount> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    return find(this.#pool, tenantId, key);
  }

  /** Needs `cloud-accounts.write`. @throws DomainError `invalid`; `conflict` (`cloud-account-exists`) */
  async create(caller: Caller, account: NewCloudAccount): Promise<CloudAccount> {
    const { tenantId, userId } = scopeFor(caller, 'cloud-accounts.write');
    check(account);
    return inTransaction(this.#pool, (client) =>
      unlessTaken(account, async () => {
        const { settings = {}, secrets = {} } = account;
        const id = randomUUID();
        if (!isEmpty(secrets)) await this.#open().keep(client, placeOf(id), JSON.stringify(secrets));
        const { uid } = (await insertAccount.one(client, tenantId, [
          account.name,
          account.kind,
          account.isCloud ?? true,
          account.status ?? 'pending',
          account.providerAccount ?? null,
          account.signIn ?? 'standard',
          JSON.stringify(settings),
          !isEmpty(secrets),
          userId,
          id,
        ]))!;
        const details = { kind: account.kind, name: account.name };
        await record(client, caller, { action: 'create', thing: 'cloud-account', id: `${uid}`, details });
        return find(client, tenantId, uid);
      }),
    );
  }

  /** Needs `cloud-accounts.write`. @throws DomainError `not-found`; `invalid`; `conflict` (`cloud-account-exists`) */
  async update(caller: Caller, key: CloudAccountKey, change: CloudAccountChange): Promise<CloudAccount> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    check(change);
    return inTransaction(this.#pool, (client) =>
      unlessTaken(change, async () => {
        const row = await lock(client, tenantId, key);
        const settings = merged(row.settings, change.settings ?? {});
        const hasSecrets = await this.#changeSecrets(client, row, change.secrets ?? {});
        await updateAccount.run(client, tenantId, [
          row.uid,
          change.name ?? row.name,
          change.status ?? row.status,
          change.statusReason === undefined ? row.statusReason : change.statusReason,
          change.providerAccount === undefined ? row.providerAccount : change.providerAccount,
          change.signIn ?? row.signIn,
          JSON.stringify(settings),
          hasSecrets,
        ]);
        await record(client, caller, {
          action: 'update',
          thing: 'cloud-account',
          id: `${row.uid}`,
          details: { changed: Object.keys(change) },
        });
        return find(client, tenantId, row.uid);
      }),
    );
  }

  /** Several at once, or none. Needs `cloud-accounts.write`. @throws DomainError `not-found` */
  async setStatus(
    caller: Caller,
    keys: readonly CloudAccountKey[],
    status: CloudAccountState,
    reason: string | null = null,
  ): Promise<void> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    await inTransaction(this.#pool, async (client) => {
      for (const key of [...new Set(keys)].sort()) {
        const { uid } = await lock(client, tenantId, key);
        await updateStatus.run(client, tenantId, [uid, status, reason]);
        const details = { status };
        await record(client, caller, { action: 'set-status', thing: 'cloud-account', id: `${uid}`, details });
      }
    });
  }

  /** With its resources, badges and secrets. Needs `cloud-accounts.write`. @throws DomainError `not-found` */
  async remove(caller: Caller, key: CloudAccountKey): Promise<CloudAccount> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    return inTransaction(this.#pool, async (client) => {
      const row = await lock(client, tenantId, key);
      await this.take(client, tenantId, row.uid);
      const details = { kind: row.kind, name: row.name };
      await record(client, caller, { action: 'delete', thing: 'cloud-account', id: `${row.uid}`, details });
      return row;
    });
  }

  /** Removes one in somebody's transaction, who has said why and written it down. */
  async take(client: Client, tenantId: TenantId, uid: number): Promise<void> {
    const row = await lock(client, tenantId, uid);
    await deleteAccount.run(client, tenantId, [uid]);
    await deleteCounts.run(client, tenantId, [uid]);
    if (row.hasSecrets) await this.#open().forget(client, placeOf(row.id));
  }

  /** Everything of a tenant that is itself to go, in somebody's transaction. */
  async takeAll(client: Client, tenantId: TenantId): Promise<void> {
    for (const { uid } of await selectAllOf.all(client, tenantId)) await this.take(client, tenantId, uid);
  }

  /**
   * What the account signs in with, for whoever acts at its provider on behalf of the tenant: harvests, handlers, plugins.
   * Never for an answer.
   */
  async secretsOf(db: Queryable, tenantId: TenantId, uid: number): Promise<JsonObject> {
    return this.#secretsOf(db, await find(db, tenantId, uid));
  }

  /** An account for those who act for the tenant rather than for a caller. @throws DomainError `not-found` */
  async find(db: Queryable, tenantId: TenantId, key: CloudAccountKey): Promise<CloudAccount> {
    return find(db, tenantId, key);
  }

  /** As `find`, and nobody else changes it until the transaction ends. @throws DomainError `not-found` */
  async hold(client: Client, tenantId: TenantId, key: CloudAccountKey): Promise<CloudAccount> {
    return lock(client, tenantId, key);
  }

  /** The account of what the platform itself has built; made where the tenant has none yet. */
  async platform(client: Client, tenantId: TenantId): Promise<CloudAccount> {
    const there = await selectPlatformAccount.one(client, tenantId);
    if (there !== null) return there;
    await insertPlatformAccount.run(client, tenantId, ['This platform']);
    return (await selectPlatformAccount.one(client, tenantId))!;
  }

  async #secretsOf(db: Queryable, { id, hasSecrets }: CloudAccountRow): Promise<JsonObject> {
    const text = hasSecrets ? await this.#open().open(db, placeOf(id)) : null;
    return text === null ? {} : (JSON.parse(text) as JsonObject);
  }

  /** @returns whether there are any afterwards */
  async #changeSecrets(client: Client, row: CloudAccountRow, change: JsonObject): Promise<boolean> {
    if (isEmpty(change)) return row.hasSecrets;
    const after = merged(await this.#secretsOf(client, row), change);
    if (isEmpty(after)) await this.#open().forget(client, placeOf(row.id));
    else await this.#open().keep(client, placeOf(row.id), JSON.stringify(after));
    return !isEmpty(after);
  }

  #open(): SafeForAccounts {
    if (this.#safe !== null) return this.#safe;
    throw new DomainError('unavailable', 'safe-missing', 'This server cannot keep secrets of cloud accounts');
  }
}

function placeOf(id: string): string {
  return `cloud-accounts/${id}`;
}

async function find(db: Queryable, tenantId: TenantId, key: CloudAccountKey): Promise<CloudAccountRow> {
  const row =
    typeof key === 'number'
      ? await (Number.isSafeInteger(key) ? selectAccount.one(db, tenantId, [key]) : null)
      : await (UUID.test(key) ? selectAccountById.one(db, tenantId, [key]) : null);
  if (row === null) throw notFound('Cloud account', `${key}`);
  return row;
}

async function lock(client: Client, tenantId: TenantId, key: CloudAccountKey): Promise<CloudAccountRow> {
  const { uid } = await find(client, tenantId, key);
  const row = await lockAccount.one(client, tenantId, [uid]);
  if (row === null) throw notFound('Cloud account', `${key}`);
  return row;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function merged(before: JsonObject, change: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries({ ...before, ...change }).filter(([, value]) => value !== null),
  ) as JsonObject;
}

function isEmpty(object: JsonObject): boolean {
  return Object.keys(object).length === 0;
}

function check(account: Partial<NewCloudAccount> & CloudAccountChange): void {
  const { name, kind, providerAccount } = account;
  if (name !== undefined && (name.trim() === '' || name.length > 256)) {
    throw invalid('name', 'The name of a cloud account must have 1 to 256 characters');
  }
  if (kind !== undefined && !/^[a-z0-9][a-z0-9._-]{0,62}$/.test(kind)) {
    throw invalid('kind', `\`${kind.slice(0, 64)}\` is no kind of cloud account`);
  }
  if (typeof providerAccount === 'string' && (providerAccount === '' || providerAccount.length > 256)) {
    throw invalid('providerAccount', 'What the provider calls the account must have 1 to 256 characters');
  }
  for (const part of ['settings', 'secrets'] as const) {
    if (JSON.stringify(account[part] ?? {}).length > LARGEST) {
      throw invalid(part, `The ${part} of a cloud account must stay under ${LARGEST} characters of JSON`);
    }
  }
}

function invalid(field: string, message: string): DomainError {
  return new DomainError('invalid', 'cloud-account-invalid', message, { details: { field } });
}

async function unlessTaken<T>(
  { kind, providerAccount }: { kind?: string; providerAccount?: string | null },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { constraint } = error as { constraint?: string };
    if (constraint !== 'cloud_accounts_provider_account' && constraint !== 'cloud_accounts_platform')
      throw error;
    const what =
      constraint === 'cloud_accounts_platform' ? 'of the platform itself' : `\`${providerAccount}\``;
    throw new DomainError(
      'conflict',
      'cloud-account-exists',
      `There is a cloud account ${what}${kind === undefined ? '' : ` of kind ${kind}`} already`,
    );
  }
}
