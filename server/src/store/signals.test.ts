import assert from 'node:assert/strict';
import { after, describe, it, test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { HEARS_AGAIN, Signals, signalWithCommit } from './signals.js';
import { inTransaction } from './transaction.js';

const { pool, databaseUrl } = await testDatabase();

describe('signals', () => {
  const open: Signals[] = [];
  after(() => Promise.all(open.map((one) => one.close())));

  async function listener() {
    const signals = new Signals(databaseUrl);
    open.push(signals);
    const heard: string[] = [];
    /** Told by the process to itself, when it may have missed something. */
    const again: string[] = [];
    signals.subscribe((hints) => {
      for (const hint of hints) (hint === HEARS_AGAIN ? again : heard).push(hint);
    });
    await signals.listen();
    return { signals, heard, again };
  }

  const sessions = async (name: string) =>
    (
      await pool.query(
        'select pid from pg_stat_activity where application_name = $1 and datname = current_database()',
        [name],
      )
    ).rows as {
      pid: number;
    }[];

  it('reach other processes, and those who send them at once', async () => {
    const [one, two] = [await listener(), await listener()];
    one.signals.send('work');
    assert.deepEqual(one.heard, ['work']);
    await until(() => two.heard.length > 0);
    assert.deepEqual([one.heard, two.heard], [['work'], ['work']]);
  });

  it('are heard once each, on one connection each, however often the connections broke', async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    const [one, two] = [await listener(), await listener()];
    for (let round = 0; round < 3; round += 1) {
      // Sessions that were closed are listed for a moment yet.
      await until(async () => (await sessions('orrery-listener')).length === 2);
      const before = await sessions('orrery-listener');
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity 
         where application_name in ('orrery-listener', 'orrery-notifier') and datname = current_database()`,
      );
      await until(async () => {
        const now = await sessions('orrery-listener');
        return now.length === 2 && now.every(({ pid }) => !before.some((old) => old.pid === pid));
      });
      // Hints that are lost with a connection are lost; polling makes up for them.
      for (let n = 0; ; n += 1) {
        one.signals.send(`round:${round}:${n}`);
        const found = await until(() => two.heard.some((hint) => hint.startsWith(`round:${round}:`)), 200);
        if (found) break;
      }
    }
    assert.equal((await sessions('orrery-listener')).length, 2);
    assert.equal(new Set(two.heard).size, two.heard.length, 'nothing was heard twice');
    assert.equal(two.again.length, 3, 'whoever may have missed something knows it');
  });

  it('that somebody waits for take along what has gathered', async () => {
    const [one, two] = [await listener(), await listener()];
    const messages: (readonly string[])[] = [];
    two.signals.subscribe((hints) => messages.push(hints));
    one.signals.send('news');
    one.signals.sendAtOnce('work');
    await until(() => messages.length > 0);
    assert.deepEqual(messages, [['news', 'work']]);
    assert.deepEqual(one.heard, ['news', 'work']);
    one.signals.sendAtOnce('again');
    one.signals.send('more');
    await until(() => two.heard.length >= 4);
    assert.deepEqual(two.heard, ['news', 'work', 'again', 'more']);
  });

  it('that are many or long are sent all the same', async () => {
    const [one, two] = [await listener(), await listener()];
    const hints = Array.from({ length: 2000 }, (_, n) => `changed:${n}`);
    one.signals.send('x'.repeat(9000));
    for (const hint of hints) one.signals.send(hint);
    await until(() => two.heard.length > 2000);
    assert.deepEqual(two.heard.slice(1), hints);
  });

  it('leave no connection behind when they are closed, also while they connect', async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    const signals = new Signals(databaseUrl);
    const listening = signals.listen();
    signals.send('work');
    await signals.close();
    await listening;
    await until(async () => (await sessions('orrery-listener')).length === 0);
    await until(async () => (await sessions('orrery-notifier')).length === 0);
  });
});

/** False: it did not come true in time, where a time is given; without one the runner's own limit holds. */
async function until(condition: () => boolean | Promise<boolean>, limit = 60_000): Promise<boolean> {
  const deadline = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > deadline) return limit < 60_000 ? false : assert.fail('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

test('a hint with a commit is told to every process when the transaction commits, and not when it is rolled back', async () => {
  const [one, other] = [new Signals(databaseUrl), new Signals(databaseUrl)];
  await Promise.all([one.listen(), other.listen()]);
  const heard: string[] = [];
  for (const [name, signals] of Object.entries({ one, other })) {
    signals.subscribe((hints) => heard.push(...hints.map((hint) => `${name} ${hint}`)));
  }
  const telling = (hint: string) => inTransaction(pool, (client) => signalWithCommit(client, hint));
  const broken = inTransaction(pool, async (client) => {
    await signalWithCommit(client, 'never');
    throw new Error('rolled back');
  });
  await assert.rejects(broken, /rolled back/);
  await telling('replaced');
  while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(heard.sort(), ['one replaced', 'other replaced']);
  await Promise.all([one.close(), other.close()]);
});
