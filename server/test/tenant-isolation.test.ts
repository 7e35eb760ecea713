/** What keeps decision 0003 true: no table is forgotten, and nothing speaks SQL past the declared statements. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TENANT_TABLES } from '../src/store/unpinned-table.js';
import { readSources } from './support/source.js';
import { testDatabase } from './support/test-database.js';

const { pool } = await testDatabase();

/** Tables with a `tenant_id` whose rows are nevertheless no tenant's own, with the reason. May only shrink. */
const ACROSS_TENANTS: Readonly<Record<string, string>> = {
  tenant_users: 'says who is in which tenant: read to establish the caller, before there is a tenant',
  tenant_user_groups: 'says which group is in which tenant, likewise',
  tokens: 'belongs to a user; the tenant is what the token of an execution is confined to',
  audit: 'the trail of the whole installation; the tenant is what the change was made in, if any',
};

async function tablesWith(column: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.table_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name = $1 and t.table_type in ('BASE TABLE', 'VIEW') order by 1`,
    [column],
  );
  // A partition is reached through its parent.
  const { rows: partitions } = await pool.query<{ name: string }>(
    'select relname as name from pg_class where relispartition',
  );
  const hidden = new Set(partitions.map((row) => row.name));
  return rows.map((row) => row.name).filter((name) => !hidden.has(name));
}

test('every table with a tenant_id is known as a tenant table, or says why not', async () => {
  const expected = [...TENANT_TABLES, ...Object.keys(ACROSS_TENANTS)].sort();
  assert.deepEqual((await tablesWith('tenant_id')).sort(), expected);
});

test('no row of a tenant table can be without its tenant', async () => {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where table_schema = 'public' and column_name = 'tenant_id' and is_nullable = 'YES'`,
  );
  assert.deepEqual(
    rows.map((row) => row.name).filter((name) => TENANT_TABLES.has(name) && !VIEWS.has(name)),
    [],
  );
});

test('every list and lookup of a tenant starts in an index: each tenant table has one that leads with tenant_id', async () => {
  const { rows } = await pool.query<{ name: string }>(
    `select distinct c.relname as name from pg_index i
     join pg_class c on c.oid = i.indrelid
     join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
     where a.attname = 'tenant_id'`,
  );
  const led = new Set(rows.map((row) => row.name));
  assert.deepEqual(
    [...TENANT_TABLES].filter((table) => !led.has(table) && !(table in REACHED_BY_KEY) && !VIEWS.has(table)),
    [],
  );
});

/** Of the rows of other tables, which have what is asked of tables. */
const VIEWS: ReadonlySet<string> = new Set(['events']);

/** Tables that a request reaches only through the surrogate key of a row it has found, with that row. */
const REACHED_BY_KEY: Readonly<Record<string, string>> = {
  operations: 'through its execution',
  event_differences: 'those since the last folding, which are few, are read one by one',
  event_subjects: 'through its execution or deployment',
};

/** Files that speak to PostgreSQL themselves, with the reason. May only shrink. */
const TOUCH_NO_TABLE: Readonly<Record<string, string>> = {
  'orchestration/running/worker-name.ts': 'holds its name by a lock on a connection of its own',
};

test('only store/ hands SQL to PostgreSQL; everything else declares statements', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const past = readSources(join(root, 'server/src'))
    .filter((file) => !/^(store|embedded-postgres)\/|\.test\.ts$/.test(file.path))
    .filter((file) => /\.query\s*(<|\()/.test(file.bare))
    .map((file) => file.path);
  assert.deepEqual(past, Object.keys(TOUCH_NO_TABLE));
});
