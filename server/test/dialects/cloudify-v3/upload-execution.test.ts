/** What the command line looks at while it waits for an upload: the blueprint's state, the upload's execution and its events. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { BLUEPRINT, bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from './client.js';

const server = await aServer();
const ask = clientOf(server);
const good = new Uint8Array(bytesOf({ 'blueprint.yaml': BLUEPRINT }));
const bad = new Uint8Array(bytesOf({ 'blueprint.yaml': 'tosca_definitions_version: nonsense\n' }));

async function ended(id: string): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/blueprints/${id}`);
    if (/uploaded|failed|invalid/.test(String(json.state))) return json;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('an asynchronous upload answers at once, with an execution that ends as the upload does', async () => {
  const put = await ask('PUT', '/blueprints/later?async_upload=true', { body: good });
  assert.equal(put.status, 201, put.text);
  assert.equal(put.json.upload_execution?.workflow_id, 'upload_blueprint');
  const blueprint = await ended('later');
  assert.equal(blueprint.state, 'uploaded');
  const id = String(blueprint.upload_execution?.id);
  const { json } = await ask('GET', `/executions/${id}`);
  assert.equal(json.status, 'terminated');
  assert.equal(json.is_system_workflow, true);
  assert.equal(json.deployment_id, null);
  assert.equal(json.parameters?.blueprint_id, 'later');
  assert.deepEqual(blueprint.upload_execution, json);
  const events = await ask('GET', `/events?execution_id=${id}&type=cloudify_event&_sort=reported_timestamp`);
  assert.deepEqual(
    Object.values(events.json.items!).map((event) => event.event_type),
    ['workflow_started', 'workflow_succeeded'],
  );
  const logs = await ask('GET', `/events?execution_id=${id}&type=cloudify_log`);
  assert.deepEqual(
    Object.values(logs.json.items!).map((log) => log.message),
    ['Blueprint later: extracting', 'Blueprint later: parsing'],
  );
});

test('uploads are system executions: told in lists to those who ask for them', async () => {
  await ask('PUT', '/blueprints/listed', { body: good });
  const total = async (query: string) =>
    Number(
      (await ask('GET', `/executions?workflow_id=upload_blueprint${query}`)).json.metadata?.pagination?.total,
    );
  assert.equal(await total(''), 0);
  assert.ok((await total('&_include_system_workflows=true')) > 0);
});

test('a failed upload fails its execution with the same words, and goes when it is uploaded again', async () => {
  const put = await ask('PUT', '/blueprints/broken?async_upload=true', { body: bad });
  assert.equal(put.status, 201);
  const blueprint = await ended('broken');
  assert.equal(blueprint.state, 'invalid');
  assert.ok(blueprint.error_traceback);
  const first = String(blueprint.upload_execution?.id);
  const { json } = await ask('GET', `/executions/${first}`);
  assert.equal(json.status, 'failed');
  assert.equal(json.error, blueprint.error);
  const { json: events } = await ask('GET', `/events?execution_id=${first}&event_type=workflow_failed`);
  assert.match(String(events.items?.[0]?.message), /failed: /);
  assert.equal((await ask('PUT', '/blueprints/broken', { body: good })).status, 201);
  assert.equal((await ask('GET', `/executions/${first}`)).status, 404);
  const again = String((await ask('GET', '/blueprints/broken')).json.upload_execution?.id);
  assert.equal((await ask('DELETE', '/blueprints/broken')).status, 204);
  assert.equal((await ask('GET', `/executions/${again}`)).status, 404);
});

test('nobody cancels, resumes or moves the execution of an upload', async () => {
  await ask('PUT', '/blueprints/fixed', { body: good });
  const id = String((await ask('GET', '/blueprints/fixed')).json.upload_execution?.id);
  for (const action of ['cancel', 'kill', 'resume', 'force-resume']) {
    const { status, json } = await ask('POST', `/executions/${id}`, { body: { action } });
    assert.deepEqual([status, json.error_code], [400, 'illegal_action_error'], action);
  }
  assert.equal((await ask('PATCH', `/executions/${id}`, { body: { status: 'started' } })).status, 400);
});

test('an upload whose process died fails its execution too', async () => {
  await ask('PUT', '/blueprints/dead', { body: good });
  await server.pool.query(
    "update blueprints set state = 'parsing', archive = null, alive_until = now() - interval '1 second' where id = 'dead'",
  );
  await server.pool.query(
    `update executions set status = 'started', ended_at = null
     where uid = (select upload_execution_uid from blueprints where id = 'dead')`,
  );
  assert.equal(await server.core.blueprintUploads.failDead(), 1);
  const { json } = await ask('GET', '/blueprints/dead');
  assert.equal(json.state, 'failed_parsing');
  assert.equal(json.upload_execution?.status, 'failed');
  assert.match(String(json.upload_execution?.error), /server was stopped/);
});
