/** A server that is killed while a deployment is scaled and updated goes on, and ends with what was asked for. */
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

const NODES = (names: readonly string[]) =>
  names.map((name) => `  ${name}: {type: test.Told, instances: {deploy: 4}}`).join('\n');

interface Item {
  readonly id: string;
  readonly status: string;
  readonly state: string;
  readonly error: string;
  readonly node_id: string;
  readonly execution_id: string;
}

test('a deployment is scaled and updated whatever dies, and no operation runs twice that was done', {
  timeout: 600_000,
}, async () => {
  const folder = aFolder();
  const witness = new Witness(folder);
  const data = `${folder}/data`;
  let server: RealServer = await aRealServer(data);
  let kills = 0;
  const call = <T>(method: string, path: string, body?: unknown) => server.call<T>(method, path, body);
  const items = async (path: string) => (await call<{ items: Item[] }>('GET', path)).items;

  /** Kills the server at random moments until the execution is over. */
  async function throughKills(execution: string, most: number): Promise<void> {
    for (let died = 0; ; ) {
      await delay(Math.random() * 300);
      const { status, error } = await call<Item>('GET', `/executions/${execution}`);
      assert.ok(status !== 'failed' && status !== 'cancelled', `${status}: ${error}`);
      if (status === 'terminated') return;
      if (died >= most) continue;
      died += 1;
      kills += 1;
      await server.end('SIGKILL');
      server = await aRealServer(data);
    }
  }

  for (const [id, nodes] of [
    ['one', NODES(['db', 'web'])],
    ['two', NODES(['web', 'cache'])],
  ] as const) {
    const archive = await witnessedBlueprint(aFolder(), nodes, 'sleep 0.05');
    await call('PUT', `/blueprints/${id}?application_file_name=blueprint.yaml`, archive);
  }
  await call('PUT', '/deployments/d', { blueprint_id: 'one', inputs: { witness: witness.file } });
  const start = (workflow_id: string, parameters = {}) =>
    call<Item>('POST', '/executions', { deployment_id: 'd', workflow_id, parameters });
  const { id: install } = await start('install');
  await eventually(
    'installed',
    async () => (await call<Item>('GET', `/executions/${install}`)).status === 'terminated',
  );

  await throughKills((await start('scale', { scalable_entity_name: 'web', delta: 4 })).id, 3);
  assert.deepEqual(
    (await items('/deployment-modifications')).map(({ status }) => status),
    ['finished'],
  );
  assert.equal((await items('/node-instances?node_id=web&state=started')).length, 8);

  const update = await call<Item>('POST', '/deployment-updates/d/update/initiate', { blueprint_id: 'two' });
  await throughKills(update.execution_id, 3);
  assert.equal((await call<Item>('GET', `/deployment-updates/${update.id}`)).state, 'successful');
  const instances = (await items('/node-instances?deployment_id=d')).map(
    ({ node_id, state }) => `${node_id} ${state}`,
  );
  assert.deepEqual(instances.sort(), [...Array(4).fill('cache started'), ...Array(8).fill('web started')]);

  await throughKills((await start('scale', { scalable_entity_name: 'web', delta: -4 })).id, 1);
  assert.equal((await items('/node-instances?deployment_id=d')).length, 8);

  const ended = new Map<string, number>();
  for (const { operation } of witness.lines('end')) ended.set(operation, (ended.get(operation) ?? 0) + 1);
  for (const { id } of await items('/executions?deployment_id=d&_size=100')) {
    const page = `/events?execution_id=${id}&event_type=task_succeeded&_size=10000`;
    const succeeded = (await call<{ items: { node_instance_id: string; operation: string }[] }>('GET', page))
      .items;
    const told = succeeded.map((event) => `${event.node_instance_id} ${event.operation}`);
    assert.equal(new Set(told).size, told.length, 'each operation succeeds once');
  }
  assert.ok(kills > 0 && ended.size > 0);
});
