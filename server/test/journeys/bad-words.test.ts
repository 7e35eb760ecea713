/** Requests that no honest client sends: each is refused by name, nothing of it is kept, and nothing breaks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../support/a-server.js';
import { HEAD, noMistakes, refusal, visit } from './a-visitor.js';

const server = await aServer();
const { ask, upload } = visit(server);
const BLUEPRINT = `${HEAD}inputs:
  size: { type: integer, default: 3 }
  any: { default: '' }
node_templates:
  one: { type: cloudify.nodes.Root, properties: { resource_id: { get_input: any } } }
outputs:
  attribute: { value: { get_attribute: [one, x] } }
`;
assert.equal((await upload('web', { 'blueprint.yaml': BLUEPRINT })).status, 201);
assert.equal((await ask('PUT', '/deployments/web', { body: { blueprint_id: 'web' } })).status, 201);

const BAD: [number, string] = [400, 'bad_parameters_error'];
const withAny = (any: string) => `{"blueprint_id":"web","inputs":{"any":${any}}}`;
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('a body', () => {
  for (const [what, body, says] of [
    ['a key that is an object’s prototype', withAny('{"__proto__":{"x":1}}'), /inputs\.any .*__proto__/],
    ['the same key, escaped', withAny('{"\\u005f_proto__":{"x":1}}'), /inputs\.any .*__proto__/],
    ['a NUL character', withAny('["a\\u0000b"]'), /inputs\.any\.0/],
    ['half a surrogate pair', withAny('{"deep":{"er":"\\ud800"}}'), /inputs\.any\.deep\.er/],
    ['half a surrogate pair in a key', withAny('{"\\udc00":1}'), /inputs\.any holds a key/],
    ['a number out of range', withAny('1e400'), /inputs\.any: the number is out of range/],
    ['a hundred thousand levels', withAny(nested(100_000)), /nested too deeply/],
    ['a million values', withAny(`[${'1,'.repeat(1_000_000)}1]`), /more than 250000 values/],
    ['a display name with a line break', '{"blueprint_id":"web","display_name":"a\\nb"}', /display name/],
    ['a display name that is too long', `{"blueprint_id":"web","display_name":"${'d'.repeat(257)}"}`, /256/],
    ['a label that is too long', `{"blueprint_id":"web","labels":[{"a":"${'v'.repeat(257)}"}]}`, /`a`/],
    ['a label with a space in its key', '{"blueprint_id":"web","labels":[{"a b":"v"}]}', /`a b` is no key/],
    [
      'more labels than a thing may have',
      JSON.stringify({
        blueprint_id: 'web',
        labels: Array.from({ length: 1001 }, (_, i) => ({ k: `v${i}` })),
      }),
      /at most 1000 labels/,
    ],
  ] as const) {
    test(`with ${what} is refused, and nothing is stored`, async () => {
      const refused = await ask('PUT', '/deployments/refused', { body });
      assert.deepEqual(refusal(refused), BAD, refused.text);
      assert.match(String(refused.json.message), says);
      assert.equal((await ask('GET', '/deployments/refused')).status, 404);
    });
  }

  test('with names that every object inherits is not mistaken for having them', async () => {
    const refused = await ask('PUT', '/deployments/refused', {
      body: { blueprint_id: 'web', inputs: { constructor: 1, toString: 2 } },
    });
    assert.deepEqual(refusal(refused), [400, 'unknown_deployment_input_error']);
    assert.match(String(refused.json.message), /\[constructor, toString\]/);
    const start = { deployment_id: 'web', workflow_id: 'constructor' };
    assert.deepEqual(refusal(await ask('POST', '/executions', { body: start })), [
      400,
      'nonexistent_workflow_error',
    ]);
  });

  test('with an input that names itself is refused', async () => {
    const refused = await ask('PUT', '/deployments/refused', { body: withAny('{"get_input":"any"}') });
    assert.deepEqual(refusal(refused), [400, 'deployment_creation_error']);
    assert.match(String(refused.json.message), /Circular dependency detected: input any/);
  });

  test('whose waiting time is beyond a year is refused', async () => {
    for (const wait_after_fail of [1e300, 9e15, -1]) {
      const body = { deployment_id: 'web', workflow_id: 'install', wait_after_fail };
      assert.deepEqual(refusal(await ask('POST', '/executions', { body })), BAD);
    }
  });
});

describe('a form', () => {
  const part = (name: string, content: string, more = '') =>
    `--xyz\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
  const file = part('blueprint_archive', 'abc', '; filename="a"');
  for (const [what, type, body] of [
    ['without a boundary', 'multipart/form-data', 'x'],
    ['with an endless boundary', `multipart/form-data; boundary=${'a'.repeat(3000)}`, 'x'],
    ['that is none', 'multipart/form-data; boundary=xyz', 'garbage'],
    ['with two archives', 'multipart/form-data; boundary=xyz', `${file}${file}--xyz--\r\n`],
    ['of a hundred fields', 'multipart/form-data; boundary=xyz', `${part('f', 'x').repeat(100)}--xyz--\r\n`],
    ['whose params are broken', 'multipart/form-data; boundary=xyz', `${part('params', '{')}--xyz--\r\n`],
    [
      'whose params hold what is no text',
      'multipart/form-data; boundary=xyz',
      `${part('params', '{"labels":[{"a":"\\ud800"}]}')}${file}--xyz--\r\n`,
    ],
  ] as const) {
    test(`${what} is refused, and nothing is stored`, async () => {
      const headers = { 'content-type': type };
      const refused = await ask('PUT', '/blueprints/refused', { body, headers });
      assert.deepEqual(refusal(refused), BAD, refused.text);
      assert.equal((await ask('GET', '/blueprints/refused')).status, 404);
    });
  }
});

describe('a path', () => {
  for (const [what, id] of [
    ['with a percent sign alone', 'a%'],
    ['with bytes that are no UTF-8', '%ff'],
    ['with half a surrogate pair', '%ED%A0%80'],
    ['with a NUL character', 'a%00'],
    ['of four thousand characters', 'a'.repeat(4000)],
  ] as const) {
    test(`${what} is refused in the dialect’s form`, async () => {
      assert.deepEqual(refusal(await ask('GET', `/deployments/${id}`)), BAD);
    });
  }

  test('that is known, with another method, is answered with the methods it has', async () => {
    const refused = await ask('DELETE', '/blueprints');
    assert.deepEqual(refusal(refused), [405, 'method_not_allowed_error']);
    assert.equal(refused.headers.get('allow'), 'GET, HEAD');
    assert.deepEqual(refusal(await ask('DELETE', '/nothing')), [404, 'not_found_error']);
  });
});

describe('the question of a list', () => {
  const LISTS = ['blueprints', 'deployments', 'nodes', 'node-instances', 'executions', 'events', 'secrets'];
  const PEOPLE = ['tenants', 'users', 'user-groups', 'tokens'];
  for (const question of [
    'constructor=1',
    'toString=1',
    '_sort=constructor',
    '_sort=__proto__',
    '_size=-1',
    '_size=99999999999999999999',
    '_offset=1.5',
    '_range=timestamp,,',
    '_range=constructor,2020-01-01,',
    '_range=timestamp,0000-01-01,',
  ]) {
    test(`is refused when it has ${question}`, async () => {
      for (const list of [...LISTS, ...PEOPLE]) {
        assert.deepEqual(refusal(await ask('GET', `/${list}?${question}`)), BAD, list);
      }
    });
  }

  test('is refused when it names a filter that is not there, or where there are none', async () => {
    for (const list of ['blueprints', 'deployments']) {
      const refused = await ask('GET', `/${list}?_filter_id=mine`);
      assert.deepEqual(refusal(refused), [404, 'not_found_error'], list);
    }
    for (const list of ['nodes', 'node-instances', 'executions', 'secrets', ...PEOPLE]) {
      assert.deepEqual(refusal(await ask('GET', `/${list}?_filter_id=mine`)), BAD, list);
    }
  });

  test('is refused when it asks for a group where there are none', async () => {
    for (const list of ['blueprints', 'nodes', 'node-instances', 'secrets', ...PEOPLE]) {
      assert.deepEqual(refusal(await ask('GET', `/${list}?_group_id=ours`)), BAD, list);
    }
  });

  test('may be a pattern that ends in a backslash', async () => {
    assert.equal((await ask('GET', '/events?message=%25%5C')).status, 200);
  });
});

describe('a value that functions would blow up', () => {
  const evaluate = (payload: object) =>
    ask('POST', '/evaluate/functions', { body: { deployment_id: 'web', context: {}, payload } });

  test('is refused before it fills the memory', async () => {
    const { items } = (await ask('GET', '/node-instances?deployment_id=web')).json;
    const body = { version: 1, runtime_properties: { x: 'x'.repeat(1_000_000) } };
    assert.equal((await ask('PATCH', `/node-instances/${String(items?.[0]?.id)}`, { body })).status, 200);
    const many = Array.from({ length: 5000 }, () => ({ get_attribute: ['one', 'x'] }));
    const code = [400, 'functions_evaluation_error'];
    assert.deepEqual(refusal(await evaluate({ concat: many })), code);
    assert.deepEqual(refusal(await evaluate({ list: many })), code);
    assert.deepEqual(refusal(await evaluate({ get_sys: ['constructor', 'name'] })), code);
  });

  test('is refused when a plan would repeat it thousands of times', async () => {
    const outputs = Array.from({ length: 3000 }, (_, i) => `  o${i}: { value: { get_input: any } }`);
    const text = `${HEAD}inputs: { any: { default: '' } }\noutputs:\n${outputs.join('\n')}\n`;
    assert.equal((await upload('echoes', { 'blueprint.yaml': text })).status, 201);
    const refused = await ask('PUT', '/deployments/echoes', {
      body: { blueprint_id: 'echoes', inputs: { any: 'x'.repeat(1_000_000) } },
    });
    assert.deepEqual(refusal(refused), [400, 'deployment_creation_error']);
    assert.equal((await ask('GET', '/deployments/echoes')).status, 404);
  });
});

test('nothing that was asked here was a mistake of the server', () => noMistakes(server));
