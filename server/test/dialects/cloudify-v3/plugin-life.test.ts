import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { pluginYaml, wagonOf } from '../../support/plugin-archives.js';
import { body, importing, newName, pluginsOn } from './a-plugin.js';
import { clientOf } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { uploaded, aPlugin, uploadBlueprint } = pluginsOn(ask);

describe('a plugin that is there', () => {
  test('is downloaded byte for byte, alone and with all it came in', async () => {
    const { id, wagon, bundle } = await aPlugin();
    const alone = await ask('GET', `/plugins/${id}/archive`);
    assert.ok(alone.bytes.equals(wagon.bytes));
    assert.equal(alone.headers.get('content-disposition'), `attachment; filename="${wagon.archiveName}"`);
    const whole = await ask('GET', `/plugins/${id}/archive?full_archive=true`);
    assert.ok(whole.bytes.equals(bundle));
    assert.match(whole.headers.get('content-disposition')!, /-py3-none-any\.zip"$/);
    const bare = await uploaded(wagonOf({ name: newName(), version: '1' }).bytes);
    const [part, full] = await Promise.all(
      ['', '?full_archive=True'].map((query) => ask('GET', `/plugins/${bare}/archive${query}`)),
    );
    assert.ok(part!.bytes.equals(full!.bytes));
  });

  test('of many megabytes passes through as it is', async () => {
    const wheels = [{ filename: 'big.whl', bytes: Buffer.alloc(6_000_000).map((_, i) => (i * 7919) >> 3) }];
    const { id, wagon } = await aPlugin({
      wheels: wheels.map((one) => ({ ...one, bytes: Buffer.from(one.bytes) })),
    });
    assert.ok((await ask('GET', `/plugins/${id}/archive`)).bytes.equals(wagon.bytes));
  });

  test('is told in the document’s forms', async () => {
    const { id } = await aPlugin();
    const one = await ask('GET', `/plugins/${id}?_include=id`, { version: 'v3' });
    assert.deepEqual(one.json, { id });
    const { json } = await ask('GET', '/plugins?_include=id&_size=2', { version: 'v3' });
    assert.equal((json.items as unknown as object[]).length, 2);
    assert.deepEqual(Object.keys(json.metadata!.pagination!), ['total', 'offset', 'size']);
    const none = await ask('GET', '/plugins/none');
    assert.equal(none.status, 404);
    assert.equal(none.json.error_code, 'not_found_error');
  });

  test('is found by its package and version', async () => {
    const { id, name } = await aPlugin({ version: '3.1' });
    const ids = async (query: string) =>
      ((await ask('GET', `/plugins?${query}`)).json.items as unknown as { id: string }[]).map(
        (one) => one.id,
      );
    assert.deepEqual(await ids(`package_name=${name}&package_version=3.1`), [id]);
    assert.deepEqual(await ids(`package_name=${name}&package_version=3.2`), []);
    assert.deepEqual(await ids(`_search=${name.toUpperCase()}`), [id]);
    assert.equal((await ask('GET', '/plugins?color=red')).status, 400);
  });

  test('tells the YAML for each version of the language', async () => {
    const name = newName();
    const yamlOf = (word: string) => `description: ${word}\n`;
    const { id } = await aPlugin({
      name,
      yamls: {
        'plugin.yaml': yamlOf('all'),
        'plugin_1_4.yaml': yamlOf('four'),
        'v2_plugin_1_5.yaml': yamlOf('five'),
      },
    });
    for (const [query, word] of [
      ['', 'all'],
      ['?dsl_version=1_3', 'all'],
      ['?dsl_version=1_4', 'four'],
      ['?dsl_version=cloudify_dsl_1_5', 'five'],
      ['?dsl_version=1_6', 'five'],
    ] as const) {
      const { status, text, headers } = await ask('GET', `/plugins/${id}/yaml${query}`);
      assert.equal(status, 200);
      assert.equal(text, yamlOf(word), query);
      assert.match(headers.get('content-type')!, /^text\/yaml/);
    }
    assert.equal((await ask('GET', `/plugins/${id}/yaml?dsl_version=latest`)).status, 400);
    const { json } = await ask('GET', `/plugins/${id}`);
    assert.equal(json.yaml_url_path, `plugin:${name}?version=1.0`);
    assert.deepEqual(json.yaml_files_paths, [
      `plugins/${id}/plugin.yaml`,
      `plugins/${id}/plugin_1_4.yaml`,
      `plugins/${id}/v2_plugin_1_5.yaml`,
    ]);
  });

  test('without a YAML says so', async () => {
    const id = await uploaded(wagonOf({ name: newName(), version: '1' }).bytes);
    const { status, json } = await ask('GET', `/plugins/${id}/yaml?dsl_version=1_4`);
    assert.equal(status, 404);
    assert.equal(json.error_code, 'not_found_error');
    assert.match(String(json.message), /without a YAML file for cloudify_dsl_1_4/);
  });

  test('can be given another title, owner, labels and tags', async () => {
    const { id } = await aPlugin();
    const { status, json } = await ask('PATCH', `/plugins/${id}`, {
      body: {
        title: 'Better',
        creator: 'admin',
        labels: { env: ['a', 'b'] },
        blueprint_labels: { kind: { values: ['x'] } },
        resource_tags: { cost: '1' },
      },
    });
    assert.equal(status, 200, JSON.stringify(json));
    const { title, labels, blueprint_labels, resource_tags } = json;
    assert.deepEqual(
      { title, labels, blueprint_labels, resource_tags },
      {
        title: 'Better',
        labels: { env: { values: ['a', 'b'] } },
        blueprint_labels: { kind: { values: ['x'] } },
        resource_tags: { cost: '1' },
      },
    );
    for (const [wrong, status] of [
      [{ color: 'red' }, 400],
      [{ labels: { env: 1 } }, 400],
      [{ resource_tags: { a: 1 } }, 400],
      [{ creator: 'nobody' }, 404],
    ] as const) {
      assert.equal(
        (await ask('PATCH', `/plugins/${id}`, { body: wrong })).status,
        status,
        JSON.stringify(wrong),
      );
    }
  });

  test('becomes visible to all, once, unless another tenant has the same archive', async () => {
    const { id, name } = await aPlugin();
    await ask('POST', '/tenants/elsewhere', { tenant: null });
    const there = await ask('POST', '/plugins', {
      tenant: 'elsewhere',
      body: body(wagonOf({ name, version: '1.0' }).bytes),
    });
    assert.equal(there.status, 201);
    const widen = (visibility: string) =>
      ask('PATCH', `/plugins/${id}/set-visibility`, { body: { visibility } });
    assert.equal((await widen('global')).status, 409);
    await ask('DELETE', `/plugins/${there.json.id}`, { tenant: 'elsewhere' });
    assert.equal((await widen('tenant')).json.error_code, 'illegal_action_error');
    assert.equal((await widen('global')).json.visibility, 'global');
    assert.equal((await widen('global')).json.error_code, 'illegal_action_error');

    const seen = await ask('GET', `/plugins/${id}`, { tenant: 'elsewhere' });
    assert.equal(seen.json.tenant_name, 'default_tenant');
    const again = await ask('POST', '/plugins', {
      tenant: 'elsewhere',
      body: body(wagonOf({ name, version: '1.0' }).bytes),
    });
    assert.equal(again.status, 409);
    const removal = await ask('DELETE', `/plugins/${id}`, { tenant: 'elsewhere', body: { force: true } });
    assert.equal(removal.json.error_code, 'illegal_action_error');
  });

  test('notes where it is installed', async () => {
    const { id } = await aPlugin();
    const states = async () =>
      (await ask('GET', `/plugins/${id}?_include=installation_state`)).json.installation_state;
    const install = await ask('POST', `/plugins/${id}`, {
      body: { action: 'install', managers: ['m1'], agents: ['a1'] },
    });
    assert.equal(install.status, 200, install.text);
    assert.deepEqual(await states(), [
      { manager: 'm1', state: 'pending-install', error: null },
      { agent: 'a1', state: 'pending-install', error: null },
    ]);
    const put = (report: object) => ask('PUT', `/plugins/${id}`, { body: report });
    assert.equal((await put({ state: 'installed', manager: 'm1' })).status, 200);
    assert.equal((await put({ state: 'error', agent_name: 'a1', error: 'no pip' })).status, 200);
    assert.deepEqual(await states(), [
      { manager: 'm1', state: 'installed', error: null },
      { agent: 'a1', state: 'error', error: 'no pip' },
    ]);
    assert.equal((await put({ state: 'installed' })).status, 409);
    assert.equal((await put({ state: 'installed', agent: 'a', manager: 'm' })).status, 409);
    assert.equal((await put({ state: 'broken', manager: 'm1' })).json.error_code, 'bad_parameters_error');
    const unknown = await ask('POST', `/plugins/${id}`, { body: { action: 'dance' } });
    assert.deepEqual([unknown.status, unknown.json.error_code], [400, 'unknown_action']);
  });
});

describe('deleting a plugin', () => {
  test('tells under v3 what it was, and nothing under v3.1', async () => {
    const { id, name } = await aPlugin();
    const { status, json } = await ask('DELETE', `/plugins/${id}`, { version: 'v3', body: { force: false } });
    assert.deepEqual([status, json.id, json.package_name], [200, id, name]);
    assert.equal((await ask('GET', `/plugins/${id}`)).status, 404);
    const other = await aPlugin();
    const second = await ask('DELETE', `/plugins/${other.id}`);
    assert.deepEqual([second.status, second.text], [204, '']);
    assert.equal((await ask('DELETE', `/plugins/${other.id}`)).status, 404);
  });

  test('is refused while a blueprint needs it, by import or by name, and not by force', async () => {
    const { id, name } = await aPlugin();
    const by = await uploadBlueprint(importing(`plugin:${name}`));
    const refusal = await ask('DELETE', `/plugins/${id}`, { body: { force: false } });
    assert.deepEqual([refusal.status, refusal.json.error_code], [405, 'plugin_in_use']);
    assert.match(refusal.text, new RegExp(by.id));
    await ask('DELETE', `/blueprints/${by.id}`);

    const inline = await uploadBlueprint(`tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
${pluginYaml({ plugin: 'cool', packageName: name, version: '1.0' })}
node_templates:
  thing: { type: cool.nodes.Thing }
`);
    assert.equal(inline.status, 201, inline.text);
    assert.equal((await ask('DELETE', `/plugins/${id}`)).status, 405);
    assert.equal((await ask('DELETE', `/plugins/${id}`, { body: { force: true } })).status, 204);
    assert.equal((await ask('GET', `/blueprints/${inline.id}`)).status, 200);
  });
});

describe('a deployment whose plugin was not uploaded', () => {
  const inline = (name: string, more = '') => `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
${pluginYaml({ plugin: 'cool', packageName: name, version: '1.0' }).replace('    package_name', `${more}    package_name`)}
node_templates:
  thing: { type: cool.nodes.Thing }
`;
  const create = (blueprint: string, body: object = {}) =>
    ask('PUT', `/deployments/${newName()}`, { body: { blueprint_id: blueprint, ...body } });

  test('is refused by name and version, unless that is not to be looked at', async () => {
    const name = newName();
    const { id } = await uploadBlueprint(inline(name));
    const { status, json } = await create(id);
    assert.deepEqual([status, json.error_code], [400, 'deployment_plugin_not_found']);
    assert.match(String(json.message), new RegExp(`${name}, version 1\\.0 is not installed`));
    assert.equal((await create(id, { skip_plugins_validation: true })).status, 201);
    await aPlugin({ name, version: '2.0' });
    assert.equal((await create(id)).status, 400);
    await aPlugin({ name });
    assert.equal((await create(id)).status, 201);
  });

  test('is not refused for one that needs no installation, or has a source of its own', async () => {
    for (const more of ['    install: false\n', '    source: cool.zip\n']) {
      const { id } = await uploadBlueprint(inline(newName(), more));
      assert.equal((await create(id)).status, 201, more);
    }
  });

  test('is refused when only another user’s private plugin would do', async () => {
    const name = newName();
    const secretive = { username: `secretive-${name}`, password: 'a long enough password' };
    await ask('PUT', '/users', { body: { ...secretive, role: 'default' }, tenant: null });
    const member = { username: secretive.username, tenant_name: 'default_tenant', role: 'user' };
    assert.equal((await ask('PUT', '/tenants/users', { body: member, tenant: null })).status, 200);
    const wagon = wagonOf({ name, version: '1.0' });
    const mine = await ask('POST', '/plugins?visibility=private', { body: body(wagon.bytes) });
    assert.equal(mine.json.private_resource, true);
    const { id } = await uploadBlueprint(inline(name));
    const theirs = { body: { blueprint_id: id }, ...secretive };
    const refused = await ask('PUT', `/deployments/${newName()}`, theirs);
    assert.equal(refused.json.error_code, 'deployment_plugin_not_found');
    assert.equal((await ask('GET', `/plugins/${mine.json.id}`, secretive)).status, 404);
    assert.equal((await create(id)).status, 201);
  });
});
