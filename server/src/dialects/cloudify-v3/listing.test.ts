import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Type from 'typebox';
import { CloudifyError } from './errors.js';
import { listBody, parseListing, readItem, timeOf } from './listing.js';
import type { Resource } from './resource.js';

type Field = 'id' | 'status' | 'owner' | 'visibility' | 'at' | 'plan';

const THING: Resource<Field> = {
  name: 'Thing',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Type.String() },
    created_by: { from: 'owner', schema: Type.String() },
    status: {
      from: { field: 'status', words: { 'force-cancelling': 'force_cancelling', done: 'terminated' } },
      schema: Type.String(),
    },
    private_resource: {
      from: { field: 'visibility', words: { private: true }, otherwise: false },
      schema: Type.Boolean(),
    },
    count: { from: { constant: 0 }, schema: Type.Integer() },
  },
  derived: {
    plan: { needs: ['plan'], derive: ({ plan }) => ({ whole: plan }), schema: Type.Any(), listed: false },
  },
};
const OPTIONS = {
  searches: { _search: 'id', _search_name: 'owner' },
  ranges: { timestamp: 'at' },
  filters: {
    node_id: (values: readonly string[]) => ({
      either: [
        { field: 'id' as const, anyOf: values },
        { field: 'owner' as const, anyOf: values },
      ],
    }),
  },
} as const;

const parse = (params: Record<string, string | string[]>) => parseListing<Field>(THING, params, OPTIONS);

function refusal(params: Record<string, string | string[]>): { code: string; status: number } {
  try {
    parse(params);
  } catch (error) {
    assert.ok(error instanceof CloudifyError, String(error));
    return { code: error.code, status: error.status };
  }
  assert.fail(`${JSON.stringify(params)} was accepted`);
}

describe('the query grammar of lists', () => {
  test('a bare list asks for every field that lists tell, a thousand rows of them', () => {
    const { query, size, offset } = parse({});
    assert.deepEqual(Object.keys(query.shape), ['id', 'created_by', 'status', 'private_resource', 'count']);
    assert.deepEqual([size, offset, query.size, query.offset], [1000, 0, 1000, 0]);
    assert.deepEqual([query.filters, query.sort], [[], []]);
  });

  test('_include projects, in the order asked, each field once', () => {
    assert.deepEqual(Object.keys(parse({ _include: 'created_by,id,id' }).query.shape), ['created_by', 'id']);
    assert.deepEqual(Object.keys(parse({ _include: ['id', 'count'] }).query.shape), ['id', 'count']);
  });

  test('a large derived field is told when _include names it or the key is asked for', () => {
    for (const params of [{ _include: 'plan' }, { id: 'x' }]) {
      assert.deepEqual(
        parse(params).projection.derived.map(([name]) => name),
        ['plan'],
      );
    }
    assert.deepEqual(parse({}).projection.derived, []);
  });

  for (const [what, params, filters] of [
    ['one value', { created_by: 'ann' }, [{ field: 'owner', anyOf: ['ann'] }]],
    ['several values are alternatives', { id: ['a', 'b'] }, [{ field: 'id', anyOf: ['a', 'b'] }]],
    ['a word of theirs', { status: 'force_cancelling' }, [{ field: 'status', anyOf: ['force-cancelling'] }]],
    ['a word of ours is not theirs', { status: 'done' }, [{ field: 'status', anyOf: [] }]],
    ['True of Python', { private_resource: 'True' }, [{ field: 'visibility', anyOf: ['private'] }]],
    ['the other words', { private_resource: 'false' }, [{ field: 'visibility', noneOf: ['private'] }]],
    ['a constant that matches', { count: '0' }, [{ field: 'id', noneOf: [] }]],
    ['a constant that does not', { count: '3' }, [{ either: [] }]],
    [
      'a filter with a meaning of its own',
      { node_id: 'n' },
      [
        {
          either: [
            { field: 'id', anyOf: ['n'] },
            { field: 'owner', anyOf: ['n'] },
          ],
        },
      ],
    ],
    [
      'searches, any of which may match, without wildcards of their own',
      { _search: '50%', _search_name: 'x' },
      [
        {
          either: [
            { field: 'id', like: ['%50\\%%'] },
            { field: 'owner', like: ['%x%'] },
          ],
        },
      ],
    ],
    [
      'a range with both bounds',
      { _range: '@timestamp,2017-03-22T11:41:59Z,2017-03-22T12:00:00.5+02:00' },
      [{ field: 'at', from: '2017-03-22T11:41:59.000Z', to: '2017-03-22T10:00:00.500Z' }],
    ],
    [
      'a range without an end',
      { _range: 'timestamp,2017-03-22,' },
      [{ field: 'at', from: '2017-03-22T00:00:00.000Z' }],
    ],
  ] as const) {
    test(`a filter: ${what}`, () => {
      assert.deepEqual(parse(params as Record<string, string | string[]>).query.filters, filters);
    });
  }

  test('sorting keeps the order of the keys; what is the same for all orders nothing', () => {
    assert.deepEqual(parse({ _sort: ['status', '-created_by', '+id', 'count'] }).query.sort, [
      { field: 'status', descending: false },
      { field: 'owner', descending: true },
      { field: 'id', descending: false },
    ]);
  });

  for (const [what, params, code] of [
    ['an unknown field in _include', { _include: 'id,nope' }, 'no_such_include_field_error'],
    [
      'a field named like a property of every object',
      { _include: 'constructor' },
      'no_such_include_field_error',
    ],
    ['an unknown filter', { nope: '1' }, 'bad_parameters_error'],
    ['an unknown sort key', { _sort: 'nope' }, 'bad_parameters_error'],
    ['a negative size', { _size: '-1' }, 'bad_parameters_error'],
    ['a size in words', { _size: 'ten' }, 'bad_parameters_error'],
    ['an enormous size', { _size: '1000000' }, 'bad_parameters_error'],
    ['an offset with a fraction', { _offset: '1.5' }, 'bad_parameters_error'],
    ['a range with one comma', { _range: 'timestamp,2017-03-22' }, 'bad_parameters_error'],
    ['a range without bounds', { _range: 'timestamp,,' }, 'bad_parameters_error'],
    ['a range over something else', { _range: 'id,1,2' }, 'bad_parameters_error'],
    ['a range with no time', { _range: 'timestamp,soon,' }, 'bad_parameters_error'],
    ['a boolean that is none', { _get_all_results: 'maybe' }, 'bad_parameters_error'],
  ] as const) {
    test(`${what} is refused`, () => {
      assert.deepEqual(refusal(params as Record<string, string>), { status: 400, code });
    });
  }

  test('a size of nothing is legal', () => {
    assert.equal(parse({ _size: '0' }).size, 0);
  });

  test('a time without a zone is UTC, and a plus sign that became a space is understood', () => {
    assert.equal(timeOf('2017-03-22 11:41:59.5'), '2017-03-22T11:41:59.500Z');
    assert.equal(timeOf('2017-03-22T11:41:59 0200'), '2017-03-22T09:41:59.000Z');
  });
});

describe('the envelope', () => {
  test('a page without derived fields is passed on as it came', async () => {
    const body = await listBody(parse({ _size: '2', _offset: '4' }), { items: '[{"id":"a" }]', total: 9 });
    assert.equal(body, '{"items":[{"id":"a" }],"metadata":{"pagination":{"total":9,"offset":4,"size":2}}}');
  });

  test('derived fields are computed, and what they were computed from is not told', async () => {
    const listing = parse({ _include: 'id,plan' });
    const row = Object.fromEntries(
      Object.entries(listing.query.shape).map(([name, from]) => [name, from === 'plan' ? 7 : 'a']),
    );
    const body = JSON.parse(await listBody(listing, { items: JSON.stringify([row]), total: 1 }));
    assert.deepEqual(body.items, [{ id: 'a', plan: { whole: 7 } }]);
  });

  test('one item is told as a list would tell it, and none is a 404 in the known words', async () => {
    const text = await readItem<Field>(THING, { _include: 'id' }, 'a', async (query) => {
      assert.deepEqual(query.filters, [{ field: 'id', anyOf: ['a'] }]);
      return { items: '[{"id":"a"}]', total: 1 };
    });
    assert.equal(text, '{"id":"a"}');
    await assert.rejects(
      readItem<Field>(THING, {}, 'x', async () => ({ items: '[]', total: 0 })),
      (error: CloudifyError) =>
        error.status === 404 && error.message === 'Requested `Thing` with ID `x` was not found',
    );
  });
});
