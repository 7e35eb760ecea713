/** Tenants share the engine: turns, limits of what runs, limits of what waits. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin } from '../../test/support/scripted-plugin.js';
import { DomainError } from '../errors.js';
import { foldRowCounts } from '../store/row-counts.js';
import { Executions } from './executions.js';
import { claimExecutions } from './running/running.store.js';
import { Shares } from './shares.js';

const THING = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create}}
`;

describe('shares of tenants', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let others: number[] = [];
  before(async () => {
    plugin = scriptedPlugin();
    plugin.on('create', () => DONE);
    engine = await anEngine([plugin]);
    await engine.deploy('crowd', THING);
    const { pool } = engine.database;
    const { rows } = await pool.query<{ id: number }>(
      `insert into tenants (name) values ('beta'), ('gamma') returning id`,
    );
    others = rows.map((row) => row.id);
    // A deployment like it in each of the other tenants.
    for (const tenant of others) {
      await pool.query(
        `insert into deployments overriding system value
         select made.* from deployments d, jsonb_populate_record(d, jsonb_build_object(
           'uid', 1000 + $1::bigint, 'tenant_id', $1::bigint, 'latest_execution_uid', null, 'create_execution_uid', null)) made
         where d.id = 'crowd' and d.tenant_id <> $1::bigint order by d.uid limit 1`,
        [tenant],
      );
    }
  });
  after(() => engine.close());
  beforeEach(async () => {
    await engine.database.pool.query(`delete from executions where workflow = 'install'`);
    await engine.database.pool.query('update tenants set running_limit = null, waiting_limit = null');
  });

  const tenants = async () => [
    (await engine.database.pool.query<{ id: number }>(`select id from tenants where name = 'acme'`)).rows[0]!
      .id,
    ...others,
  ];

  /** So many executions of a tenant that wait for a worker. */
  async function waiting(tenant: number, count: number, status = 'pending'): Promise<void> {
    await engine.database.pool.query(
      `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, created_by)
       select $1::bigint, gen_random_uuid(), d.uid, 'install', 'f', $3, '{}', d.created_by
       from deployments d, generate_series(1, $2::integer) where d.tenant_id = $1::bigint and d.id = 'crowd'`,
      [tenant, count, status],
    );
  }

  async function claim(
    worker: string,
    room: number,
    ofTenant = 0,
    ofAll = 0,
    fresh = room,
    sated: readonly number[] = [],
  ): Promise<number[]> {
    const values = [worker, 60, room, [], ofTenant, ofAll, fresh, sated];
    const rows = await claimExecutions.all(engine.database.pool, values);
    return rows.map((row) => row.tenantId as number);
  }

  const counted = (claimed: readonly number[], of: readonly number[]) =>
    of.map((tenant) => claimed.filter((one) => one === tenant).length);

  it('a tenant that asked for a thousand first does not keep others waiting', async () => {
    const [acme, beta, gamma] = await tenants();
    await waiting(acme!, 1000);
    await waiting(beta!, 3);
    await waiting(gamma!, 1);
    assert.deepEqual(counted(await claim('a', 6), [acme!, beta!, gamma!]), [3, 2, 1]);
    assert.deepEqual(
      counted(await claim('b', 4), [acme!, beta!, gamma!]),
      [3, 1, 0],
      'who has the fewest running comes first',
    );
  });

  it('a claim that finds nothing reads as little where thousands wait, behind thousands that have ended', async () => {
    const [acme] = await tenants();
    const { pool } = engine.database;
    await pool.query('update tenants set running_limit = 0 where id = $1', [acme]);
    const client = await pool.connect();
    const pagesRead = async () => {
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number } }] }>(
        `explain (analyze, buffers, timing off, format json) select * from engine_take('a', 60, 16, '{}', 0, 0, 16, '{}')`,
      );
      return rows[0]!['QUERY PLAN'][0].Plan['Shared Hit Blocks'];
    };
    await waiting(acme!, 1500, 'cancelled');
    await waiting(acme!, 1500);
    await pool.query('vacuum analyze executions');
    await pagesRead();
    const read = await pagesRead();
    client.release();
    assert.ok(read < 30, `${read} pages`);
  });

  it('within a tenant the oldest comes first', async () => {
    const [acme] = await tenants();
    await waiting(acme!, 5);
    const { rows } = await engine.database.pool.query<{ uid: number }>(
      `select uid from executions where workflow = 'install' order by uid limit 2`,
    );
    const claimed = await claimExecutions.all(engine.database.pool, ['a', 60, 2, [], 0, 0, 2, []]);
    assert.deepEqual(
      claimed.map((row) => row.uid),
      rows.map((row) => row.uid),
    );
  });

  it('limits of what runs hold exactly while many workers take at once', async () => {
    const [acme, beta] = await tenants();
    await waiting(acme!, 40);
    await waiting(beta!, 40);
    await engine.database.pool.query('update tenants set running_limit = 2 where id = $1', [beta]);
    const claimed = (
      await Promise.all(Array.from({ length: 8 }, (_, worker) => claim(`w${worker}`, 16, 7, 0)))
    ).flat();
    assert.deepEqual(counted(claimed, [acme!, beta!]), [7, 2]);
    assert.deepEqual(await claim('late', 16, 7, 0), []);
    assert.deepEqual(counted(await claim('late', 16, 9, 10), [acme!, beta!]), [1, 0], 'ten of all');
  });

  it('what a dead worker held is free for others, and counts no more', async () => {
    const [acme] = await tenants();
    await waiting(acme!, 4);
    assert.equal((await claim('dead', 2, 2)).length, 2);
    assert.equal((await claim('other', 2, 2)).length, 0);
    await engine.database.pool.query(
      `update executions set lease_until = now() - interval '1 s' where worker = 'dead'`,
    );
    assert.equal((await claim('other', 4, 2)).length, 2);
    const { rows } = await engine.database.pool.query<{ worker: string; fence: number }>(
      `select worker, fence from executions where worker is not null`,
    );
    assert.deepEqual(rows, [
      { worker: 'other', fence: 2 },
      { worker: 'other', fence: 2 },
    ]);
  });

  it('a worker that has no room for operations takes over what another has left, and nothing new', async () => {
    const [acme, beta] = await tenants();
    await waiting(acme!, 3);
    assert.equal((await claim('dead', 2)).length, 2);
    await engine.database.pool.query(
      `update executions set lease_until = now() - interval '1 s' where worker = 'dead'`,
    );
    await waiting(beta!, 5);
    assert.deepEqual(await claim('full', 16, 0, 0, 0), [acme, acme]);
    assert.deepEqual(await claim('full', 16, 0, 0, 0), []);
    assert.deepEqual(await claim('full', 16, 0, 0, 1, [beta!]), [acme]);
    assert.deepEqual(await claim('full', 16, 0, 0, 1, [acme!, beta!]), []);
    assert.deepEqual(await claim('full', 16, 0, 0, 2), [beta, beta]);
  });

  it('a tenant of which nothing may run waits, and goes on when it may', async () => {
    let woken = 0;
    const wake = {
      work: () => {
        woken += 1;
      },
    };
    const shares = new Shares(engine.database.pool, { running: 0, waiting: 0 }, wake);
    await shares.set(engine.caller, 'acme', { mostRunning: 0 });
    await engine.work();
    const execution = await engine.install('crowd');
    assert.deepEqual(await claim('another', 10), []);
    assert.equal((await engine.executions.get(engine.caller, execution.id)).status, 'pending');
    assert.deepEqual(await shares.set(engine.caller, 'acme', { mostRunning: null }), {
      tenant: 'acme',
      running: 0,
      mostRunning: null,
      waiting: 1,
      mostWaiting: null,
      ownRunning: false,
      ownWaiting: false,
    });
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal(woken, 2, 'workers are told to look again');
  });

  it('who has too many waiting is refused, and nothing of it is kept; what runs or has ended does not count', async () => {
    const [acme] = await tenants();
    const { pool } = engine.database;
    const bounded = new Executions(pool, { work: () => {}, changed: () => {} }, 3);
    await engine.database.pool.query('update tenants set running_limit = 0 where id = $1', [acme]);
    await waiting(acme!, 2);
    const request = { deploymentId: 'crowd', workflow: 'install', force: true };
    await bounded.start(engine.caller, request);
    const count = async () => (await pool.query('select from executions')).rowCount;
    const before = await count();
    await assert.rejects(bounded.start(engine.caller, request), (error: DomainError) => {
      assert.deepEqual([error.kind, error.reason], ['limit', 'too-many-waiting']);
      assert.match(error.message, /3 executions of the tenant wait already/);
      return true;
    });
    assert.equal(await count(), before);
    await foldRowCounts(pool);
    await assert.rejects(bounded.start(engine.caller, request), DomainError);
    await pool.query(
      `update executions set status = 'started' where uid = (select min(uid) from executions where status = 'pending')`,
    );
    await bounded.start(engine.caller, request);
    await pool.query(`update executions set status = 'cancelled' where status = 'pending'`);
    const shares = new Shares(pool, { running: 0, waiting: 3 }, { work: () => {} });
    assert.equal((await shares.get(engine.caller, 'acme')).waiting, 0);
    assert.equal((await shares.set(engine.caller, 'acme', { mostWaiting: 1 })).mostWaiting, 1);
    await bounded.start(engine.caller, request);
    await assert.rejects(
      bounded.start(engine.caller, request),
      DomainError,
      "the tenant's own limit goes first",
    );
  });
});
