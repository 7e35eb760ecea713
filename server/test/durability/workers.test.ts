/** Worker processes that are frozen and thawed, and servers that are told to stop: real ones, from outside. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../../src/embedded-postgres/process-table.js';
import {
  aFolder,
  aRealServer,
  eventually,
  type RealServer,
  Witness,
  witnessedBlueprint,
} from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

const NODES = '  thing: {type: test.Told}';

/** Uploads the blueprint and starts an install of `deployment`. */
async function install(server: RealServer, deployment: string, witness: Witness): Promise<string> {
  await server.call('PUT', `/deployments/${deployment}`, {
    blueprint_id: 'told',
    inputs: { witness: witness.file },
  });
  const body = { deployment_id: deployment, workflow_id: 'install' };
  return (await server.call<{ id: string }>('POST', '/executions', body)).id;
}

const upload = (server: RealServer, archive: Buffer) =>
  server.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);

const terminated = (server: RealServer, execution: string) =>
  eventually(`execution ${execution} ends`, async () => {
    const { status } = await server.call<{ status: string }>('GET', `/executions/${execution}`);
    assert.notEqual(status, 'failed');
    return status === 'terminated';
  });

describe('a worker that is frozen beyond its lease', { timeout: 3 * 60_000 }, () => {
  it('finds when it thaws that another has gone on: it writes nothing, ends its scripts, and takes other work', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const { pool, databaseUrl, close } = await testDatabase({ after: () => {} });
    const shared = { DATABASE_URL: databaseUrl, ORRERY_LEASE_SECONDS: '2' };
    const api = await aRealServer(join(folder, 'api'), { ...shared, ORRERY_ROLE: 'api' });
    const workers = new Map<string, RealServer>();
    for (const name of ['one', 'two']) {
      const dataDir = join(folder, name);
      workers.set(dataDir, await aRealServer(dataDir, { ...shared, ORRERY_ROLE: 'worker' }));
    }
    // The first attempt hangs, all others are quick.
    const work =
      '[ "$ORRERY_OPERATION_ATTEMPT" = 1 ] && [ ! -e "$WITNESS.hung" ] && touch "$WITNESS.hung" && sleep 300';
    await upload(api, await witnessedBlueprint(folder, NODES, work));
    const execution = await install(api, 'first', witness);
    const hung = await eventually('the script runs', () => witness.lines('begin')[0] ?? false);

    const { rows } = await pool.query<{ worker: string }>('select worker from executions where id = $1', [
      execution,
    ]);
    const holds = (dataDir: string) => rows[0]!.worker.endsWith(dataDir);
    const [, frozen] = [...workers].find(([dataDir]) => holds(dataDir))!;
    const [, other] = [...workers].find(([dataDir]) => !holds(dataDir))!;
    process.kill(frozen.pid, 'SIGSTOP');
    await terminated(api, execution);
    assert.deepEqual(
      witness.lines('end').map((line) => line.attempt),
      [2, 1, 1],
    );
    assert.ok(isRunning(hung.pid), 'nobody else can end the script of the frozen one');
    const before = await told(execution);

    process.kill(frozen.pid, 'SIGCONT');
    await eventually('the script is ended', () => !isRunning(hung.pid), 15_000);
    await other.end('SIGTERM');
    await terminated(api, await install(api, 'second', witness));
    assert.deepEqual(await told(execution), before);
    assert.equal(witness.lines('end').length, 6);
    for (const server of [frozen, api]) await server.end('SIGTERM');
    for (const server of [api, ...workers.values()])
      assert.ok(!isRunning(server.pid), 'every process has ended');
    await close();

    async function told(id: string): Promise<unknown> {
      const { rows: found } = await pool.query(
        `select (select count(*) from events e where e.execution_uid = x.uid) as events, x.status, x.fence, x.batches
         from executions x where x.id = $1`,
        [id],
      );
      return found[0];
    }
  });
});

describe('a server that is told to stop in the middle of an install', { timeout: 3 * 60_000 }, () => {
  const settings = { ORRERY_LEASE_SECONDS: '2', ORRERY_STOP_SECONDS: '9' };

  it('lets a script end that ends in time, and the next start goes on after it', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const dataDir = join(folder, 'data');
    const server = await aRealServer(dataDir, settings);
    await upload(server, await witnessedBlueprint(folder, NODES, 'sleep 1'));
    const execution = await install(server, 'first', witness);
    await eventually('the script runs', () => witness.lines('begin').length === 1);
    const took = await server.end('SIGTERM');
    // The script's second, and not all of the nine that it may take.
    assert.ok(took < 8500, `it took ${took} ms`);
    assert.equal(witness.lines('end').length, 1);
    const next = await aRealServer(dataDir, settings);
    await terminated(next, execution);
    assert.deepEqual(
      witness.lines('begin').map((line) => line.attempt),
      [1, 1, 1],
    );
    await next.end('SIGTERM');
  });

  it('ends a script that takes too long, in the time it has, and the next start runs it again', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const dataDir = join(folder, 'data');
    const server = await aRealServer(dataDir, settings);
    // Deaf to SIGTERM on its first attempt.
    const work = `[ "$ORRERY_OPERATION_ATTEMPT" = 1 ] && trap '' TERM && [ ! -e "$WITNESS.hung" ] && touch "$WITNESS.hung" && sleep 300`;
    await upload(server, await witnessedBlueprint(folder, NODES, work));
    const execution = await install(server, 'first', witness);
    const hung = await eventually('the script runs', () => witness.lines('begin')[0] ?? false);
    await eventually('it hangs', async () => {
      await delay(100);
      return true;
    });
    const took = await server.end('SIGTERM');
    assert.ok(took < 30_000, `it took ${took} ms`);
    assert.ok(!isRunning(hung.pid));
    const next = await aRealServer(dataDir, settings);
    await terminated(next, execution);
    assert.deepEqual(
      witness.lines('end').map((line) => line.attempt),
      [2, 1, 1],
    );
    await next.end('SIGTERM');
  });
});
