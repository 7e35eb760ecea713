/** `uninstall` with `recursive` as Cloudify's clients ask for it, of an environment that services depend on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from './client.js';

const server = await aServer({}, { worker: true });
const ask = clientOf(server);

const ENVIRONMENT = `tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
node_templates: { net: { type: cloudify.nodes.Root } }
capabilities: { network: { value: 10.0.0.0/8 } }
`;
const SERVICE = `tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml]
node_templates:
  app:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: say.sh, inputs: { network: { get_capability: [env, network] } } }
        delete: say.sh
`;

async function upload(id: string, text: string): Promise<void> {
  const files = { 'blueprint.yaml': text, 'say.sh': '#!/bin/sh\nexit 0\n' };
  const answer = await ask('PUT', `/blueprints/${id}`, { body: new Uint8Array(bytesOf(files)) });
  assert.equal(answer.status, 201, answer.text);
}

async function ended(id: string): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${id}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const start = (deployment: string, workflow: string, parameters = {}) =>
  ask('POST', '/executions', { body: { deployment_id: deployment, workflow_id: workflow, parameters } });

test('an environment goes with the services that stand on it, which alone would keep it', async () => {
  await upload('environment', ENVIRONMENT);
  await upload('service', SERVICE);
  await ask('PUT', '/deployments/env', { body: { blueprint_id: 'environment' } });
  assert.equal((await ended(String((await start('env', 'install')).json.id))).status, 'terminated');
  for (const id of ['one', 'two']) {
    const labels = [{ 'csys-obj-parent': 'env' }];
    const made = await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: 'service', labels } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await ended(String((await start(id, 'install')).json.id))).status, 'terminated');
  }

  const alone = await start('env', 'uninstall');
  assert.equal(alone.status, 400, alone.text);
  assert.match(alone.text, /others depend on it/);

  const refused = await start('env', 'uninstall', { recursive: 'perhaps' });
  assert.equal(refused.status, 400, refused.text);

  const { json } = await start('env', 'uninstall', { recursive: true });
  const end = await ended(String(json.id));
  assert.equal(end.status, 'terminated', String(end.error));
  const runs = (await ask('GET', '/executions?workflow_id=uninstall&_sort=ended_at')).json
    .items as unknown as {
    deployment_id: string;
    status: string;
  }[];
  assert.deepEqual(runs.map(({ deployment_id, status }) => `${deployment_id} ${status}`).sort(), [
    'env terminated',
    'one terminated',
    'two terminated',
  ]);
  assert.equal(runs.at(-1)?.deployment_id, 'env', 'the last to end');
  const { items } = (await ask('GET', '/node-instances')).json as unknown as { items: { state: string }[] };
  assert.ok(items.every(({ state }) => state === 'deleted'));
});
