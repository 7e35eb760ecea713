import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aTeller, countedAndThere, partitionsOf } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import { migrate, readMigrations } from '../store/migrate.js';
import { EventFrontier, eventsAfter } from './following.js';

const EVENTS_BY_WEEK = 19;

/** A store as it was before events had partitions. */
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

test('an old store keeps its events, each with its id, in the partitions of their weeks, and counted', async (t) => {
  const { pool, upgrade } = await anOldStore(t);
  const teller = await aTeller(pool);
  const day = 24 * 60 * 60 * 1000;
  const times = Array.from({ length: 40 }, (_, n) => new Date(Date.now() - n * day));
  await teller.tell(times, { source: 'a', target: 'b', causes: [{ type: 'T', message: 'tab\t "x"' }] });
  await teller.tell(['1970-01-01T00:00:00Z', ...times], { kind: 'log', level: 'info', logger: 'l' });
  await pool.query('delete from events where id = 81');
  const before = await pool.query('select * from events order by id');
  await upgrade();
  assert.deepEqual((await pool.query('select * from events order by id')).rows, before.rows);
  const there = await partitionsOf(pool);
  assert.equal(there.events_other, 1, 'what no week takes');
  assert.ok(Object.values(there).filter((count) => count === 14).length >= 4, JSON.stringify(there));
  const [counted, real] = await countedAndThere(pool);
  assert.deepEqual(counted, real);
  await teller.tell([new Date()]);
  const { rows } = await pool.query('select max(id)::integer as last from events');
  assert.equal(rows[0].last, 82, 'ids go on, and one that was deleted does not come again');
  const frontier = new EventFrontier(pool);
  assert.equal(await frontier.look(), 82);
  assert.equal((await eventsAfter(pool, frontier, 0, null, 100)).events.length, 81);
});

test('an old store without an event begins where nothing has been', async (t) => {
  const { pool, upgrade } = await anOldStore(t);
  await upgrade();
  const frontier = new EventFrontier(pool);
  assert.equal(await frontier.look(), 0);
  const teller = await aTeller(pool);
  const before = await frontier.look();
  await teller.tell([new Date()]);
  assert.equal(await frontier.look(), before + 1);
});
