/** How many new executions a worker asks for. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { TenantId } from '../../ids.js';
import { Appetite, type Walked } from './appetite.js';

describe('what a worker asks for', () => {
  let now = 0;
  let room = Number.POSITIVE_INFINITY;
  let appetite: Appetite;
  beforeEach(() => {
    now = 1000;
    room = Number.POSITIVE_INFINITY;
    appetite = new Appetite(
      { ticks: () => now },
      {
        get room() {
          return room;
        },
      },
    );
  });
  const walked = (count: number, isSeen = true, tenant = 1): Walked[] =>
    Array.from({ length: count }, () => ({ tenantId: tenant as TenantId, isSeen }));
  const asked = (holds: readonly Walked[]) => appetite.wish(holds).most;

  it('is one first, and one more at once for each that has left room', () => {
    assert.equal(asked([]), 1);
    assert.equal(asked(walked(1, false)), 0);
    appetite.saw();
    assert.equal(asked(walked(1)), 2);
    assert.equal(asked([...walked(1), ...walked(2, false)]), 0);
    appetite.saw();
    appetite.saw();
    assert.equal(asked(walked(3)), 4);
    for (let turn = 0; turn < 40; turn += 1) appetite.saw();
    assert.equal(asked([]), 16);
  });

  it('is no more than there is room for operations', () => {
    for (let turn = 0; turn < 40; turn += 1) appetite.saw();
    room = 3;
    assert.equal(asked(walked(5)), 3);
    assert.equal(asked([...walked(5), ...walked(2, false)]), 1);
  });

  it('is nothing while operations wait, and one again when there is room', () => {
    for (let turn = 0; turn < 40; turn += 1) appetite.saw();
    room = 0;
    appetite.saw();
    assert.ok(appetite.isHeldBack(walked(2)));
    assert.equal(asked(walked(2)), 0);
    room = 8;
    assert.equal(asked(walked(2)), 1);
  });

  it('is one of what others have left, soon of a tenant that has nothing here, of others the later the more there is', () => {
    room = 0;
    const holds = [...walked(2, true, 1), ...walked(1, true, 2)];
    appetite.ate();
    appetite.waited();
    assert.deepEqual(appetite.wish(holds), { most: 1, sated: [1, 2] });
    assert.deepEqual(appetite.wish(holds), { most: 0, sated: [] }, 'each patience is for one');
    assert.equal(appetite.untilAnybodys(holds), 800);
    assert.equal(appetite.untilAnybodys(walked(1)), 200);
    assert.equal(appetite.untilAnybodys(walked(50)), 1600);
    now += 800;
    appetite.waited();
    assert.deepEqual(appetite.wish(holds), { most: 1, sated: [] });
  });
});
