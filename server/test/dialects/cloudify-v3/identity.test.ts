import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { clientOf } from './client.js';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const ask = clientOf(server);

const shape = (value: object | undefined) => Object.keys(value ?? {}).sort();

describe('the manager', () => {
  test('tells its version with and without a version in the path', async () => {
    const { version } = (await ask('GET', '/version')).json;
    for (const path of ['/api/version', '/api/v3/version', '/api/v3.1/version']) {
      const response = await fetch(`${server.url}${path}`, {
        headers: { authorization: `Basic ${Buffer.from('admin:first-password').toString('base64')}` },
      });
      assert.equal(response.status, 200, path);
      assert.equal(((await response.json()) as { version: string }).version, version);
    }
    assert.deepEqual(shape((await ask('GET', '/version?_include=version,edition')).json), [
      'edition',
      'version',
    ]);
  });

  test('is running, told as each prefix tells it', async () => {
    assert.deepEqual((await ask('GET', '/status?_include=status', { version: 'v3' })).json, {
      status: 'running',
    });
    const { services } = (await ask('GET', '/status', { version: 'v3' })).json;
    assert.deepEqual(shape(services?.[0]), ['display_name', 'instances']);
    assert.deepEqual(shape(services?.[0]?.instances?.[0]), [
      'ActiveState',
      'Description',
      'Id',
      'LoadState',
      'MainPID',
      'SubState',
      'state',
    ]);
    const newer = (await ask('GET', '/status')).json;
    assert.equal(newer.status, 'OK');
    assert.equal(newer.services?.PostgreSQL?.status, 'Active');
    assert.deepEqual((await ask('GET', '/status?summary=true')).json, { status: 'OK' });
  });

  test('answers /ok without credentials, and only that', async () => {
    const response = await fetch(`${server.url}/api/v3.1/ok`);
    assert.deepEqual([response.status, await response.text()], [200, 'OK']);
    assert.equal((await fetch(`${server.url}/api/v3.1/version`)).status, 401);
  });

  test('tells the settings of a scope', async () => {
    const { items, metadata } = (await ask('GET', '/config?scope=workflow')).json;
    assert.deepEqual(metadata, {});
    assert.ok(Object.values(items!).some((one) => String(one.name) === 'task_retries'));
    assert.equal((await ask('GET', '/config/workflow.task_retry_interval')).json.scope, 'workflow');
    assert.equal((await ask('GET', '/config/nothing')).status, 404);
  });
});

describe('signing in', () => {
  test('without credentials is refused in the known words', async () => {
    const response = await fetch(`${server.url}/api/v3/events`);
    assert.equal(response.status, 401);
    assert.deepEqual(await response.json(), {
      message: 'User unauthorized: No authentication info provided',
      error_code: 'unauthorized_error',
      server_traceback: null,
    });
  });

  for (const [what, asked, status, code] of [
    ['a wrong password', { password: 'nope' }, 401, 'unauthorized_error'],
    ['an unknown user', { username: 'nobody' }, 401, 'unauthorized_error'],
    ['a header that is no Basic', { headers: { authorization: 'Bearer x' } }, 401, 'unauthorized_error'],
    ['an unknown tenant', { tenant: 'nowhere' }, 403, 'forbidden_error'],
    ['no tenant where one is needed', { tenant: null }, 403, 'forbidden_error'],
  ] as const) {
    test(`${what} is refused`, async () => {
      const answer = await ask('GET', '/events', asked);
      assert.deepEqual([answer.status, answer.json.error_code], [status, code]);
    });
  }

  test('a token of v3 opens what its owner may open, under both prefixes', async () => {
    const { role, value } = (await ask('GET', '/tokens', { version: 'v3' })).json;
    assert.equal(role, 'admin');
    for (const version of ['v3', 'v3.1']) {
      const response = await fetch(`${server.url}/api/${version}/events`, {
        headers: { 'Authentication-Token': String(value), tenant: 'default_tenant' },
      });
      assert.equal(response.status, 200);
    }
  });

  test('tokens of v3.1 are made, listed without their secret, read and revoked', async () => {
    const made = await ask('POST', '/tokens', { body: { description: 'ci', expiration_date: null } });
    assert.equal(made.status, 200);
    assert.match(String(made.json.value), /^ctok-[a-z0-9]{10}-[a-z0-9]{40}$/);
    assert.equal(made.json.role, 'sys_admin');
    const id = String(made.json.id);
    const { items, metadata } = (await ask('GET', `/tokens?id=${id}`)).json;
    assert.deepEqual(metadata?.pagination, { total: 1, offset: 0, size: 1000 });
    assert.equal(items?.[0]?.value, `ctok-${id}-********`);
    assert.equal((await ask('GET', `/tokens/${id}`)).json.description, 'ci');
    assert.equal((await ask('DELETE', `/tokens/${id}`)).status, 204);
    assert.equal((await ask('GET', `/tokens/${id}`)).status, 404);
    const past = await ask('POST', '/tokens', { body: { expiration_date: '2001-01-01' } });
    assert.deepEqual([past.status, past.json.error_code], [400, 'bad_parameters_error']);
  });
});

describe('users, groups and tenants', () => {
  test('a user is made, found, changed and removed, in the words of v3', async () => {
    const v3 = { version: 'v3' } as const;
    const made = await ask('PUT', '/users', {
      ...v3,
      body: { username: 'ann', password: 'secret1', role: 'user' },
    });
    assert.equal(made.status, 201);
    assert.match(String(made.json.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(
      { ...made.json, created_at: null },
      {
        username: 'ann',
        active: true,
        created_at: null,
        last_login_at: null,
        groups: [],
        tenants: [],
        first_name: null,
        last_name: null,
        role: 'user',
      },
    );
    assert.equal(
      (await ask('PUT', '/users', { body: { username: 'ann', password: 'secret1' } })).status,
      409,
    );
    assert.equal((await ask('GET', '/users/ann', v3)).json.username, 'ann');
    assert.equal(
      (await ask('POST', '/users/ann', { ...v3, body: { role: 'suspended' } })).json.role,
      'suspended',
    );
    assert.equal((await ask('GET', '/version', { username: 'ann', password: 'secret1' })).status, 401);
    assert.equal((await ask('POST', '/users/ann', { ...v3, body: { role: 'user' } })).json.active, true);
    assert.equal((await ask('POST', '/users/ann', { body: { password: 'secret2' } })).status, 200);
    const welcome = { body: { show_getting_started: true } };
    assert.equal((await ask('POST', '/users/ann', welcome)).json.show_getting_started, true);
    assert.equal((await ask('GET', '/users/ann')).json.show_getting_started, true, 'it is kept');
    const own = { username: 'ann', password: 'secret2', tenant: null };
    const without = { ...own, body: { show_getting_started: 'false' } };
    assert.equal((await ask('POST', '/users/ann', without)).json.show_getting_started, false);
    assert.equal((await ask('POST', '/users/admin', { ...own, ...welcome })).status, 403);
    assert.equal(
      (await ask('GET', '/user', { username: 'ann', password: 'secret2', tenant: null })).json.username,
      'ann',
    );
    assert.equal(
      (await ask('POST', '/users/ann', { body: { password: 'x12345', role: 'user' } })).status,
      400,
    );
    assert.deepEqual((await ask('GET', '/users?_include=username,role&_sort=-username', v3)).json.items, [
      { username: 'ann', role: 'user' },
      { username: 'admin', role: 'administrator' },
    ]);
    const removed = await ask('DELETE', '/users/ann', v3);
    assert.deepEqual([removed.status, removed.json.username], [200, 'ann']);
  });

  test('v3.1 counts memberships unless it is asked for them', async () => {
    await ask('PUT', '/users', { body: { username: 'bob', password: 'secret1', role: 'default' } });
    await ask('POST', '/tenants/shop', { body: { rabbitmq_password: '' } });
    const membership = { username: 'bob', tenant_name: 'shop' };
    const added = await ask('PUT', '/tenants/users', { body: { ...membership, role: 'viewer' } });
    assert.deepEqual([added.status, added.json], [200, { name: 'shop', groups: 0, users: 1 }]);
    assert.equal((await ask('GET', '/users/bob')).json.tenants, 1);
    assert.deepEqual((await ask('GET', '/users/bob?_get_data=true')).json.tenants, {
      shop: { roles: ['viewer'] },
    });
    assert.deepEqual((await ask('GET', '/tenants/shop?_get_data=True')).json.users, {
      bob: { 'tenant-role': 'viewer', roles: ['viewer'] },
    });
    assert.deepEqual((await ask('GET', '/tenants?name=shop', { version: 'v3' })).json.items, [
      { name: 'shop', groups: [], users: ['bob'] },
    ]);
    const bob = { username: 'bob', password: 'secret1', tenant: 'shop' };
    assert.equal((await ask('GET', '/events', bob)).status, 200);
    assert.equal((await ask('GET', '/users', bob)).status, 403);
    assert.deepEqual((await ask('GET', '/tenants?_include=name', bob)).json.items, [{ name: 'shop' }]);
    const full = await ask('DELETE', '/tenants/shop');
    assert.deepEqual([full.status, full.json.error_code], [409, 'conflict_error']);
    assert.equal(
      (await ask('PATCH', '/tenants/users', { body: { ...membership, role: 'manager' } })).status,
      200,
    );
    assert.equal((await ask('DELETE', '/tenants/users', { body: membership })).status, 204);
    assert.equal((await ask('DELETE', '/tenants/shop')).status, 204);
    assert.equal((await ask('DELETE', '/tenants/default_tenant')).json.error_code, 'illegal_action_error');
  });

  test('groups gather users, and v3 tells who is in them', async () => {
    const v3 = { version: 'v3' } as const;
    const made = await ask('POST', '/user-groups', { ...v3, body: { group_name: 'ops' } });
    assert.deepEqual(
      [made.status, made.json],
      [201, { name: 'ops', ldap_dn: null, role: 'user', users: [], tenants: [] }],
    );
    await ask('PUT', '/users', { body: { username: 'cid', password: 'secret1' } });
    const joined = await ask('PUT', '/user-groups/users', {
      ...v3,
      body: { username: 'cid', group_name: 'ops' },
    });
    assert.deepEqual([joined.status, joined.json.users], [200, ['cid']]);
    const added = await ask('PUT', '/tenants/user-groups', {
      ...v3,
      body: { group_name: 'ops', tenants_name: 'default_tenant' },
    });
    assert.deepEqual(added.json.groups, ['ops']);
    assert.deepEqual((await ask('GET', '/user-groups/ops', v3)).json.tenants, ['default_tenant']);
    const cid = { username: 'cid', password: 'secret1' };
    assert.equal((await ask('GET', '/events', cid)).status, 200);
    assert.equal((await ask('DELETE', '/user-groups/ops', v3)).json.name, 'ops');
    assert.equal((await ask('GET', '/events', cid)).status, 403);
    assert.equal((await ask('GET', '/user-groups?_include=name')).json.metadata?.pagination?.total, 0);
  });
});

describe('requests as clients send them', () => {
  test('an empty body named JSON is no body, and an empty chunked one neither', async () => {
    assert.equal((await ask('GET', '/tenants')).status, 200);
    assert.equal((await ask('POST', '/tenants/empty-body')).status, 201);
    const body = new ReadableStream({ start: (controller) => controller.close() });
    assert.equal((await ask('POST', '/tenants/empty-stream', { body })).status, 201);
  });

  for (const [what, body, headers, status, code] of [
    ['broken JSON', '{"a":', {}, 400, 'bad_parameters_error'],
    ['a list', '[1]', {}, 400, 'bad_parameters_error'],
    ['a NUL in a text', '{"username":"a\\u0000b","password":"x"}', {}, 400, 'bad_parameters_error'],
    ['a missing field', '{"password":"secret1"}', {}, 400, 'bad_parameters_error'],
    ['a null for a needed field', '{"username":null,"password":"secret1"}', {}, 400, 'bad_parameters_error'],
    ['a number for a text', '{"username":1,"password":"secret1"}', {}, 400, 'bad_parameters_error'],
    [
      'another content type',
      'username=a',
      { 'content-type': 'text/plain' },
      415,
      'unsupported_content_type_error',
    ],
  ] as const) {
    test(`${what} is refused with ${status}`, async () => {
      const answer = await ask('PUT', '/users', { body, headers });
      assert.deepEqual([answer.status, answer.json.error_code], [status, code], answer.text);
    });
  }

  test('a missing field is named', async () => {
    const { json } = await ask('PUT', '/users', { body: { password: 'secret1' } });
    assert.equal(json.message, 'Missing username in json request body');
  });

  test('a JSON body over the limit is refused', async () => {
    const body = { username: 'x'.repeat(9 * 1024 * 1024), password: 'x' };
    assert.equal((await ask('PUT', '/users', { body })).status, 413);
  });

  test('unknown routes and NUL characters are answered in the dialect’s form', async () => {
    const unknown = await ask('GET', '/no-such-thing');
    assert.deepEqual([unknown.status, unknown.json.error_code], [404, 'not_found_error']);
    assert.equal((await ask('GET', '/events?message=%00')).status, 400);
  });

  test('unknown words of the query grammar are refused', async () => {
    assert.equal((await ask('GET', '/events?_include=nope')).json.error_code, 'no_such_include_field_error');
    assert.equal((await ask('GET', '/events?nope=1')).json.error_code, 'bad_parameters_error');
    assert.equal((await ask('GET', '/events?_sort=nope')).json.error_code, 'bad_parameters_error');
  });

  test('an empty collection has the envelope of a full one', async () => {
    const { items, metadata } = (await ask('GET', '/events')).json;
    assert.deepEqual([items, metadata], [[], { pagination: { total: 0, offset: 0, size: 10_000 } }]);
  });
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
