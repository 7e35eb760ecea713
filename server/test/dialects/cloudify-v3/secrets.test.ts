import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { missing } from './a-web-blueprint.js';
import { clientOf } from './client.js';

const server = await aServer();
const ask = clientOf(server);

describe('secrets', () => {
  test('hold the attributes of the document, their value only when read one by one', async () => {
    const v3 = { version: 'v3' } as const;
    const made = await ask('PUT', '/secrets/key1', { ...v3, body: { value: 'value1' } });
    assert.equal(made.status, 200);
    const attributes = [
      'created_at',
      'key',
      'updated_at',
      'value',
      'permission',
      'tenant_name',
      'created_by',
    ];
    assert.deepEqual(missing(attributes, made.json), []);
    assert.deepEqual([made.json.value, made.json.permission], ['value1', 'tenant']);
    const listed = (await ask('GET', '/secrets', v3)).json.items?.[0];
    assert.deepEqual([listed?.key, 'value' in (listed ?? {})], ['key1', false]);
    assert.equal((await ask('PUT', '/secrets/key1', { body: { value: 'x' } })).status, 409);
    const again = await ask('PUT', '/secrets/key1', { body: { value: 'value2', update_if_exists: true } });
    assert.deepEqual([again.status, again.json.value], [200, 'value2']);
    assert.equal((await ask('PATCH', '/secrets/key1', { body: { value: 'value3' } })).json.value, 'value3');
    assert.equal((await ask('PATCH', '/secrets/key1', { body: {} })).json.error_code, 'illegal_action_error');
    assert.equal((await ask('GET', '/secrets/key1?_skip_value=true')).json.value, undefined);
    const removed = await ask('DELETE', '/secrets/key1', v3);
    assert.deepEqual([removed.status, removed.json.value], [200, 'value3']);
    assert.equal((await ask('GET', '/secrets/key1')).status, 404);
  });

  test('a hidden value is an empty text to others', async () => {
    await ask('PUT', '/secrets/hush', { body: { value: 'x', is_hidden_value: true } });
    await ask('PUT', '/users', { body: { username: 'eve', password: 'secret1' } });
    await ask('PUT', '/tenants/users', {
      body: { username: 'eve', tenant_name: 'default_tenant', role: 'user' },
    });
    const eve = { username: 'eve', password: 'secret1' };
    assert.equal((await ask('GET', '/secrets/hush', eve)).json.value, '');
    assert.equal((await ask('PATCH', '/secrets/hush', { ...eve, body: { value: 'y' } })).status, 403);
  });
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
