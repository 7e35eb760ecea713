import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meant, nearest, patience } from './suggestion.js';

test('the nearest known name is told, unless all are too far off', () => {
  const known = ['properties', 'relationships', 'interfaces', 'type', 'node_templates'];
  const cases: [string, string | null][] = [
    ['propertis', 'properties'],
    ['relatoinships', 'relationships'],
    ['node-templates', 'node_templates'],
    ['Interfaces', 'interfaces'],
    ['tpye', 'type'],
    ['x', null],
    ['something', null],
    ['', null],
  ];
  for (const [name, expected] of cases) assert.equal(nearest(name, known), expected, name);
  assert.equal(meant('tpye', known, patience()), ", did you mean 'type'?");
  assert.equal(meant('something', known, patience()), '');
});

test('suggestions end when the patience does, however many names there are', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `${'n'.repeat(60)}${index}`);
  const budget = patience();
  const asked = Array.from({ length: 1000 }, (_, index) => meant(`${'m'.repeat(60)}${index}`, many, budget));
  assert.ok(budget.left <= 0);
  assert.deepEqual(new Set(asked), new Set(['']));
});
