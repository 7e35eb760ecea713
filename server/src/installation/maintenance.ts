/**
 * Maintenance: a time in which the installation takes no work, so that somebody can work on it.
 *
 * `activating` from the request on, as long as executions run; `activated` when none does any more. The row says only that it
 * was asked for and when it began, so it survives every process. Each process remembers it for less than a second, and is
 * told of changes by a hint; whoever starts an execution asks the row itself.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  activateIdle,
  endMaintenance,
  lockMaintenance,
  type MaintenanceRow,
  type RemainingRow,
  requestMaintenance,
  selectMaintenance,
  selectRemaining,
} from './maintenance.store.js';

export type MaintenanceStatus = 'deactivated' | 'activating' | 'activated';

export interface MaintenanceState {
  readonly status: MaintenanceStatus;
  readonly requestedAt: Date | null;
  readonly requestedBy: string | null;
  readonly activatedAt: Date | null;
  /** What still runs, at most a thousand; empty unless `activating`. */
  readonly remaining: readonly RemainingRow[];
}

const HINT = 'maintenance';
/** So old may be what a process remembers. */
const REMEMBERED_MS = 500;

export class Maintenance {
  readonly #pool: Pool;
  readonly #signals: Signals;
  #known: MaintenanceStatus = 'deactivated';
  #knownAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<MaintenanceStatus> | null = null;

  constructor({ pool, signals }: { pool: Pool; signals: Signals }) {
    this.#pool = pool;
    this.#signals = signals;
    signals.subscribe((hints) => {
      if (hints.includes(HINT)) this.#knownAt = Number.NEGATIVE_INFINITY;
    });
  }

  /** How it stands, or stood half a second ago. */
  async status(): Promise<MaintenanceStatus> {
    if (performance.now() - this.#knownAt < REMEMBERED_MS) return this.#known;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** Everybody who signs in may know. */
  async get(): Promise<MaintenanceState> {
    await activateIdle.run(this.#pool);
    const row = (await selectMaintenance.one(this.#pool))!;
    const status = this.#learn(row);
    const { requestedAt, requestedBy, activatedAt } = row;
    const remaining = status === 'activating' ? await selectRemaining.all(this.#pool) : [];
    return { status, requestedAt, requestedBy, activatedAt, remaining };
  }

  /**
   * No executions start from now on.
   *
   * @returns how it stands; null when it was asked for already
   */
  async activate(caller: Caller): Promise<MaintenanceState | null> {
    if (!(await this.#change(caller, 'activate', true))) return null;
    return this.get();
  }

  /** @returns how it stood; null when there was none */
  async deactivate(caller: Caller): Promise<MaintenanceState | null> {
    requireManager(caller);
    const before = await this.get();
    return (await this.#change(caller, 'deactivate', false)) ? before : null;
  }

  async #change(caller: Caller, action: 'activate' | 'deactivate', wanted: boolean): Promise<boolean> {
    requireManager(caller);
    const changed = await inTransaction(this.#pool, async (client) => {
      const { requestedAt } = (await lockMaintenance.one(client))!;
      if ((requestedAt !== null) === wanted) return false;
      if (wanted) await requestMaintenance.run(client, [caller.username]);
      else await endMaintenance.run(client);
      await record(client, caller, { action, thing: 'maintenance', id: 'maintenance' });
      return true;
    });
    this.#knownAt = Number.NEGATIVE_INFINITY;
    this.#signals.send(HINT);
    return changed;
  }

  async #look(): Promise<MaintenanceStatus> {
    return this.#learn((await selectMaintenance.one(this.#pool))!);
  }

  #learn(row: MaintenanceRow): MaintenanceStatus {
    this.#known = statusOf(row);
    this.#knownAt = performance.now();
    return this.#known;
  }
}

/**
 * For whoever is about to start an execution in the transaction of `db`.
 *
 * @throws DomainError `unavailable` (`maintenance`)
 */
export async function requireNoMaintenance(db: Queryable): Promise<void> {
  const row = await selectMaintenance.one(db);
  if (row?.requestedAt == null) return;
  throw new DomainError(
    'unavailable',
    'maintenance',
    'The server is in maintenance mode, or about to be: it starts nothing now',
  );
}

function statusOf({ requestedAt, busy }: MaintenanceRow): MaintenanceStatus {
  if (requestedAt === null) return 'deactivated';
  return busy ? 'activating' : 'activated';
}

function requireManager(caller: Caller): void {
  requirePermission(caller, 'maintenance.manage');
  requirePerson(caller);
}
