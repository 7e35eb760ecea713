import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../dsl/plan.js';
import { obeys, requireSchema } from './value-schema.js';

test('a value obeys its schema or not', () => {
  const schema = {
    type: 'object',
    properties: { user: { type: 'string', minLength: 1 }, port: { type: 'integer', maximum: 65535 } },
    required: ['user'],
    additionalProperties: false,
  };
  requireSchema(schema);
  assert.equal(obeys(schema, { user: 'x', port: 22 }), true);
  for (const value of [
    { port: 22 },
    { user: '' },
    { user: 'x', port: 70_000 },
    { user: 'x', more: 1 },
    'x',
    null,
  ]) {
    assert.equal(obeys(schema, value), false, JSON.stringify(value));
  }
});

for (const [what, schema] of [
  ['a list', []],
  ['true', true],
  ['null', null],
  ['a regular expression', { type: 'string', pattern: '(a+)+$' }],
  ['a regular expression deep inside', { anyOf: [{ items: { not: { patternProperties: {} } } }] }],
  ['a format', { properties: { mail: { format: 'email' } } }],
  ['a reference', { $ref: '#' }],
  ['a reference in a definition', { definitions: { a: { $ref: '#' } } }],
  ['too many words', { description: 'x'.repeat(20_000) }],
] as const) {
  test(`a schema with ${what} is refused`, () => {
    assert.throws(() => requireSchema(schema as unknown as Json), {
      kind: 'invalid',
      reason: 'secret-schema-invalid',
    });
  });
}

test('properties and values may be called like a refused keyword', () => {
  const schema = {
    properties: { pattern: { type: 'string' }, $ref: { const: { format: 1 } } },
    enum: [{ pattern: 'x', $ref: { format: 1 } }],
    required: ['pattern'],
  };
  requireSchema(schema);
  assert.equal(obeys(schema, { pattern: 'x', $ref: { format: 1 } }), true);
  assert.equal(obeys(schema, { pattern: 'y' }), false);
});
