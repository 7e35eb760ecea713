import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { aTeller } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import { EventFrontier, eventsAfter, IDS_OF_A_PACK } from './following.js';
import { makeWeeks } from './retention.js';

const { pool } = await testDatabase();

/** Everything up to the frontier, page by page. */
async function readOn(frontier: EventFrontier, position: number, limit = 7) {
  const ids: number[] = [];
  for (let at = position; ; ) {
    const read = await eventsAfter(pool, frontier, at, null, limit);
    ids.push(...read.events.map(({ id }) => id));
    at = read.position;
    if (!read.more) return { ids, position: at };
  }
}

test('the frontier waits for whoever appended first, however many commit before', async () => {
  const teller = await aTeller(pool);
  const frontier = new EventFrontier(pool);
  await teller.tell([new Date()]);
  const before = await frontier.look();
  const slow = await pool.connect();
  await slow.query('begin');
  await teller.tell([new Date()], { message: 'slow' }, slow);
  await teller.tell([new Date(), new Date()], { message: 'quick' });
  assert.equal(await frontier.look(), before, 'an id below those two may still appear');
  assert.ok(frontier.held);
  assert.deepEqual((await eventsAfter(pool, frontier, before, null, 10)).events, []);
  await slow.query('commit');
  slow.release();
  await frontier.look();
  assert.ok(!frontier.held);
  const { events } = await eventsAfter(pool, frontier, before, null, 10);
  assert.deepEqual(
    events.map(({ message }) => message),
    ['slow', 'quick', 'quick'],
  );
});

test('it waits neither for those who write elsewhere or delete events, nor for what was rolled back', async () => {
  const teller = await aTeller(pool);
  const frontier = new EventFrontier(pool);
  await teller.tell([new Date()]);
  const before = await frontier.look();
  const others = await pool.connect();
  await others.query('begin');
  await others.query('update executions set error = $2 where uid = $1', [teller.executionUid, 'x']);
  await others.query('delete from event_packs where execution_uid = $1', [teller.executionUid]);
  const failed = await pool.connect();
  await failed.query('begin');
  await teller.tell([new Date()], {}, failed);
  await failed.query('rollback');
  failed.release();
  await teller.tell([new Date()], { message: 'told' });
  assert.equal(await frontier.look(), before + 2 * IDS_OF_A_PACK);
  const { events } = await eventsAfter(pool, frontier, before, null, 10);
  assert.deepEqual(
    events.map(({ message }) => message),
    ['told'],
  );
  await others.query('rollback');
  others.release();
});

test('one who appends again in another transaction counts from there on', async () => {
  const teller = await aTeller(pool);
  const frontier = new EventFrontier(pool);
  await frontier.look();
  const writer = await pool.connect();
  for (let turn = 0; turn < 3; turn += 1) {
    await writer.query('begin');
    await teller.tell([new Date()], {}, writer);
    const during = await frontier.look();
    await writer.query('commit');
    await writer.query('begin');
    await teller.tell([new Date()], {}, writer);
    assert.equal(
      await frontier.look(),
      during + 1 * IDS_OF_A_PACK,
      'the one before is settled, this one is not',
    );
    await writer.query('commit');
    assert.equal(await frontier.look(), during + 2 * IDS_OF_A_PACK);
  }
  writer.release();
});

test('a savepoint that is given up does not settle what came before it', async () => {
  const teller = await aTeller(pool);
  const frontier = new EventFrontier(pool);
  const before = await frontier.look();
  const writer = await pool.connect();
  await writer.query('begin');
  await teller.tell([new Date()], { message: 'kept' }, writer);
  await writer.query('savepoint s');
  await teller.tell([new Date()], { message: 'given up' }, writer);
  await writer.query('rollback to savepoint s');
  assert.equal(await frontier.look(), before);
  await writer.query('commit');
  writer.release();
  assert.equal(await frontier.look(), before + 2 * IDS_OF_A_PACK);
  const { events } = await eventsAfter(pool, frontier, before, null, 10);
  assert.deepEqual(
    events.map(({ message }) => message),
    ['kept'],
  );
});

test('many writers who commit in any order: a reader is told each event once, in the order of ids, and none is left out', async () => {
  const tellers = await Promise.all([aTeller(pool), aTeller(pool), aTeller(pool)]);
  const frontier = new EventFrontier(pool);
  const start = await frontier.look();
  let seed = 20_261_122;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  let writing = 7;
  const committed = new Set<number>();
  const writer = async (n: number) => {
    const client = await pool.connect();
    for (let turn = 0; turn < 40; turn += 1) {
      await client.query('begin');
      const mine: number[] = [];
      for (let statement = 0; statement <= random() * 3; statement += 1) {
        const times = Array.from({ length: 1 + Math.floor(random() * 5) }, () => new Date());
        const { rows } = await client.query<{ before: string }>(
          'select coalesce(max(id), 0) as before from events where execution_uid = $1 and message = $2',
          [tellers[n % 3]!.executionUid, `writer ${n}`],
        );
        await tellers[n % 3]!.tell(times, { message: `writer ${n}` }, client);
        const found = await client.query<{ id: number }>(
          'select id from events where execution_uid = $1 and message = $2 and id > $3',
          [tellers[n % 3]!.executionUid, `writer ${n}`, rows[0]!.before],
        );
        mine.push(...found.rows.map(({ id }) => id));
        if (random() < 0.3) await delay(random() * 8);
      }
      if (random() < 0.15) await client.query('rollback');
      else {
        await client.query('commit');
        for (const id of mine) committed.add(id);
      }
    }
    client.release();
    writing -= 1;
  };
  const told: number[] = [];
  const reader = async () => {
    let position = start;
    for (;;) {
      const last = writing === 0;
      await frontier.look();
      const read = await readOn(frontier, position);
      told.push(...read.ids);
      position = read.position;
      if (last && !frontier.held) return;
      await delay(1);
    }
  };
  await Promise.all([reader(), ...Array.from({ length: 7 }, (_, n) => writer(n))]);
  assert.ok(committed.size > 300, `${committed.size} events`);
  assert.deepEqual(
    told,
    [...committed].sort((a, b) => a - b),
  );
});

test('topics: of a tenant, an execution, a deployment; where nothing is told the position moves on all the same', async () => {
  const [one, other] = await Promise.all([aTeller(pool), aTeller(pool)]);
  const frontier = new EventFrontier(pool);
  const start = await frontier.look();
  await one.tell([new Date(), new Date()]);
  await other.tell([new Date()]);
  await makeWeeks(pool);
  const end = await frontier.look();
  const of = async (topics: Partial<Parameters<typeof eventsAfter>[3] & object>) => {
    const whole = { tenants: [], deployments: [], executions: [], ...topics };
    return eventsAfter(pool, frontier, start, whole, 10);
  };
  assert.equal((await of({ tenants: [one.tenantId] })).events.length, 2);
  assert.equal((await of({ executions: [other.executionUid] })).events.length, 1);
  assert.equal((await of({ tenants: [other.tenantId], executions: [one.executionUid] })).events.length, 3);
  const nothing = await of({ deployments: [-1 as never] });
  assert.deepEqual(nothing, { events: [], position: end, more: false });
  const paged = await eventsAfter(pool, frontier, start, null, 2);
  assert.deepEqual([paged.position, paged.more], [start + 2, true]);
});

test('one reading is bounded in bytes, and a message in characters; what is left is read next', async () => {
  const teller = await aTeller(pool);
  const frontier = new EventFrontier(pool);
  const start = await frontier.look();
  await teller.tell(new Array(30).fill(new Date()), { message: 'ü'.repeat(50_000) });
  await teller.tell([new Date()], { message: 'x'.repeat(70_000) });
  await makeWeeks(pool);
  const end = await frontier.look();
  const topics = { tenants: [teller.tenantId], deployments: [], executions: [] };
  const first = await eventsAfter(pool, frontier, start, topics, 100);
  assert.equal(first.events.length, 11, 'ten of 100,000 bytes, and the one with which there are enough');
  assert.ok(first.events.every(({ isCut, message }) => !isCut && message.length === 50_000));
  assert.deepEqual([first.position, first.more], [first.events.at(-1)!.id, true]);
  const ids = first.events.map(({ id }) => id);
  let last = first;
  while (last.position < end) {
    last = await eventsAfter(pool, frontier, last.position, topics, 100);
    ids.push(...last.events.map(({ id }) => id));
  }
  assert.equal(new Set(ids).size, 31);
  const long = last.events.at(-1)!;
  assert.deepEqual([long.isCut, long.message.length], [true, 65_536]);
});
