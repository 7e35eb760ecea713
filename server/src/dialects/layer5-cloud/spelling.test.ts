import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { camelCase, inBothSpellings, inCamelCase, KeyedBy, OPAQUE, Opaque, snakeCase } from './spelling.js';

// Of two letters or more: a word of one cannot be told from a part of an acronym.
const word = fc.stringMatching(/^[a-z][a-z0-9]{1,6}$/);
const snake = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('_'));
const plainKey = snake.filter(
  (key) => !OPAQUE.has(camelCase(key)) && camelCase(key) !== 'filters' && camelCase(key) !== 'filterFile',
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(plainKey, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('keys in both spellings', () => {
  for (const [camel, expected] of [
    ['totalCount', 'total_count'],
    ['k8sCount', 'k8s_count'],
    ['snapshotURL', 'snapshot_url'],
    ['selectedOrganizationID', 'selected_organization_id'],
    ['URL', 'url'],
    ['name', 'name'],
  ] as const) {
    test(`${camel} is ${expected}`, () => assert.equal(snakeCase(camel), expected));
  }

  test('a snake goes to camel and back', () => {
    fc.assert(
      fc.property(
        snake,
        (key) => snakeCase(camelCase(key)) === key.replace(/_(\d)/g, '$1') || /_\d/.test(key),
      ),
    );
  });

  test('every key of several words is told twice with equal values, also far inside', () => {
    const told = inBothSpellings({ pageSize: 1, patterns: [{ orgId: 'x', user: { firstName: 'Ada' } }] });
    assert.deepEqual(told, {
      pageSize: 1,
      page_size: 1,
      patterns: [{ orgId: 'x', org_id: 'x', user: { firstName: 'Ada', first_name: 'Ada' } }],
    });
  });

  test('either spelling can be left out of an answer without losing anything', () => {
    const without = (drop: RegExp, told: unknown): unknown => {
      if (Array.isArray(told)) return told.map((each) => without(drop, each));
      if (told === null || typeof told !== 'object') return told;
      return Object.fromEntries(
        Object.entries(told)
          .filter(([key]) => !drop.test(key))
          .map(([key, each]) => [key, without(drop, each)]),
      );
    };
    fc.assert(
      fc.property(fc.dictionary(plainKey, value, { maxKeys: 5 }), (given) => {
        const read = inCamelCase(given);
        assert.deepEqual(inCamelCase(without(/[A-Z]/, inBothSpellings(read))), read);
        assert.deepEqual(inCamelCase(without(/_/, inBothSpellings(read))), read);
      }),
    );
  });

  test('reading what was told gives what was told: once read, nothing changes any more', () => {
    fc.assert(
      fc.property(value, (given) => {
        const read = inCamelCase(given);
        assert.deepEqual(inCamelCase(read), read);
        assert.deepEqual(inCamelCase(inBothSpellings(read)), read);
      }),
    );
  });

  test('what belongs to clients goes in and out as it is', () => {
    for (const key of OPAQUE) {
      const own = { some_key: 1, otherKey: null, 'a b': { x_y: [{ z_z: 1 }] } };
      assert.deepEqual(inCamelCase({ [key]: own }), { [key]: own });
      assert.deepEqual(inCamelCase({ [snakeCase(key)]: own }), { [key]: own });
      const told = inBothSpellings({ [key]: own }) as Record<string, unknown>;
      assert.deepEqual([told[key], told[snakeCase(key)]], [own, own]);
    }
    assert.deepEqual(inBothSpellings(new Opaque({ a_b: 1 })), { a_b: 1 });
  });

  test('keys that are ids are told as they are, what is under them is not', () => {
    assert.deepEqual(inBothSpellings(new KeyedBy({ someLabel: { imageUrl: 'x' } })), {
      someLabel: { imageUrl: 'x', image_url: 'x' },
    });
  });

  test('camelCase counts where a request has both, and null is what is not there', () => {
    assert.deepEqual(inCamelCase({ org_id: 'snake', orgId: 'camel', name: null }), { orgId: 'camel' });
    assert.deepEqual(inCamelCase({ orgID: 'x' }), { orgId: 'x' });
  });

  test('a key that every object has is a key like any other', () => {
    const told = inBothSpellings(JSON.parse('{"__proto__": {"a_b": 1}, "constructor": 2}'));
    assert.deepEqual(Object.keys(told as object), ['__proto__', 'constructor']);
    assert.deepEqual(Object.keys(inCamelCase(JSON.parse('{"__proto__": 1}')) as object), ['__proto__']);
  });
});
