/** What is in a tenant's cloud accounts, as the last harvests found it. */
import { type Caller, scopeFor } from '../caller.js';
import { notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  countByType,
  countOwned,
  RESOURCE_LIST,
  type ResourceField,
  type ResourceRow,
  selectReferred,
  selectResource,
  setOwner,
} from './resources.store.js';

export type { ResourceField } from './resources.store.js';
export type InventoryResource = ResourceRow;

/** How a resource is named within its tenant. */
export interface ResourceName {
  readonly account: number;
  readonly type: string;
  readonly providerId: string;
  /** null: whichever it is in. */
  readonly region: string | null;
}

export class InventoryResources {
  readonly #pool: Pool;

  constructor(parts: { pool: Pool }) {
    this.#pool = parts.pool;
  }

  /** Those that are there. Needs `inventory.read`. */
  async list(caller: Caller, query: ListQuery<ResourceField>): Promise<ListPage> {
    return listPage(this.#pool, RESOURCE_LIST, scopeFor(caller, 'inventory.read'), query);
  }

  /** Needs `inventory.read`. @throws DomainError `not-found` */
  async get(caller: Caller, name: ResourceName): Promise<InventoryResource> {
    const { tenantId } = scopeFor(caller, 'inventory.read');
    const values = [name.account, name.type, name.providerId, name.region];
    const row = await selectResource.one(this.#pool, tenantId, values);
    if (row === null) throw notFound('Resource', `${name.type}:${name.providerId}`);
    return row;
  }

  /** What it refers to and the same account has. Needs `inventory.read`. */
  async referredBy(caller: Caller, resource: InventoryResource): Promise<InventoryResource[]> {
    const { tenantId } = scopeFor(caller, 'inventory.read');
    if (resource.refersTo.length === 0) return [];
    return selectReferred.all(this.#pool, tenantId, [
      resource.cloudAccountUid,
      resource.refersTo.map(({ type }) => type),
      resource.refersTo.map(({ providerId }) => providerId),
    ]);
  }

  /**
   * How many of each type. Needs `inventory.read`.
   *
   * @param accounts null: all
   * @param tags all of which a resource must have; null: whatever it has
   */
  async countByType(
    caller: Caller,
    accounts: readonly number[] | null,
    tags: Readonly<Record<string, string>> | null = null,
  ): Promise<Readonly<Record<string, number>>> {
    const { tenantId } = scopeFor(caller, 'inventory.read');
    const pairs = tags === null ? null : JSON.stringify(tags);
    const rows = await countByType.all(this.#pool, tenantId, [accounts, pairs]);
    return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
  }

  /** How many resources of the caller's tenant belong to each of the users; none: absent. */
  async countOwned(caller: Caller, owners: readonly number[]): Promise<ReadonlyMap<number, number>> {
    if (caller.tenant === null || owners.length === 0) return new Map();
    const rows = await countOwned.all(this.#pool, caller.tenant.id, [owners]);
    return new Map(rows.map(({ ownerId, count }) => [ownerId, count]));
  }

  /** All of them, or none. Needs `inventory.write`. @param owner null: nobody @throws DomainError `not-found` */
  async setOwner(caller: Caller, names: readonly ResourceName[], owner: UserId | null): Promise<void> {
    const { tenantId } = scopeFor(caller, 'inventory.write');
    const rows: InventoryResource[] = [];
    for (const name of names) rows.push(await this.get(caller, name));
    await inTransaction(this.#pool, async (client) => {
      await setOwner.run(client, tenantId, [rows.map(({ uid }) => uid), owner]);
      for (const row of rows) {
        const details = { owner };
        await record(client, caller, { action: 'set-owner', thing: 'resource', id: `${row.uid}`, details });
      }
    });
  }
}
