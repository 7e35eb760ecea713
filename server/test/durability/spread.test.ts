/** One execution whose operations run on all workers, while the worker that walks it is killed. */
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

const NODES = '  thing: {type: test.Told, instances: {deploy: 6}}';

describe('an execution that is spread over workers', { timeout: 3 * 60_000 }, () => {
  it('goes on when the one that walks it is killed: what runs elsewhere is not run again, what is done stays done', async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const { pool, databaseUrl, close } = await testDatabase({ after: () => {} });
    const shared = {
      DATABASE_URL: databaseUrl,
      ORRERY_LEASE_SECONDS: '2',
      ORRERY_SPREAD_OPERATIONS: '50',
      ORRERY_WORKER_CONCURRENCY: '2',
    };
    const api = await aRealServer(join(folder, 'api'), { ...shared, ORRERY_ROLE: 'api' });
    const workers = new Map<string, RealServer>();
    for (const name of ['one', 'two', 'three']) {
      const dataDir = join(folder, name);
      workers.set(dataDir, await aRealServer(dataDir, { ...shared, ORRERY_ROLE: 'worker' }));
    }
    const archive = await witnessedBlueprint(folder, NODES, 'sleep 1');
    await api.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);
    await api.call('PUT', '/deployments/d', { blueprint_id: 'told', inputs: { witness: witness.file } });
    const body = { deployment_id: 'd', workflow_id: 'install' };
    const { id } = await api.call<{ id: string }>('POST', '/executions', body);
    // More than one of them runs at a time: no worker alone has room for so many.
    await eventually('all workers have some of it', () => witness.lines('begin').length >= 6);
    const asked = 'select worker from executions where id = $1';
    const { rows } = await pool.query<{ worker: string }>(asked, [id]);
    const [dataDir, walker] = [...workers].find(([name]) => rows[0]!.worker.endsWith(name))!;
    await walker.end('SIGKILL');
    workers.delete(dataDir);
    await eventually(
      'it ends',
      async () => {
        const { status, error } = await api.call<{ status: string; error: string }>(
          'GET',
          `/executions/${id}`,
        );
        assert.notEqual(status, 'failed', error);
        return status === 'terminated';
      },
      30_000,
    );
    const ended = witness.lines('end');
    const done = new Map<string, number>();
    for (const line of ended) {
      const key = JSON.stringify([line.operation]);
      done.set(key, (done.get(key) ?? 0) + 1);
    }
    assert.equal(done.size, 18, 'six instances of three operations');
    // Two ran in the process that was killed: their scripts were orphaned, and may have come to their end.
    assert.ok(ended.length <= 20, `${ended.length} ends`);
    for (const server of [api, ...workers.values()]) await server.end('SIGTERM');
    await close();
  });
});
