/** Remote workers as processes of their own: an API that goes away, a worker that is frozen, one that is told to stop. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  aFolder,
  aRealServer,
  eventually,
  type RealServer,
  Witness,
  witnessedBlueprint,
} from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const NODES = `  thing:
    type: test.Far`;
const TYPE = `  test.Far:
    derived_from: test.Told
    properties: { worker_pool: { default: far } }
`;

/** A remote worker that takes work when it is given back. */
async function aRemoteWorker(url: string, token: string, dataDir: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dataDir,
      ORRERY_ROLE: 'remote-worker',
      ORRERY_URL: url,
      ORRERY_WORKER_TOKEN: token,
      ORRERY_DATA_DIR: dataDir,
      ORRERY_LOG_TO: `${dataDir}.log`,
      ORRERY_STOP_SECONDS: '10',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await gone;
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
      if (said.includes('Orrery works for')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  return child;
}

async function credentials(server: RealServer): Promise<string> {
  const response = await fetch(`${server.url}/orrery/v1/workers/credentials`, {
    method: 'POST',
    headers: { ...server.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'far away', pools: ['far'] }),
  });
  assert.equal(response.status, 201);
  return ((await response.json()) as { token: string }).token;
}

async function install(server: RealServer, folder: string, witness: Witness, work: string): Promise<string> {
  const archive = await witnessedBlueprint(folder, NODES, work, TYPE);
  await server.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);
  await server.call('PUT', '/deployments/one', { blueprint_id: 'told', inputs: { witness: witness.file } });
  const body = { deployment_id: 'one', workflow_id: 'install' };
  return (await server.call<{ id: string }>('POST', '/executions', body)).id;
}

const terminated = (server: RealServer, execution: string) =>
  eventually(`execution ${execution} ends`, async () => {
    const { status } = await server.call<{ status: string }>('GET', `/executions/${execution}`);
    return status !== 'started' && status !== 'pending' && status;
  });

describe('a remote worker', { timeout: 4 * 60_000 }, () => {
  it('goes on while the API and the walk are away, and delivers when they are back: nothing runs twice', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const { databaseUrl, close } = await testDatabase({ after: () => {} });
    const settings = { DATABASE_URL: databaseUrl };
    const server = await aRealServer(join(folder, 'server'), settings);
    await aRemoteWorker(server.url, await credentials(server), join(folder, 'far'));
    const execution = await install(
      server,
      folder,
      witness,
      'while [ ! -e "$WITNESS.go" ]; do sleep 0.1; done',
    );
    await eventually('the script runs', () => witness.lines('begin').length === 1);
    await server.end('SIGKILL');
    writeFileSync(`${witness.file}.go`, '');
    await eventually('the script ends', () => witness.lines('end').length === 1);
    const port = new URL(server.url).port;
    const again = await aRealServer(join(folder, 'server'), { ...settings, ORRERY_PORT: port });
    assert.equal(await terminated(again, execution), 'terminated');
    assert.deepEqual(
      witness.lines('begin').map((line) => line.attempt),
      [1, 1, 1],
    );
    assert.deepEqual(
      witness.lines('end').map((line) => line.attempt),
      [1, 1, 1],
    );
    await again.end('SIGTERM');
    await close();
  });

  it('that is frozen beyond its lease writes nothing when it thaws, and ends what it ran', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const { pool, databaseUrl, close } = await testDatabase({ after: () => {} });
    const settings = { DATABASE_URL: databaseUrl, ORRERY_REMOTE_LEASE_SECONDS: '5' };
    const server = await aRealServer(join(folder, 'server'), settings);
    const token = await credentials(server);
    const frozen = await aRemoteWorker(server.url, token, join(folder, 'frozen'));
    // The first attempt hangs until it is thawed, and then would end well.
    const hang =
      '[ "$ORRERY_OPERATION_ATTEMPT" = 1 ] && [ ! -e "$WITNESS.hung" ] && touch "$WITNESS.hung" && sleep 12';
    const execution = await install(server, folder, witness, hang);
    await eventually('the script runs', () => witness.lines('begin').length === 1);
    frozen.kill('SIGSTOP');
    const other = await aRemoteWorker(server.url, token, join(folder, 'other'));
    assert.equal(await terminated(server, execution), 'terminated');
    const told = async () =>
      (
        await pool.query(
          `select x.batches, x.status, (select count(*) from events e where e.execution_uid = x.uid) as events
           from executions x where x.id = $1`,
          [execution],
        )
      ).rows;
    const before = await told();
    frozen.kill('SIGCONT');
    const log = `${join(folder, 'frozen')}.log`;
    await new Promise((resolve) => setTimeout(resolve, 5000));
    assert.deepEqual(await told(), before);
    assert.equal(frozen.exitCode, null, readFileSync(log, 'utf8'));
    const begun = witness.lines('begin').map((line) => line.attempt);
    assert.deepEqual(begun, [1, 2, 1, 1]);
    for (const child of [frozen, other]) child.kill('SIGTERM');
    await server.end('SIGTERM');
    await close();
  });

  it('that is told to stop lets an operation end that ends in time, and says goodbye', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const server = await aRealServer(join(folder, 'server'));
    const worker = await aRemoteWorker(server.url, await credentials(server), join(folder, 'far'));
    const execution = await install(server, folder, witness, 'sleep 1');
    await eventually('the script runs', () => witness.lines('begin').length === 1);
    const gone = new Promise<number | null>((resolve) => worker.once('exit', resolve));
    worker.kill('SIGTERM');
    assert.equal(await gone, 0);
    assert.equal(witness.lines('end').length, 1);
    await aRemoteWorker(server.url, await credentials(server), join(folder, 'next'));
    assert.equal(await terminated(server, execution), 'terminated');
    assert.deepEqual(
      witness.lines('begin').map((line) => line.attempt),
      [1, 1, 1],
    );
    await server.end('SIGTERM');
  });
});
