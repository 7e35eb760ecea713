/** What is asked in a way, or at a place, that the dialect does not know; and lists that reach beyond the tenant. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aWebBlueprint } from './a-web-blueprint.js';
import { clientOf } from './client.js';

const ask = clientOf(await aServer());

describe('a path that is known, with a method that it does not take', () => {
  const table: [method: string, path: string, allow: string][] = [
    ['DELETE', '/blueprints', 'GET, HEAD'],
    ['POST', '/blueprints/b/archive', 'GET, HEAD'],
    ['PATCH', '/secrets', 'GET, HEAD'],
    ['PUT', '/executions/x', 'GET, HEAD, PATCH, POST'],
    ['PUT', '//executions//x/', 'GET, HEAD, PATCH, POST'],
    ['OPTIONS', '/tenants/users', 'DELETE, GET, HEAD, PATCH, POST, PUT'],
    ['GET', '/evaluate/functions', 'POST'],
    ['HEAD', '/evaluate/functions', 'POST'],
  ];
  for (const version of ['v3', 'v3.1'] as const) {
    test(`is told which it takes, under ${version}`, async () => {
      for (const [method, path, allow] of table) {
        const answer = await ask(method, `${path}?_include=id`, { version });
        assert.equal(answer.status, 405, `${method} ${path}: ${answer.text}`);
        assert.equal(answer.headers.get('allow'), allow);
        if (method === 'HEAD') continue;
        const { error_code, message, server_traceback } = answer.json;
        assert.deepEqual([error_code, server_traceback], ['method_not_allowed_error', null]);
        assert.match(String(message), new RegExp(`takes ${allow}, not ${method}$`));
      }
    });
  }

  test('takes a pattern that fits behind a fixed path of other methods', async () => {
    const { status, json } = await ask('GET', '/tenants/users');
    assert.deepEqual([status, json.error_code], [404, 'not_found_error']);
  });

  test('is refused before its body is read, whatever that is', async () => {
    const { status } = await ask('PUT', '/blueprints', { body: new Uint8Array([31, 139, 8]) });
    assert.equal(status, 405);
  });

  test('is no business of strangers', async () => {
    for (const path of ['/blueprints', '/nowhere']) {
      assert.equal((await ask('DELETE', path, { password: 'wrong' })).status, 401);
    }
  });
});

test('an unknown path is not found, whatever the method', async () => {
  for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE']) {
    for (const path of ['/nowhere', '/blueprints/b/archive/more', '/executions/x/y', '/BLUEPRINTS']) {
      const { status, json, headers } = await ask(method, path);
      assert.deepEqual([status, json.error_code, headers.get('allow')], [404, 'not_found_error', null]);
    }
  }
});

describe('a list across tenants', async () => {
  const ann = { username: 'ann', password: 'a-password-of-ann' };
  await ask('POST', '/tenants/other');
  await ask('PUT', '/users', { body: ann });
  await ask('PUT', '/tenants/users', { body: { tenant_name: 'other', username: 'ann', role: 'manager' } });
  const here = await aWebBlueprint(ask);
  await here.deploy();
  const there = await aWebBlueprint((method, path, asked) =>
    ask(method, path, { ...asked, tenant: 'other' }),
  );
  await there.deploy({ visibility: 'private' });
  for (const tenant of ['default_tenant', 'other']) {
    await ask('PUT', '/secrets/s', { tenant, body: { value: tenant } });
    await ask('POST', '/executions', {
      tenant,
      body: { deployment_id: 'dep1', workflow_id: 'install', dry_run: true },
    });
  }
  const LISTS = ['blueprints', 'deployments', 'nodes', 'node-instances', 'executions', 'secrets'];
  const tenantsOf = async (path: string, asked = {}) => {
    const { status, text, json } = await ask('GET', path, asked);
    assert.equal(status, 200, text);
    const items = json.items as unknown as { tenant_name: string }[];
    assert.equal(json.metadata?.pagination?.total, items.length);
    return [...new Set(items.map((item) => item.tenant_name))].sort();
  };

  test('tells administrators of all, private things too', async () => {
    for (const list of LISTS) {
      assert.deepEqual(await tenantsOf(`/${list}?_all_tenants=True`), ['default_tenant', 'other'], list);
      assert.deepEqual(await tenantsOf(`/${list}`), ['default_tenant'], list);
      assert.deepEqual(await tenantsOf(`/${list}?_all_tenants=false`), ['default_tenant'], list);
    }
    const byId = await tenantsOf('/deployments?id=dep1&_all_tenants=true&_sort=-created_at&_search=dep');
    assert.deepEqual(byId, ['default_tenant', 'other']);
  });

  test('tells others of their own tenant alone', async () => {
    for (const list of LISTS) {
      const told = await tenantsOf(`/${list}?_all_tenants=true`, { ...ann, tenant: 'other' });
      assert.deepEqual(told, ['other'], list);
    }
  });

  test('does not tell what would be read in the wrong tenant', async () => {
    const { status, json } = await ask('GET', '/blueprints?_all_tenants=true&_include=id,plan');
    assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error']);
    const one = await ask('GET', '/deployments?_all_tenants=true&id=dep1');
    assert.equal('workflows' in one.json.items![0]!, false);
  });
});

test('a selection by what does not exist here is refused, other unknown words are ignored', async () => {
  for (const name of ['_filter_id', '_group_id', '_dependencies_of']) {
    const { status, json } = await ask('GET', `/nodes?${name}=mine`);
    assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error'], name);
  }
  for (const query of [
    '_evaluate_functions=true',
    '_instance_context=x',
    '_odd=1',
    '_filter_id=',
    '_get_all_results=1',
  ]) {
    assert.equal((await ask('GET', `/nodes?${query}`)).status, 200, query);
  }
});
