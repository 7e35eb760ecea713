/**
 * PostgreSQL is killed, every process of it, again and again in the middle of an install, while the server lives. The
 * promise: everything goes on by itself when the database is back, no operation runs twice, every event is told once.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { processesIn } from '../../src/embedded-postgres/process-table.js';
import { aFolder, aRealServer, eventually, Witness, witnessedBlueprint } from '../support/a-real-server.js';

const KILLS = Number(process.env.ORRERY_DATABASE_KILLS ?? 8);
const INSTANCES = 24;

const NODES = `
  db: {type: test.Told, instances: {deploy: 8}}
  app:
    type: test.Told
    instances: {deploy: 16}
    relationships: [{type: cloudify.relationships.connected_to, target: db}]`;

interface Page<T> {
  readonly items: T[];
}

describe('a database that is killed again and again', { timeout: 10 * 60_000 }, () => {
  it('costs time and nothing else', async () => {
    const folder = aFolder();
    const dataDir = join(folder, 'data');
    const witness = new Witness(folder);
    const server = await aRealServer(dataDir, { ORRERY_WORKER_CONCURRENCY: '4', ORRERY_LEASE_SECONDS: '2' });
    const archive = await witnessedBlueprint(folder, NODES, 'sleep 0.3');
    await server.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);

    let kills = 0;
    const executions: string[] = [];
    for (let round = 1; kills < KILLS; round += 1) {
      const deployment = `round-${round}`;
      await server.call('PUT', `/deployments/${deployment}`, {
        blueprint_id: 'told',
        inputs: { witness: witness.file },
      });
      const body = { deployment_id: deployment, workflow_id: 'install' };
      const { id } = await server.call<{ id: string }>('POST', '/executions', body);
      executions.push(id);
      const status = async () => (await server.call<{ status: string }>('GET', `/executions/${id}`)).status;
      for (;;) {
        await delay(200 + Math.random() * 1200);
        if ((await eventually('the API answers again', status)) === 'terminated') break;
        assert.notEqual(await eventually('the API answers again', status), 'failed');
        if (kills >= KILLS) continue;
        kills += 1;
        for (const pid of processesIn(clusterOf(dataDir))!) kill(pid);
      }
    }

    const begun = witness.lines('begin');
    for (const execution of executions) {
      const mine = begun.filter((line) => line.operation.startsWith(`${execution}:`));
      assert.deepEqual(
        mine.filter((line) => line.attempt !== 1),
        [],
      );
      assert.equal(new Set(mine.map((line) => line.operation)).size, INSTANCES * 3);
      assert.equal(mine.length, INSTANCES * 3, 'no operation ran twice');
      const { items } = await server.call<
        Page<{ message: string; event_type: string; node_instance_id: string; operation: string }>
      >('GET', `/events?execution_id=${execution}&type=cloudify_event&_size=10000`);
      const told = items.map(
        (one) => `${one.event_type} ${one.message} ${one.node_instance_id} ${one.operation}`,
      );
      assert.deepEqual(
        told.filter((one, place) => told.indexOf(one) !== place),
        [],
        'every event was told once',
      );
      assert.equal(items.filter((one) => one.event_type === 'task_succeeded').length, INSTANCES * 3);
    }
    console.log(
      `${kills} times killed over ${executions.length} installs, ${begun.length} operations, none twice`,
    );
    await server.end('SIGTERM');
  });
});

function clusterOf(dataDir: string): string {
  const location = join(dataDir, 'postgres.location');
  const home = existsSync(location) ? readFileSync(location, 'utf8').trim() : join(dataDir, 'postgres');
  return realpathSync(join(home, 'data'));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with the others.
  }
}
