import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.js';

/** Work that ends when it is told to. */
function aPiece<T>(value: T) {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, work: () => ended.then(() => value) };
}

test('so many work at once, and the others begin in the order in which they came', async () => {
  const turns = new Turns(2, 60_000);
  const begun: number[] = [];
  const pieces = [0, 1, 2, 3].map(aPiece);
  const all = pieces.map(({ work }, at) =>
    turns.take(() => {
      begun.push(at);
      return work();
    }),
  );
  await new Promise(setImmediate);
  assert.deepEqual(begun, [0, 1]);
  pieces[1]!.end();
  assert.equal(await all[1], 1);
  await new Promise(setImmediate);
  assert.deepEqual(begun, [0, 1, 2]);
  for (const { end } of pieces) end();
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3]);
});

test('a failure gives its turn away, and is the caller’s', async () => {
  const turns = new Turns(1, 60_000);
  await assert.rejects(
    turns.take(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await turns.take(async () => 'next'), 'next');
});

test('what is slow gives its turn away while it goes on, and only once', async () => {
  const turns = new Turns(1, 1);
  const slow = aPiece('slow');
  const first = turns.take(slow.work);
  assert.equal(await turns.take(async () => 'quick'), 'quick');
  slow.end();
  assert.equal(await first, 'slow');
  const [held, next] = [aPiece('held'), aPiece('next')];
  let begun = false;
  const patient = new Turns(1, 60_000);
  const both = [
    patient.take(held.work),
    patient.take(() => {
      begun = true;
      return next.work();
    }),
  ];
  await new Promise(setImmediate);
  assert.equal(begun, false);
  held.end();
  next.end();
  assert.deepEqual(await Promise.all(both), ['held', 'next']);
});
