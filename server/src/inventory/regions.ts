/**
 * Regions of cloud accounts: those that the provider is known to have, those where something was found, and those somebody
 * has spoken of. A disabled region is left alone by harvests: what was found there stays as it was.
 */
import { type Caller, scopeFor } from '../caller.js';
import { notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import type { CloudAccountKey, CloudAccounts } from './cloud-accounts.js';
import { type RegionRow, selectDisabledRegions, selectRegions, upsertRegion } from './regions.store.js';

export type Region = RegionRow;

/** Of providers whose accounts all see the same regions (their public documentation). */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  aws: [
    'ap-northeast-1',
    'ap-northeast-2',
    'ap-northeast-3',
    'ap-south-1',
    'ap-southeast-1',
    'ap-southeast-2',
    'ca-central-1',
    'eu-central-1',
    'eu-north-1',
    'eu-west-1',
    'eu-west-2',
    'eu-west-3',
    'sa-east-1',
    'us-east-1',
    'us-east-2',
    'us-west-1',
    'us-west-2',
  ],
  'aws-gov': ['us-gov-east-1', 'us-gov-west-1'],
  'aws-china': ['cn-north-1', 'cn-northwest-1'],
};

export class Regions {
  readonly #pool: Pool;
  readonly #accounts: CloudAccounts;

  constructor(parts: { pool: Pool; accounts: CloudAccounts }) {
    this.#pool = parts.pool;
    this.#accounts = parts.accounts;
  }

  /** By name. Needs `cloud-accounts.read`. @throws DomainError `not-found` */
  async list(caller: Caller, key: CloudAccountKey): Promise<Region[]> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    const account = await this.#accounts.get(caller, key);
    const told = await selectRegions.all(this.#pool, tenantId, [account.uid]);
    const names = new Set(told.map(({ name }) => name));
    const others = account.signIn === 'import' ? [] : (KNOWN[account.kind] ?? []);
    return [
      ...told,
      ...others.filter((name) => !names.has(name)).map((name) => ({ name, disabled: false })),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Needs `cloud-accounts.write`. @throws DomainError `not-found`: no such account, or it has no such region */
  async setDisabled(caller: Caller, key: CloudAccountKey, name: string, disabled: boolean): Promise<void> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    const known = await this.list(caller, key);
    if (!known.some((region) => region.name === name)) throw notFound('Region', name);
    await inTransaction(this.#pool, async (client) => {
      const { uid } = await this.#accounts.hold(client, tenantId, key);
      await upsertRegion.run(client, tenantId, [uid, name, disabled]);
      const action = disabled ? 'disable-region' : 'enable-region';
      await record(client, caller, {
        action,
        thing: 'cloud-account',
        id: `${uid}`,
        details: { region: name },
      });
    });
  }

  /** For harvests. */
  async disabled(db: Queryable, tenantId: TenantId, account: number): Promise<ReadonlySet<string>> {
    const rows = await selectDisabledRegions.all(db, tenantId, [account]);
    return new Set(rows.map(({ name }) => name));
  }
}
