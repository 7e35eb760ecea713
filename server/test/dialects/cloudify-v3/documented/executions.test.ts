import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { bytesOf } from '../../../support/catalog.js';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer({}, { worker: true });

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  vm:
    type: cloudify.nodes.Root
    interfaces:
      waiting:
        long: wait.sh
`;
const uploaded = await curl('PUT /blueprints/hello', {
  file: bytesOf({ 'blueprint.yaml': BLUEPRINT, 'wait.sh': '#!/bin/sh\nexec sleep 600\n' }),
});
assert.equal(uploaded.status, 201, uploaded.text);

const ATTRIBUTES: Attributes = {
  blueprint_id: 'text',
  created_at: 'time',
  created_by: 'text',
  deployment_id: 'text',
  error: 'text?',
  id: 'text',
  is_system_workflow: 'flag',
  parameters: 'dict',
  status: 'text',
  tenant_name: 'text',
  workflow_id: 'text',
};

let count = 0;
async function deploy(): Promise<string> {
  count += 1;
  const { status, text } = await curl(`PUT /deployments/dep${count}`, { json: { blueprint_id: 'hello' } });
  assert.equal(status, 201, text);
  return `dep${count}`;
}

async function start(deployment: string, workflow: string, more: object = {}) {
  return curl('POST /executions', { json: { deployment_id: deployment, workflow_id: workflow, ...more } });
}

const WAIT = { parameters: { operation: 'waiting.long' } };

async function until(id: unknown, ...states: string[]): Promise<string> {
  for (;;) {
    const { json } = await curl(`GET /executions/${String(id)}?_include=status`);
    if (states.includes(String(json.status))) return String(json.status);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const ended = (id: unknown) => until(id, 'terminated', 'failed', 'cancelled');

describe('executions', () => {
  covers('Executions: start', 'answers with the fields that were asked for, and it runs', async () => {
    const deployment = await deploy();
    const body = { deployment_id: deployment, workflow_id: 'install' };
    const { json } = await curl('POST /executions?_include=id', { json: body });
    assert.deepEqual(Object.keys(json), ['id']);
    assert.equal(await ended(json.id), 'terminated');
    const whole = await start(deployment, 'uninstall');
    assert.equal(whole.status, 201);
    assertTold(whole.json, ATTRIBUTES);
    assert.deepEqual(
      [whole.json.blueprint_id, whole.json.deployment_id, whole.json.workflow_id, whole.json.created_by],
      ['hello', deployment, 'uninstall', 'admin'],
    );
    await ended(whole.json.id);
  });

  covers('Executions: start with parameters', 'custom ones are taken when they are allowed', async () => {
    const deployment = await deploy();
    const parameters = { mine: { a: [1, null] } };
    const refused = await start(deployment, 'install', { parameters });
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'illegal_execution_parameters_error']);
    const { json } = await start(deployment, 'install', { parameters, allow_custom_parameters: true });
    assert.deepEqual(json.parameters!.mine, parameters.mine);
    assert.equal(await ended(json.id), 'terminated');
  });

  covers('Executions: start beside another', 'is refused unless it is forced', async () => {
    const deployment = await deploy();
    const first = await start(deployment, 'execute_operation', WAIT);
    assert.equal(first.status, 201, first.text);
    const refused = await start(deployment, 'install');
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'existing_running_execution_error']);
    const forced = await start(deployment, 'install', { force: true });
    assert.equal(await ended(forced.json.id), 'terminated');
    await curl(`POST /executions/${first.json.id}`, { json: { action: 'force-cancel' } });
    await ended(first.json.id);
  });

  covers('Executions: list', 'needs somebody who is signed in, and tells all of the tenant', async () => {
    const { json } = await start(await deploy(), 'install');
    const stranger = await curl('GET /executions?_include=id', { user: null, tenant: null });
    assert.deepEqual([stranger.status, stranger.json.error_code], [401, 'unauthorized_error']);
    const items = itemsOf(await curl('GET /executions?_include=id'));
    assert.ok(items.some(({ id }) => id === String(json.id)));
    for (const item of itemsOf(await curl('GET /executions'))) assertTold(item, ATTRIBUTES);
    await ended(json.id);
  });

  covers('Executions: get', 'tells one by its id', async () => {
    const started = await start(await deploy(), 'install');
    const id = String(started.json.id);
    assert.deepEqual((await curl(`GET /executions/${id}?_include=id`)).json, { id });
    assertTold((await curl(`GET /executions/${id}`)).json, ATTRIBUTES);
    await ended(id);
    const { json } = await curl(`GET /executions/${id}`);
    assert.deepEqual([json.status, json.error], ['terminated', '']);
    const other = await curl('GET /executions/00000000-0000-4000-8000-000000000000');
    assert.deepEqual([other.status, other.json.error_code], [404, 'not_found_error']);
  });

  covers('Executions: cancel', 'it stops, and what was running with it', async () => {
    const deployment = await deploy();
    const { json } = await start(deployment, 'execute_operation', WAIT);
    await until(json.id, 'started');
    const body = { deployment_id: deployment, action: 'cancel' };
    const cancelled = await curl(`POST /executions/${json.id}?_include=id`, { json: body });
    assert.deepEqual(cancelled.json, { id: json.id });
    assert.ok(['cancelling', 'cancelled'].includes(await until(json.id, 'cancelling', 'cancelled')));
    await curl(`POST /executions/${json.id}`, { json: { ...body, action: 'force-cancel' } });
    assert.equal(await ended(json.id), 'cancelled');
  });

  covers('Executions: cancel by force', 'ends what would not stop', async () => {
    const deployment = await deploy();
    const { json } = await start(deployment, 'execute_operation', WAIT);
    await until(json.id, 'started');
    const body = { deployment_id: deployment, action: 'force-cancel' };
    const cancelled = await curl(`POST /executions/${json.id}`, { json: body });
    assertTold(cancelled.json, ATTRIBUTES);
    assert.equal(await ended(json.id), 'cancelled');
    const odd = await curl(`POST /executions/${json.id}`, { json: { ...body, action: 'nothing' } });
    assert.deepEqual([odd.status, odd.json.error_code], [400, 'bad_parameters_error']);
  });

  covers('Executions: update', 'to the state that it has, and not out of its end', async () => {
    const { json } = await start(await deploy(), 'execute_operation', WAIT);
    const id = String(json.id);
    await until(id, 'started');
    const { json: told } = await curl(`PATCH /executions/${id}?_include=id`, {
      json: { status: 'cancelled' },
    });
    assert.deepEqual(told, { id });
    assert.equal(await ended(id), 'cancelled');
    const back = await curl(`PATCH /executions/${id}`, { json: { status: 'started' } });
    assert.deepEqual([back.status, back.json.error_code], [400, 'invalid_exception_status_update']);
  });
});
