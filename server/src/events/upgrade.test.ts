import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aTeller, countedAndThere, partitionsOf } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import { migrate, readMigrations } from '../store/migrate.js';
import { EventFrontier, eventsAfter, forgottenUpTo, IDS_OF_A_PACK } from './following.js';

const EVENTS_BY_WEEK = 19;

/** A store as it was before events had partitions and packs. */
async function anOldStore(t: Parameters<typeof testDatabase>[0]) {
  const { pool } = await testDatabase(t);
  await pool.query('drop schema public cascade');
  await pool.query('create schema public');
  const all = readMigrations();
  await migrate(
    pool,
    all.filter(({ number }) => number < EVENTS_BY_WEEK),
  );
  return { pool, upgrade: () => migrate(pool, all) };
}

test('an old store keeps its events, word for word, in the partitions of their weeks, and counted', async (t) => {
  const { pool, upgrade } = await anOldStore(t);
  const teller = await aTeller(pool);
  // At one time of a day that is long over, so that it makes no difference when this is run.
  await pool.query(
    `insert into events (tenant_id, execution_uid, kind, type, level, logger, message, operation, source, target, causes, at)
     select $1, $2, k.kind, case k.kind when 'event' then 'task_failed' end, case k.kind when 'log' then 'info' end, case k.kind when 'log' then 'l' end,
       'n ' || n, 'o', 'a', 'b', '[{"type":"T","message":"tab\\t"}]', date_trunc('hour', now()) - n * interval '1 day'
     from (values ('event'), ('log')) k(kind), generate_series(0, 39) n`,
    [teller.tenantId, teller.executionUid],
  );
  await pool.query(`update events set at = '1970-01-01T00:00:00Z' where message = 'n 7' and kind = 'log'`);
  const all = `select tenant_id, execution_uid, deployment_uid, kind, type, level, logger, message, operation, node, instance, source, target,
    causes, at from events order by at, kind, message`;
  const before = await pool.query(all);
  await upgrade();
  assert.equal(before.rows.length, 80);
  assert.deepEqual((await pool.query(all)).rows, before.rows);
  const there = await partitionsOf(pool);
  assert.equal(there.events_other, 1, 'what no week takes');
  assert.ok(Object.values(there).filter((count) => count === 14).length >= 4, JSON.stringify(there));
  const [counted, real] = await countedAndThere(pool);
  assert.deepEqual(counted, real);
  const frontier = new EventFrontier(pool);
  const end = await frontier.look();
  assert.equal((await eventsAfter(pool, frontier, 0, null, 100)).events.length, 80);
  assert.ok((await forgottenUpTo(pool)) > 40, 'who followed by an old id is told that something was missed');
  await teller.tell([new Date()]);
  await frontier.look();
  assert.equal((await eventsAfter(pool, frontier, end, null, 100)).events.length, 1);
});

test('an old store without an event begins where nothing has been', async (t) => {
  const { pool, upgrade } = await anOldStore(t);
  await upgrade();
  const frontier = new EventFrontier(pool);
  const teller = await aTeller(pool);
  const before = await frontier.look();
  await teller.tell([new Date()]);
  assert.equal(await frontier.look(), before + IDS_OF_A_PACK);
});
