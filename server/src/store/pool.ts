/** Connections to PostgreSQL. The only place that makes them, apart from the notifier's and the listener's own. */
import pg from 'pg';

// bigint (oid 20) as a number: surrogate keys and counts stay far below 2^53.
pg.types.setTypeParser(20, Number);

export type Pool = pg.Pool;
export type Client = pg.PoolClient;

export interface PoolSettings {
  readonly databaseUrl: string;
  readonly max: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
}

export function openPool(settings: PoolSettings): Pool {
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: settings.max,
    application_name: settings.applicationName,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 15_000,
  });
  // An idle connection that breaks is replaced by the pool; without a listener Node would end the process.
  pool.on('error', () => {});
  // One that breaks while it is held, between two statements: the next statement tells of it.
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  return pool;
}
