/** What probes and metrics ask of the store: does it answer, is its schema ours, how much is going on. */
import { type Migration, readMigrations } from './migrate.js';
import type { Pool } from './pool.js';
import { systemStatement } from './statement.js';

export interface StoreHealth {
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  /** Names of migrations that this version has and the database lacks. */
  missingMigrations(): Promise<string[]>;
  connections(): { readonly total: number; readonly idle: number; readonly waiting: number };
}

const ping = systemStatement<{ ok: number }>('health_ping', 'select 1 as ok', 'touches no table');

const applied = systemStatement<{ number: number }>(
  'health_migrations',
  'select number from migrations order by number',
  'the list of migrations belongs to no tenant',
);

export function storeHealth(pool: Pool, migrations: readonly Migration[] = readMigrations()): StoreHealth {
  return {
    ping: async () => {
      await ping.one(pool);
    },
    missingMigrations: async () => {
      const numbers = new Set((await applied.all(pool)).map((row) => row.number));
      return migrations.filter((each) => !numbers.has(each.number)).map((each) => each.name);
    },
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}
