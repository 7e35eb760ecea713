/** Workers that are restarted one after another, and one that dies, at the settings everybody has. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  aFolder,
  aRealServer,
  eventually,
  type RealServer,
  Witness,
  witnessedBlueprint,
} from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

const NODES = '  thing: {type: test.Told, instances: {deploy: 2}}';

async function start(api: RealServer, deployment: string, witness: Witness): Promise<string> {
  await api.call('PUT', `/deployments/${deployment}`, {
    blueprint_id: 'told',
    inputs: { witness: witness.file },
  });
  const body = { deployment_id: deployment, workflow_id: 'install' };
  return (await api.call<{ id: string }>('POST', '/executions', body)).id;
}

const statusOf = async (api: RealServer, execution: string) =>
  (await api.call<{ status: string }>('GET', `/executions/${execution}`)).status;

describe('three workers', { timeout: 4 * 60_000 }, () => {
  it('are restarted one after another under running installs, and no execution fails; one that is killed is replaced soon after its lease', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const { pool, databaseUrl, close } = await testDatabase({ after: () => {} });
    const shared = { DATABASE_URL: databaseUrl };
    const api = await aRealServer(join(folder, 'api'), { ...shared, ORRERY_ROLE: 'api' });
    const names = ['one', 'two', 'three'];
    const aWorker = (name: string) =>
      aRealServer(join(folder, name), { ...shared, ORRERY_ROLE: 'worker', ORRERY_STOP_SECONDS: '10' });
    const workers = new Map<string, RealServer>();
    for (const name of names) workers.set(name, await aWorker(name));
    const archive = await witnessedBlueprint(folder, NODES, 'sleep 0.4');
    await api.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);

    const executions: string[] = [];
    for (const name of names) {
      for (let n = 0; n < 4; n += 1) executions.push(await start(api, `${name}-${n}`, witness));
      const begun = witness.lines('begin').length;
      await eventually('they run', () => witness.lines('begin').length > begun);
      await workers.get(name)!.end('SIGTERM');
      workers.set(name, await aWorker(name));
    }
    for (const execution of executions) {
      const isOver = async () => !['pending', 'queued', 'started'].includes(await statusOf(api, execution));
      await eventually(`${execution} ends`, isOver);
      assert.equal(await statusOf(api, execution), 'terminated');
    }
    // One that was to begin in the very moment of the stop has not begun, and begins elsewhere as its second attempt.
    const begun = witness.lines('begin').map(({ operation }) => operation);
    assert.deepEqual(
      begun.filter((operation, place) => begun.indexOf(operation) < place),
      [],
      'what was stopped had time to end',
    );

    const last = await start(api, 'killed', witness);
    const before = witness.lines('begin').length;
    await eventually('it runs', () => witness.lines('begin').length > before);
    const { rows } = await pool.query<{ worker: string; fence: number }>(
      'select worker, fence from executions where id = $1',
      [last],
    );
    const dead = names.find((name) => rows[0]!.worker.endsWith(join(folder, name)))!;
    await workers.get(dead)!.end('SIGKILL');
    const killed = Date.now();
    await eventually('another has it', async () => {
      const now = await pool.query('select 1 from executions where id = $1 and fence > $2', [
        last,
        rows[0]!.fence,
      ]);
      return now.rowCount === 1;
    });
    const took = Date.now() - killed;
    // Ten seconds, where the machine has time for it.
    assert.ok(took <= 30_000, `it took ${took} ms`);
    await eventually('it ends', async () => (await statusOf(api, last)) === 'terminated');
    for (const [name, worker] of workers) if (name !== dead) await worker.end('SIGTERM');
    await api.end('SIGTERM');
    await close();
  });
});
