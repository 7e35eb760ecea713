/** The grammar of all lists, and signing in. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { BLUEPRINT, bytesOf } from '../../../support/catalog.js';
import { aWebBlueprint } from '../a-web-blueprint.js';
import { aDocumentedServer } from './a-documented-server.js';
import { assertTold, itemsOf } from './told.js';

const { covers, curl, ask } = await aDocumentedServer({}, { worker: true });
const web = await aWebBlueprint(ask);
for (const id of ['my-blueprint-1', 'my-blueprint-2']) {
  const { status } = await curl(`PUT /blueprints/${id}`, { file: bytesOf({ 'blueprint.yaml': BLUEPRINT }) });
  assert.equal(status, 201);
}
for (const [id, blueprint] of [
  ['dep1', 'my-blueprint-1'],
  ['dep2', 'my-blueprint-2'],
  ['dep3', 'my-blueprint-1'],
  ['dep4', 'my-blueprint-2'],
]) {
  const made = await curl(`PUT /deployments/${id}`, { json: { blueprint_id: blueprint } });
  assert.equal(made.status, 201, made.text);
}

describe('what holds for every call', () => {
  covers('Basics: chosen fields', 'an answer holds these alone, and an unknown one is an error', async () => {
    const items = itemsOf(await curl('GET /blueprints?_include=id,created_at'));
    assert.equal(items.length, 3);
    for (const item of items) {
      assert.deepEqual(Object.keys(item).sort(), ['created_at', 'id']);
      assertTold(item, { id: 'text', created_at: 'time' });
    }
    const unknown = await curl('GET /blueprints?_include=id,nothing');
    assert.deepEqual([unknown.status, unknown.json.error_code], [400, 'no_such_include_field_error']);
  });

  covers('Basics: filter, several values', 'a repeated key means any of them', async () => {
    const answer = await curl('GET /blueprints?_include=id,created_at&id=my-blueprint-1&id=my-blueprint-2');
    const items = itemsOf(answer);
    assert.deepEqual(
      items.map(({ id }) => id),
      ['my-blueprint-1', 'my-blueprint-2'],
    );
    assert.equal(answer.json.metadata!.pagination!.total, 2);
    assert.deepEqual(
      itemsOf(await curl('GET /deployments?id=dep1&id=dep2&blueprint_id=my-blueprint-2'))[0]?.id,
      'dep2',
    );
    const unknown = await curl('GET /blueprints?nothing=x');
    assert.deepEqual([unknown.status, unknown.json.error_code], [400, 'bad_parameters_error']);
  });

  covers('Basics: sort by one field, descending', 'a minus sign turns the order', async () => {
    const items = itemsOf(await curl('GET /deployments?_include=id,blueprint_id&_sort=-id'));
    assert.deepEqual(
      items.map(({ id }) => id),
      ['dep4', 'dep3', 'dep2', 'dep1'],
    );
  });

  covers('Basics: sort by two fields', 'the second orders what the first holds equal', async () => {
    const items = itemsOf(
      await curl('GET /deployments?_include=id,blueprint_id&_sort=blueprint_id&_sort=-id'),
    );
    assert.deepEqual(
      items.map(({ id }) => id),
      ['dep3', 'dep1', 'dep4', 'dep2'],
    );
    assert.deepEqual(items[0], { id: 'dep3', blueprint_id: 'my-blueprint-1' });
  });

  covers('Basics: pages', 'a page leaves out the first ones, and the total tells of all', async () => {
    const id = (
      await curl('PUT /deployments/hello1', { json: { blueprint_id: 'web', inputs: { name: 'x' } } })
    ).json.id;
    await web.finish(String(id), 'install');
    const all = itemsOf(await curl('GET /events?_include=timestamp'));
    assert.ok(all.length > 5);
    const page = await curl('GET /events?_size=4&_offset=1&_include=timestamp');
    assert.deepEqual(itemsOf(page), all.slice(1, 5));
    assert.deepEqual(page.json.metadata!.pagination, { total: all.length, offset: 1, size: 4 });
    assertTold(all[0], { timestamp: 'time' });
  });

  covers('Basics: sign in by password', 'right ones change nothing, wrong ones are refused', async () => {
    assert.deepEqual((await curl('GET /status?_include=status')).json, { status: 'running' });
    for (const user of ['admin:wrong', 'nobody:first-password', null]) {
      const refused = await curl('GET /status?_include=status', { user });
      assert.deepEqual([refused.status, refused.json.error_code], [401, 'unauthorized_error']);
      assert.match(String(refused.json.message), /^User unauthorized/);
    }
  });

  covers('Basics: get a token by password', 'tells the role and the token', async () => {
    const { json } = await curl('GET /tokens');
    assertTold(json, { role: 'text', value: 'text' });
    assert.equal(json.role, 'admin');
  });

  covers('Basics: sign in by token', 'in the header Authentication-Token', async () => {
    const token = String((await curl('GET /tokens')).json.value);
    const signedIn = { user: null, headers: { 'Authentication-Token': token } };
    const items = itemsOf(await curl('GET /blueprints?_include=id', signedIn));
    assert.deepEqual(items.map(({ id }) => id).sort(), ['my-blueprint-1', 'my-blueprint-2', 'web']);
    const headers = { 'Authentication-Token': `${token}x` };
    const refused = await curl('GET /blueprints?_include=id', { user: null, headers });
    assert.deepEqual([refused.status, refused.json.error_code], [401, 'unauthorized_error']);
  });

  covers('Tokens: get', 'tells a token that signs in, with the role it stands for', async () => {
    const { json } = await curl('GET /tokens');
    assertTold(json, { role: 'text', value: 'text' });
    const headers = { 'Authentication-Token': String(json.value) };
    assert.equal((await curl('GET /users/admin', { user: null, headers })).json.username, 'admin');
  });
});
