import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aWebBlueprint } from '../a-web-blueprint.js';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl, ask } = await aDocumentedServer();
const web = await aWebBlueprint(ask);
const deployment = await web.deploy();

const INSTANCE: Attributes = {
  created_by: 'text',
  deployment_id: 'text',
  host_id: 'text?',
  id: 'text',
  relationships: 'list',
  runtime_properties: 'dict',
  state: 'text',
  tenant_name: 'text',
  version: 'whole',
};

async function anInstance(): Promise<string> {
  const [first] = itemsOf(await curl(`GET /node-instances?deployment_id=${deployment}&node_id=app`));
  return String(first!.id);
}

describe('nodes', () => {
  covers('Nodes: list', 'tells what the blueprint describes', async () => {
    const ids = itemsOf(await curl('GET /nodes?_include=id')).map(({ id }) => id);
    assert.deepEqual(ids.sort(), ['app', 'host']);
    const [app] = itemsOf(await curl(`GET /nodes?deployment_id=${deployment}&id=app`));
    assertTold(app, {
      blueprint_id: 'text',
      deploy_number_of_instances: 'whole',
      deployment_id: 'text',
      host_id: 'text?',
      id: 'text',
      max_number_of_instances: 'whole',
      min_number_of_instances: 'whole',
      number_of_instances: 'whole',
      operations: 'dict',
      planned_number_of_instances: 'whole',
      plugins_to_install: 'list',
      plugins: 'list',
      properties: 'dict',
      relationships: 'list',
      tenant_name: 'text',
      type_hierarchy: 'list',
      type: 'text',
    });
    assert.deepEqual(
      [app!.host_id, app!.type, app!.number_of_instances, app!.deploy_number_of_instances],
      ['host', 'cloudify.nodes.WebServer', 2, 2],
    );
    assert.deepEqual(app!.type_hierarchy, [
      'cloudify.nodes.Root',
      'cloudify.nodes.SoftwareComponent',
      'cloudify.nodes.WebServer',
    ]);
  });
});

describe('node instances', () => {
  covers('Node instances: list', 'tells each with its attributes', async () => {
    const chosen = itemsOf(await curl('GET /node-instances?_include=id'));
    assert.equal(chosen.length, 3);
    for (const item of itemsOf(await curl('GET /node-instances'))) assertTold(item, INSTANCE);
  });

  covers('Node instances: get', 'tells one by its id', async () => {
    const id = await anInstance();
    assert.deepEqual((await curl(`GET /node-instances/${id}?_include=id`)).json, { id });
    const { json } = await curl(`GET /node-instances/${id}`);
    assertTold(json, INSTANCE);
    assert.match(String(json.host_id), /^host_/);
    const other = await curl('GET /node-instances/nothing_abcdef');
    assert.deepEqual([other.status, other.json.error_code], [404, 'not_found_error']);
  });

  covers(
    'Node instances: update',
    'replaces the properties; who read an older version is refused',
    async () => {
      const id = await anInstance();
      const { version } = (await curl(`GET /node-instances/${id}`)).json;
      const change = (body: object) =>
        curl(`PATCH /node-instances/${id}?_include=id,runtime_properties`, { json: body });
      const { json } = await change({ version, runtime_properties: { key: 'value' } });
      assert.deepEqual(json, { id, runtime_properties: { key: 'value' } });
      const late = await change({ version: 0, runtime_properties: { key: 'late' } });
      assert.deepEqual([late.status, late.json.error_code], [409, 'conflict_error']);
      const told = (await curl(`GET /node-instances/${id}`)).json;
      assert.deepEqual(told.runtime_properties, { key: 'value' });
      assert.equal(told.version, Number(version) + 1);
    },
  );

  covers('Node instances: update the state', 'and nothing else changes', async () => {
    const id = await anInstance();
    const before = (await curl(`GET /node-instances/${id}`)).json;
    const { json } = await curl(`PATCH /node-instances/${id}`, {
      json: { version: before.version, state: 'started' },
    });
    assertTold(json, INSTANCE);
    assert.deepEqual(json, { ...before, version: Number(before.version) + 1, state: 'started' });
  });
});
