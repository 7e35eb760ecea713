import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FilterRule } from './filter-rules.js';
import { matches } from './matching.js';

const THING = {
  labels: [
    { key: 'env', value: 'prod' },
    { key: 'env', value: 'eu' },
  ],
  attributes: { id: 'Shop-1', siteName: null },
};
const label = (key: string, operator: string, values: string[] = []) =>
  ({ kind: 'label', key, operator, values }) as FilterRule;
const attribute = (key: string, operator: string, values: string[] = []) =>
  ({ kind: 'attribute', key, operator, values }) as FilterRule;

describe('a rule held against one thing', () => {
  for (const [rule, holds] of [
    [label('env', 'any-of', ['prod', 'test']), true],
    [label('env', 'any-of', ['test']), false],
    [label('env', 'not-any-of', ['test']), true],
    [label('env', 'not-any-of', ['eu']), false],
    [label('other', 'not-any-of', ['eu']), false],
    [label('other', 'is-null'), true],
    [label('env', 'is-null'), false],
    [label('env', 'is-not-null'), true],
    [label('other', 'is-not', ['x']), true],
    [label('env', 'is-not', ['eu']), false],
    [attribute('id', 'any-of', ['Shop-1']), true],
    [attribute('id', 'not-any-of', ['Shop-1']), false],
    [attribute('id', 'contains', ['SHOP']), true],
    [attribute('id', 'not-contains', ['shop']), false],
    [attribute('id', 'starts-with', ['shop']), true],
    [attribute('id', 'ends-with', ['2', '-1']), true],
    [attribute('id', 'ends-with', ['2']), false],
    [attribute('siteName', 'is-not-empty'), false],
    [attribute('id', 'is-not-empty'), true],
  ] as const) {
    test(`${rule.key} ${rule.operator} ${rule.values.join(', ')} ${holds ? 'holds' : 'does not hold'}`, () =>
      assert.equal(matches([rule], THING), holds));
  }

  test('all rules of a list must hold', () => {
    assert.equal(
      matches([label('env', 'is-not-null'), attribute('id', 'contains', ['nothing'])], THING),
      false,
    );
    assert.equal(matches([], THING), true);
  });
});
