/**
 * Workers on other networks: their credentials, and the desk at which the API serves them.
 *
 * Always holds: a worker is let near an operation only through the desk of its own row, and only while its credentials are there;
 * each request reads them, so revoking counts at once. What it may take is in the row: its pools, and its tenant where it has one.
 * It is told what its operations were given, and no other secret; it has no token of the API.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Caller, requirePermission } from '../../../caller.js';
import type { PackageToRun } from '../../../catalog/plugin-packages.js';
import { DomainError, notFound } from '../../../errors.js';
import { record } from '../../../identity/audit.js';
import { randomName, type TenantId } from '../../../ids.js';
import type { Pool } from '../../../store/pool.js';
import type { Signals } from '../../../store/signals.js';
import type { Queryable } from '../../../store/statement.js';
import { inTransaction } from '../../../store/transaction.js';
import { leaveWorker, loseHeldBy, registerWorker } from './dispatch.store.js';
import { CENTRAL, POOL_NAME, RESERVED } from './pools.js';
import {
  type CredentialRow,
  countByPool,
  deleteCredential,
  insertCredential,
  type PoolWorkerRow,
  seeWorker,
  selectCredentials,
  selectPoolWorkers,
  selectStanding,
  selectTenantId,
  tieWorker,
  touchCredential,
} from './remote-workers.store.js';
import type { DispatchVault } from './seal.js';
import { type Shelf, StoreDispatcher } from './store-dispatcher.js';

export type { CredentialRow, PoolWorkerRow } from './remote-workers.store.js';

/** Who has shown credentials. */
export interface Standing {
  readonly uid: number;
  readonly name: string;
  readonly kind: 'remote' | 'agent';
  readonly pools: readonly string[];
  readonly confinedTo: TenantId | null;
}

export interface PoolStand {
  readonly pool: string;
  readonly waiting: number;
  readonly held: number;
}

export interface Entry {
  readonly worker: number;
  readonly lease: number;
  readonly pools: readonly string[];
}

export interface RemoteWorkersParts {
  readonly pool: Pool;
  readonly vault: DispatchVault;
  readonly signals: Signals;
  readonly shelf: Shelf<PackageToRun>;
  /** Seconds that a worker keeps what it holds without a word. */
  readonly lease: number;
}

const FORM = /^owrk-([a-z0-9]{10})-([a-z0-9]{40})$/;
const PAGE = 1000;

export class RemoteWorkers {
  readonly #parts: RemoteWorkersParts;

  constructor(parts: RemoteWorkersParts) {
    this.#parts = parts;
  }

  /**
   * New credentials; `value` is told here and never again. Needs `cluster.manage`.
   *
   * @param tenant name; null: for operations of every tenant
   * @throws DomainError `invalid` (`worker-credentials-illegal`); `not-found` (tenant)
   */
  async issue(
    caller: Caller,
    wanted: { readonly name: string; readonly pools: readonly string[]; readonly tenant: string | null },
  ): Promise<{ credential: CredentialRow; value: string }> {
    requirePermission(caller, 'cluster.manage');
    if (
      wanted.pools.length === 0 ||
      !wanted.pools.every((name) => POOL_NAME.test(name) && name !== CENTRAL && !RESERVED.test(name))
    ) {
      const why =
        'pools should be one or more names (letters, digits and . _ -), not central, and not beginning with agent. or central.';
      throw new DomainError('invalid', 'worker-credentials-illegal', why, { details: { field: 'pools' } });
    }
    return inTransaction(this.#parts.pool, async (client) => {
      const tenant = wanted.tenant === null ? null : await selectTenantId.one(client, [wanted.tenant]);
      if (wanted.tenant !== null && tenant === null) throw notFound('Tenant', wanted.tenant);
      const made = await issueCredential(client, {
        ...wanted,
        kind: 'remote',
        confinedTo: tenant?.id ?? null,
        hostInstance: null,
        createdBy: caller.username,
      });
      const { id, value, createdAt } = made;
      const { name, pools } = wanted;
      await record(client, caller, {
        action: 'create',
        thing: 'worker-credentials',
        id,
        details: { name, pools: [...pools], tenant: wanted.tenant },
      });
      const credential: CredentialRow = {
        id,
        name,
        kind: 'remote',
        pools,
        tenant: wanted.tenant,
        createdBy: caller.username,
        createdAt,
        lastUsedAt: null,
      };
      return { credential, value };
    });
  }

  /** In the order of their making, at most 1000 behind `after`. Needs `cluster.manage`. */
  async credentials(caller: Caller, after = ''): Promise<readonly CredentialRow[]> {
    requirePermission(caller, 'cluster.manage');
    const rows = await selectCredentials.all(this.#parts.pool, [after, PAGE]);
    return rows.map(({ uid: _uid, ...row }) => row);
  }

  /** From now on nobody comes in with them; what their workers hold is lost when its leases run out. Needs `cluster.manage`. */
  async revoke(caller: Caller, id: string): Promise<void> {
    requirePermission(caller, 'cluster.manage');
    await inTransaction(this.#parts.pool, async (client) => {
      const gone = await deleteCredential.one(client, [id]);
      if (gone === null) throw notFound('Worker credentials', id);
      const details = { name: gone.name };
      await record(client, caller, { action: 'delete', thing: 'worker-credentials', id, details });
    });
    this.#parts.signals.send('revoked');
  }

  /** Pools with work under way, and the processes that serve pools. Needs `cluster.manage`. */
  async pools(caller: Caller): Promise<{ pools: readonly PoolStand[]; workers: readonly PoolWorkerRow[] }> {
    requirePermission(caller, 'cluster.manage');
    const [pools, workers] = await Promise.all([
      countByPool.all(this.#parts.pool),
      selectPoolWorkers.all(this.#parts.pool),
    ]);
    return { pools, workers };
  }

  /**
   * @param worker number of the worker that asks; null: it has none yet
   * @throws DomainError `unauthenticated` (`worker-refused`); `conflict` (`worker-unknown`: it has to register again)
   */
  async verify(value: string, worker: number | null): Promise<Standing> {
    const parts = FORM.exec(value);
    const row = parts === null ? null : await selectStanding.one(this.#parts.pool, [parts[1], worker ?? -1]);
    if (parts === null || row === null || !timingSafeEqual(row.hash, hashOf(parts[2]!))) {
      throw new DomainError(
        'unauthenticated',
        'worker-refused',
        'These credentials of a worker are not good',
      );
    }
    if (worker !== null && !row.isOurs) {
      throw new DomainError(
        'conflict',
        'worker-unknown',
        'This worker is not known: it has to register again',
      );
    }
    const { uid, name, kind, pools, confinedTo } = row;
    return { uid, name, kind, pools, confinedTo };
  }

  /** @param fresh the process has just started: what an earlier one of the name held is lost */
  async enter(
    standing: Standing,
    told: {
      name: string;
      host: string;
      version: string;
      system?: string;
      room: number;
      fresh: boolean;
    },
  ): Promise<Entry> {
    const { pool, lease } = this.#parts;
    const { pools, kind, confinedTo } = standing;
    const name = `${standing.name} ${standing.uid}: ${told.name}`;
    return inTransaction(pool, async (client) => {
      const { host, version, room, system = '' } = told;
      const values = [name, kind, pools, confinedTo, host, version, room, lease, system];
      const { uid } = (await registerWorker.one(client, values))!;
      await tieWorker.run(client, [uid, standing.uid]);
      await touchCredential.run(client, [standing.uid]);
      if (told.fresh) await loseHeldBy.all(client, [uid]);
      return { worker: uid, lease, pools };
    });
  }

  /** It asks for news: a sign of life. */
  async see(worker: number): Promise<void> {
    await seeWorker.run(this.#parts.pool, [worker]);
  }

  async leave(worker: number): Promise<void> {
    await leaveWorker.run(this.#parts.pool, [worker]);
  }

  /** Of a worker that `verify` has let in. */
  desk(standing: Standing, worker: number): StoreDispatcher<PackageToRun> {
    return new StoreDispatcher({ ...this.#parts, pools: standing.pools, worker, certain: false });
  }
}

/** For whoever makes credentials on its own account: an agent's are made by the workflow that installs it. */
export async function issueCredential(
  db: Queryable,
  wanted: {
    readonly name: string;
    readonly kind: 'remote' | 'agent';
    readonly pools: readonly string[];
    readonly confinedTo: TenantId | null;
    /** Of an agent: the node instance of its host. */
    readonly hostInstance: string | null;
    readonly createdBy: string;
  },
): Promise<{ id: string; value: string; createdAt: Date }> {
  const [id, secret] = [randomName(10), randomName(40)];
  const { name, kind, pools, confinedTo, hostInstance, createdBy } = wanted;
  const values = [id, hashOf(secret), name, kind, pools, confinedTo, createdBy, hostInstance];
  const { createdAt } = (await insertCredential.one(db, values))!;
  return { id, value: `owrk-${id}-${secret}`, createdAt };
}

/** The secret has 206 random bits: a slow hash would protect nothing. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
