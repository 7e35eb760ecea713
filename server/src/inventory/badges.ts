/** Badges: marks `key: value` on cloud accounts. An account has a key once. */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  type BadgeRow,
  countBadges,
  deleteBadgePairs,
  deleteBadges,
  selectBadges,
  upsertBadges,
} from './badges.store.js';
import type { CloudAccountKey, CloudAccounts } from './cloud-accounts.js';

export interface Badge {
  readonly key: string;
  readonly value: string;
}
export type KeptBadge = BadgeRow;

const MOST = 200;

export class Badges {
  readonly #pool: Pool;
  readonly #accounts: CloudAccounts;

  constructor(parts: { pool: Pool; accounts: CloudAccounts }) {
    this.#pool = parts.pool;
    this.#accounts = parts.accounts;
  }

  /** Needs `cloud-accounts.read`. @throws DomainError `not-found` */
  async of(caller: Caller, account: CloudAccountKey): Promise<KeptBadge[]> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    const { uid } = await this.#accounts.get(caller, account);
    return selectBadges.all(this.#pool, tenantId, [uid]);
  }

  /** How many each has, of accounts that the caller may read; `accounts` null: of all. Others are left out. */
  async counts(
    caller: Caller,
    accounts: readonly number[] | null,
  ): Promise<{ uid: number; count: number }[]> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    return countBadges.all(this.#pool, tenantId, [accounts]);
  }

  /** On every one of them, or on none. A key that is there gets the new value. Needs `cloud-accounts.write`. */
  async add(caller: Caller, accounts: readonly CloudAccountKey[], badges: readonly Badge[]): Promise<void> {
    check(badges);
    await this.#change(caller, accounts, 'add-badges', badges, async (client, tenantId, uid) => {
      await upsertBadges.run(client, tenantId, [uid, ...columns(badges)]);
    });
  }

  /** The given ones in place of all that people gave before. */
  async replace(
    caller: Caller,
    accounts: readonly CloudAccountKey[],
    badges: readonly Badge[],
  ): Promise<void> {
    check(badges);
    await this.#change(caller, accounts, 'set-badges', badges, async (client, tenantId, uid) => {
      await deleteBadges.run(client, tenantId, [uid]);
      await upsertBadges.run(client, tenantId, [uid, ...columns(badges)]);
    });
  }

  /** Pairs that are not there are passed over. */
  async remove(
    caller: Caller,
    accounts: readonly CloudAccountKey[],
    badges: readonly Badge[],
  ): Promise<void> {
    await this.#change(caller, accounts, 'remove-badges', badges, async (client, tenantId, uid) => {
      await deleteBadgePairs.run(client, tenantId, [uid, ...columns(badges)]);
    });
  }

  async #change(
    caller: Caller,
    accounts: readonly CloudAccountKey[],
    action: string,
    badges: readonly Badge[],
    work: (client: Client, tenantId: ReturnType<typeof scopeFor>['tenantId'], uid: number) => Promise<void>,
  ): Promise<void> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    await inTransaction(this.#pool, async (client) => {
      for (const key of [...new Set(accounts)].sort()) {
        const { uid } = await this.#accounts.hold(client, tenantId, key);
        await work(client, tenantId, uid);
        const details = { badges: badges.map((badge) => `${badge.key}=${badge.value}`).slice(0, 50) };
        await record(client, caller, { action, thing: 'cloud-account', id: `${uid}`, details });
      }
    });
  }
}

function columns(badges: readonly Badge[]): [string[], string[]] {
  return [badges.map(({ key }) => key), badges.map(({ value }) => value)];
}

function check(badges: readonly Badge[]): void {
  const keys = badges.map(({ key }) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) !== at);
  if (twice !== undefined) throw invalid('badge-key-twice', `The badge key "${twice}" is given twice`);
  if (badges.length > MOST) throw invalid('too-many-badges', `A cloud account has at most ${MOST} badges`);
  for (const { key, value } of badges) {
    if (key.trim() === '' || key.length > 256 || value.length > 256 || `${key}${value}`.includes('\u0001')) {
      throw invalid('badge-invalid', 'Keys of badges have 1 to 256 characters, values up to 256');
    }
    if (key === 'system.resource_type') {
      throw invalid('badge-of-the-system', `Every cloud account has the badge "${key}" by itself`);
    }
  }
}

function invalid(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message, { details: { field: 'badges' } });
}
