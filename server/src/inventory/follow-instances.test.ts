import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { anEngine } from '../../test/support/an-engine.js';
import { CloudAccounts } from './cloud-accounts.js';
import { InstanceFollower } from './follow-instances.js';

const engine = await anEngine([]);
const { pool } = engine.database;
after(() => engine.close());

const follower = () => new InstanceFollower({ pool, accounts: new CloudAccounts({ pool, safe: null }) });

async function running(deployment: string): Promise<void> {
  await engine.deploy(deployment, 'node_templates:\n  host: {type: cloudify.nodes.Compute}\n');
  await pool.query(
    `update node_instances set state = 'started' where deployment_uid = (select uid from deployments where id = $1)`,
    [deployment],
  );
}

test('a host of a deployment that is deleted while it is written down becomes no server, and the others do', async () => {
  await running('stays');
  await running('goes');
  const other = await pool.connect();
  try {
    await other.query('begin');
    await other.query(`delete from deployments where id = 'goes'`);
    const following = follower().follow();
    const { pid } = (await other.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!;
    for (;;) {
      const waits = await pool.query('select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))', [
        pid,
      ]);
      if (waits.rowCount! > 0) break;
    }
    await other.query('commit');
    await following;
  } finally {
    other.release();
  }
  const { rows } = await pool.query<{ id: string }>(
    'select d.id from servers s join deployments d on d.uid = s.deployment_uid',
  );
  assert.deepEqual(rows, [{ id: 'stays' }]);
  assert.equal((await pool.query('select from inventory_resources')).rowCount, 1);
});
