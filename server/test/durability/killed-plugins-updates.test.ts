/** A server killed in the middle of an update of plugins: another goes on, and no deployment is updated twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aFolder, aRealServer, eventually } from '../support/a-real-server.js';
import { bytesOf } from '../support/catalog.js';
import { bundleOf, pluginYaml, wagonOf } from '../support/plugin-archives.js';
import { testDatabase } from '../support/test-database.js';

const { pool, databaseUrl } = await testDatabase();
const folder = aFolder();
const start = () => aRealServer(folder, { DATABASE_URL: databaseUrl, ORRERY_LEASE_SECONDS: '2' });
const DEPLOYMENTS = 40;

interface Update {
  readonly id: string;
  readonly state: string;
  readonly execution_id: string;
  readonly temp_blueprint_id: string;
}

test('an update of plugins goes on after its server is killed, and updates each deployment once', async () => {
  let server = await start();
  const upload = (version: string) => {
    const yaml = pluginYaml({ plugin: 'cool', packageName: 'cool', version });
    return server.call(
      'POST',
      '/plugins',
      bundleOf(wagonOf({ name: 'cool', version }), { 'plugin.yaml': yaml }),
    );
  };
  await upload('1.0');
  const blueprint = `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, 'plugin:cool']
node_templates:
  thing: { type: cool.nodes.Thing }
`;
  await server.call('PUT', '/blueprints/bp', bytesOf({ 'blueprint.yaml': blueprint }));
  for (let n = 0; n < DEPLOYMENTS; n += 1) {
    await server.call('PUT', `/deployments/d${n}`, { blueprint_id: 'bp' });
  }
  await upload('2.0');
  const update = await server.call<Update>('POST', '/plugins-updates/bp/update/initiate', {
    all_to_latest: true,
  });
  const done = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::integer as count from deployment_updates where state = 'successful'`,
    );
    return rows[0]!.count;
  };
  let before = 0;
  for (const some of [1, DEPLOYMENTS / 2]) {
    await eventually('some deployments are updated', async () => (await done()) >= some);
    await server.end('SIGKILL');
    before = await done();
    server = await start();
  }
  assert.ok(before < DEPLOYMENTS, 'killed in the middle');
  const now = () => server.call<Update>('GET', `/plugins-updates/${update.id}`);
  await eventually('the update is over', async () => (await now()).state !== 'executing_workflow');
  assert.equal((await now()).state, 'successful');
  const execution = await server.call<{ status: string }>('GET', `/executions/${update.execution_id}`);
  assert.equal(execution.status, 'terminated');
  const { rows } = await pool.query(
    `select count(*)::integer as updates, count(distinct p.deployment_uid)::integer as deployments,
       count(*) filter (where b.id = 'bp')::integer as home
     from deployment_updates p join deployments d on d.uid = p.deployment_uid join blueprints b on b.uid = d.blueprint_uid
     where p.state = 'successful'`,
  );
  assert.deepEqual(rows, [{ updates: DEPLOYMENTS, deployments: DEPLOYMENTS, home: DEPLOYMENTS }]);
  const left = await pool.query('select id from blueprints');
  assert.deepEqual(left.rows, [{ id: 'bp' }]);
});
