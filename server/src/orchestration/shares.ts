/**
 * How much of the engine a tenant may have.
 *
 * Running: `engine_take` (migration 0050) gives tenants turns and holds the limits exactly, whatever workers there are. Waiting:
 * one that is told to start is refused when too many wait already; two who ask at once may both be let in.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { holdShare, type ShareRow, selectShare, selectWaiting, updateShare } from './shares.store.js';

export interface Share {
  readonly tenant: string;
  /** Executions that a worker has now, and may have; null: any number. */
  readonly running: number;
  readonly mostRunning: number | null;
  /** Executions that wait for a worker, a deployment or a group, and may wait; null: any number. */
  readonly waiting: number;
  readonly mostWaiting: number | null;
  /** False: the limit is the one of the settings. */
  readonly ownRunning: boolean;
  readonly ownWaiting: boolean;
}

/** A limit that is absent stays, null gives the tenant that of the settings again. */
export interface ShareChange {
  readonly mostRunning?: number | null;
  readonly mostWaiting?: number | null;
}

/** Limits of the settings; 0: none. */
export interface Limits {
  readonly running: number;
  readonly waiting: number;
}

const RETRY_AFTER_SECONDS = 10;

/** @throws DomainError `limit` (`too-many-waiting`) */
export async function requireRoom(client: Client, tenant: TenantId, setting: number): Promise<void> {
  const { waiting, most } = (await selectWaiting.one(client, tenant, [setting]))!;
  if (most === 0 || waiting < most) return;
  throw new DomainError(
    'limit',
    'too-many-waiting',
    `${waiting} executions of the tenant wait already, and ${most} may: ask again when some have run`,
    { details: { retryAfterSeconds: RETRY_AFTER_SECONDS, waiting, most } },
  );
}

export class Shares {
  readonly #pool: Pool;
  readonly #limits: Limits;
  /** Told after the commit that more may run. */
  readonly #wake: { work(): void };

  constructor(pool: Pool, limits: Limits, wake: { work(): void }) {
    this.#pool = pool;
    this.#limits = limits;
    this.#wake = wake;
  }

  /** Needs `tenants.manage`. Throws `not-found`. */
  async get(caller: Caller, tenant: string): Promise<Share> {
    requirePermission(caller, 'tenants.manage');
    const row = await selectShare.one(this.#pool, [tenant]);
    if (row === null) throw notFound('Tenant', tenant);
    return this.#told(row);
  }

  /**
   * Needs `tenants.manage`. Holds for the next execution that is taken or asked for.
   *
   * @param requires told how it stands before the change, which nobody else changes meanwhile; what it throws refuses the change
   * @throws DomainError `not-found`
   */
  async set(
    caller: Caller,
    tenant: string,
    change: ShareChange,
    requires: (share: Share) => void = () => {},
  ): Promise<Share> {
    requirePermission(caller, 'tenants.manage');
    const { mostRunning, mostWaiting } = change;
    await inTransaction(this.#pool, async (client) => {
      await holdShare.run(client, [tenant]);
      const before = await selectShare.one(client, [tenant]);
      if (before === null) throw notFound('Tenant', tenant);
      requires(this.#told(before));
      const changed = await updateShare.run(client, [
        tenant,
        mostRunning !== undefined,
        mostRunning ?? null,
        mostWaiting !== undefined,
        mostWaiting ?? null,
      ]);
      if (changed === 0) throw notFound('Tenant', tenant);
      await record(client, caller, { action: 'limit', thing: 'tenant', id: tenant, details: { ...change } });
    });
    this.#wake.work();
    return this.get(caller, tenant);
  }

  #told(row: ShareRow): Share {
    const limit = (own: number | null, setting: number) => {
      const holds = own ?? setting;
      return holds === 0 && own === null ? null : holds;
    };
    return {
      tenant: row.name,
      running: row.running,
      mostRunning: limit(row.runningLimit, this.#limits.running),
      waiting: row.waiting,
      mostWaiting: limit(row.waitingLimit, this.#limits.waiting),
      ownRunning: row.runningLimit !== null,
      ownWaiting: row.waitingLimit !== null,
    };
  }
}
