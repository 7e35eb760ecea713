import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '../errors.js';
import { PasswordHash } from './password-hash.js';

const CHEAP = { memoryKib: 64, passes: 1, concurrent: 2, waiting: 100 };

test('a password verifies against its own hash and no other', async () => {
  const hasher = new PasswordHash(CHEAP);
  const stored = await hasher.hash('correct horse');
  assert.match(stored, /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  assert.equal(await hasher.verify(stored, 'correct horse'), true);
  assert.equal(await hasher.verify(stored, 'correct horsE'), false);
  assert.notEqual(await hasher.hash('correct horse'), stored);
});

test('a user without password never verifies, not even with the password of the stand-in', async () => {
  const hasher = new PasswordHash(CHEAP);
  assert.equal(await hasher.verify(null, 'nobody has this password'), false);
});

test('a hash made with other parameters still verifies and asks to be made anew', async () => {
  const old = await new PasswordHash(CHEAP).hash('battery staple');
  const today = new PasswordHash({ ...CHEAP, passes: 2 });
  assert.equal(await today.verify(old, 'battery staple'), true);
  assert.equal(today.needsRehash(old), true);
  assert.equal(today.needsRehash(await today.hash('battery staple')), false);
});

test('more checks than may wait are refused as unavailable, and those in line are all answered', async () => {
  const hasher = new PasswordHash({ ...CHEAP, concurrent: 2, waiting: 5 });
  const stored = await hasher.hash('a password');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => hasher.verify(stored, index % 2 === 0 ? 'a password' : 'other')),
  );
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'refused')),
    [true, false, true, false, true, false, true, 'refused', 'refused', 'refused'],
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') {
      assert.ok(outcome.reason instanceof DomainError);
      assert.equal(outcome.reason.kind, 'unavailable');
    }
  }
  assert.equal(await hasher.verify(stored, 'a password'), true, 'the line is empty again');
});

test('checking passwords leaves the main thread free', async () => {
  const hasher = new PasswordHash({ memoryKib: 19_456, passes: 2, concurrent: 2, waiting: 100 });
  const stored = await hasher.hash('a password');
  let turns = 0;
  let done = false;
  const spin = () => {
    turns++;
    if (!done) setImmediate(spin);
  };
  setImmediate(spin);
  await Promise.all(Array.from({ length: 6 }, () => hasher.verify(stored, 'a password')));
  done = true;
  assert.ok(turns > 50, `the event loop turned ${turns} times`);
});

test('no more than the chosen number of hashes run at once', async () => {
  const hasher = new PasswordHash({ memoryKib: 8_192, passes: 2, concurrent: 1, waiting: 100 });
  const stored = await hasher.hash('a password');
  const order: number[] = [];
  await Promise.all(
    [0, 1, 2, 3, 4].map(async (index) => {
      await hasher.verify(stored, 'a password');
      order.push(index);
    }),
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4], 'one at a time, first come first served');
});
