import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aTeller, countedAndThere, partitionsOf } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import { foldEventCounts } from './counting.js';
import { dropOldWeeks, forgottenUpTo, makeWeeks, WEEK, weekOf } from './retention.js';

const DAY = WEEK / 7;
const THIS_WEEK = weekOf(new Date());
const daysFrom = (start: Date, days: number) => new Date(start.getTime() + days * DAY);
const nameOf = (week: Date) => `events_w${week.toISOString().slice(0, 10).replaceAll('-', '')}`;

test('a week begins on Monday at midnight UTC, here and in the database', async (t) => {
  const { pool } = await testDatabase(t);
  for (const time of [
    '2026-11-16T00:00:00.000Z',
    '2026-11-15T23:59:59.999Z',
    '1999-12-31T12:00:00.000Z',
    '2024-02-29T10:00:00.000Z',
  ]) {
    const { rows } = await pool.query<{ week: Date }>(`select events_week($1) as week`, [time]);
    assert.deepEqual(rows[0]!.week, weekOf(new Date(time)), time);
    assert.equal(rows[0]!.week.getUTCDay(), 1, time);
  }
});

test('while the clock moves on, weeks are there before they begin, and each is made once', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  assert.equal(await makeWeeks(pool), 0, 'a new store has this week and the next four');
  const made: number[] = [];
  for (let day = 0; day <= 70; day += 1) {
    const now = daysFrom(THIS_WEEK, day);
    const [one, other] = await Promise.all([makeWeeks(pool, now), makeWeeks(pool, now)]);
    made.push(one + other);
    await teller.tell([now]);
  }
  assert.equal(
    made.reduce((sum, one) => sum + one),
    10,
    'one for each week that begins',
  );
  const there = await partitionsOf(pool);
  assert.equal(there.events_other, 0);
  for (let week = 0; week < 10; week += 1) assert.equal(there[nameOf(daysFrom(THIS_WEEK, 7 * week))], 7);
});

test('a clock that jumps, back or far ahead, finds a place for every event, and what it brought is counted and listed alike', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  const times = [
    daysFrom(THIS_WEEK, 1),
    daysFrom(THIS_WEEK, -400),
    daysFrom(THIS_WEEK, 4000),
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ];
  await teller.tell(times);
  assert.equal((await partitionsOf(pool)).events_other, 4);
  await foldEventCounts(pool);
  const [counted, there] = await countedAndThere(pool);
  assert.deepEqual(counted, there);
});

test('where a week is missing its events are taken all the same, and move over when it is made', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  const late = daysFrom(THIS_WEEK, 60);
  await teller.tell([late, daysFrom(late, 1)]);
  const before = await pool.query('select * from events order by id');
  assert.equal((await partitionsOf(pool)).events_other, 2);
  assert.equal(await makeWeeks(pool, late), 5);
  const there = await partitionsOf(pool);
  assert.equal(there.events_other, 0);
  assert.equal(there[nameOf(weekOf(late))], 2);
  assert.deepEqual((await pool.query('select * from events order by id')).rows, before.rows);
  const [counted, real] = await countedAndThere(pool);
  assert.deepEqual(counted, real);
});

test('weeks that are old enough are dropped with their counts, and nothing younger', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  for (let week = 12; week > 0; week -= 1) await makeWeeks(pool, daysFrom(THIS_WEEK, -7 * week));
  const times = Array.from({ length: 12 * 7 }, (_, day) => daysFrom(THIS_WEEK, day - 12 * 7));
  await teller.tell(times);
  await teller.tell(times, { kind: 'log', level: 'info' });
  await teller.tell([daysFrom(THIS_WEEK, -3000)]);
  await foldEventCounts(pool);
  await teller.tell(times);
  const now = daysFrom(THIS_WEEK, 3);
  assert.equal(await dropOldWeeks(pool, 0, now), 0, 'for ever');
  assert.equal(await dropOldWeeks(pool, 10_000, now), 0);
  // Thirty days before Thursday is a Tuesday: that week stays.
  assert.equal(await dropOldWeeks(pool, 30, now), 8);
  const { rows } = await pool.query<{ oldest: Date; count: number }>(
    'select min(at) as oldest, count(*)::integer as count from events',
  );
  assert.deepEqual(rows[0], { oldest: daysFrom(THIS_WEEK, -28), count: 28 * 3 });
  const [counted, there] = await countedAndThere(pool);
  assert.deepEqual(counted, there);
  await foldEventCounts(pool);
  assert.deepEqual((await countedAndThere(pool))[0], there);
  assert.ok((await forgottenUpTo(pool)) > 0);
  assert.equal(await dropOldWeeks(pool, 30, now), 0);
});

test('retention makes no writer wait, and goes on where somebody was in its way', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  const old = daysFrom(THIS_WEEK, -70);
  await makeWeeks(pool, old);
  await teller.tell([old, old, new Date()]);
  // A writer that has appended and not committed: the table cannot be had while it is there.
  const writer = await pool.connect();
  await writer.query('begin');
  await teller.tell([new Date()], {}, writer);
  let written = 0;
  let on = true;
  const writing = (async () => {
    while (on) {
      await teller.tell([new Date()]);
      written += 1;
    }
  })();
  assert.equal(await dropOldWeeks(pool, 30), 0, 'somebody writes: the table stays');
  assert.ok(written > 1, 'others write while it is tried');
  const there = await partitionsOf(pool);
  assert.equal(there[nameOf(weekOf(old))], 0, 'but it is empty already');
  await writer.query('commit');
  writer.release();
  let dropped = 0;
  while (dropped === 0) dropped = await dropOldWeeks(pool, 30);
  on = false;
  await writing;
  assert.ok(!(nameOf(weekOf(old)) in (await partitionsOf(pool))));
  const [counted, real] = await countedAndThere(pool);
  assert.deepEqual(counted, real);
});

test('a reader that holds a week keeps it from being dropped, for as long as it reads', async (t) => {
  const { pool } = await testDatabase(t);
  const teller = await aTeller(pool);
  const old = daysFrom(THIS_WEEK, -70);
  await makeWeeks(pool, old);
  await teller.tell([old]);
  const reader = await pool.connect();
  await reader.query('begin isolation level repeatable read');
  await reader.query('select count(*) from events');
  assert.equal(await dropOldWeeks(pool, 30), 0);
  assert.equal((await reader.query('select from events')).rowCount, 1);
  await reader.query('commit');
  reader.release();
  assert.equal(await dropOldWeeks(pool, 30), 5);
});
