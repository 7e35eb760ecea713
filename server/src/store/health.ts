/** What probes and metrics ask of the store: does it answer, is its schema ours, how much is going on. */
import { type Migration, readMigrations } from './migrate.js';
import type { Pool } from './pool.js';
import { systemStatement } from './statement.js';

export interface StoreHealth {
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  /** Names of migrations that this version has and the database lacks. */
  missingMigrations(): Promise<string[]>;
  /** What has not ended, counted, in the whole installation. */
  activity(): Promise<Activity>;
  connections(): { readonly total: number; readonly idle: number; readonly waiting: number };
}

export interface Activity {
  readonly executions: readonly Count[];
  readonly operations: readonly Count[];
}

interface Count {
  readonly name: string;
  readonly count: number;
}

// Both walk partial indexes of what is active, never the history.
const countExecutions = systemStatement<Count>(
  'health_count_executions',
  `select status as name, count(*)::integer as count from executions
   where status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
      or status in ('queued', 'scheduled')
   group by status`,
  'counts for the operator, with nothing of any tenant in them',
);

const countOperations = systemStatement<Count>(
  'health_count_operations',
  `select o.state as name, count(*)::integer as count
   from executions e join operations o on o.execution_uid = e.uid
   where e.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
   group by o.state`,
  'counts for the operator, with nothing of any tenant in them',
);

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
    activity: async () => ({
      executions: await countExecutions.all(pool),
      operations: await countOperations.all(pool),
    }),
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}
