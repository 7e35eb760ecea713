import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BatchFill } from './batch-fill.js';

/** Starts of the batches that go out one after the other while nothing comes back. */
function batches(fill: BatchFill, ready: number): number[] {
  const sizes: number[] = [];
  for (let left = ready; left > 0; ) {
    const room = Math.min(fill.room(left), left);
    for (let start = 0; start < room; start += 1) fill.add();
    left -= room;
    sizes.push(room);
    fill.take();
  }
  return sizes;
}

describe('a batch', () => {
  it('holds half of what could begin, so that the other half goes out beside it', () => {
    assert.deepEqual(batches(new BatchFill(1024), 1600), [800, 512, 288]);
  });

  it('holds no more than it may, and no less than is worth a transaction', () => {
    assert.deepEqual(batches(new BatchFill(1024), 5000).slice(0, 3), [1024, 1024, 1024]);
    assert.deepEqual(batches(new BatchFill(1024), 100), [100]);
    assert.deepEqual(batches(new BatchFill(1), 3), [1, 1, 1]);
  });

  it('is full when it has what it was given room for, and not before', () => {
    const fill = new BatchFill(1024);
    for (let start = fill.room(800); start > 1; start -= 1) fill.add();
    assert.equal(fill.isFull, false);
    fill.add();
    assert.equal(fill.isFull, true);
    fill.take();
    assert.equal(fill.isEmpty, true);
  });

  it('leaves room beside what it has when more could begin meanwhile', () => {
    const fill = new BatchFill(1024);
    assert.equal(fill.room(100), 512);
    for (let start = 0; start < 100; start += 1) fill.add();
    assert.equal(fill.room(1500), 700);
  });
});
