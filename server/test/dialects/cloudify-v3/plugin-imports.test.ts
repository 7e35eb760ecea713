import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { bundleOf, pluginYaml, wagonOf } from '../../support/plugin-archives.js';
import { body, importing, newName, pluginsOn } from './a-plugin.js';
import { type Answer, clientOf } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const { aPlugin, uploadBlueprint } = pluginsOn(ask);

describe('a blueprint that imports a plugin', () => {
  test('gets its types, and names it among what is to be installed', async () => {
    const { name } = await aPlugin();
    const { status, json } = await uploadBlueprint(importing(`plugin:${name}`));
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal(json.plan?.nodes?.[0]?.properties?.made_by, '1.0');
    const names = (key: string) =>
      (json.plan![key] as unknown as { package_name: string }[]).map((one) => one.package_name);
    assert.deepEqual(names('deployment_plugins_to_install'), [name]);
    assert.deepEqual(names('host_agent_plugins_to_install'), []);
    assert.equal(json.plan?.nodes?.[0]?.plugins?.[0]?.package_version, '1.0');
  });

  test('gets the newest that fits', async () => {
    const name = newName();
    for (const version of ['1.9', '1.10', '2.0', '3.0rc1']) await aPlugin({ name, version });
    for (const [wanted, version] of [
      ['?version=>=1.0,<2', '1.10'],
      ['?version=%3E%3D1.0%2C%3C2', '1.10'],
      ['?version=1.9', '1.9'],
      ['?version=>=1', '2.0'],
      ['?version=~=1.9', '1.10'],
    ] as const) {
      const { json } = await uploadBlueprint(importing(`plugin:${name}${wanted}`));
      assert.equal(json.plan?.nodes?.[0]?.properties?.made_by, version, wanted);
    }
  });

  for (const [wanted, message] of [
    ['?version=>=7', /Plugin \S+ with version >=7 not found \(uploaded: 1\.0\)/],
    ['?distribution=ubuntu', /Plugin \S+ with distribution ubuntu not found/],
    ['-absent', /Plugin \S+-absent not found \(none of that name was uploaded\)/],
    ['?color=red', /unknown parameter 'color'/],
    ['?version=new', /with version new not found/],
    ['?version=>=', /not understood/],
  ] as const) {
    test(`is refused with its place when it asks for ${wanted}`, async () => {
      const { name } = await aPlugin();
      const { status, json } = await uploadBlueprint(importing(`plugin:${name}${wanted}`));
      assert.equal(status, 400);
      assert.equal(json.error_code, 'invalid_blueprint_error');
      assert.match(String(json.message), /blueprint\.yaml:2:\d+/);
      assert.match(String(json.message), message);
    });
  }

  test('gets the YAML of its own version of the language, and properties', async () => {
    const name = newName();
    const yamlOf = (word: string) =>
      pluginYaml({ plugin: 'cool', packageName: name, version: '1.0' }).replace(
        "made_by: { default: '1.0' }",
        `made_by: { default: ${word} }`,
      );
    await aPlugin({ name, yamls: { 'plugin.yaml': yamlOf('all'), 'plugin_1_5.yaml': yamlOf('five') } });
    for (const [version, word] of [
      ['cloudify_dsl_1_4', 'all'],
      ['cloudify_dsl_1_5', 'five'],
    ] as const) {
      const { json } = await uploadBlueprint(importing(`plugin:${name}`, version));
      assert.equal(json.plan?.nodes?.[0]?.properties?.made_by, word);
    }
  });

  test('may put it under a namespace, and fill its properties', async () => {
    const name = newName();
    const yaml = `plugins:
  cool:
    executor: central_deployment_agent
    package_name: ${name}
    package_version: '1.0'
    properties: { region: { type: string } }
node_types:
  cool.nodes.Thing:
    interfaces: { cloudify.interfaces.lifecycle: { create: cool.tasks.create } }
`;
    await aPlugin({ name, yamls: { 'plugin.yaml': yaml } });
    const { status, json } = await uploadBlueprint(`tosca_definitions_version: cloudify_dsl_1_5
imports:
  - cloudify/types/types.yaml
  - 'ns--plugin:${name}?version=>=1': { region: eu }
node_templates:
  thing: { type: ns--cool.nodes.Thing }
`);
    assert.equal(status, 201, JSON.stringify(json));
    const plugin = json.plan!.deployment_plugins_to_install![0]!;
    assert.deepEqual([plugin.name, plugin.package_name], ['ns--cool', name]);
    assert.deepEqual(plugin.properties, { region: { type: 'string', value: 'eu' } });
  });

  test('is validated with it, too', async () => {
    const { name } = await aPlugin();
    const validate = (plugin: string) =>
      ask('PUT', '/blueprints/never/validate', {
        body: body(bytesOf({ 'blueprint.yaml': importing(plugin) })),
      });
    assert.equal((await validate(`plugin:${name}`)).status, 204);
    assert.equal((await validate(`plugin:${name}?version=2`)).json.error_code, 'invalid_blueprint_error');
  });

  test('gets the labels that the plugin has by now, not those it came with', async () => {
    const more = 'labels: { env: { values: [old] } }\nblueprint_labels: { kind: { values: [cool] } }\n';
    const { id, name } = await aPlugin({ more });
    const labelsOf = (answer: Answer) => answer.json.plan?.labels;
    assert.deepEqual(labelsOf(await uploadBlueprint(importing(`plugin:${name}`))), {
      env: { values: ['old'] },
    });
    await ask('PATCH', `/plugins/${id}`, { body: { labels: { env: ['new'] } } });
    const changed = await uploadBlueprint(importing(`plugin:${name}`));
    assert.deepEqual(labelsOf(changed), { env: { values: ['new'] } });
    assert.deepEqual(changed.json.plan?.blueprint_labels, { kind: { values: ['cool'] } });
  });

  test('finds global ones of other tenants, and no private one of another user', async () => {
    const name = newName();
    await ask('POST', '/tenants/makers', { tenant: null });
    const bundle = bundleOf(wagonOf({ name, version: '1' }), {
      'plugin.yaml': pluginYaml({ plugin: 'cool', packageName: name, version: '1' }),
    });
    const made = await ask('POST', '/plugins', { tenant: 'makers', body: body(bundle) });
    assert.equal((await uploadBlueprint(importing(`plugin:${name}`))).status, 400);
    await ask('PATCH', `/plugins/${made.json.id}/set-visibility`, {
      tenant: 'makers',
      body: { visibility: 'global' },
    });
    assert.equal((await uploadBlueprint(importing(`plugin:${name}`))).status, 201);
    const removal = await ask('DELETE', `/plugins/${made.json.id}`, { tenant: 'makers' });
    assert.equal(removal.status, 405);
    assert.doesNotMatch(removal.text, /bp-/);
  });
});
