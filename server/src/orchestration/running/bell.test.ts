import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bell } from './bell.js';
import { machineClock } from './clock.js';

describe('a bell', () => {
  it('wakes once for all that ends in one moment', async () => {
    const bell = new Bell(machineClock);
    const ended: number[] = [];
    for (let nth = 0; nth < 10; nth += 1) {
      setImmediate(() => {
        ended.push(nth);
        bell.ring();
      });
    }
    const seen: number[] = [];
    while (ended.length < 10) {
      await bell.wait();
      seen.push(ended.length);
    }
    assert.deepEqual(seen, [10]);
  });

  it('is heard by who comes after the ring, and once', async () => {
    let due: (() => void)[] = [];
    const bell = new Bell({ soon: (work) => due.push(work) });
    bell.ring();
    bell.ring();
    let woken = 0;
    const wait = async () => {
      await bell.wait();
      woken += 1;
    };
    const first = wait();
    await Promise.resolve();
    assert.equal(woken, 0, 'what else is due comes first');
    bell.ring();
    for (const work of due.splice(0)) work();
    await first;
    assert.equal(woken, 1);
    const second = wait();
    await Promise.resolve();
    due = due.splice(0);
    assert.equal(due.length, 0, 'a ring of before is heard no second time');
    bell.ring();
    await Promise.resolve();
    for (const work of due.splice(0)) work();
    await second;
    assert.equal(woken, 2);
  });
});
