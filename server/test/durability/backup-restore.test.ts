/**
 * What docs/operations.md says of backup and restore, done: what was acknowledged is in the copy, secrets open under the same
 * master key, and an execution that was under way goes on where it was.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { aFolder, aRealServer, type RealServer } from '../support/a-real-server.js';
import { bytesOf } from '../support/catalog.js';
import { testDatabase } from '../support/test-database.js';

const run = promisify(execFile);
const ENV = { ORRERY_STOP_SECONDS: '7', ORRERY_LEASE_SECONDS: '2' };

/** Whether pg_dump can dump this server: not one that is newer than itself. */
async function dumps(serverVersion: number): Promise<boolean> {
  try {
    const { stdout } = await run('pg_dump', ['--version']);
    return Number(/(\d+)/.exec(stdout)?.[1]) >= Math.floor(serverVersion / 10_000);
  } catch {
    return false;
  }
}

/** A secret, and an install whose first operation is done and whose second one waits for the file `go`. */
async function halfWay(server: RealServer, folder: string): Promise<string> {
  const blueprint = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: tell.sh, start: wait.sh}}
`;
  const archive = bytesOf({
    'blueprint.yaml': blueprint,
    'tell.sh': `#!/bin/sh\necho told >> ${folder}/witness\n`,
    'wait.sh': `#!/bin/sh\ntouch ${folder}/waits\nwhile [ ! -e ${folder}/go ]; do sleep 0.05; done\n`,
  });
  await server.call('PUT', '/secrets/word', { value: 'kept through it all' });
  await server.call('PUT', '/blueprints/b?application_file_name=blueprint.yaml', archive);
  await server.call('PUT', '/deployments/d', { blueprint_id: 'b' });
  const { id } = await server.call<{ id: string }>('POST', '/executions', {
    deployment_id: 'd',
    workflow_id: 'install',
  });
  while (!existsSync(join(folder, 'waits'))) await delay(20);
  return id;
}

async function goesOn(server: RealServer, folder: string, id: string): Promise<void> {
  const { value } = await server.call<{ value: string }>('GET', '/secrets/word');
  assert.equal(value, 'kept through it all');
  writeFileSync(join(folder, 'go'), '');
  for (;;) {
    const { status } = await server.call<{ status: string }>('GET', `/executions/${id}`);
    if (status === 'terminated') break;
    assert.notEqual(status, 'failed');
    await delay(50);
  }
  assert.equal(readFileSync(join(folder, 'witness'), 'utf8'), 'told\n', 'what was done is not done again');
}

describe('a restored backup', { timeout: 5 * 60_000 }, () => {
  it('is a data folder with its embedded database, copied while the server was stopped', async () => {
    const folder = aFolder();
    // So that PostgreSQL can live in it when this runs as root.
    chmodSync(folder, 0o711);
    const dataDir = join(folder, 'data');
    const server = await aRealServer(dataDir, ENV);
    const id = await halfWay(server, folder);
    await server.end('SIGTERM');
    assert.ok(existsSync(join(dataDir, 'postgres')), 'the database is in the folder');
    await run('cp', ['-a', dataDir, join(folder, 'restored')]);
    rmSync(dataDir, { recursive: true });
    await goesOn(await aRealServer(join(folder, 'restored'), ENV), folder, id);
  });

  it('is a dump of a database at work, restored into an empty one', async (t) => {
    const source = await testDatabase(t);
    const { rows } = await source.pool.query<{ version: string }>(
      `select current_setting('server_version_num') as version`,
    );
    if (!(await dumps(Number(rows[0]!.version)))) {
      t.skip(`no pg_dump that is as new as the server (${rows[0]!.version})`);
      return;
    }
    const folder = aFolder();
    const server = await aRealServer(join(folder, 'one'), { ...ENV, DATABASE_URL: source.databaseUrl });
    const id = await halfWay(server, folder);
    const dump = join(folder, 'orrery.dump');
    await run('pg_dump', ['--format=custom', `--file=${dump}`, source.databaseUrl]);
    await server.end('SIGKILL');

    const target = await testDatabase(t);
    await target.pool.query('drop schema public cascade');
    await target.pool.query('create schema public');
    await run('pg_restore', ['--no-owner', '--exit-on-error', `--dbname=${target.databaseUrl}`, dump]);
    const restored = await aRealServer(join(folder, 'two'), { ...ENV, DATABASE_URL: target.databaseUrl });
    await goesOn(restored, folder, id);
    await restored.end('SIGTERM');
  });
});
