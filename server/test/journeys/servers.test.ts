/** Servers of blueprints: real processes, asked for by operations, found in the inventory whoever installed them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { call, succeeded } from '../../src/inventory/handlers/conformance.js';
import { aServer } from '../support/a-server.js';
import { visit } from './a-visitor.js';

const server = await aServer({}, { worker: true });
const { ask, deploy, run, clear } = visit(server);
const { core, pool } = server;
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');
const account = await core.cloudAccounts.create(admin, { name: 'This host', kind: 'local' });
const { hands } = await core.serverHandlers.handsFor(pool, admin.tenant!.id, account.uid);

after(async () => {
  for (const one of await succeeded(() => hands.list(call())))
    await succeeded(() => hands.remove(one, call()));
});

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, orrery/servers.yaml]
node_templates:
  web:
    type: orrery.nodes.Server
    properties: { hostname: web01, cpus: 1, memory_mb: 512, disk_gb: 1 }
  hand_made:
    type: cloudify.nodes.Compute
    properties: { agent_config: { install_method: none } }
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: simulated.operations.create_server }
plugins:
  simulated: { executor: central_deployment_agent, install: false }
outputs:
  url: { value: { concat: ['http://', { get_attribute: [web, ip] }, ':', { get_attribute: [web, port] }, '/'] } }
`;

async function rows(): Promise<Record<string, unknown>[]> {
  const found = await pool.query(
    `select s.hostname, s.status, s.power, s.memory_mb, s.facts ->> 'pid' as pid, a.kind, r.type, r.destroyed_at is null as present
     from servers s join cloud_accounts a on a.uid = s.cloud_account_uid left join inventory_resources r on r.uid = s.resource_uid order by s.hostname`,
  );
  return found.rows;
}

const operate = (operation: string, kwargs: object = {}) =>
  run('shop', 'execute_operation', {
    parameters: {
      operation: `orrery.interfaces.server.${operation}`,
      operation_kwargs: kwargs,
      node_ids: ['web'],
    },
  });

async function until(holds: (all: Record<string, unknown>[]) => boolean): Promise<Record<string, unknown>[]> {
  for (;;) {
    const all = await rows();
    if (holds(all)) return all;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a blueprint has a server that is a process, and every host of it is in the inventory', async () => {
  await deploy('shop', { 'blueprint.yaml': BLUEPRINT });
  const installed = await run('shop', 'install');
  assert.deepEqual([installed.status, installed.error], ['terminated', '']);
  const { outputs } = (await ask('GET', '/deployments/shop/outputs')).json;
  const said = (await (await fetch(String(outputs?.url))).json()) as Record<string, unknown>;
  assert.deepEqual([said.hostname, said.memory_mb], ['web01', 512]);
  const all = await until((found) => found.filter(({ status }) => status === 'active').length === 2);
  assert.deepEqual(
    all.map(({ hostname, power, kind, type }) => [hostname, power, kind, type]),
    [
      [String(all[0]!.hostname), 'on', 'platform', 'instance'],
      ['web01', 'on', 'local', 'instance'],
    ],
  );
});

test('operations of the node act on the process, and its row and runtime properties follow', async () => {
  assert.equal((await operate('resize', { memory_mb: 1024 })).status, 'terminated');
  assert.equal((await operate('snapshot', { name: 'Weekly' })).status, 'terminated');
  assert.equal((await operate('suspend')).status, 'terminated');
  let [, web] = await rows();
  assert.deepEqual([web?.power, web?.memory_mb, web?.status], ['suspended', 1024, 'active']);
  assert.match(await readFile(`/proc/${String(web!.pid)}/stat`, 'utf8'), /\) T /);
  assert.equal((await operate('power_on')).status, 'terminated');
  [, web] = await rows();
  assert.equal(web?.power, 'on');
  const { items } = (await ask('GET', '/node-instances?node_id=web')).json;
  const { runtime_properties: known } = (items as unknown as Record<string, Record<string, unknown>>[])[0]!;
  assert.deepEqual([known?.state, known?.memory_mb], ['on', 1024]);
  const history = await pool.query('select h.event from server_history h order by h.uid');
  assert.deepEqual(
    history.rows.map(({ event }) => event),
    ['built', 'power', 'changed', 'snapshot', 'power', 'power'],
  );
});

test('what cannot be done is refused, and the server stays as it is', async () => {
  const refused = await operate('resize', { memory_mb: -5 });
  assert.equal(refused.status, 'failed');
  assert.match(String(refused.error), /whole number from 1/);
  assert.equal((await rows())[1]?.status, 'active');
});

test('uninstalled servers are historical, their process and folder are gone', async () => {
  const [, web] = await rows();
  await clear('shop');
  const all = await until((found) => found.every(({ status }) => status === 'historical'));
  assert.deepEqual(
    all.map(({ power, present }) => [power, present]),
    [
      ['off', false],
      ['off', false],
    ],
  );
  await assert.rejects(readFile(`/proc/${String(web!.pid)}/stat`));
  assert.deepEqual(await succeeded(() => hands.list(call())), []);
});
