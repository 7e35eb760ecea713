import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aWebBlueprint } from '../a-web-blueprint.js';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl, ask } = await aDocumentedServer({}, { worker: true });
const web = await aWebBlueprint(ask);

const ATTRIBUTES: Attributes = {
  blueprint_id: 'text',
  created_at: 'time',
  created_by: 'text',
  description: 'text?',
  groups: 'dict',
  id: 'text',
  inputs: 'dict',
  outputs: 'dict',
  policy_triggers: 'dict',
  policy_types: 'dict',
  tenant_name: 'text',
  updated_at: 'time?',
  workflows: 'list',
};

describe('deployments', () => {
  covers('Deployments: create', 'answers with the fields that were asked for', async () => {
    const body = { blueprint_id: 'web', inputs: { name: 'ann' } };
    const { json } = await curl('PUT /deployments/hello4?_include=id', { json: body });
    assert.deepEqual(json, { id: 'hello4' });
    const whole = await curl('PUT /deployments/whole', { json: body });
    assertTold(whole.json, ATTRIBUTES);
    assert.deepEqual(whole.json.inputs, { name: 'ann', size: 3 });
    const again = await curl('PUT /deployments/whole', { json: body });
    assert.deepEqual([again.status, again.json.error_code], [409, 'conflict_error']);
  });

  covers('Deployments: list', 'tells all of the tenant', async () => {
    const id = await web.deploy();
    const items = itemsOf(await curl('GET /deployments?_include=id'));
    assert.ok(items.some((item) => item.id === id));
    assert.ok(items.every((item) => Object.keys(item).join() === 'id'));
  });

  covers('Deployments: get', 'tells the one with this id, with its workflows', async () => {
    const id = await web.deploy();
    assert.deepEqual(itemsOf(await curl(`GET /deployments?id=${id}&_include=id`)), [{ id }]);
    const [whole] = itemsOf(await curl(`GET /deployments?id=${id}`));
    assertTold(whole, ATTRIBUTES);
    assert.ok((whole!.workflows as { name: string }[]).some(({ name }) => name === 'install'));
  });

  covers('Deployments: delete', 'answers with the fields that were asked for, and it is gone', async () => {
    const id = await web.deploy();
    assert.deepEqual((await curl(`DELETE /deployments/${id}?_include=id`)).json, { id });
    await settled(() => curl(`GET /deployments?id=${id}`));
  });

  covers('Deployments: delete with live instances', 'is refused unless they are to be ignored', async () => {
    const id = await web.deploy();
    await web.finish(id, 'install');
    const refused = await curl(`DELETE /deployments/${id}`);
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'dependent_exists_error']);
    const kept = await curl(`DELETE /deployments/${id}`, { json: { ignore_live_nodes: false } });
    assert.equal(kept.status, 400);
    const { json } = await curl(`DELETE /deployments/${id}`, { json: { ignore_live_nodes: true } });
    assertTold(json, ATTRIBUTES);
    assert.equal(json.id, id);
    await settled(() => curl(`GET /deployments?id=${id}`));
  });
});

/** The list has become empty. */
async function settled(list: () => ReturnType<typeof curl>): Promise<void> {
  while (itemsOf(await list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
