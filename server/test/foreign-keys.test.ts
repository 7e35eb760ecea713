/** Deleting a row must not read whole tables: PostgreSQL looks for it in every table that refers to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from './support/test-database.js';

/** What comes in large numbers and is deleted while others work. */
const MANY = [
  'blueprints',
  'cloud_accounts',
  'deployments',
  'executions',
  'inventory_resources',
  'jobs',
  'node_instances',
  'offers',
  'order_errands',
  'order_items',
  'orders',
  'plugins',
  'pool_workers',
  'servers',
  'services',
];

test('whatever refers to a thing of which there are many is found by an index when the thing goes', async () => {
  const { pool } = await testDatabase();
  const { rows } = await pool.query<{ missing: string }>(
    `select format('%s (%s), for when %s go', c.conrelid::regclass, a.attname, c.confrelid::regclass) as missing
     from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
     where c.contype = 'f' and c.confrelid::regclass::text = any($1) and not exists (
       select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = any(c.conkey)
         and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
     order by 1`,
    [MANY],
  );
  assert.deepEqual(
    rows.map((row) => row.missing),
    [],
  );
});
