/** Checks on a real database: what is made bad there is found. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { checkListening, checkSchema, checkServer, checkTables } from './database.js';
import type { Finding } from './finding.js';
import { checkWork } from './work.js';

const { pool, databaseUrl } = await testDatabase();
const levels = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map(({ check, level }) => [check, level]));

async function anExecution(id: string, more: string, values = ''): Promise<void> {
  await pool.query(
    `with t as (insert into tenants (name) values ('t-' || $1) returning id),
       u as (insert into users (username, system_role) values ('u-' || $1, 'member') returning id),
       b as (insert into blueprints (tenant_id, id, main_file, state, created_by) select t.id, $1, 'b.yaml', 'pending', u.id from t, u returning uid, tenant_id, created_by),
       d as (insert into deployments (tenant_id, id, display_name, blueprint_uid, created_by, inputs, outputs, capabilities, workflows, types, rest) select b.tenant_id, $1, $1, b.uid, b.created_by, '{}', '{}', '{}', '{}', '{}', '{}' from b returning uid, tenant_id, created_by)
     insert into executions (tenant_id, id, deployment_uid, workflow, function, parameters, created_by ${more})
     select d.tenant_id, $1, d.uid, 'install', 'f', '{}', d.created_by ${values} from d`,
    [id],
  );
}

test('a fresh database with nobody at work: no worker, all else is well', async () => {
  const { findings, server } = await checkServer(pool);
  // The databases of tests usually do not flush.
  const durability = server.fsync === 'on' ? 'good' : 'bad';
  assert.deepEqual(levels(findings), { database: 'good', durability, clock: 'good' });
  assert.equal((await checkSchema(pool)).level, 'good');
  const tables = await checkTables(pool, server, { connections: 5, version: '1' });
  assert.deepEqual(levels(tables), {
    versions: 'good',
    connections: 'good',
    partitions: 'good',
    'dead-rows': 'good',
  });
  assert.deepEqual(levels(await checkWork(pool)), {
    workers: 'bad',
    waiting: 'good',
    leases: 'good',
    pools: 'good',
    agents: 'good',
    decisions: 'good',
  });
});

test('one that waits long, one that lost its worker, one that nobody decides about, a pool without a worker', async () => {
  await anExecution('old', ', status, created_at', `, 'pending', now() - interval '3 hours'`);
  await anExecution(
    'lost',
    ', status, worker, lease_until',
    `, 'started', 'gone', now() - interval '5 minutes'`,
  );
  await anExecution('asks', ', status', `, 'failed'`);
  await pool.query(
    `update deployments d set latest_execution_uid = x.uid from executions x where x.deployment_uid = d.uid and x.id = 'asks'`,
  );
  await pool.query(
    `insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at)
     select x.tenant_id, x.uid, 0, 'interrupted', 1, 0, now() from executions x where x.id = 'asks'`,
  );
  await pool.query(
    `insert into dispatched_operations (tenant_id, execution_uid, task, attempt, pool, blueprint_uid, work)
     select x.tenant_id, x.uid, 0, 1, 'dmz', 1, '' from executions x where x.id = 'lost'`,
  );
  const found = await checkWork(pool);
  assert.deepEqual(levels(found), {
    workers: 'bad',
    waiting: 'note',
    leases: 'bad',
    pools: 'bad',
    agents: 'good',
    decisions: 'note',
  });
  const text = found.map((finding) => finding.found).join('\n');
  assert.match(text, /execution old of t-old has waited 3 h/);
  assert.match(text, /lost of t-lost for 5 min/);
  assert.match(text, /dmz \(1 wait/);
  await pool.query(
    `insert into pool_workers (name, kind, pools, room, lease) values ('w', 'remote', '{dmz}', 1, 8)`,
  );
  await pool.query(`update tenants set running_limit = 0 where name = 't-old'`);
  const better = levels(await checkWork(pool));
  assert.deepEqual([better.pools, better.waiting], ['good', 'good'], 'served, and held back on purpose');
});

test('a schema that is behind, changed, ahead, or not there at all', async () => {
  const empty = await testDatabase();
  await empty.pool.query('drop table migrations');
  assert.match((await checkSchema(empty.pool)).found, /lacks 0001-/);
  await pool.query(`update migrations set digest = 'x' where number = 1`);
  assert.match((await checkSchema(pool)).found, /0001-.* was another file/);
  await pool.query(`insert into migrations (number, name, digest) values (9999, '9999-later', 'y')`);
  assert.match((await checkSchema(pool)).found, /9999-later, which this version does not know/);
});

test('a pooler that lends connections for a transaction only is noticed by its silence', async () => {
  assert.equal((await checkListening(databaseUrl, pool)).level, 'good');
  const target = new URL(databaseUrl.replace('postgresql:', 'http:').replace('@/', '@localhost/'));
  const host = target.searchParams.get('host');
  const port = target.port === '' ? '5432' : target.port;
  const sockets: Socket[] = [];
  const proxy = createServer((client) => {
    const behind =
      host === null ? connect(Number(port), target.hostname) : connect(`${host}/.s.PGSQL.${port}`);
    sockets.push(client, behind);
    for (const socket of [client, behind]) socket.on('error', () => {});
    client.pipe(behind);
    let held = Buffer.alloc(0);
    behind.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      // What such a pooler never passes on: NotificationResponse.
      while (held.length >= 5 && held.length > held.readUInt32BE(1)) {
        const end = held.readUInt32BE(1) + 1;
        if (held[0] !== 0x41) client.write(held.subarray(0, end));
        held = held.subarray(end);
      }
    });
    client.on('close', () => behind.destroy());
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const through = new URL(target.href);
  through.hostname = '127.0.0.1';
  through.port = String((proxy.address() as AddressInfo).port);
  through.searchParams.delete('host');
  const finding = await checkListening(through.href.replace('http:', 'postgresql:'), pool, 300);
  assert.equal(finding.level, 'note');
});
