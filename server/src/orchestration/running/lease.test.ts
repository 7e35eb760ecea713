import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from './clock.js';
import { Lease, momentOf } from './lease.js';

/** A clock whose hands are moved by the test. */
function aClock() {
  const hands = { wall: 1_000_000, ticks: 0 };
  const clock: Clock = {
    now: () => hands.wall,
    ticks: () => hands.ticks,
    after: () => () => {},
    soon: () => {},
  };
  const pass = (seconds: number) => {
    hands.wall += seconds * 1000;
    hands.ticks += seconds * 1000;
  };
  return { clock, hands, pass };
}

describe('a lease', () => {
  it('holds for its length from the moment it was asked for', () => {
    const { clock, pass } = aClock();
    const lease = new Lease(clock, 5, momentOf(clock), () => {});
    pass(4.9);
    assert.equal(lease.assured(), null);
    pass(0.2);
    assert.notEqual(lease.assured(), null);
  });

  it('may have run out when either clock says so: one stands still in a suspended machine, the other can be set back', () => {
    for (const hand of ['wall', 'ticks'] as const) {
      const { clock, hands } = aClock();
      const lease = new Lease(clock, 5, momentOf(clock), () => {});
      hands[hand] += 6000;
      assert.notEqual(lease.assured(), null, hand);
    }
  });

  it('asks for a renewal once, however many wait, and all of them go on with it', async () => {
    const { clock, pass } = aClock();
    let asked = 0;
    const lease = new Lease(clock, 5, momentOf(clock), () => {
      asked += 1;
    });
    pass(6);
    const waiting = [lease.assured(), lease.assured()];
    assert.equal(asked, 1);
    lease.renewed(momentOf(clock));
    await Promise.all(waiting);
    assert.equal(lease.assured(), null);
  });

  it('that is lost lets go of whoever waits, who then asks again', async () => {
    const { clock, pass } = aClock();
    const lease = new Lease(clock, 5, momentOf(clock), () => {});
    pass(6);
    const waiting = lease.assured();
    lease.tell();
    await waiting;
    assert.notEqual(lease.assured(), null);
  });
});
