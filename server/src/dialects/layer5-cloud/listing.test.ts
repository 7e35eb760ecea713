import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WireError } from './errors.js';
import {
  flag,
  type ListingOptions,
  type Query,
  readFilter,
  readListing,
  readPage,
  several,
} from './listing.js';

type Field = 'name' | 'createdAt' | 'updatedAt';
const OPTIONS: ListingOptions<Field> = { fields: ['name', 'createdAt', 'updatedAt'] };
const refused = (work: () => unknown) =>
  assert.throws(work, (error) => error instanceof WireError && error.status === 400);

describe('pages', () => {
  for (const [query, page, size] of [
    [{}, 0, 10],
    [{ page: '3', pagesize: '25' }, 3, 25],
    [{ pageSize: '7' }, 0, 7],
    [{ pagesize: '5000' }, 0, 100],
    [{ pagesize: '0' }, 0, 10],
    [{ pagesize: '' }, 0, 10],
    [{ page: '4', pagesize: 'all' }, 0, null],
    [{ pagesize: ['20', '30'] }, 0, 20],
  ] as const) {
    test(`${JSON.stringify(query)} is page ${page} of ${size}`, () =>
      assert.deepEqual(readPage(query as Query), { page, size }));
  }
  for (const query of [{ page: 'x' }, { page: '-1' }, { pagesize: '1.5' }, { pagesize: 'ten' }]) {
    test(`${JSON.stringify(query)} is refused`, () => refused(() => readPage(query)));
  }
});

describe('order', () => {
  for (const [order, field, descending] of [
    ['updated_at desc', 'updatedAt', true],
    ['updatedAt desc', 'updatedAt', true],
    ['name asc', 'name', false],
    ['  created_at   ASC ', 'createdAt', false],
    [' ', 'updatedAt', true],
    ['name', 'updatedAt', true],
    ['password desc', 'updatedAt', true],
    ['name; drop table users', 'updatedAt', true],
  ] as const) {
    test(`\`${order}\` orders by ${field}`, () =>
      assert.deepEqual(readListing({ order }, OPTIONS).query.sort, [{ field, descending }]));
  }

  test('whatever is asked for, the order is by fields that there are', () => {
    fc.assert(
      fc.property(fc.string(), (order) => {
        const { sort } = readListing({ order }, OPTIONS).query;
        assert.ok(sort.every(({ field }) => OPTIONS.fields.includes(field)));
      }),
    );
  });
});

describe('several values', () => {
  for (const [given, expected] of [
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    ['a,b', ['a', 'b']],
    ['["a","b"]', ['a', 'b']],
    [
      ['a,b', '["c"]'],
      ['a', 'b', 'c'],
    ],
    ['', []],
    ['[broken', ['[broken']],
  ] as const) {
    test(`${JSON.stringify(given)} is ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(several({ kind: given as string }, 'kind'), expected));
  }

  test('the three forms mean the same', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(names, (words) => {
        assert.deepEqual(several({ kind: words }, 'kind'), words);
        assert.deepEqual(several({ kind: words.join(',') }, 'kind'), words);
        assert.deepEqual(several({ kind: JSON.stringify(words) }, 'kind'), words);
      }),
    );
  });
});

describe('filter', () => {
  test('an object in a text, in either spelling', () =>
    assert.deepEqual(readFilter({ filter: '{"content_type":["a"],"assigned":false}' }), {
      contentType: ['a'],
      assigned: false,
    }));
  test('nothing is no filter', () => assert.deepEqual(readFilter({ filter: ' ' }), {}));
  for (const filter of ['{', '[]', '1', 'null', '"x"'])
    test(`${filter} is refused`, () => refused(() => readFilter({ filter })));
});

test('yes and no, and nothing else', () => {
  assert.deepEqual(
    ['true', '1', 'false', '0', ''].map((all) => flag({ all }, 'all')),
    [true, true, false, false, undefined],
  );
  refused(() => flag({ all: 'maybe' }, 'all'));
});
