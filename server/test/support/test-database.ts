/**
 * A PostgreSQL database of its own for each test file, migrated, cloned from a template in some 30 ms.
 *
 *   const { pool } = await testDatabase();          // at the top of a test file, or
 *   const { pool } = await testDatabase(t);         // inside one test
 *
 * The database is dropped when the file (or the test) ends; connections that are still open then fail it.
 *
 * The server: `ORRERY_TEST_DATABASE_URL` where set (scripts/test.mjs starts one for its run; a URL of your own works
 * too, its user must be allowed to create databases). Else one per user, without flushing to disk, in the temporary
 * folder; it is left running, so that `node --test one.test.js` starts at once the next time.
 */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../../src/embedded-postgres/launcher.js';
import { randomName } from '../../src/ids.js';
import { migrate, readMigrations } from '../../src/store/migrate.js';
import { openPool, type Pool } from '../../src/store/pool.js';

export interface TestDatabase {
  readonly databaseUrl: string;
  readonly pool: Pool;
  /** Done by itself at the end; call it earlier to look at what comes after. Throws when connections were left open. */
  close(): Promise<void>;
}

/** Where `after` of a test context registers. */
interface Ending {
  after(work: () => Promise<void>): void;
}

const TEMPLATE_LOCK = 677380;

/** Milliseconds for a process that was just told to end, on a machine that has other things to do. */
const PATIENCE = 30_000;

/** @param patience milliseconds for connections of others to end, before the test fails by them */
export async function testDatabase(t: Ending = { after }, patience = PATIENCE): Promise<TestDatabase> {
  const server = await testServer();
  const template = await withServer(server, readyTemplate);
  const name = `orrery_test_${randomName(12)}`;
  // Copied as files: a third of the work of a copy through the log, which nobody reads.
  await withServer(server, (client) =>
    client.query(`create database ${name} template ${template} strategy file_copy`),
  );
  const databaseUrl = urlFor(server, name);
  const pool = openPool({ databaseUrl, max: 10, applicationName: 'test' });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeDatabase(server, name, pool, patience);
    return closing;
  };
  t.after(close);
  return { databaseUrl, pool, close };
}

let embedded: Promise<string> | undefined;

/** Address of the server's own database `postgres` (or whichever the URL names). */
async function testServer(): Promise<string> {
  const given = process.env.ORRERY_TEST_DATABASE_URL;
  if (given !== undefined && given !== '') return given;
  embedded ??= startEmbedded({
    dataDir: join(tmpdir(), `orrery-test-${process.getuid?.() ?? 'user'}`),
    durable: false,
  }).then((server) => server.databaseUrl);
  return embedded;
}

async function withServer<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlFor(server: string, database: string): string {
  return server.replace(/^(\w+:\/\/[^/]*\/)[^?]*/, `$1${database}`);
}

/** The template of exactly these migrations; made by whoever comes first, the others wait. */
async function readyTemplate(client: pg.Client): Promise<string> {
  const migrations = readMigrations();
  const digest = createHash('sha256')
    .update(migrations.map((migration) => migration.digest).join(' '))
    .digest('hex');
  const name = `orrery_template_${digest.slice(0, 16)}`;
  if (await exists(client, name)) return name;
  await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  if (await exists(client, name)) return name;
  const unfinished = `${name}_unfinished`;
  await client.query(`drop database if exists ${unfinished} with (force)`);
  await client.query(`create database ${unfinished} template template0`);
  const server = process.env.ORRERY_TEST_DATABASE_URL || (await testServer());
  const pool = openPool({
    databaseUrl: urlFor(server, unfinished),
    max: 1,
    applicationName: 'test template',
  });
  try {
    await migrate(pool, migrations);
  } finally {
    await pool.end();
  }
  // Renamed when finished: a template that exists is whole. The session's end releases the lock.
  await untilUnused(client, unfinished);
  await client.query(`alter database ${unfinished} rename to ${name}`);
  return name;
}

async function exists(client: pg.Client, database: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
  return rowCount === 1;
}

async function closeDatabase(server: string, name: string, pool: Pool, patience: number): Promise<void> {
  const holding = () => pool.totalCount - pool.idleCount;
  // What somebody has just let go of may still be on its way back.
  const deadline = Date.now() + patience;
  while (holding() > 0 && Date.now() < deadline) await delay(5);
  const held = holding();
  const problems = held > 0 ? [`${held} connections of the pool were never released`] : [];
  // With a connection held, `end` would wait for ever.
  const ended = pool.ended ? Promise.resolve() : pool.end();
  if (held === 0) await ended;
  await withServer(server, async (client) => {
    const left =
      held > 0 ? [] : await untilUnused(client, name, patience).catch((error: Error) => [error.message]);
    problems.push(...left);
    await client.query(`drop database if exists ${name} with (force)`);
  });
  if (problems.length > 0) throw new Error(`the test left connections open: ${problems.join('; ')}`);
}

/** Waits until nobody is connected: a session's process ends a moment after its client has gone. */
async function untilUnused(client: pg.Client, database: string, patience = PATIENCE): Promise<string[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const { rows } = await client.query<{ application_name: string; query: string }>(
      `select application_name, concat_ws(', ', 'process ' || pid, state, wait_event, 'begun ' || backend_start,
         'unchanged for ' || (clock_timestamp() - state_change), left(query, 200)) as query
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    );
    if (rows.length === 0) return [];
    if (Date.now() > deadline) return rows.map((row) => `${row.application_name}: ${row.query}`);
    await delay(5);
  }
}
