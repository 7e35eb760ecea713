/** Every documented call is covered by a test, but for those that are not served yet: a list that may only shrink. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCoverings, troubles } from './checklist.js';

const SOURCES = fileURLToPath(
  new URL('../../../../../test/dialects/cloudify-v3/documented/', import.meta.url),
);

test('each documented call is covered by a test, or known as not served', () => {
  assert.deepEqual(troubles(readCoverings(SOURCES)), []);
});

test('a call that no test covers is told, and so is a test of no call', () => {
  const coverings = [
    { call: 'Nothing: at all', sentence: 'is so', file: 'x.test.ts' },
    { call: 'Plugins: list', sentence: 'is so', file: 'x.test.ts' },
  ];
  const told = troubles(coverings, ['Plugins: list']);
  assert.ok(told.includes('no test covers "Secrets: get"'));
  assert.ok(told.includes('there is no call "Nothing: at all"'));
  assert.equal(
    told.some((each) => each.includes('"Plugins: list"')),
    true,
  );
});
