import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { inTransaction } from '../store/transaction.js';
import { claimSystem, promoteSystem } from './system-executions.store.js';

const { pool } = await testDatabase();

test('who looks for work on the installation reads none of the executions that are over', async () => {
  await pool.query(
    `with t as (insert into tenants (name) values ('acme') returning id),
          u as (insert into users (username, system_role) values ('ada', 'member') returning id)
     insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
     select t.id, gen_random_uuid(), 'create_snapshot', 'f', case n when 1 then 'queued' else 'terminated' end, '{}', u.id
     from t, u, generate_series(1, 5000) n`,
  );
  await pool.query('analyze executions');
  const read = await inTransaction(pool, async (client) => {
    assert.equal(await promoteSystem.run(client, [['create_snapshot']]), 1);
    assert.notEqual(await claimSystem.one(client, ['worker', 30, ['create_snapshot']]), null);
    const { rows } = await client.query<{ read: number }>(
      `select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables where relname = 'executions'`,
    );
    return rows[0]!.read;
  });
  assert.ok(read < 20, `${read} rows`);
});
