/** A server that is killed while deployments inside each other are uninstalled goes on, from the innermost out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  aFolder,
  aRealServer,
  eventually,
  type RealServer,
  Witness,
  witnessedBlueprint,
} from '../support/a-real-server.js';

interface Item {
  readonly id: string;
  readonly status: string;
  readonly state: string;
  readonly error: string;
  readonly deployment_id: string;
}

/** Each in the one before it. */
const NESTED = ['house', 'floor', 'room'] as const;

test('a recursive uninstall ends whatever dies: every deployment once, nothing that was done a second time', {
  timeout: 600_000,
}, async () => {
  const folder = aFolder();
  const witness = new Witness(folder);
  const data = `${folder}/data`;
  let server: RealServer = await aRealServer(data);
  const call = <T>(method: string, path: string, body?: unknown) => server.call<T>(method, path, body);
  const items = async (path: string) => (await call<{ items: Item[] }>('GET', path)).items;
  const ended = async (id: string) => (await call<Item>('GET', `/executions/${id}`)).status === 'terminated';

  const tell = '{implementation: tell.sh, inputs: {WITNESS: {get_input: witness}}, max_retries: 0}';
  const goes = `{cloudify.interfaces.lifecycle: {stop: ${tell}, delete: ${tell}}}`;
  const nodes = ['a', 'b']
    .map((name) => `  ${name}: {type: test.Told, instances: {deploy: 2}, interfaces: ${goes}}`)
    .join('\n');
  const archive = await witnessedBlueprint(aFolder(), nodes, 'sleep 0.05');
  await call('PUT', '/blueprints/nested?application_file_name=blueprint.yaml', archive);
  for (const [at, id] of NESTED.entries()) {
    const labels = at === 0 ? [] : [{ 'csys-obj-parent': NESTED[at - 1] }];
    await call('PUT', `/deployments/${id}`, {
      blueprint_id: 'nested',
      inputs: { witness: witness.file },
      labels,
    });
    const { id: install } = await call<Item>('POST', '/executions', {
      deployment_id: id,
      workflow_id: 'install',
    });
    await eventually(`${id} installed`, () => ended(install));
  }

  const { id: uninstall } = await call<Item>('POST', '/executions', {
    deployment_id: NESTED[0],
    workflow_id: 'uninstall',
    parameters: { recursive: true },
    allow_custom_parameters: true,
  });
  for (let kills = 0; ; ) {
    await delay(Math.random() * 300);
    const { status, error } = await call<Item>('GET', `/executions/${uninstall}`);
    assert.ok(status !== 'failed' && status !== 'cancelled', `${status}: ${error}`);
    if (status === 'terminated') break;
    if (kills >= 6) continue;
    kills += 1;
    await server.end('SIGKILL');
    server = await aRealServer(data);
  }

  const uninstalls = (await items('/executions?workflow_id=uninstall&_sort=ended_at')).map(
    ({ deployment_id, status }) => `${deployment_id} ${status}`,
  );
  assert.deepEqual(uninstalls, ['room terminated', 'floor terminated', 'house terminated']);
  const left = (await items('/node-instances')).filter(({ state }) => state !== 'deleted');
  assert.deepEqual(left, []);
  for (const { id } of await items('/executions?workflow_id=uninstall')) {
    const page = `/events?execution_id=${id}&event_type=task_succeeded&_size=1000`;
    const told = (await call<{ items: { node_instance_id: string; operation: string }[] }>('GET', page))
      .items;
    const done = told.map((event) => `${event.node_instance_id} ${event.operation}`);
    assert.equal(new Set(done).size, done.length, 'each operation succeeds once');
    assert.equal(done.length, 8, 'two operations on four instances');
  }
  assert.ok(witness.lines('end').length >= 3 * 4 * 5);
});
