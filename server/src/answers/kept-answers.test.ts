import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import { bootstrap } from '../identity/bootstrap.js';
import { Callers } from '../identity/callers.js';
import { DEFAULT_TENANT } from '../identity/tenants.js';
import { inTransaction } from '../store/transaction.js';
import { KeptAnswers } from './kept-answers.js';

const { pool } = await testDatabase();
await bootstrap(pool, { adminPassword: 'first-password', passwordFile: '/dev/null' });
const caller: Caller = await new Callers({ pool }).actingAs('admin', DEFAULT_TENANT, 'test');
await pool.query('create table deeds (key text not null)');
const answers = new KeptAnswers(pool);

const request = (key: string, body = 'a body') => ({
  key,
  digest: createHash('sha256').update(body).digest(),
});
const made = async (key: string) =>
  (await pool.query<{ count: number }>('select count(*)::integer as count from deeds where key = $1', [key]))
    .rows[0]!.count;

/** Writes a row in a transaction; `between` is done before it commits. */
const deed = (key: string, between: () => Promise<void> = async () => {}) => ({
  change: () =>
    inTransaction(pool, async (client) => {
      await client.query('insert into deeds values ($1)', [key]);
      await between();
      return { made: key };
    }),
  again: async () => ({ made: `${key}, once more` }),
});

describe('a key', () => {
  it('makes a change once, and its answer is given again', async () => {
    assert.deepEqual(await answers.once(caller, request('k1'), deed('k1')), {
      answer: { made: 'k1' },
      isReplayed: false,
    });
    assert.deepEqual(await answers.once(caller, request('k1'), deed('k1')), {
      answer: { made: 'k1' },
      isReplayed: true,
    });
    assert.equal(await made('k1'), 1);
  });

  it('is refused for another request', async () => {
    await answers.once(caller, request('k2'), deed('k2'));
    await assert.rejects(answers.once(caller, request('k2', 'another'), deed('k2')), {
      reason: 'idempotency-key-reused',
    });
    assert.equal(await made('k2'), 1);
  });

  it('of twins at once lets one change something, and tells all of them', async () => {
    const told = await Promise.all(
      Array.from({ length: 6 }, () => answers.once(caller, request('k3'), deed('k3'))),
    );
    assert.equal(await made('k3'), 1);
    assert.deepEqual(new Set(told.map(({ answer }) => answer.made)), new Set(['k3']));
    assert.equal(told.filter(({ isReplayed }) => !isReplayed).length, 1);
  });

  it('is free again after a refusal, which changes nothing', async () => {
    const refused = {
      ...deed('k4'),
      change: () => Promise.reject(new DomainError('conflict', 'not-now', 'later')),
    };
    await assert.rejects(answers.once(caller, request('k4'), refused), { reason: 'not-now' });
    assert.equal((await answers.once(caller, request('k4'), deed('k4'))).isReplayed, false);
    assert.equal(await made('k4'), 1);
  });

  it('whose process died after the change and before the answer is answered from how things stand', async () => {
    const dying = new KeptAnswers(pool, { claimSeconds: 0.2 });
    const { change, again } = deed('k5');
    const dead = new Promise<never>(() => {});
    void dying.once(caller, request('k5'), { change: async () => (await change()) && dead, again });
    while ((await made('k5')) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const told = await answers.once(caller, request('k5'), deed('k5'));
    assert.deepEqual(told, { answer: { made: 'k5, once more' }, isReplayed: true });
    assert.equal(await made('k5'), 1);
  });

  it('whose process was paused over its claim lets it change nothing any more', async () => {
    const pausing = new KeptAnswers(pool, { claimSeconds: 0.1 });
    let wake = () => {};
    const paused = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const between = () => {
      begin();
      return paused;
    };
    const first = pausing.once(caller, request('k6'), deed('k6', between));
    await begun;
    const second = await answers.once(caller, request('k6'), deed('k6'));
    wake();
    await assert.rejects(first, { reason: 'idempotency-key-in-use' });
    assert.equal(second.isReplayed, false);
    assert.equal(await made('k6'), 1);
    assert.equal((await answers.once(caller, request('k6'), deed('k6'))).isReplayed, true);
  });

  it('has to be a text that a header can hold', async () => {
    for (const key of ['', 'a b', 'ä', 'x'.repeat(201)]) {
      await assert.rejects(answers.once(caller, request(key), deed('never')), {
        reason: 'idempotency-key-invalid',
      });
    }
    assert.equal(await made('never'), 0);
  });

  it('is forgotten after a day', async () => {
    await answers.once(caller, request('k7'), deed('k7'));
    await pool.query(`update kept_answers set created_at = now() - interval '25 hours' where key = 'k7'`);
    await answers.sweep();
    assert.equal((await answers.once(caller, request('k7'), deed('k7'))).isReplayed, false);
  });
});
