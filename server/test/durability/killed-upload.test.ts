import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { archiveOf, BLUEPRINT, catalog } from '../support/catalog.js';
import { people } from '../support/people.js';
import { testDatabase } from '../support/test-database.js';

const CHILD = fileURLToPath(new URL('../support/endless-upload.js', import.meta.url));

test('a process killed in the middle of an upload leaves a row that fails by itself, and bytes that are swept', async (t) => {
  const { pool, databaseUrl } = await testDatabase(t);
  const { admin } = await people(pool);
  const { uploads, blueprints, blobs } = catalog(pool);
  const count = async (sql: string) =>
    (await pool.query(`select count(*)::integer as n from ${sql}`)).rows[0].n as number;

  const child = spawn(process.execPath, [CHILD, databaseUrl, admin.username], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  while ((await count('blob_chunks')) < 20) assert.equal(child.exitCode, null, 'the upload ended by itself');
  child.kill('SIGKILL');
  await once(child, 'exit');

  const dead = await blueprints.get(admin, 'killed');
  assert.deepEqual([dead.state, dead.archive], ['uploading', null]);
  assert.equal(await count('blobs where digest is not null'), 0, 'nothing that can be found');
  assert.equal(await uploads.failDead(), 0, 'it may still be alive');
  await pool.query("update blueprints set alive_until = alive_until - interval '1 minute'");
  assert.equal(await uploads.failDead(), 1);
  assert.equal((await blueprints.get(admin, 'killed')).state, 'failed-uploading');

  const again = await uploads.upload(admin, {
    id: 'killed',
    source: archiveOf({ 'blueprint.yaml': BLUEPRINT }),
  });
  assert.equal(again.state, 'uploaded');
  await pool.query("update blobs set held_until = now() - interval '1 second'");
  assert.equal(await blobs.sweep(), 1);
  assert.equal(await count('blob_chunks'), await count('blobs'));
});
