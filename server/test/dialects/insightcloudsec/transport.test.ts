/** T1 to T15 of specs/insightcloudsec.md §1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ADMIN } from '../../support/a-server.js';
import { aDomain, PASSWORD } from './a-domain.js';

const domain = await aDomain();
const { ask, admin } = domain;
const key = admin.key;
await domain.cloud(admin, 'One');
await domain.cloud(admin, 'Two');

test('a GET may carry a body, and lists honour it as they honour a query', async () => {
  const whole = await ask('GET', '/v2/prototype/domain/organizations/detail/get', { key, body: {} });
  assert.equal(whole.json.organizations[0].name, 'Default Organization');
  const options = {
    filters: [{ field_name: 'name', filter_type: 'EXACT', filter_value: 'Two' }],
    limit: '1',
  };
  const byBody = await ask('GET', '/v2/public/clouds/list', { key, body: options });
  assert.deepEqual(
    [byBody.json.clouds.map((each: { name: string }) => each.name), byBody.json.total_count],
    [['Two'], 1],
  );
  const query = new URLSearchParams({ filters: JSON.stringify(options.filters), limit: '1' });
  const byQuery = await ask('GET', `/v2/public/clouds/list?${query}`, { key });
  assert.deepEqual(byQuery.json, byBody.json);
  const chunked = { 'transfer-encoding': 'chunked' };
  assert.deepEqual(
    (await ask('GET', '/v2/public/clouds/list', { key, body: options, headers: chunked })).json,
    byBody.json,
  );
});

for (const type of [
  'application/json;charset=UTF-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'not a type at all',
  undefined,
]) {
  test(`a body is JSON also when it is called ${type ?? 'nothing'}`, async () => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const { status, json } = await ask('POST', '/v2/public/user/login', { body: ADMIN, headers });
    assert.deepEqual([status, /^[0-9a-f]{32}$/.test(json.session_id)], [200, true]);
  });
}

test('null, nothing and nothing called JSON are an empty body, on every method', async () => {
  const json = { 'content-type': 'application/json' };
  for (const method of ['GET', 'POST']) {
    for (const asked of [{ body: null }, {}, { headers: json }, { body: Buffer.from('  ') }]) {
      const { status, json: told } = await ask(method, '/v2/public/clouds/list', { key, ...asked });
      assert.deepEqual([status, told.total_count], [200, 2], `${method} ${JSON.stringify(asked)}`);
    }
  }
  const { status } = await ask('DELETE', '/v2/prototype/user/divvyuser:999:/delete', { key, body: null });
  assert.equal(status, 404);
});

test('a DELETE may carry a body', async () => {
  const { status, json } = await ask('DELETE', '/v2/prototype/user/999/delete', {
    key,
    body: { any: 'thing' },
  });
  assert.deepEqual([status, json.error_type], [404, 'not_found']);
});

for (const accepted of ['gzip', 'gzip, deflate, br', 'deflate, GZIP;q=0.5']) {
  test(`an answer is gzip for who lists ${accepted}, however small, and of whatever status`, async () => {
    const headers = { 'accept-encoding': accepted };
    for (const [method, path, status] of [
      ['GET', '/client_version', 200],
      ['GET', '/v2/public/cloudtypes/list', 200],
      ['GET', '/v2/nowhere', 404],
      ['POST', '/v2/public/cloudtypes/list', 405],
      ['GET', '/v2/public/cloud/%ff/regions/list', 400],
      ['POST', '/v2/public/user/login', 400],
    ] as const) {
      const answer = await ask(method, path, { key, headers });
      assert.equal(answer.status, status, path);
      assert.equal(answer.headers['content-encoding'], 'gzip', path);
      assert.match(String(answer.headers.vary), /Accept-Encoding/i, path);
      JSON.parse(gunzipSync(answer.bytes).toString());
    }
    const refused = await ask('GET', '/v2/public/clouds/list', { headers });
    assert.deepEqual([refused.status, refused.headers['content-encoding']], [401, 'gzip']);
  });
}

for (const accepted of ['identity', 'deflate, br', 'gzip;q=0', undefined]) {
  test(`an answer is plain for who accepts ${accepted ?? 'nothing in particular'}`, async () => {
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
    const answer = await ask('GET', '/v2/public/cloudtypes/list', { key, headers });
    assert.equal(answer.headers['content-encoding'], undefined);
    assert.equal(JSON.parse(answer.bytes.toString()).clouds[0].cloud_type_id, 'AWS');
  });
}

test('an answer without a body says nothing of its encoding', async () => {
  const id = await domain.cloud(admin, 'Badged');
  const body = {
    target_resource_ids: [`divvyorganizationservice:${id}`],
    badges: [{ key: 'env', value: 'prod' }],
  };
  const answer = await ask('POST', '/v2/public/badges/create', {
    key,
    body,
    headers: { 'accept-encoding': 'gzip' },
  });
  assert.deepEqual(
    [answer.status, answer.bytes.length, answer.headers['content-encoding']],
    [204, 0, undefined],
  );
});

test('every refusal is an object of error_message and error_type', async () => {
  for (const [method, path, body, status, type] of [
    ['GET', '/v2/nowhere', undefined, 404, 'not_found'],
    ['GET', '/v3/nowhere', undefined, 404, 'not_found'],
    ['PUT', '/v2/public/clouds/list', undefined, 405, 'method_not_allowed'],
    ['DELETE', '/client_version', undefined, 405, 'method_not_allowed'],
    ['POST', '/v2/public/clouds/list', Buffer.from('{"limit":'), 400, 'invalid_input'],
    ['GET', '/v2/public/clouds/list', Buffer.from('[1,'), 400, 'invalid_input'],
    ['POST', '/v2/public/clouds/list', Buffer.from([0xff, 0xfe]), 400, 'invalid_input'],
    ['POST', '/v2/public/clouds/list', { limit: -1 }, 400, 'invalid_input'],
    ['POST', '/v2/public/clouds/list', { order_by: 'nothing' }, 400, 'invalid_input'],
    ['POST', '/v2/public/clouds/list', 'a text', 400, 'invalid_input'],
    ['POST', '/v2/public/cloud/divvyorganizationservice:99/delete', undefined, 404, 'not_found'],
  ] as const) {
    const answer = await ask(method, path, { key, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, status, `${method} ${path} ${answer.text}`);
    assert.deepEqual(Object.keys(answer.json).sort(), ['error_message', 'error_type']);
    assert.equal(answer.json.error_type, type);
    assert.ok(answer.json.error_message.length > 5);
  }
});

test('a body that is too long is refused, also on GET', async () => {
  const body = Buffer.alloc(20 * 1024 * 1024, ' ');
  for (const method of ['GET', 'POST']) {
    const { status, json } = await ask(method, '/v2/public/clouds/list', { key, body });
    assert.deepEqual([status, json.error_type], [413, 'too_large'], method);
  }
});

test('ids are numbers or texts, with or without colons at their end, raw or encoded, and slashes may be doubled', async () => {
  const { id } = domain.basic;
  for (const path of [
    `/v2/prototype/user/divvyuser:${id}:/groups/list`,
    `/v2/prototype/user/divvyuser:${id}/groups/list`,
    `/v2/prototype/user/divvyuser%3A${id}%3A/groups/list`,
    `/v2/prototype/user/${id}/groups/list`,
    `//v2//prototype/user/divvyuser:${id}://groups/list/`,
  ]) {
    const { status, text } = await ask('POST', path, { key });
    assert.equal(status, 200, `${path} ${text}`);
  }
  for (const user_id of [id, String(id), `divvyuser:${id}:`]) {
    assert.equal((await ask('POST', '/v2/public/user/tfa_state', { key, body: { user_id } })).status, 200);
  }
});

test('fields that nobody knows are ignored, and header names are of any case', async () => {
  const body = { unheard_of: { deep: [1] }, limit: 1 };
  const { status, json } = await ask('POST', '/v2/public/clouds/list', { body, headers: { 'API-KEY': key } });
  assert.deepEqual([status, json.clouds.length], [200, 1]);
  const { session_id: session } = (await ask('POST', '/v2/public/user/login', { body: ADMIN })).json;
  assert.equal(
    (await ask('GET', '/v2/public/user/info', { headers: { 'X-AUTH-TOKEN': session } })).status,
    200,
  );
});

test('success without anything to say is an empty object, never an empty body', async () => {
  const { status, text } = await ask('POST', '/v2/public/user/logout', { key });
  assert.deepEqual([status, text], [200, '{}']);
});

test('texts and lists that are documented bare are bare', async () => {
  assert.equal(typeof (await ask('GET', '/client_version')).json, 'string');
  assert.ok(Array.isArray((await ask('GET', '/v2/prototype/domain/organizations/get', { key })).json));
  assert.ok(Array.isArray((await ask('GET', '/v2/prototype/cloud/linked/list', { key })).json));
  const made = await ask('POST', '/v2/public/apikey/create', {
    key,
    body: { user_id: domain.basic.id, key_length: 80 },
  });
  assert.match(made.json, /^[A-Za-z0-9]{80}$/);
});

test('no secret is told again, by anything', async () => {
  const secret = 'canary-secret-value';
  const creation_params = {
    cloud_type: 'AWS',
    name: 'Secretive',
    authentication_type: 'standard',
    account_number: 42,
    api_key: secret,
    secret_key: secret,
    external_id: secret,
  };
  const added = await ask('POST', '/v2/prototype/cloud/add', { key, body: { creation_params } });
  assert.equal(added.status, 200, added.text);
  const body = {
    name: 'Hush',
    username: 'hush',
    email: 'h@example.org',
    access_level: 'BASIC_USER',
    password: secret,
  };
  const user = await ask('POST', '/v2/public/user/create', { key, body });
  const answers = [
    added,
    user,
    await ask('POST', `/v2/prototype/cloud/${added.json.id}/update`, {
      key,
      body: { secret_key: `${secret}2` },
    }),
    await ask('GET', '/v2/public/clouds/list', { key }),
    await ask('GET', '/v2/public/users/list', { key }),
    await ask('GET', '/v2/public/apikeys/list', { key }),
    await ask('POST', '/v2/public/user/login', { body: { username: 'hush', password: PASSWORD } }),
  ];
  for (const { text } of answers)
    assert.ok(!text.includes('canary') && !text.includes(key), text.slice(0, 500));
  assert.ok(!domain.server.lines.join('\n').includes('canary'));
});
