/** A slice of `node scripts/fuzz.mjs blueprints`, the same each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blueprintSamples } from './blueprint-samples.js';
import { fuzzBlueprints } from './fuzz-blueprints.js';
import { spoiltBlueprint } from './spoilt-blueprints.js';

test('a spoilt blueprint comes to a plan or to diagnostics, in time', () => {
  const report = fuzzBlueprints({ seed: 1, count: 2000 });
  assert.deepEqual(report.troubles, []);
  assert.equal(report.tried, 2000);
  // Not all are refused at the door: many still mean something.
  assert.ok(report.compiled > 150 && report.prepared > 20, JSON.stringify(report));
});

test('a blueprint follows from the seed and its number', () => {
  const samples = blueprintSamples();
  for (let number = 0; number < 20; number++) {
    assert.deepEqual(spoiltBlueprint(samples, 7, number), spoiltBlueprint(samples, 7, number));
  }
  assert.notDeepEqual(spoiltBlueprint(samples, 7, 0), spoiltBlueprint(samples, 8, 0));
});
