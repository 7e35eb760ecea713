/** Watches whether somebody serves the pools that operations wait for, and says how long is long enough. */
import type { TenantId } from '../../../ids.js';
import type { Pool } from '../../../store/pool.js';
import { isAgentPool } from './agent-pool.js';
import { servedPools } from './dispatch.store.js';
import { enrolledPools } from './host-agents.store.js';

/** An operation that nobody has taken. */
export interface Waiting {
  readonly errand: {
    readonly execution: { readonly tenantId: TenantId };
    readonly pool: string;
    note(message: string): void;
  };
  /** Since when nobody serves its pool, in milliseconds; null: somebody does, or it was not looked. */
  unserved: number | null;
  noted: boolean;
}

/** Milliseconds after which it is told that nobody serves a pool. */
const NOTE_AFTER = 5000;

export class PoolWatch {
  readonly #pool: Pool;
  readonly #poolWait: number;

  /** `poolWait`: seconds; 0: for ever. */
  constructor({ pool, poolWait }: { readonly pool: Pool; readonly poolWait: number }) {
    this.#pool = pool;
    this.#poolWait = poolWait;
  }

  /** Tells those that wait for nobody; returns those that have waited long enough, by number, and why they fail. */
  async look(waiting: readonly (readonly [number, Waiting])[]): Promise<ReadonlyMap<number, string>> {
    const tooLong = new Map<number, string>();
    const alone = await this.#unserved(waiting);
    if (alone.length === 0) return tooLong;
    const agentless = await this.#agentless(alone.map(([, { errand }]) => errand.pool));
    const now = Date.now();
    for (const [uid, one] of alone) {
      const { pool } = one.errand;
      one.unserved ??= now;
      const since = now - one.unserved;
      if (agentless.has(pool)) {
        tooLong.set(
          uid,
          `the host has no agent (${pool}): most likely it was never started, or its agent was taken away`,
        );
        continue;
      }
      if (!one.noted && since >= NOTE_AFTER) {
        one.noted = true;
        one.errand.note(`Waits for a worker of the pool ${pool}: there is none now`);
      }
      if (this.#poolWait > 0 && since >= this.#poolWait * 1000) {
        tooLong.set(
          uid,
          `no worker of the pool ${pool} was there for ${this.#poolWait} seconds (ORRERY_POOL_WAIT)`,
        );
      }
    }
    return tooLong;
  }

  async #unserved(waiting: readonly (readonly [number, Waiting])[]) {
    if (waiting.length === 0) return [];
    const wanted = new Map(waiting.map(([, { errand }]) => [keyOf(errand), errand] as const));
    const served = await servedPools.all(this.#pool, [
      [...wanted.values()].map(({ pool }) => pool),
      [...wanted.values()].map(({ execution }) => execution.tenantId),
    ]);
    const living = new Set(served.map(({ pool, tenant }) => `${tenant} ${pool}`));
    return waiting.filter(([, one]) => {
      if (!living.has(keyOf(one.errand))) return true;
      one.unserved = null;
      return false;
    });
  }

  /** Of the pools, those of agents that are nowhere: nobody will come. */
  async #agentless(pools: readonly string[]): Promise<ReadonlySet<string>> {
    const agents = [...new Set(pools)].filter(isAgentPool);
    if (agents.length === 0) return new Set();
    const enrolled = await enrolledPools.all(this.#pool, [agents]);
    const known = new Set(enrolled.map(({ pool }) => pool));
    return new Set(agents.filter((pool) => !known.has(pool)));
  }
}

function keyOf({ execution, pool }: Waiting['errand']): string {
  return `${execution.tenantId} ${pool}`;
}
