/** Checks of the PostgreSQL behind `DATABASE_URL`: what it is, how it keeps what it is told, whether there is room for us. */
import { hears } from '../store/hearing.js';
import { readMigrations } from '../store/migrate.js';
import type { Pool } from '../store/pool.js';
import {
  applied,
  type ServerRow,
  selectDeadRows,
  selectPartitions,
  selectProcesses,
  selectServer,
  type TableRow,
} from './database.store.js';
import { bad, type Finding, good, note } from './finding.js';

const OLDEST = 150_000;
/** Beside its pool a process holds one connection that listens, one that notifies, one for its worker's name. */
const BESIDE_POOL = 3;
/** Leases are on the database's clock; times that people read are on ours. */
const SKEW_MS = 1000;
const MUCH_SKEW_MS = 60_000;
const HEAR_MS = 3000;
const DEAD_ROWS = 100_000;
const DEAD_SHARE = 0.5;
const STRAYS = 10_000;
/** A week of partitions is always made four ahead; less than this and nobody has made any for three weeks. */
const DAYS_AHEAD = 7;

export function judgeVersion({ version, standby }: ServerRow): Finding {
  const named = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
  if (standby)
    return bad(
      'database',
      `${named}, a standby: nothing can be written`,
      'Point DATABASE_URL at the primary.',
    );
  if (version >= OLDEST) return good('database', named);
  return bad('database', `${named} is older than 15`, 'Upgrade PostgreSQL to 15 or newer (pg_upgrade).');
}

export function judgeDurability(row: ServerRow): Finding {
  const off = [
    ...(row.fsync === 'on' ? [] : ['fsync']),
    ...(row.fullPageWrites === 'on' ? [] : ['full_page_writes']),
    ...(row.synchronousCommit === 'off' ? ['synchronous_commit'] : []),
  ];
  if (off.length === 0) return good('durability', 'what is committed is on the disk');
  return bad(
    'durability',
    `${off.join(', ')} ${off.length === 1 ? 'is' : 'are'} off: what was acknowledged may be lost`,
    `Set ${off.map((name) => `${name} = on`).join(', ')} in postgresql.conf, and reload it.`,
  );
}

/** @param processes that live now, @param each connections that the pool of one may open */
export function judgeConnections(row: ServerRow, processes: number, each: number): Finding {
  const most = row.mostConnections - row.reserved;
  const wanted = Math.max(1, processes) * (each + BESIDE_POOL);
  const found = `${row.connections} of ${most} connections are used; ${Math.max(1, processes)} processes may open ${wanted}`;
  if (wanted <= most) return good('connections', found);
  return bad(
    'connections',
    found,
    `Raise max_connections above ${wanted + row.reserved}, lower ORRERY_DATABASE_CONNECTIONS, or put a pooler in front.`,
  );
}

/** @param skew milliseconds that the database's clock is ahead of this machine's */
export function judgeClock(skew: number): Finding {
  const found = `the clocks of the database and of this machine differ by ${Math.round(Math.abs(skew))} ms`;
  if (Math.abs(skew) < SKEW_MS) return good('clock', found);
  const remedy =
    'Keep both clocks with NTP. Leases are safe, they are on the database’s clock alone; times of events and of what is scheduled are off.';
  return Math.abs(skew) < MUCH_SKEW_MS ? note('clock', found, remedy) : bad('clock', found, remedy);
}

export function judgeListening(heard: boolean): Finding {
  if (heard) return good('notifications', 'LISTEN hears NOTIFY');
  return note(
    'notifications',
    'LISTEN hears nothing: is there a pooler in transaction mode before the database?',
    'Everything goes on by polling, up to a second later. Let DATABASE_URL lead to the database itself, or to a pooler in session mode.',
  );
}

export function judgeDeadRows(tables: readonly TableRow[]): Finding {
  if (tables.length === 0) return good('dead-rows', 'autovacuum keeps up');
  return note(
    'dead-rows',
    `many dead rows in ${tables.map(({ name, live, dead }) => `${name} (${dead} beside ${live})`).join(', ')}`,
    `Look for transactions that stay open (pg_stat_activity.xact_start), then: vacuum analyze ${tables[0]!.name};`,
  );
}

/** @param ahead days for which there are partitions of events; null: there is none */
export function judgePartitions(ahead: number | null, strays: number): Finding {
  const remedy =
    'A process that works makes them every hour: look for “make weeks of events” in its log, and whether any process is master.';
  if (ahead === null || ahead < 0)
    return bad('partitions', 'there is no partition for events of today', remedy);
  if (strays > STRAYS)
    return note(
      'partitions',
      `more than ${STRAYS} events lie in events_other, where retention looks row by row`,
      'Their time is outside the years that partitions are made for: look for a clock that is wrong.',
    );
  const found = `partitions of events reach ${Math.floor(ahead)} days ahead`;
  return ahead < DAYS_AHEAD ? note('partitions', found, remedy) : good('partitions', found);
}

export interface Applied {
  readonly number: number;
  readonly name: string;
  readonly digest: string;
}

export function judgeSchema(have: readonly Applied[], wanted: readonly Applied[]): Finding {
  const ours = new Map(wanted.map((one) => [one.number, one]));
  const theirs = new Map(have.map((one) => [one.number, one]));
  const newer = have.filter(({ number }) => !ours.has(number));
  if (newer.length > 0)
    return bad(
      'schema',
      `the database has ${newer.map(({ name }) => name).join(', ')}, which this version does not know`,
      'Run the newer version that applied it; there is no way back but a backup.',
    );
  const changed = have.filter(({ number, digest }) => ours.get(number)!.digest !== digest);
  if (changed.length > 0)
    return bad(
      'schema',
      `${changed.map(({ name }) => name).join(', ')} was another file when it was applied`,
      'Run the version that applied it, or use another database.',
    );
  const missing = wanted.filter(({ number }) => !theirs.has(number));
  if (missing.length === 0) return good('schema', `${have.length} migrations, all that this version has`);
  return bad(
    'schema',
    `the database lacks ${missing.map(({ name }) => name).join(', ')}`,
    'Run: node server/build/src/main.js migrate (or start a server, which does so).',
  );
}

/** Every process that lives, by its version. */
export function judgeVersions(
  processes: readonly { readonly name: string; readonly role: string; readonly version: string }[],
  own: string,
): Finding {
  const others = processes.filter(({ version }) => version !== own);
  if (others.length === 0)
    return good('versions', `${processes.length} processes live, all of version ${own}`);
  return note(
    'versions',
    `this is ${own}; ${others.map(({ name, role, version }) => `${name} (${role}) is ${version}`).join(', ')}`,
    'Good during a rolling restart; else restart those that are behind.',
  );
}

/** Checks that need no table of ours. */
export async function checkServer(pool: Pool): Promise<{ findings: Finding[]; server: ServerRow }> {
  const before = Date.now();
  const server = (await selectServer.one(pool))!;
  const skew = Number(server.clock) - (before + Date.now()) / 2;
  return { server, findings: [judgeVersion(server), judgeDurability(server), judgeClock(skew)] };
}

export async function checkSchema(pool: Pool): Promise<Finding> {
  try {
    return judgeSchema(await applied.all(pool), readMigrations());
  } catch (error) {
    // 42P01: there is no such table.
    if ((error as { code?: string }).code !== '42P01') throw error;
    return judgeSchema([], readMigrations());
  }
}

/** Checks that need the tables of this version. */
export async function checkTables(
  pool: Pool,
  server: ServerRow,
  own: { readonly connections: number; readonly version: string },
): Promise<Finding[]> {
  const processes = await selectProcesses.all(pool);
  const partitions = (await selectPartitions.one(pool))!;
  return [
    judgeVersions(processes, own.version),
    judgeConnections(server, processes.length, own.connections),
    judgePartitions(partitions.ahead, partitions.strays),
    judgeDeadRows(await selectDeadRows.all(pool, [DEAD_ROWS, DEAD_SHARE])),
  ];
}

/** Whether what one connection is told reaches another that listens. */
export async function checkListening(databaseUrl: string, pool: Pool, patience = HEAR_MS): Promise<Finding> {
  return judgeListening(await hears(databaseUrl, pool, patience));
}
