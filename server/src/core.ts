/** The one place where rooms are built and handed to each other. */
import type { Settings } from './config.js';
import type { Log } from './log.js';
import { type StoreHealth, storeHealth } from './store/health.js';
import type { Pool } from './store/pool.js';

export interface Core {
  readonly settings: Settings;
  readonly log: Log;
  /** What probes and metrics ask of the store. */
  readonly storeHealth: StoreHealth;
}

export interface CoreParts {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly log: Log;
}

export async function buildCore({ settings, pool, log }: CoreParts): Promise<Core> {
  return { settings, log, storeHealth: storeHealth(pool) };
}
