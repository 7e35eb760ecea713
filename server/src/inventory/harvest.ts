/**
 * What a harvest found, written down. What always holds:
 *
 * - A harvest is one transaction: everything that it found, the account's status and what it says of itself, or nothing.
 * - It is the full truth for the account: what was there and is not found is destroyed. But where it was not to look (a
 *   disabled region), what was there stays.
 * - What did not change is not touched: a digest over all that is kept of a thing says so.
 *
 * Two harvests of one account happen one after the other, by the lock on its row.
 */
import { createHash } from 'node:crypto';
import { type Caller, scopeFor } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { afterHarvest, type CloudAccountState } from './cloud-account-state.js';
import type { CloudAccountKey, CloudAccounts } from './cloud-accounts.js';
import { updateHarvested } from './cloud-accounts.store.js';
import { type Harvest, type Harvested, type Skipped, UnreadableDocument } from './import/harvested.js';
import { readKubernetesManifests } from './import/kubernetes-manifests.js';
import { readTerraformState } from './import/terraform-state.js';
import type { Regions } from './regions.js';
import {
  destroyResources,
  type HarvestRow,
  type PresentRow,
  selectHarvests,
  selectPresent,
  upsertHarvest,
  upsertResources,
} from './resources.store.js';

export const IMPORT_FORMATS = ['terraform-state', 'kubernetes'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

export interface HarvestReport {
  readonly created: number;
  readonly modified: number;
  readonly destroyed: number;
  readonly unchanged: number;
  /** Of all that were found. */
  readonly total: number;
  readonly skipped: readonly Skipped[];
}

export type LastHarvest = HarvestRow;

/** Rows of one statement. */
const BATCH = 1000;
/** What is told of what was skipped; the rest is a number. */
const MOST_SKIPPED = 1000;

export class Harvests {
  readonly #pool: Pool;
  readonly #accounts: CloudAccounts;
  readonly #regions: Regions;

  constructor(parts: { pool: Pool; accounts: CloudAccounts; regions: Regions }) {
    this.#pool = parts.pool;
    this.#accounts = parts.accounts;
    this.#regions = parts.regions;
  }

  /**
   * Reads a document as the whole of an account that is harvested by import. Needs `cloud-accounts.write`.
   *
   * @param document text or parsed JSON
   * @param region of what does not say where it is
   * @throws DomainError `not-found`; `invalid` (`import-unreadable`); `conflict` (`account-not-imported`, `account-paused`)
   */
  async importDocument(
    caller: Caller,
    key: CloudAccountKey,
    order: { readonly format: ImportFormat; readonly document: unknown; readonly region: string | null },
  ): Promise<HarvestReport> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    const startedAt = new Date();
    const { uid } = await this.#accounts.get(caller, key);
    const harvest = readDocument(order);
    return inTransaction(this.#pool, async (client) => {
      const account = await this.#accounts.hold(client, tenantId, uid);
      if (account.signIn !== 'import') {
        throw new DomainError(
          'conflict',
          'account-not-imported',
          `Cloud account "${account.name}" is not harvested by import: its authentication is ${account.signIn}`,
        );
      }
      if (account.status === 'paused') {
        throw new DomainError(
          'conflict',
          'account-paused',
          `Harvests of cloud account "${account.name}" are paused`,
        );
      }
      const report = await this.#write(client, tenantId, uid, harvest);
      await upsertHarvest.run(client, tenantId, [uid, 'import', 'global', startedAt, 'succeeded', null]);
      const status = afterHarvest(account.status as CloudAccountState, 'complete');
      await updateHarvested.run(client, tenantId, [uid, status, null]);
      const { skipped, ...counts } = report;
      const details = { format: order.format, ...counts, skipped: skipped.length };
      await record(client, caller, { action: 'import', thing: 'cloud-account', id: `${uid}`, details });
      return report;
    });
  }

  /** By job and region. Needs `cloud-accounts.read`. @throws DomainError `not-found` */
  async last(caller: Caller, key: CloudAccountKey): Promise<LastHarvest[]> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    const { uid } = await this.#accounts.get(caller, key);
    return selectHarvests.all(this.#pool, tenantId, [uid]);
  }

  async #write(
    client: Client,
    tenantId: TenantId,
    account: number,
    harvest: Harvest,
  ): Promise<HarvestReport> {
    const disabled = await this.#regions.disabled(client, tenantId, account);
    const [found, left] = parted(harvest.resources, ({ region }) => !disabled.has(region));
    const before = new Map(
      (await selectPresent.all(client, tenantId, [account])).map((row) => [keyOf(row), row]),
    );
    const fresh: object[] = [];
    const counts = { created: 0, modified: 0, unchanged: 0 };
    for (const one of found) {
      const digest = digestOf(one);
      const change = changeOf(before.get(keyOf(one)), digest);
      counts[change] += 1;
      before.delete(keyOf(one));
      if (change !== 'unchanged') fresh.push({ ...one, digest: digest.toString('hex') });
    }
    for (let at = 0; at < fresh.length; at += BATCH) {
      await upsertResources.run(client, tenantId, [account, JSON.stringify(fresh.slice(at, at + BATCH))]);
    }
    const gone = [...before.values()].filter((row) => !row.destroyed && !disabled.has(row.region));
    if (gone.length > 0) await destroyResources.run(client, tenantId, [gone.map(({ uid }) => uid)]);
    const inDisabled = left.map(({ type, providerId, region }) => ({
      address: `${type} ${providerId}`,
      reason: `region ${region} is disabled`,
    }));
    return {
      ...counts,
      destroyed: gone.length,
      total: found.length,
      skipped: [...harvest.skipped, ...inDisabled].slice(0, MOST_SKIPPED),
    };
  }
}

function readDocument(order: {
  readonly format: ImportFormat;
  readonly document: unknown;
  readonly region: string | null;
}): Harvest {
  try {
    if (order.format === 'kubernetes') return readKubernetesManifests(order.document);
    return readTerraformState(parsed(order.document), order.region);
  } catch (error) {
    if (!(error instanceof UnreadableDocument)) throw error;
    throw new DomainError('invalid', 'import-unreadable', error.message, { details: { field: 'document' } });
  }
}

function parsed(document: unknown): unknown {
  if (typeof document !== 'string') return document;
  try {
    return JSON.parse(document) as unknown;
  } catch (error) {
    throw new UnreadableDocument(`The document is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

function parted<T>(all: readonly T[], fits: (one: T) => boolean): [T[], T[]] {
  return [all.filter(fits), all.filter((one) => !fits(one))];
}

function keyOf({ type, region, providerId }: Pick<Harvested, 'type' | 'region' | 'providerId'>): string {
  return JSON.stringify([type, region, providerId]);
}

function changeOf(row: PresentRow | undefined, digest: Buffer): 'created' | 'modified' | 'unchanged' {
  if (row === undefined || row.destroyed) return 'created';
  return row.digest.equals(digest) ? 'unchanged' : 'modified';
}

function digestOf(one: Harvested): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(sorted(one)))
    .digest();
}

/** Members of objects in one order, whatever the document's was. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, each]) => [name, sorted(each)]));
}
