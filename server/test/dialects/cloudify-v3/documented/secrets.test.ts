import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer();

const ATTRIBUTES: Attributes = {
  key: 'text',
  created_at: 'time',
  updated_at: 'time',
  permission: 'text',
  tenant_name: 'text',
  created_by: 'text',
};

const create = (key: string, value: string) => curl(`PUT /secrets/${key}`, { json: { value } });

describe('secrets', () => {
  covers('Secrets: create', 'answers with the secret and its value', async () => {
    const { json } = await create('key1', 'value1');
    assertTold(json, { ...ATTRIBUTES, value: 'text' });
    assert.deepEqual(
      [json.key, json.value, json.tenant_name, json.created_by, json.created_at],
      ['key1', 'value1', 'default_tenant', 'admin', json.updated_at],
    );
    const again = await create('key1', 'other');
    assert.deepEqual([again.status, again.json.error_code], [409, 'conflict_error']);
  });

  covers('Secrets: get', 'tells the value', async () => {
    await create('read', 'what is kept');
    const { json } = await curl('GET /secrets/read');
    assertTold(json, { ...ATTRIBUTES, value: 'text' });
    assert.equal(json.value, 'what is kept');
  });

  covers('Secrets: list', 'tells everything but the values', async () => {
    await create('listed', 'a hidden word');
    const answer = await curl('GET /secrets');
    const items = itemsOf(answer);
    assert.ok(items.some(({ key }) => key === 'listed'));
    for (const item of items) {
      assertTold(item, ATTRIBUTES);
      assert.equal('value' in item, false);
    }
    assert.equal(answer.text.includes('a hidden word'), false);
  });

  covers('Secrets: update', 'tells the new value, and when it was changed', async () => {
    const created = await create('changed', 'before');
    const { json } = await curl('PATCH /secrets/changed', { json: { value: 'after' } });
    assertTold(json, { ...ATTRIBUTES, value: 'text' });
    assert.equal(json.value, 'after');
    assert.equal(json.created_at, created.json.created_at);
    assert.ok(String(json.updated_at) >= String(created.json.updated_at));
    assert.equal((await curl('GET /secrets/changed')).json.value, 'after');
  });

  covers('Secrets: delete', 'answers with the secret, and it is gone', async () => {
    await create('gone', 'value');
    const { json } = await curl('DELETE /secrets/gone', { json: null });
    assertTold(json, ATTRIBUTES);
    assert.equal(json.key, 'gone');
    const after = await curl('GET /secrets/gone');
    assert.deepEqual([after.status, after.json.error_code], [404, 'not_found_error']);
  });
});
