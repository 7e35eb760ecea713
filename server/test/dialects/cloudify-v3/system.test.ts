import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wordsOf } from '../../../src/dialects/cloudify-v3/permissions.js';
import { ADMIN, aServer } from '../../support/a-server.js';
import { clientOf } from './client.js';

const server = await aServer({ DATABASE_URL: 'postgresql://someone:a-password@db.example:6432/orrery' });
const ask = clientOf(server);

describe('the manager as a machine', () => {
  test('tells its managers, databases and brokers, and no password', async () => {
    const [manager] = (await ask('GET', '/managers')).json.items as unknown as { hostname: string }[];
    assert.equal(manager?.hostname, 'test-node');
    assert.equal((await ask('GET', '/managers?hostname=nobody')).json.metadata?.pagination?.total, 0);
    const databases = await ask('GET', '/db-nodes');
    assert.deepEqual(databases.json.items, [{ name: 'postgresql', host: 'db.example', is_external: true }]);
    const brokers = await ask('GET', '/brokers');
    assert.equal(brokers.json.items?.[0]?.port, 6432);
    for (const { text } of [databases, brokers]) assert.ok(!text.includes('a-password'));
  });

  test('tells how each part does', async () => {
    const { status, services } = (await ask('GET', '/cluster-status')).json;
    assert.equal(status, 'OK');
    assert.deepEqual(Object.keys(services!), ['manager', 'db', 'broker']);
    const node = services?.manager?.nodes?.['test-node'];
    assert.equal(node?.status, 'OK');
    assert.ok(Object.keys(node?.services ?? {})[0]?.includes(String(process.pid)));
    assert.deepEqual((await ask('GET', '/cluster-status?summary=true')).json, { status: 'OK', services: {} });
  });

  test('has a provider context from the start, set once, and again only by those who say so', async () => {
    const { id, context } = (await ask('GET', '/provider/context')).json;
    assert.deepEqual([id, context], ['CONTEXT', { cloudify: {} }]);
    const body = { name: 'ours', context: { cloudify: { cloudify_agent: { broker_ip: '10.0.0.1' } } } };
    assert.deepEqual((await ask('POST', '/provider/context', { body })).status, 201);
    assert.deepEqual((await ask('POST', '/provider/context', { body })).status, 409);
    const again = await ask('POST', '/provider/context?update=true', { body: { ...body, name: 'new' } });
    assert.deepEqual([again.status, again.json], [200, { status: 'ok' }]);
    assert.deepEqual((await ask('GET', '/provider/context?_include=name')).json, { name: 'new' });
  });

  test('needs no licence, and refuses to set what is read at its start', async () => {
    assert.deepEqual((await ask('GET', '/license')).json.items, []);
    assert.equal((await ask('GET', '/license-check')).status, 200);
    const refused = await ask('PUT', '/config/task_retries', { body: { value: 3 } });
    assert.deepEqual([refused.status, refused.json.error_code], [409, 'conflict_error']);
  });
});

/**
 * The matrix of specs/cloudify-rest.md §C2, a line for each of its rows, with permissions of the row: who has them by the role itself.
 * The letters are those of sys_admin, manager, user, operations, viewer, default.
 */
const MATRIX: readonly (readonly [holders: string, permissions: string])[] = [
  [
    'amuovd',
    'status_get version_get license_list user_get_self tenant_list list_token maintenance_mode_get config_get',
  ],
  ['amuovd', 'broker_get db_nodes_get provider_context_get'],
  [
    'amuov',
    'blueprint_list blueprint_get blueprint_download deployment_list deployment_get node_list node_instance_list',
  ],
  [
    'amuov',
    'node_instance_get execution_list execution_get event_list plugin_list plugin_get plugin_download secret_list',
  ],
  ['amuov', 'secret_get site_list site_get deployment_update_list deployment_modification_list agent_list'],
  ['amuov', 'cluster_status_get manager_get operations'],
  [
    'amuo',
    'deployment_create deployment_delete deployment_update_create deployment_set_site deployment_set_visibility',
  ],
  [
    'amuo',
    'execution_start execution_cancel execution_status_update execution_delete deployment_modify event_create',
  ],
  [
    'amuo',
    'event_delete node_update node_instance_update agent_create agent_update functions_evaluate tenant_get',
  ],
  [
    'amu',
    'blueprint_upload blueprint_delete plugin_upload plugin_delete secret_create secret_update secret_delete',
  ],
  ['amu', 'secret_export secret_import site_create site_update site_delete resource_set_visibility'],
  ['am', 'administrators config_put'],
  [
    'a',
    'user_create user_delete user_list user_update user_group_create user_group_delete tenant_create tenant_delete',
  ],
  [
    'a',
    'tenant_add_user tenant_add_group snapshot_create snapshot_list snapshot_restore maintenance_mode_set',
  ],
  [
    'a',
    'manager_manage audit_log_view audit_log_truncate all_tenants create_global_resource set_owner set_timestamp',
  ],
  ['a', 'set_execution_details get_password_hash manage_others_tokens'],
];
const LETTERS = { sys_admin: 'a', manager: 'm', user: 'u', operations: 'o', viewer: 'v', default: 'd' };

describe('roles', () => {
  for (const [holders, permissions] of MATRIX) {
    for (const permission of permissions.split(' ')) {
      test(`${permission} is held by exactly the roles of the matrix`, () => {
        const held = Object.entries(LETTERS).filter(([role]) => wordsOf(role).includes(permission));
        assert.equal(held.map(([, letter]) => letter).join(''), holders);
      });
    }
  }

  test('are told with their permissions, one by one or all, and cannot be changed', async () => {
    const all = (await ask('GET', '/permissions?_size=0')).json.metadata?.pagination?.total;
    const each = [...Object.keys(LETTERS), 'auditor'].map((role) => wordsOf(role).length);
    assert.equal(
      Number(all),
      each.reduce((sum, count) => sum + count),
    );
    const { items } = (await ask('GET', '/permissions/viewer?permission=secret_get')).json;
    assert.deepEqual(items, [{ role: 'viewer', permission: 'secret_get' }]);
    assert.equal((await ask('GET', '/permissions/nobody')).status, 404);
    for (const [method, permission, status] of [
      ['PUT', 'secret_get', 409],
      ['PUT', 'secret_create', 400],
      ['DELETE', 'secret_create', 404],
      ['DELETE', 'secret_get', 400],
    ] as const) {
      assert.equal((await ask(method, `/permissions/viewer/${permission}`)).status, status, permission);
    }
  });
});

describe('the audit trail', { concurrency: false }, () => {
  test('tells who changed what, of one user, in a time, page by page', async () => {
    await ask('POST', '/tenants/audited', { tenant: null });
    const { items, metadata } = (await ask('GET', '/audit?creator_name=ADMIN&desc=true&size=1')).json;
    const [{ id, created_at, ref_id, ...entry }] = items as unknown as [Record<string, unknown>];
    assert.deepEqual(entry, {
      ref_table: 'tenants',
      ref_identifier: { id: 'audited', action: 'create' },
      operation: 'create',
      creator_name: 'admin',
      execution_id: null,
    });
    assert.equal(metadata?.pagination?.size, 1);
    assert.equal((await ask('GET', '/audit?since=2999-01-01')).json.metadata?.pagination?.total, 0);
    assert.equal((await ask('GET', '/audit?creator_name=nobody')).json.metadata?.pagination?.total, 0);
    assert.equal((await ask('GET', '/audit?execution_id=x')).json.metadata?.pagination?.total, 0);
    assert.equal((await ask('GET', '/audit?order_by=nothing')).status, 400);
    assert.equal((await ask('GET', '/audit?nothing=1')).status, 400);
    const everything = (await ask('GET', '/audit?size=0')).json;
    assert.equal(everything.metadata?.pagination?.total, Object.keys(everything.items!).length);
  });

  test('is followed as it grows, an entry a line, until nobody listens', async () => {
    const listening = new AbortController();
    const { status, body } = await fetch(`${server.url}/api/v3.1/audit/stream?creator_name=admin`, {
      headers: { authorization: `Basic ${btoa(`${ADMIN.username}:${ADMIN.password}`)}` },
      signal: listening.signal,
    });
    assert.equal(status, 200);
    const lines = body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await lines.read()).value, '\n');
    await ask('POST', '/tenants/followed', { tenant: null });
    const [entry] = String((await lines.read()).value)
      .trim()
      .split('\n');
    assert.deepEqual(JSON.parse(entry!).ref_identifier, { id: 'followed', action: 'create' });
    listening.abort();
    assert.equal((await ask('GET', '/audit/stream?size=1')).status, 400);
    assert.equal((await ask('GET', '/audit/stream?before=2001-01-01')).text.trim(), '');
  });

  test('is shortened up to a time, and says that it was', async () => {
    assert.equal((await ask('DELETE', '/audit')).status, 422);
    const before = new Date(Date.now() + 60_000).toISOString();
    const { deleted } = (await ask('DELETE', `/audit?before=${before}`)).json;
    assert.ok(Number(deleted) > 0);
    const { items } = (await ask('GET', '/audit')).json;
    assert.equal(items?.[0]?.ref_identifier?.action, 'truncate');
  });
});

describe('a new password', () => {
  test('ends every token of its user, also those made by hand', async () => {
    const body = { username: 'ann', password: 'first password' };
    await ask('PUT', '/users', { body });
    const ann = { ...body, tenant: null };
    const made = await ask('POST', '/tokens', { ...ann, body: { description: 'made by hand' } });
    const session = await ask('GET', '/tokens', { ...ann, version: 'v3' });
    const withToken = async ({ json }: typeof made) =>
      (
        await ask('GET', '/user', {
          tenant: null,
          anonymous: true,
          headers: { 'authentication-token': String(json.value) },
        })
      ).status;
    assert.deepEqual([await withToken(made), await withToken(session)], [200, 200]);
    assert.equal(
      (await ask('POST', '/users/ann', { ...ann, body: { password: 'second password' } })).status,
      200,
    );
    assert.deepEqual([await withToken(made), await withToken(session)], [401, 401]);
  });
});
