/** What an update of a deployment does about plugins, as its clients ask for it. No worker is there: orders stay orders. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { pluginYaml } from '../../support/plugin-archives.js';
import { newName, pluginsOn } from './a-plugin.js';
import { clientOf } from './client.js';

const ask = clientOf(await aServer());
const { aPlugin, uploadBlueprint } = pluginsOn(ask);

const inline = (name: string, version: string) => `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
${pluginYaml({ plugin: 'cool', packageName: name, version })}
node_templates:
  thing: { type: cool.nodes.Thing }
`;

const installations = async (id: string) => (await ask('GET', `/plugins/${id}`)).json.installation_state;
const pending = (manager: string) => [{ manager, state: 'pending-install', error: null }];

/** A deployment of version 1.0 of a plugin of its own, and a blueprint of version 2.0, which is not uploaded yet. */
async function aDeployment() {
  const name = newName();
  const { id: old } = await aPlugin({ name, version: '1.0' });
  const before = await uploadBlueprint(inline(name, '1.0'));
  const after = await uploadBlueprint(inline(name, '2.0'));
  const id = newName();
  const created = await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: before.id } });
  assert.equal(created.status, 201, created.text);
  const update = (options: object = {}) =>
    ask('POST', `/deployment-updates/${id}/update/initiate`, {
      body: { blueprint_id: after.id, ...options },
    });
  return { name, old, update };
}

describe('the plugins of an update', () => {
  test('must be uploaded, before anything begins, unless they are not to be updated', async () => {
    const { name, update } = await aDeployment();
    for (const options of [{}, { preview: true }, { update_plugins: 'true' }]) {
      const { status, json } = await update(options);
      assert.deepEqual([status, json.error_code], [400, 'deployment_plugin_not_found']);
      assert.match(
        String(json.message),
        new RegExp(`${name}, version 2\\.0 is not installed.*update_plugins`),
      );
    }
    const { status, json, text } = await update({ update_plugins: false });
    assert.equal(status, 200, text);
    const execution = (await ask('GET', `/executions/${String(json.execution_id)}`)).json;
    assert.equal(execution.parameters!.update_plugins, false);
  });

  test('are ordered where those before them are installed, and nothing is ordered by a preview', async () => {
    const { name, old, update } = await aDeployment();
    const { id } = await aPlugin({ name, version: '2.0' });
    const elsewhere = ['one.example', 'two.example'];
    await ask('POST', `/plugins/${old}`, { body: { action: 'install', managers: elsewhere } });
    await ask('PUT', `/plugins/${id}`, { body: { manager: 'two.example', state: 'installed' } });
    assert.equal((await update({ preview: true })).status, 200);
    assert.deepEqual(await installations(id), [{ manager: 'two.example', state: 'installed', error: null }]);
    assert.equal((await update()).status, 200);
    assert.deepEqual(await installations(id), [
      ...pending('one.example'),
      { manager: 'two.example', state: 'installed', error: null },
    ]);
    assert.equal((await installations(old))!.length, 2, 'the old plugin stays: others may run from it');
  });

  test('are ordered on the machine that answers where none was installed', async () => {
    const { name, update } = await aDeployment();
    const { id } = await aPlugin({ name, version: '2.0' });
    assert.equal((await update()).status, 200);
    assert.deepEqual(await installations(id), pending(hostname()));
  });

  test('are left to the first operation that needs them where they are not to be updated', async () => {
    const { name, update } = await aDeployment();
    const { id } = await aPlugin({ name, version: '2.0' });
    assert.equal((await update({ update_plugins: 'false' })).status, 200);
    assert.deepEqual(await installations(id), []);
  });
});
