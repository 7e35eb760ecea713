import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbedded } from './launcher.js';
import { isRunning } from './process-table.js';
import { EmbeddedPostgresError } from './trouble.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'orrery-launcher-')));
const started: EmbeddedPostgres[] = [];

chmodSync(folder, 0o711);

after(async () => {
  for (const server of started) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(dataDir: string, durable = false): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, durable });
  started.push(server);
  return server;
}

async function ask(server: EmbeddedPostgres, statement: string): Promise<string> {
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<string[]>({ text: statement, rowMode: 'array' });
    return rows[0]?.[0] ?? '';
  } finally {
    await client.end();
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('an empty folder becomes a running server that listens on no network', async () => {
  const server = await start(join(folder, 'fresh'));
  assert.equal(server.adopted, false);
  assert.equal(await ask(server, 'show listen_addresses'), '');
  assert.match(await ask(server, 'show server_version'), /^18\./);
});

test('a running server is adopted, not started again', async () => {
  const again = await startEmbedded({ dataDir: join(folder, 'fresh'), durable: false });
  assert.equal(again.adopted, true);
  assert.equal(again.pid, started[0]?.pid);
});

test('two starts in the same moment share one server', async () => {
  const dataDir = join(folder, 'twice');
  const [one, two] = await Promise.all([start(dataDir), start(dataDir)]);
  assert.equal(one.pid, two.pid);
});

test('stop leaves a server alone while somebody else is connected', async () => {
  const server = await start(join(folder, 'shared'));
  const other = new pg.Client({ connectionString: server.databaseUrl });
  await other.connect();
  assert.equal(await server.stop(), 'in-use');
  assert.ok(isRunning(server.pid));
  await other.end();
  assert.equal(await server.stop(), 'stopped');
  assert.ok(!isRunning(server.pid));
});

test('stop waits for those who are just leaving', async () => {
  const server = await start(join(folder, 'left'));
  const leaving = new pg.Client({ connectionString: server.databaseUrl });
  await leaving.connect();
  const stopping = server.stop();
  const asked = `select count(*)::integer as n from pg_stat_activity where application_name = 'orrery stopping'`;
  while ((await leaving.query<{ n: number }>(asked)).rows[0]!.n === 0);
  await leaving.end();
  assert.equal(await stopping, 'stopped');
});

test('a server that was killed starts again with what was committed', async () => {
  const dataDir = join(folder, 'killed');
  const server = await start(dataDir, true);
  await ask(server, 'create table kept (a int)');
  await ask(server, 'insert into kept values (42)');
  process.kill(server.pid, 'SIGKILL');
  const again = await start(dataDir, true);
  assert.notEqual(again.pid, server.pid);
  assert.equal(await ask(again, 'select a::text from kept'), '42');
});

test('a lock file that names a stranger is no obstacle', async () => {
  const dataDir = join(folder, 'stranger');
  const server = await start(dataDir);
  await server.stop();
  await untilGone(server.pid);
  // As after a reboot: the number belongs to another process now, here to this very one.
  writeFileSync(
    join(server.home, 'data/postmaster.pid'),
    `${process.pid}\n${server.home}/data\n1\n5432\n\n\n 0 0\nready\n`,
  );
  const again = await start(dataDir);
  assert.equal(again.adopted, false);
});

test('a data folder with a long path gets its socket elsewhere', async () => {
  const dataDir = join(folder, 'x'.repeat(200));
  const server = await start(dataDir);
  assert.equal(await ask(server, "select 'here'"), 'here');
  assert.ok(!existsSync(join(server.home, 'socket')));
});

test('root with a closed home keeps the cluster outside, and a new folder is a new store', {
  skip: process.getuid?.() !== 0,
}, async () => {
  const home = join(folder, 'closed');
  mkdirSync(home, { mode: 0o700 });
  const dataDir = join(home, 'data');
  const server = await start(dataDir);
  assert.ok(!server.home.startsWith(home));
  const again = await start(dataDir);
  assert.equal(again.pid, server.pid);
  rmSync(dataDir, { recursive: true });
  const fresh = await start(dataDir);
  assert.notEqual(fresh.home, server.home);
  for (const each of [server, fresh]) {
    while ((await each.stop()) === 'in-use');
    rmSync(each.home, { recursive: true });
  }
});

test('a cluster of another version is refused with the way out', async () => {
  const dataDir = join(folder, 'older');
  const server = await start(dataDir);
  while ((await server.stop()) === 'in-use');
  writeFileSync(join(server.home, 'data/PG_VERSION'), '16\n');
  await assert.rejects(startEmbedded({ dataDir }), (error: Error) => {
    assert.ok(error instanceof EmbeddedPostgresError);
    assert.match(error.message, /PostgreSQL 16, and this one is 18: set DATABASE_URL/);
    return true;
  });
});
