import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantScope } from '../caller.js';
import type { TenantId, UserId } from '../ids.js';
import { executionList } from '../orchestration/executions.store.js';
import { listPage } from './list.js';
import { foldRowCounts } from './row-counts.js';

const { pool } = await testDatabase();
const { rows } = await pool.query<{ t: TenantId; u: UserId; other: TenantId }>(
  `with t as (insert into tenants (name) values ('acme') returning id), o as (insert into tenants (name) values ('other') returning id),
        u as (insert into users (username, system_role) values ('ada', 'member') returning id)
   select t.id as t, u.id as u, o.id as other from t, u, o`,
);
const { t, u, other } = rows[0]!;
const scope: TenantScope = { tenantId: t, tenantName: 'acme', userId: u, seesPrivate: true };

function insert(tenant: TenantId, count: number) {
  return pool.query(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
     select $1, gen_random_uuid(), 'w', 'f', 'queued', '{}', $2 from generate_series(1, $3)`,
    [tenant, u, count],
  );
}

async function total(seen = scope): Promise<number> {
  const query = { shape: { id: 'id' as const }, filters: [], sort: [], offset: 0, size: 2 };
  return (await listPage(pool, executionList, seen, query)).total;
}

test('a kept count is the real one, before and after folding, while rows come and go', async () => {
  await Promise.all([insert(t, 3), insert(t, 4), insert(other, 5)]);
  assert.equal(await total(), 7);
  await pool.query(
    'delete from executions where uid in (select uid from executions where tenant_id = $1 limit 2)',
    [t],
  );
  assert.equal(await total(), 5);
  assert.equal(await total({ ...scope, seesPrivate: false }), 5);
  await Promise.all([
    foldRowCounts(pool),
    foldRowCounts(pool),
    insert(t, 1),
    total().then((seen) => assert.ok(seen >= 5)),
  ]);
  assert.equal(await total(), 6);
  await foldRowCounts(pool);
  assert.equal(await total(), 6);
  assert.equal(await foldRowCounts(pool), 0);
  assert.equal(await total({ ...scope, tenantId: other }), 5);
});

test('what the system does for itself is left out of a kept count as out of a counted one', async () => {
  const but = async (seen: TenantScope) => {
    const filters = [{ field: 'system' as const, anyOf: ['false'] }];
    const query = { shape: { id: 'id' as const }, filters, sort: [], offset: 0, size: 2 };
    return (await listPage(pool, executionList, seen, query)).total;
  };
  const before = await total();
  await pool.query(
    'update executions set system = true where uid in (select uid from executions where tenant_id = $1 limit 2)',
    [t],
  );
  assert.equal(await but(scope), before - 2);
  assert.equal(await but({ ...scope, seesPrivate: false }), before - 2);
  await insert(t, 1);
  assert.equal(await but(scope), before - 1);
  assert.equal(await total(), before + 1);
});

test('a count that is rolled back never was', async () => {
  const client = await pool.connect();
  const before = await total();
  await client.query('begin');
  await client.query(`delete from executions where tenant_id = ${t}`);
  await client.query('rollback');
  client.release();
  assert.equal(await total(), before);
});
