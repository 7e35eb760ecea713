/** Retry, skip and done, one by one, over HTTP: what a person does with an execution that has failed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf, type Found } from '../cloudify-v3/client.js';

const server = await aServer({ ORRERY_TASK_RETRIES: '0' }, { worker: true });
const ask = clientOf(server);
const native = (method: string, path: string, body?: object) =>
  ask(method, path, { root: '/orrery/v1', ...(body === undefined ? {} : { body }) });

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: fails.sh
        start: works.sh
  two:
    type: cloudify.nodes.Root
    relationships: [{ type: cloudify.relationships.depends_on, target: one }]
    interfaces: { cloudify.interfaces.lifecycle: { create: works.sh } }
`;
const archive = bytesOf({
  'blueprint.yaml': BLUEPRINT,
  'fails.sh': '#!/bin/sh\nexit 3\n',
  'works.sh': '#!/bin/sh\nexit 0\n',
});
assert.equal((await ask('PUT', '/blueprints/b', { body: new Uint8Array(archive) })).status, 201);

async function ended(id: string): Promise<Found> {
  for (;;) {
    const { json } = await ask('GET', `/executions/${id}`);
    if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An install whose first operation has failed, and the number of that. */
async function failed(deployment: string): Promise<{ id: string; task: number }> {
  await ask('PUT', `/deployments/${deployment}`, { body: { blueprint_id: 'b' } });
  const started = await ask('POST', '/executions', {
    body: { deployment_id: deployment, workflow_id: 'install' },
  });
  const id = String(started.json.id);
  assert.equal((await ended(id)).status, 'failed');
  const { items } = (await native('GET', `/executions/${id}/operations`)).json as unknown as {
    items: { task: number; state: string }[];
  };
  return { id, task: items.find((one) => one.state === 'failed')!.task };
}

describe('a decision about one operation', () => {
  test('skips it with a reason: the execution completes, and the operation tells who and why', async () => {
    const { id, task } = await failed('d1');
    const skipped = await native('POST', `/executions/${id}/operations/${task}/skip`, {
      reason: 'made by hand',
    });
    assert.deepEqual(
      [skipped.status, skipped.json.decided, skipped.json.undecided],
      [200, [task], []],
      skipped.text,
    );
    assert.equal((await ended(id)).status, 'terminated');
    const { items } = (await native('GET', `/executions/${id}/operations`)).json as unknown as {
      items: Record<string, unknown>[];
    };
    const shown = items.find((one) => one.task === task)!;
    assert.deepEqual([shown.state, shown.reason, shown.decidedBy], ['skipped', 'made by hand', 'admin']);
    assert.match(String(shown.decidedAt), /^\d{4}-\d\d-\d\dT/);
    const events = await ask('GET', `/events?execution_id=${id}&_size=200`);
    assert.match(events.text, /is skipped by admin: made by hand/);
    assert.equal((await ended(id)).error || null, null);
  });

  test('sends one back, or all of a node instance, and it runs once more', async () => {
    const { id, task } = await failed('d2');
    assert.equal((await native('POST', `/executions/${id}/operations/${task}/retry`, {})).status, 200);
    assert.equal((await ended(id)).status, 'failed', 'it fails as before');
    const items = async () =>
      (await native('GET', `/executions/${id}/operations`)).json.items as unknown as {
        task: number;
        attempt: number;
        instance: string;
      }[];
    const one = (await items()).find((operation) => operation.task === task)!;
    assert.equal(one.attempt, 2);
    const where = `/executions/${id}/node-instances/${one.instance}/retry`;
    assert.equal((await native('POST', where, { reason: 'again' })).status, 200);
    await ended(id);
    assert.equal((await items()).find((operation) => operation.task === task)!.attempt, 3);
  });

  test('only decides, where it is not to go on yet', async () => {
    const { id, task } = await failed('d3');
    const where = `/executions/${id}/operations/${task}`;
    const done = await native('POST', `${where}/done`, { reason: 'I looked', resume: false });
    assert.deepEqual([done.json.status, done.json.undecided], ['failed', []]);
    const again = await native('POST', `${where}/retry`, {});
    assert.deepEqual([again.status, again.json.type], [409, 'urn:orrery:operation-already-decided']);
    assert.match(String(again.json.detail), /admin has decided so \(I looked\)/);
    await ask('POST', `/executions/${id}`, { body: { action: 'resume' } });
    assert.equal((await ended(id)).status, 'terminated');
  });

  test('is refused with a problem that says what is wrong', async () => {
    const { id, task } = await failed('d4');
    const refused: [string, object, number, string][] = [
      [`/executions/${id}/operations/${task}/skip`, {}, 400, 'bad-request'],
      [`/executions/${id}/operations/${task}/skip`, { reason: '  ' }, 400, 'reason-missing'],
      [`/executions/${id}/operations/${task}/retry`, { resume: 'maybe' }, 400, 'bad-request'],
      [`/executions/${id}/operations/x/retry`, {}, 400, 'bad-request'],
      [`/executions/${id}/operations/999/retry`, {}, 400, 'unknown-operation'],
      [`/executions/${id}/node-instances/nobody/retry`, {}, 400, 'unknown-operation'],
      [`/executions/none/operations/0/retry`, {}, 404, 'not-found'],
    ];
    for (const [path, body, status, type] of refused) {
      const answer = await native('POST', path, body);
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.match(String(answer.json.type), new RegExp(`^urn:orrery:.*${type}`), answer.text);
    }
    const anonymous = await ask('POST', `/executions/${id}/operations/${task}/retry`, {
      root: '/orrery/v1',
      anonymous: true,
      body: {},
    });
    assert.equal(anonymous.status, 401);
  });
});
