import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { flakyPool, type Loss } from '../../../test/support/flaky-pool.js';
import { type ScriptedPlugin, scriptedPlugin } from '../../../test/support/scripted-plugin.js';
import type { ExecutionRecord } from '../executions.js';
import { decideOperations, lockExecution, selectOperations } from '../executions.store.js';
import { machineClock } from './clock.js';
import { Fenced, Ledger } from './ledger.js';
import { Outbox } from './outbox.js';
import { claimExecutions, commitBatch, endExecution, taken } from './running.store.js';
import { placeOf, wordsOf } from './told.js';

const BLUEPRINT = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    instances: {deploy: 3}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: scripted.fragile.create, max_retries: 0}
        start: {implementation: scripted.fragile.start, max_retries: 0}
`;
const OPERATIONS = 6;

describe('a batch whose answer or request is lost', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let rule: (asked: string) => Loss = () => null;
  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    await engine.work({ lease: 1 }, { pool: flakyPool(engine.database.pool, (asked) => rule(asked)) });
  });
  after(() => engine.close());
  beforeEach(() => {
    rule = () => null;
    plugin.calls.length = 0;
  });

  async function everythingOnce(execution: ExecutionRecord) {
    const end = await engine.until(execution);
    assert.deepEqual([end.status, end.error, end.finishedOperations], ['terminated', '', OPERATIONS]);
    assert.equal(plugin.calls.length, OPERATIONS);
    const told = (await engine.events(execution)).map((event) => `${event.message} ${event.instance}`);
    assert.deepEqual(
      told.filter((each, place) => told.indexOf(each) !== place),
      [],
    );
  }

  for (const loss of ['request', 'answer'] as const) {
    for (const statement of ['engine_begin', 'engine_commit', 'engine_end', 'commit']) {
      it(`costs nothing and is written once when it is a ${loss} of ${statement}`, async () => {
        // Every second one: the next try gets through, and then the next is lost again.
        let asks = 0;
        rule = (asked) => (asked === statement && ++asks % 2 === 1 ? loss : null);
        await engine.deploy(`${loss}-${statement}`, BLUEPRINT);
        await everythingOnce(await engine.install(`${loss}-${statement}`));
        assert.ok(asks > 0, 'something was lost');
      });
    }
  }

  it('costs nothing when with the answer to a batch the properties are lost, and then the question for them', async () => {
    let asks = 0;
    let batches = 0;
    rule = (asked) => {
      if (asked === 'engine_commit') return ++batches % 2 === 1 ? 'answer' : null;
      return asked === 'instances_properties_by_id' && ++asks % 2 === 1 ? 'request' : null;
    };
    await engine.deploy('both', BLUEPRINT);
    await everythingOnce(await engine.install('both'));
    assert.ok(asks > 0, 'something was lost');
  });

  it('costs a lease when it is the answer to a claim', async () => {
    let asks = 0;
    rule = (asked) => (asked === 'engine_claim' && ++asks === 1 ? 'answer' : null);
    await engine.deploy('claim', BLUEPRINT);
    await everythingOnce(await engine.install('claim'));
  });
});

describe('the ledger', () => {
  let engine: Engine;
  let id = 0;
  before(async () => {
    engine = await anEngine([scriptedPlugin()]);
  });
  after(() => engine.close());

  /** An execution in the hands of this test. */
  async function claimed() {
    id += 1;
    await engine.deploy(`d${id}`, BLUEPRINT);
    const record = await engine.install(`d${id}`);
    const [execution] = await claimExecutions.all(engine.database.pool, ['me', 60, 10, [], 0, 0, 10, []]);
    assert.equal(execution?.id, record.id);
    return { record, execution: taken(execution!) };
  }

  function batch() {
    const outbox = new Outbox();
    outbox.event(wordsOf('a word', { type: 'workflow_event' }), placeOf(null, null));
    return outbox.take();
  }

  it('recognises its batch when a session that nobody listens to any more writes it only now', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    const slow = await pool.connect();
    await slow.query('begin');
    const { values: written } = batch();
    const values = [execution.uid, execution.fence, execution.batches + 1, ...written];
    await commitBatch.all(slow, values);
    let tries = 0;
    const ledger = new Ledger(
      flakyPool(pool, (asked) => (asked === 'engine_commit' && ++tries === 1 ? 'request' : null)),
      execution,
    );
    const status = ledger.commit(batch());
    await blockedBy(slow);
    await slow.query('commit');
    slow.release();
    assert.equal((await status).status, 'pending');
    assert.equal(tries, 2);
    assert.equal((await engine.events(record)).length, 1);
    assert.equal((await ledger.commit(batch())).status, 'pending');
  });

  /** As a batch that came before its turn. */
  async function waitsForItsTurn(): Promise<void> {
    const asleep = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;
    while ((await engine.database.pool.query(asleep)).rowCount === 0);
  }

  it('has a batch wait for the one before it, and writes each of them in one go', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    const first = await pool.connect();
    await first.query('begin');
    const values = (number: number) => [execution.uid, execution.fence, number, ...batch().values];
    const before = await commitBatch.one(first, values(execution.batches + 1));
    const second = commitBatch.one(pool, values(execution.batches + 2));
    await waitsForItsTurn();
    await first.query('commit');
    first.release();
    assert.deepEqual([before?.status, (await second)?.status], ['pending', 'pending']);
    assert.equal((await engine.events(record)).length, 2);
  });

  it('has a batch that comes first wait for the one before it to come', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    const write = (number: number) =>
      commitBatch.one(pool, [execution.uid, execution.fence, execution.batches + number, ...batch().values]);
    const second = write(2);
    await waitsForItsTurn();
    assert.deepEqual([(await write(1))?.status, (await second)?.status], ['pending', 'pending']);
    assert.equal((await engine.events(record)).length, 2);
  });

  it('writes nothing of a batch whose predecessor never comes', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    const values = [execution.uid, execution.fence, execution.batches + 2, ...batch().values];
    assert.equal((await commitBatch.one(pool, values))?.status, null);
    assert.equal((await engine.events(record)).length, 0);
  });

  it('writes nothing once the fence has moved on, whatever was lost before', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    let tries = 0;
    const moveOn = () =>
      pool.query('update executions set fence = fence + 1 where uid = $1', [execution.uid]);
    const ledger = new Ledger(
      flakyPool(pool, (asked) => (asked === 'engine_commit' && ++tries === 1 ? 'request' : null)),
      execution,
    );
    await moveOn();
    await assert.rejects(ledger.commit(batch()), Fenced);
    await assert.rejects(
      ledger.end('terminated', '', () => []),
      Fenced,
    );
    await assert.rejects(
      ledger.begin(null, { total: 1, finished: 0 }, [{ kind: 'event', message: 'x' }]),
      Fenced,
    );
    assert.deepEqual(await engine.events(record), []);
    assert.equal((await engine.executions.get(engine.caller, record.id)).status, 'pending');
  });

  it('leaves what a person decides when a batch comes late, which waits for whoever holds the execution', async () => {
    const { record, execution } = await claimed();
    const { pool } = engine.database;
    const tenant = engine.caller.tenant!.id;
    const batches = [new Outbox(), new Outbox()] as const;
    batches[0].touch(0, 'started');
    batches[1].done(0);
    const write = (nth: 0 | 1) =>
      commitBatch.one(pool, [execution.uid, execution.fence, nth + 1, ...batches[nth].take().values]);
    assert.equal((await write(0))?.status, 'pending');

    const ending = await pool.connect();
    await ending.query('begin');
    await endExecution.one(ending, [execution.uid, execution.fence, 'failed', 'why']);
    const late = write(1);
    await blockedBy(ending);
    await lockExecution.one(ending, tenant, [record.id, null, true]);
    const skipped = { task: 0, state: 'skipped', reason: 'so', due_at: null, decided_by: 'ada' };
    await decideOperations.run(ending, tenant, [execution.uid, JSON.stringify([skipped])]);
    await ending.query('commit');
    ending.release();
    assert.equal((await late)?.status, null);
    const [operation] = await selectOperations.all(pool, tenant, [execution.uid]);
    assert.deepEqual([operation?.state, operation?.reason, operation?.decidedBy], ['skipped', 'so', 'ada']);
  });

  it('ends as cancelled what was cancelled after the walk had looked for the last time', async () => {
    const { record, execution } = await claimed();
    assert.equal((await engine.executions.cancel(engine.caller, record.id, 'cancel')).status, 'cancelling');
    const ledger = new Ledger(engine.database.pool, execution);
    await ledger.end('failed', 'why', (status) => [{ kind: 'event', message: `ended ${status}` }]);
    const end = await engine.executions.get(engine.caller, record.id);
    assert.deepEqual([end.status, end.error], ['cancelled', '']);
    assert.deepEqual(
      (await engine.events(record)).map((event) => event.message),
      ['ended cancelled'],
    );
  });

  it('lets go in an outage without end when nobody waits any longer', async () => {
    const { execution } = await claimed();
    const abandoned = new AbortController();
    const ledger = new Ledger(
      flakyPool(engine.database.pool, () => 'request'),
      execution,
      { clock: machineClock, abandoned: abandoned.signal },
    );
    const commit = ledger.commit(batch());
    abandoned.abort();
    await assert.rejects(commit, Fenced);
  });

  /** Waits until some session waits for what `client` holds. */
  async function blockedBy(client: { query(text: string): Promise<{ rows: { pid: number }[] }> }) {
    const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0]!;
    for (;;) {
      const { rowCount } = await engine.database.pool.query(
        'select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))',
        [pid],
      );
      if (rowCount! > 0) return;
    }
  }
});
