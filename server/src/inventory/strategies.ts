/**
 * Harvest strategies: which accounts are harvested in the same manner. Every kind of account has one by itself, the same in
 * every tenant, whose number is the place of its kind in a fixed list; others are made and given to accounts by hand.
 */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { Badge } from './badges.js';
import type { CloudAccounts } from './cloud-accounts.js';
import {
  assignByBadges,
  assignStrategy,
  countByKind,
  deleteStrategies,
  insertStrategy,
  type StrategyRow,
  selectStrategies,
} from './strategies.store.js';

export interface Strategy extends StrategyRow {
  /** The one that accounts of the kind have by themselves. */
  readonly isUsual: boolean;
}

/** The order is part of what clients keep: append only. */
const KINDS = [
  'aws',
  'aws-gov',
  'aws-china',
  'azure',
  'azure-gov',
  'azure-china',
  'gcp',
  'alicloud',
  'oci',
  'kubernetes',
  'platform',
];

/** The number of the strategy that accounts of a kind have by themselves; of kinds that nobody harvests, 0. */
export function usualStrategy(kind: string): number {
  return KINDS.indexOf(kind) + 1;
}

export class Strategies {
  readonly #pool: Pool;
  readonly #accounts: CloudAccounts;

  constructor(parts: { pool: Pool; accounts: CloudAccounts }) {
    this.#pool = parts.pool;
    this.#accounts = parts.accounts;
  }

  /** Needs `cloud-accounts.read`. */
  async list(caller: Caller): Promise<Strategy[]> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.read');
    const counts = new Map(
      (await countByKind.all(this.#pool, tenantId)).map((row) => [row.kind, row.accounts]),
    );
    const made = await selectStrategies.all(this.#pool, tenantId);
    return [
      ...KINDS.map((kind) => ({
        uid: usualStrategy(kind),
        name: `Default ${kind}`,
        kind,
        accounts: counts.get(kind) ?? 0,
        isUsual: true,
      })),
      ...made.map((row) => ({ ...row, isUsual: false })),
    ];
  }

  /** Needs `cloud-accounts.write`. @throws DomainError `invalid`; `conflict` (`strategy-exists`) */
  async create(caller: Caller, name: string, kind: string): Promise<number> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    if (name.trim() === '' || name.length > 256) {
      throw new DomainError('invalid', 'strategy-invalid', 'The name of a strategy has 1 to 256 characters');
    }
    if (usualStrategy(kind) === 0)
      throw new DomainError('invalid', 'strategy-invalid', `Nothing of kind ${kind} is harvested`);
    return inTransaction(this.#pool, async (client) => {
      const row = await insertStrategy.one(client, tenantId, [name, kind]);
      if (row === null)
        throw new DomainError('conflict', 'strategy-exists', `There is a strategy "${name}" already`);
      await record(client, caller, {
        action: 'create',
        thing: 'strategy',
        id: `${row.uid}`,
        details: { name },
      });
      return row.uid;
    });
  }

  /** Those of a tenant that is itself to go. */
  async takeAll(client: Client, tenantId: TenantId): Promise<void> {
    await deleteStrategies.run(client, tenantId);
  }

  /**
   * Gives the strategy to the accounts, and to all of its kind that have one of the badges. Needs `cloud-accounts.write`.
   *
   * @throws DomainError `not-found`: no such strategy or account; `invalid`: an account of another kind
   */
  async assign(
    caller: Caller,
    id: number,
    accounts: readonly number[],
    badges: readonly Badge[],
  ): Promise<void> {
    const { tenantId } = scopeFor(caller, 'cloud-accounts.write');
    const strategy = (await this.list(caller)).find(({ uid }) => uid === id);
    if (strategy === undefined) throw notFound('Strategy', `${id}`);
    const { kind, isUsual } = strategy;
    await inTransaction(this.#pool, async (client) => {
      for (const uid of [...new Set(accounts)].sort((a, b) => a - b)) {
        const account = await this.#accounts.hold(client, tenantId, uid);
        if (account.kind !== kind) {
          throw new DomainError(
            'invalid',
            'strategy-invalid',
            `"${account.name}" is no cloud account of kind ${kind}`,
          );
        }
      }
      const given = isUsual ? null : id;
      await assignStrategy.run(client, tenantId, [accounts, given]);
      if (badges.length > 0) {
        const pairs = [badges.map(({ key }) => key), badges.map(({ value }) => value)];
        await assignByBadges.run(client, tenantId, [kind, given, ...pairs]);
      }
      await record(client, caller, {
        action: 'assign',
        thing: 'strategy',
        id: `${id}`,
        details: { accounts: accounts.length },
      });
    });
  }
}
