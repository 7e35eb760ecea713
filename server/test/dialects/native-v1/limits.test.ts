/** Limits of tenants over HTTP: read, changed, held against what the client has seen, and for administrators only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';

const server = await aServer({ ORRERY_TENANT_MAX_RUNNING: '7', ORRERY_TENANT_MAX_WAITING: '0' });
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

async function ask(
  method: string,
  path: string,
  {
    body,
    headers = {},
    as = ADMIN,
  }: {
    body?: unknown;
    headers?: Record<string, string>;
    as?: { username: string; password: string };
  } = {},
) {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: basic(as.username, as.password),
      tenant: 'default_tenant',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: JSON.parse(text || 'null') };
}
const LIMITS = '/orrery/v1/tenants/default_tenant/limits';
const get = async () => (await ask('GET', LIMITS)).json;

test('without limits of its own a tenant has those of the settings; 0 there is any number', async () => {
  assert.deepEqual(await get(), {
    tenant: 'default_tenant',
    running: { now: 0, most: 7, own: false },
    waiting: { now: 0, most: null, own: false },
  });
});

test('a limit that is named changes, one that is not stays, null is the one of the settings again', async () => {
  const set = await ask('PATCH', LIMITS, { body: { running: 2, waiting: 50 } });
  assert.deepEqual(
    [set.status, set.json.running, set.json.waiting],
    [200, { now: 0, most: 2, own: true }, { now: 0, most: 50, own: true }],
  );
  await ask('PATCH', LIMITS, { body: { running: null } });
  const { running, waiting } = await get();
  assert.deepEqual([running.most, running.own, waiting.most], [7, false, 50]);
  const { rows } = await server.pool.query(
    `select details from audit where action = 'limit' order by id desc limit 1`,
  );
  assert.deepEqual(rows[0]?.details, { mostRunning: null });
});

test('a change of what is no longer as it was seen is refused, and changes nothing', async () => {
  const seen = (await ask('GET', LIMITS)).headers.get('etag')!;
  const first = await ask('PATCH', LIMITS, { body: { running: 3 }, headers: { 'if-match': seen } });
  assert.equal(first.status, 200);
  const late = await ask('PATCH', LIMITS, { body: { running: 4 }, headers: { 'if-match': seen } });
  assert.deepEqual([late.status, late.json.reason], [412, 'precondition-failed']);
  assert.equal((await get()).running.most, 3);
  const again = await ask('PATCH', LIMITS, {
    body: { running: 4 },
    headers: { 'if-match': first.headers.get('etag')! },
  });
  assert.equal(again.status, 200);
});

test('with a key it is done once, and answered again', async () => {
  const headers = { 'idempotency-key': 'limits-1' };
  const one = await ask('PATCH', LIMITS, { body: { running: 5 }, headers });
  await ask('PATCH', LIMITS, { body: { running: 6 } });
  const two = await ask('PATCH', LIMITS, { body: { running: 5 }, headers });
  assert.deepEqual([two.json, two.headers.get('idempotency-replayed')], [one.json, 'true']);
  assert.equal((await get()).running.most, 6);
});

test('what is wrong is told with the field', async () => {
  for (const [body, field] of [
    [{ running: -1 }, 'body/running'],
    [{ waiting: 'many' }, 'body/waiting'],
    [{ runing: 1 }, 'body/runing'],
    [{}, 'body'],
  ] as const) {
    const { status, json } = await ask('PATCH', LIMITS, { body });
    assert.deepEqual([status, json.field], [400, field], JSON.stringify(body));
  }
  assert.equal((await ask('GET', '/orrery/v1/tenants/nobody/limits')).status, 404);
  assert.equal(
    (await ask('PATCH', '/orrery/v1/tenants/nobody/limits', { body: { running: 1 } })).status,
    404,
  );
});

test('only who administers the installation may look or change', async () => {
  const put = (path: string, body: object) => ask('PUT', `/api/v3.1${path}`, { body });
  await put('/users', { username: 'ada', password: 'a-long-password', role: 'default' });
  await put('/tenants/users', { tenant_name: 'default_tenant', username: 'ada', role: 'manager' });
  const as = { username: 'ada', password: 'a-long-password' };
  for (const [method, body] of [
    ['GET', undefined],
    ['PATCH', { running: 1 }],
  ] as const) {
    const { status, json } = await ask(method, LIMITS, { as, body });
    assert.deepEqual([status, json.reason], [403, json.reason]);
  }
  const nobody = await fetch(server.url + LIMITS);
  assert.equal(nobody.status, 401);
});
