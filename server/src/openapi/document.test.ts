/** Every document holds together, and a route that says too little of itself stops its making. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Type from 'typebox';
import { loadSettings } from '../config.js';
import type { Dialect } from '../dialects/dialect.js';
import { DIALECTS } from '../dialects/index.js';
import { nativeV1 } from '../dialects/native-v1/index.js';
import { Components, isObject, type Json, type JsonObject } from './components.js';
import { openApiDocument } from './document.js';
import { describeDialect } from './of-dialect.js';
import type { Route } from './routes.js';

const { settings } = loadSettings({});
const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

interface Told {
  readonly at: string;
  readonly path: string;
  readonly operation: JsonObject;
}

function operationsOf(document: JsonObject): Told[] {
  return Object.entries(document.paths as Record<string, JsonObject>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      assert.ok(METHODS.includes(method), `${method} ${path}`);
      return { at: `${method} ${path}`, path, operation: operation as JsonObject };
    }),
  );
}

function find(document: JsonObject, ref: string): Json | undefined {
  return ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<Json | undefined>((at, key) => (isObject(at) ? at[key] : undefined), document);
}

function refsIn(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === '$ref' && typeof each === 'string' ? [each] : refsIn(each),
  );
}

function parametersOf(document: JsonObject, { operation }: Told): JsonObject[] {
  return ((operation.parameters ?? []) as readonly JsonObject[]).map((each) =>
    typeof each.$ref === 'string' ? (find(document, each.$ref) as JsonObject) : each,
  );
}

for (const dialect of DIALECTS) {
  describe(`the document of ${dialect.name}`, async () => {
    const text = await describeDialect(dialect, settings, '0.0.0');
    const document = JSON.parse(text) as JsonObject;
    const operations = operationsOf(document);

    test('is the same for the same code, and names no host', async () => {
      assert.equal(await describeDialect(dialect, settings, '0.0.0'), text);
      assert.doesNotMatch(text, /https?:\/\//);
    });

    test('has every reference resolved, and no component that nothing refers to', () => {
      const refs = new Set(refsIn(document));
      for (const ref of refs) assert.ok(find(document, ref) !== undefined, ref);
      const { securitySchemes: _, ...kinds } = document.components as Record<string, JsonObject>;
      for (const [kind, members] of Object.entries(kinds)) {
        for (const name of Object.keys(members)) {
          assert.ok(refs.has(`#/components/${kind}/${name}`), `${kind}/${name}`);
          assert.match(name, /^[\w.-]+$/);
        }
      }
    });

    test('declares every parameter of a path, once, and no other', () => {
      for (const told of operations) {
        const parameters = parametersOf(document, told);
        const keys = parameters.map((each) => `${each.in} ${each.name}`);
        assert.equal(new Set(keys).size, keys.length, `${told.at} repeats a parameter`);
        const declared = parameters.filter((each) => each.in === 'path');
        const inPath = [...told.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        assert.deepEqual(
          declared.map((each) => each.name),
          inPath,
          told.at,
        );
        for (const each of declared) assert.equal(each.required, true, told.at);
        for (const each of parameters) assert.ok(isObject(each.schema), `${told.at} ${each.name}`);
      }
    });

    test('names operations readably and once', () => {
      const names = operations.map(({ operation }) => operation.operationId as string);
      assert.equal(new Set(names).size, names.length);
      for (const name of names) assert.match(name, /^[a-z]+(_[a-z]+)+(_v3)?$/);
    });

    test('says of every operation what it does, answers, needs and may refuse', () => {
      const tags = new Set((document.tags as readonly JsonObject[]).map(({ name }) => name));
      const used = new Set(operations.flatMap(({ operation }) => operation.tags as readonly Json[]));
      assert.deepEqual([...used].sort(), [...tags].sort());
      const schemes = (document.components as Record<string, JsonObject>).securitySchemes!;
      for (const { at, operation } of operations) {
        assert.match(operation.summary as string, /^[A-Z].*[^.]$/, at);
        const responses = operation.responses as Record<string, JsonObject>;
        const statuses = Object.keys(responses);
        assert.ok(
          statuses.some((status) => status.startsWith('2')),
          at,
        );
        const security = operation.security as readonly JsonObject[];
        const open = security.length === 0;
        assert.equal(statuses.includes('401'), !open, at);
        for (const name of security.flatMap((each) => Object.keys(each))) assert.ok(name in schemes, at);
        assert.equal('content' in (responses['204'] ?? {}), false, at);
        if (at.startsWith('get ')) assert.equal(operation.requestBody, undefined, at);
      }
    });
  });
}

describe('making a document', () => {
  const saying = (schema: Route['schema'], path = '/orrery/v1/x'): Route => ({ method: 'GET', path, schema });
  const whole = {
    operationId: 'x_get',
    summary: 'Get x',
    tags: ['Executions'],
    response: { 200: Type.String() },
  } as const;
  const make = (...routes: Route[]) => openApiDocument(nativeV1 as Dialect, routes, '1');

  test('refuses a route that says too little, contradicts another, or leaves a parameter out', () => {
    assert.throws(() => make(saying({})), /GET \/orrery\/v1\/x does not say what it does/);
    assert.throws(() => make(saying({ ...whole, response: {} })), /does not say what it answers/);
    assert.throws(() => make(saying({ ...whole, tags: ['Odd'] })), /unknown tag Odd/);
    assert.throws(
      () => make(saying(whole), saying(whole, '/orrery/v1/y')),
      /two operations are called x_get/,
    );
    assert.throws(
      () => make(saying(whole, '/orrery/v1/x/:id')),
      /\/orrery\/v1\/x\/:id does not declare its parameter id/,
    );
  });

  test('refuses two schemas of one title that differ, and tells equal ones once', () => {
    const components = new Components();
    const ref = { $ref: '#/components/schemas/OddThing' };
    assert.deepEqual(components.schema(Type.Object({ a: Type.String() }, { title: 'Odd-Thing' })), ref);
    assert.deepEqual(components.schema(Type.Object({ a: Type.String() }, { title: 'Odd-Thing' })), ref);
    assert.throws(
      () => components.schema(Type.Object({ a: Type.Integer() }, { title: 'Odd-Thing' })),
      /both called OddThing/,
    );
    assert.deepEqual(Object.keys(components.all()), ['OddThing']);
  });

  test('says shortly what TypeBox says at length', () => {
    const short = (schema: object) => new Components().schema(schema);
    const table: [object, JsonObject][] = [
      [Type.Union([Type.Literal('a'), Type.Literal('b')]), { type: 'string', enum: ['a', 'b'] }],
      [Type.Union([Type.String(), Type.Null()]), { type: ['string', 'null'] }],
      [Type.Record(Type.String(), Type.Unknown()), { type: 'object', additionalProperties: true }],
      [
        Type.Record(Type.String(), Type.Integer()),
        { type: 'object', additionalProperties: { type: 'integer' } },
      ],
    ];
    for (const [schema, told] of table) assert.deepEqual(short(schema), told);
  });
});
