/** Samples are made to be copied and run: whatever a document holds, they say it and do nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { type Call, callOf, waysOf } from './call.js';
import { codeSample, LANGUAGES } from './code-samples.js';
import type { JsonObject } from './components.js';
import { exampleOf } from './examples.js';
import { operationsOf } from './reading.js';
import { withSamples } from './samples.js';

const ORIGIN = 'http://127.0.0.1:8080';
const NASTY = `a'b"c\`d$(touch /tmp/x)\\ \n;#{1} \u2019é\u2028`;

const nasty: Call = {
  method: 'POST',
  path: '/x?q=1',
  headers: [['X-Odd', NASTY]],
  basic: ['it\'s "me"', NASTY],
  body: { kind: 'json', value: { text: NASTY, nothing: null, yes: true, list: [1, {}] } },
};

/** What curl would be given: `curl` is a function of the shell that prints its arguments. */
function argumentsOfCurl(sample: string): string[] {
  const script = `curl() { for each in "$@"; do printf '%s\\0' "$each"; done; }\n${sample}\n`;
  const { stdout, stderr, status } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.split('\0').slice(0, -1);
}

test('curl is given every text as it is, whatever signs it has', () => {
  assert.deepEqual(argumentsOfCurl(codeSample('curl', nasty, ORIGIN)), [
    '--request',
    'POST',
    `${ORIGIN}/x?q=1`,
    '--user',
    `it's "me":${NASTY}`,
    '--header',
    `X-Odd: ${NASTY}`,
    '--data',
    JSON.stringify(nasty.body?.kind === 'json' ? nasty.body.value : null, null, 2),
  ]);
});

test('the sample for JavaScript sends what the sample for curl sends', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(text, text, fc.jsonValue(), async (header, password, value) => {
      const call: Call = {
        ...nasty,
        headers: [['X-Odd', header]],
        basic: ['me', password],
        body: { kind: 'json', value: value as never },
      };
      const asked: { url: string; options: { headers: Record<string, string>; body: string } }[] = [];
      const world = createContext({
        fetch: async (url: string, options: never) => {
          asked.push({ url, options });
          return { ok: true, text: async () => '' };
        },
        btoa: (given: string) => Buffer.from(given).toString('base64'),
        console: { log: () => {} },
      });
      await (runInContext(
        `(async () => {${codeSample('javascript', call, ORIGIN)}\n})()`,
        world,
      ) as Promise<void>);
      const [{ url, options }] = asked as [(typeof asked)[0]];
      assert.equal(url, `${ORIGIN}/x?q=1`);
      assert.equal(options.headers['X-Odd'], header);
      assert.equal(
        options.headers.Authorization,
        `Basic ${Buffer.from(`me:${password}`).toString('base64')}`,
      );
      assert.deepEqual(JSON.parse(options.body), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 50 },
  );
});

const DOCUMENT: JsonObject = {
  openapi: '3.1.0',
  paths: {
    '/things/{thing_id}': {
      put: {
        operationId: 'things_put',
        summary: 'Change a thing',
        security: [{ key: [] }, { basic: [] }],
        parameters: [
          { name: 'thing_id', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'force', in: 'query', required: true, schema: { type: 'boolean' } },
          { name: 'page', in: 'query', schema: { type: 'integer' } },
        ],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
        responses: {
          200: {
            description: 'OK',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
        },
      },
    },
  },
  components: {
    securitySchemes: {
      key: { type: 'apiKey', in: 'header', name: 'Api-Key' },
      basic: { type: 'http', scheme: 'basic' },
    },
    schemas: {
      Thing: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', default: 'one' },
          size: { enum: ['small', 'large'] },
          parts: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
          when: { type: ['string', 'null'], format: 'date-time' },
        },
      },
    },
  },
};
const [put] = operationsOf(DOCUMENT);

describe('a call of an operation', () => {
  test('has what is required, and credentials of the way that was chosen', () => {
    const ways = waysOf(DOCUMENT, put!);
    assert.deepEqual(
      ways.map(({ label }) => label),
      ['Api-Key', 'Name and password'],
    );
    const byKey = callOf(DOCUMENT, put!);
    assert.equal(byKey.path, '/things/THING_ID?force=true');
    assert.deepEqual(byKey.headers, [
      ['Api-Key', 'YOUR_KEY'],
      ['Content-Type', 'application/json'],
    ]);
    assert.deepEqual(byKey.body, { kind: 'json', value: { name: 'one' } });
    assert.deepEqual(callOf(DOCUMENT, put!, { way: ways[1] }).basic, ['YOUR_NAME', 'YOUR_PASSWORD']);
  });

  test('reads as a call in every language', () => {
    const call = callOf(DOCUMENT, put!);
    for (const { id } of LANGUAGES) {
      const sample = codeSample(id, call, ORIGIN);
      for (const part of [`${ORIGIN}/things/THING_ID?force=true`, 'YOUR_KEY', 'name', 'one']) {
        assert.ok(sample.includes(part), `${id} has no ${part}:\n${sample}`);
      }
      assert.match(sample, /put/i, id);
    }
  });
});

test('examples end where schemas hold themselves, and tell of an answer everything', () => {
  const schema = { $ref: '#/components/schemas/Thing' };
  const told = exampleOf(DOCUMENT, schema, 'response') as JsonObject;
  assert.deepEqual(Object.keys(told), ['name', 'size', 'parts', 'when']);
  assert.equal(told.size, 'small');
  assert.ok(JSON.stringify(told).length < 5000);
});

test('a document with samples has them for every way in, and examples beside the schemas', () => {
  const told = withSamples(DOCUMENT).paths as Record<string, Record<string, JsonObject>>;
  const { 'x-codeSamples': samples, requestBody, responses } = told['/things/{thing_id}']!.put!;
  assert.deepEqual(
    (samples as { label: string }[]).map(({ label }) => label),
    ['curl, Api-Key', 'Python, Api-Key', 'curl, Name and password', 'Python, Name and password'],
  );
  const example = (part: unknown) =>
    (part as { content: Record<string, { example: JsonObject }> }).content['application/json']!.example;
  assert.deepEqual(example(requestBody), { name: 'one' });
  assert.equal(example((responses as Record<string, unknown>)['200']).name, 'one');
});
