import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchFill } from './batch-fill.js';

function begin(fill: BatchFill, count: number): number {
  for (let start = 0; start < count; start += 1) fill.begin();
  return count;
}

/** Starts of the batches that go out one after the other while nothing comes back. */
function batches(fill: BatchFill, ready: number): number[] {
  const sizes: number[] = [];
  for (let left = ready; left > 0; ) {
    const started = begin(fill, Math.min(fill.room(left, sizes.length === 0), left));
    left -= started;
    sizes.push(started);
    fill.take();
  }
  return sizes;
}

describe('a batch', () => {
  it('holds half of what could begin, so that the other half goes out beside it', () => {
    assert.deepEqual(batches(new BatchFill(1024), 1600), [800, 800]);
    assert.deepEqual(batches(new BatchFill(1024), 901), [451, 450]);
  });

  it('holds no more than it may, and no less than is worth a transaction', () => {
    assert.deepEqual(batches(new BatchFill(1024), 5000).slice(0, 3), [1024, 1024, 1024]);
    assert.deepEqual(batches(new BatchFill(1024), 100), [100]);
    assert.deepEqual(batches(new BatchFill(1), 3), [1, 1, 1]);
  });

  it('holds all that could begin where another is on its way already', () => {
    const fill = new BatchFill(1024);
    assert.equal(fill.room(450, false), 450);
    assert.equal(fill.room(3000, false), 1024);
  });

  it('goes out behind another when it carries enough, be it beginnings or ends', () => {
    const fill = new BatchFill(1024);
    begin(fill, 100);
    assert.equal(fill.isFull, false);
    for (let end = 0; end < 28; end += 1) fill.end();
    assert.equal(fill.isFull, true);
    fill.take();
    assert.equal(fill.isEmpty, true);
    assert.equal(fill.isFull, false);
  });

  it('leaves room beside what it has when more could begin meanwhile', () => {
    const fill = new BatchFill(1024);
    assert.equal(fill.room(100, true), 128);
    begin(fill, 100);
    assert.equal(fill.room(1500, true), 700);
  });
});
