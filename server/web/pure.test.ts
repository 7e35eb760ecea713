/** What the pages know without a browser: prose, schemas in words, search, places. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JsonObject } from '../src/openapi/components.js';
import { operationsOf } from '../src/openapi/reading.js';
import { blocksOf } from './prose.js';
import { hashOf, placeOf } from './reference/place.js';
import { rowsOf, typeWords } from './reference/schema-rows.js';
import { search, searchable } from './reference/search.js';

describe('prose', () => {
  test('is paragraphs, lists and code, and markup in it stays text', () => {
    assert.deepEqual(blocksOf('One `a<b>` **and**\ntwo.\n\n- *x*\n- y\n  z\n\n```\n<script>\n```'), [
      {
        kind: 'paragraph',
        spans: [
          { kind: 'text', text: 'One ' },
          { kind: 'code', text: 'a<b>' },
          { kind: 'text', text: ' ' },
          { kind: 'strong', text: 'and' },
          { kind: 'text', text: ' two.' },
        ],
      },
      { kind: 'list', items: [[{ kind: 'em', text: 'x' }], [{ kind: 'text', text: 'y z' }]] },
      { kind: 'code', text: '<script>' },
    ]);
  });

  test('loses no text to a star that stands alone', () => {
    assert.deepEqual(blocksOf('2 * 3 * 4'), [
      { kind: 'paragraph', spans: [{ kind: 'text', text: '2 * 3 * 4' }] },
    ]);
  });
});

const DOCUMENT: JsonObject = {
  components: {
    schemas: {
      Tree: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 9, default: 'x' },
          kind: { type: 'string', enum: ['a', 'b'] },
          below: { type: 'array', items: { $ref: '#/components/schemas/Tree' } },
          maybe: { anyOf: [{ $ref: '#/components/schemas/Tree' }, { type: 'null' }] },
          labels: { type: 'object', additionalProperties: { type: 'integer' } },
          either: { oneOf: [{ type: 'integer' }, { type: 'string', format: 'uuid' }] },
        },
      },
    },
  },
};

describe('a schema as rows', () => {
  const tree = { $ref: '#/components/schemas/Tree' };
  const rows = rowsOf(DOCUMENT, tree);
  const row = (name: string) => rows.find((each) => each.name === name)!;

  test('says type, need, limits, default and choices', () => {
    assert.deepEqual(
      rows.map(({ name, type, required }) => `${name}: ${type}${required ? '!' : ''}`),
      [
        'name: string!',
        'kind: string',
        'below: list of Tree',
        'maybe: Tree or null',
        'labels: object',
        'either: integer or string (uuid)',
      ],
    );
    assert.deepEqual(row('name').limits, ['1 to 9 characters']);
    assert.equal(row('name').fallback, '"x"');
    assert.deepEqual(row('kind').allowed, ['"a"', '"b"']);
  });

  test('opens what holds itself one level at a time', () => {
    assert.equal(row('name').inside, null);
    assert.deepEqual(
      row('below')
        .inside?.()
        .map(({ name }) => name),
      rows.map(({ name }) => name),
    );
    assert.equal(row('maybe').inside?.().length, rows.length);
    assert.deepEqual(
      row('labels')
        .inside?.()
        .map(({ name, type }) => [name, type]),
      [['any name', 'integer']],
    );
  });

  test('ends on references that go in a circle or nowhere', () => {
    const odd: JsonObject = { a: { $ref: '#/b' }, b: { $ref: '#/a' } };
    assert.equal(typeWords(odd, { $ref: '#/a' }), 'a');
    assert.deepEqual(rowsOf(odd, { $ref: '#/nowhere' }), []);
    assert.deepEqual(rowsOf(odd, { $ref: '#/constructor/prototype' }), []);
  });
});

describe('search', () => {
  const told = (operationId: string, summary: string, tag: string) => ({ operationId, summary, tags: [tag] });
  const all = operationsOf({
    paths: {
      '/v3/blueprints': { get: told('blueprints_list', 'List of blueprints', 'Blueprints') },
      '/v3/blueprints/{id}': {
        get: told('blueprints_get', 'A blueprint', 'Blueprints'),
        delete: told('blueprints_delete', 'Delete a blueprint', 'Blueprints'),
      },
      '/v3/deployments': {
        put: told('deployments_create', 'Create a deployment from a blueprint', 'Deployments'),
      },
    },
  }).map(searchable);
  const ids = (text: string) => search(all, text).map(({ id }) => id);

  test('needs every word, in any place and order', () => {
    assert.deepEqual(ids('blueprint delete'), ['blueprints_delete']);
    assert.deepEqual(ids('DELETE /v3'), ['blueprints_delete']);
    assert.deepEqual(ids('nothing blueprint'), []);
    assert.equal(ids('').length, 4);
  });

  test('tells first what is called so', () => {
    assert.equal(ids('deployment')[0], 'deployments_create');
    assert.equal(ids('list')[0], 'blueprints_list');
  });
});

test('places survive their way into an address and back', () => {
  for (const place of [
    { kind: 'start' },
    { kind: 'tag', tag: 'Node instances & /more' },
    { kind: 'operation', id: 'nodes_list' },
  ] as const) {
    assert.deepEqual(placeOf(hashOf(place)), place);
  }
  assert.deepEqual(placeOf('#%E0%A4%A'), { kind: 'operation', id: '%E0%A4%A' });
});
