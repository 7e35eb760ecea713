/** Servers killed in the middle of making and restoring snapshots: what is there is all of the old or all of the new. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFolder, aRealServer, eventually, type RealServer } from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

/** Enough that making and restoring take a second or two. */
const EVENTS = 150_000;

const { pool, databaseUrl } = await testDatabase();
const folder = aFolder();
const start = () => aRealServer(folder, { DATABASE_URL: databaseUrl, ORRERY_LEASE_SECONDS: '2' });

interface State {
  readonly secrets: string;
  readonly events: number;
  readonly rules: number;
}

/** What the store holds, once whoever was killed has let go of it. */
async function state(): Promise<State> {
  const { rows } = await pool.query<State>(
    `select (select string_agg(key, ',' order by key) from secrets) as secrets,
       (select count(*)::integer from events where kind = 'log') as events,
       (select count(*)::integer from pg_constraint where contype = 'f') as rules`,
  );
  return rows[0]!;
}

const status = async (server: RealServer, id: string) =>
  (await server.call<{ status: string }>('GET', `/snapshots/${id}`)).status;

let server = await start();
await server.call('PUT', '/secrets/before', { value: 'kept' });
await pool.query(
  `select append_events(t.id, (select json_agg(json_build_object('kind', 'log', 'message', 'event ' || n || repeat(md5(n::text), 4)))
     from generate_series(1, ${EVENTS}) n)) from tenants t`,
);
const { rules } = await state();

test('a server killed while it makes a snapshot makes it when it is back, whole', async () => {
  let killed = 0;
  for (const [round, delay] of [100, 400, 900].entries()) {
    const id = `made-${round}`;
    await server.call('PUT', `/snapshots/${id}`, {});
    await new Promise((resolve) => setTimeout(resolve, delay));
    if ((await status(server, id)) === 'creating') killed += 1;
    await server.end('SIGKILL');
    server = await start();
    await eventually(`snapshot ${id}`, async () => (await status(server, id)) === 'created');
  }
  assert.ok(killed > 0, 'at least one was killed in the middle');
});

test('a server killed while it restores one leaves all of the old or all of the new, and ends it when it is back', async (t) => {
  // The one before has ended with its test.
  server = await start();
  const id = 'made-0';
  const seen = { old: 0, new: 0 };
  for (const delay of [150, 500, 1000, 1800, 3000]) {
    await server.call('PUT', '/secrets/after', { value: 'to be lost' });
    await pool.query(`delete from event_packs where logs > 0 and id / 256 % 3 = 0`);
    const before = await state();
    const { id: execution } = await server.call<{ id: string }>('POST', `/snapshots/${id}/restore`, {
      force: true,
    });
    await new Promise((resolve) => setTimeout(resolve, delay));
    await server.end('SIGKILL');
    const now = await state();
    assert.equal(now.rules, rules, 'no reference is left unchecked');
    if (now.secrets === 'before') {
      assert.equal(now.events, EVENTS);
      seen.new += 1;
    } else {
      assert.deepEqual(now, before);
      seen.old += 1;
    }
    server = await start();
    await eventually('the end of the restoring', async () => {
      const { status: now } = await server.call<{ status: string }>('GET', `/executions/${execution}`);
      assert.notEqual(now, 'failed');
      return now === 'terminated';
    });
    assert.deepEqual(await state(), { secrets: 'before', events: EVENTS, rules });
    assert.equal((await server.call<{ value: string }>('GET', '/secrets/before')).value, 'kept');
  }
  t.diagnostic(`killed before the commit ${seen.old} times, after it ${seen.new} times`);
  assert.ok(seen.old > 0, 'at least one was killed in the middle');
});
