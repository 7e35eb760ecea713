import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import pg from 'pg';
import { keepEmbedded } from './keeper.js';
import { isRunning } from './process-table.js';

const folder = mkdtempSync(join(tmpdir(), 'orrery-keeper-'));
after(() => rmSync(folder, { recursive: true, force: true }));

it('a server that is killed is started again on the same address, until it is stopped', async () => {
  let revived = 0;
  const server = await keepEmbedded(
    { dataDir: join(folder, 'data'), durable: false },
    { revived: () => (revived += 1), failed: (error) => assert.fail(String(error)) },
  );
  const first = server.pid;
  process.kill(first, 'SIGKILL');
  while (revived === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.notEqual(server.pid, first);
  const client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  assert.equal((await client.query('select 1 as one')).rows[0].one, 1);
  await client.end();
  assert.equal(await server.stop(), 'stopped');
  assert.ok(!isRunning(server.pid));
});
