import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onceStarted } from './starting.js';

const refusal = (code: string) => Object.assign(new Error('the database system says no'), { code });

describe('a process that begins beside its database', () => {
  it('waits while the database starts', async () => {
    let asked = 0;
    const answer = await onceStarted(async () => {
      asked += 1;
      if (asked < 3) throw refusal('57P03');
      return 'ready';
    });
    assert.deepEqual([answer, asked], ['ready', 3]);
  });

  it('does not wait for one that refuses it, or is not there', async () => {
    for (const code of ['28P01', 'ECONNREFUSED']) {
      await assert.rejects(
        onceStarted(() => Promise.reject(refusal(code))),
        { code },
      );
    }
  });
});
