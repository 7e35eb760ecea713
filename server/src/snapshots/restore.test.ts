import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantId, UserId } from '../ids.js';
import { SystemExecutions } from '../orchestration/system-executions.js';
import { Secrets } from '../secrets/secrets.js';
import { Vault } from '../secrets/vault.js';
import type { Pool } from '../store/pool.js';
import { writeSnapshot } from './archive/write.js';
import { EVERYTHING, LEFT_OUT } from './contents.js';
import { restoreSnapshot } from './restore.js';
import { SNAPSHOT_WORKFLOWS } from './workflows.js';

const source = await testDatabase();
const target = await testDatabase();
const vault = new Vault(randomBytes(32));

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly nullable: boolean;
}

async function columnsOf(pool: Pool): Promise<Map<string, Column[]>> {
  const { rows } = await pool.query<Column>(
    `select c.relname as "table", a.attname as "column", format_type(a.atttypid, null) as type, not a.attnotnull as nullable
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by c.relname, a.attnum`,
  );
  const tables = new Map<string, Column[]>();
  for (const row of rows) tables.set(row.table, [...(tables.get(row.table) ?? []), row]);
  return tables;
}

/** Two values of each type that tables use, with what is hard to carry: a JSON null, infinity, microseconds, bytes, tabs. */
const VALUES: Readonly<Record<string, readonly [string, string]>> = {
  bigint: ['9007199254740991', '2'],
  integer: ['-1', '2'],
  smallint: ['-1', '2'],
  text: [`E'tab\\t, line\\n, \\\\N, \\\\., "quote", é, \\u2028'`, `''`],
  json: [`'null'`, `'{"b": [1.0, "\\u0041"], "a" : 1, "a": 2}'`],
  jsonb: [`'null'`, `'{"b": [1.0, "x"]}'`],
  bytea: [`'\\x00ff0a5c4e'`, `''`],
  boolean: ['true', 'false'],
  uuid: [`'11111111-1111-1111-1111-111111111111'`, `'22222222-2222-2222-2222-222222222222'`],
  'timestamp with time zone': [`'infinity'`, `'2026-01-02 03:04:05.678901+00'`],
  'timestamp with time zone[]': [`'{infinity,2026-01-02 03:04:05.678901+00}'`, `'{}'`],
  'double precision': ['0.1', `'NaN'`],
  numeric: ['12345678.25', '-0.10'],
  date: [`'infinity'`, `'2026-01-02'`],
  'uuid[]': [`'{11111111-1111-1111-1111-111111111111,null}'`, `'{}'`],
  'bigint[]': [`'{9007199254740991,null}'`, `'{}'`],
  'integer[]': [`'{-1,2}'`, `'{}'`],
  'text[]': [`array['a', null, 'c,"d"']`, `'{}'`],
};

/** Without rules any row will do. */
async function dropRules(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ drop: string }>(
    `select format('alter table %I drop constraint %I', t.relname, k.conname) as drop
     from pg_constraint k join pg_class t on t.oid = k.conrelid
     where k.connamespace = 'public'::regnamespace and k.contype in ('f', 'c') and k.coninhcount = 0 order by k.contype desc`,
  );
  for (const { drop } of rows) await pool.query(drop);
}

async function rowsOf(pool: Pool, table: string, columns: readonly Column[]): Promise<string[]> {
  const names = columns.map(({ column }) => `"${column}"`).join(', ');
  const { rows } = await pool.query<{ row: string }>(
    `select row(${names})::text as row from "${table}" order by 1`,
  );
  return rows.map(({ row }) => row);
}

test('tables that are left out are there, have a reason, and refer to none that is replaced', async () => {
  const tables = await columnsOf(source.pool);
  for (const [table, reason] of Object.entries(LEFT_OUT)) {
    assert.ok(tables.has(table), `${table} is not there any more: take it off`);
    assert.ok(reason.length > 5, table);
  }
  const { rows } = await source.pool.query<{ from: string; to: string }>(
    `select t.relname as "from", f.relname as "to" from pg_constraint k join pg_class t on t.oid = k.conrelid
     join pg_class f on f.oid = k.confrelid where k.contype = 'f'`,
  );
  const crossing = rows.filter(({ from, to }) => from in LEFT_OUT !== to in LEFT_OUT);
  assert.deepEqual(crossing, [], 'a table that stays and one that is replaced may not refer to each other');
});

test('every column of every table comes back as it was, whatever it holds', async () => {
  const tables = await columnsOf(source.pool);
  await dropRules(source.pool);
  await dropRules(target.pool);
  const secrets = new Secrets({ pool: target.pool, vault });
  await secrets.requireMasterKey();
  const pair = await target.pool.query<{ t: TenantId; u: UserId }>(
    `with t as (insert into tenants (name) values ('there') returning id),
       u as (insert into users (username, system_role) values ('there', 'admin') returning id) select t.id as t, u.id as u from t, u`,
  );
  const { t: tenantId, u: userId } = pair.rows[0]!;
  const execution = '33333333-3333-3333-3333-333333333333';
  const inserted = await target.pool.query<{ uid: number }>(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, system, created_by, started_at)
     values ($1, $2, 'restore_snapshot', 'restore_snapshot', 'started', '{}', true, $3, now()) returning uid`,
    [tenantId, execution, userId],
  );

  for (const [table, columns] of tables) {
    if (table in LEFT_OUT) continue;
    await source.pool.query(`truncate "${table}"`);
    await source.pool.query(`alter table "${table}" disable trigger user`);
    for (const row of [0, 1] as const) {
      const values = columns.map(({ column, type, nullable }) => {
        if (table === 'tokens' && column === 'kind') return `'api'`;
        if (['secrets', 'sealed_values'].includes(table) && column === 'master_key')
          return `'${vault.fingerprint}'`;
        const pair = VALUES[type];
        assert.ok(
          pair !== undefined,
          `${table}.${column} is of type ${type}: give it two values in this test`,
        );
        return row === 1 && nullable ? 'null' : pair[row];
      });
      const names = columns.map(({ column }) => `"${column}"`).join(', ');
      const insert = `insert into "${table}" (${names}) overriding system value values (${values.join(', ')})`;
      await source.pool.query(insert).catch((error: Error & { code?: string }) => {
        // A second row may be one too many (one row alone, or the same key in text).
        if (row === 0 || error.code !== '23505') throw new Error(`${insert}: ${error.message}`);
      });
    }
  }
  const before = new Map<string, string[]>();
  for (const [table, columns] of tables) before.set(table, await rowsOf(source.pool, table, columns));

  const client = await source.pool.connect();
  const chunks: Buffer[] = [];
  const order = { id: 'all', execution: 'none', contents: EVERYTHING, passphrase: null };
  for await (const chunk of writeSnapshot(client, vault, order)) chunks.push(chunk);
  await client.query('commit');
  client.release();
  const bytes = Buffer.concat(chunks);
  const archive = {
    size: bytes.length,
    async *range(start: number, end: number) {
      yield bytes.subarray(start, end);
    },
  };
  const executions = new SystemExecutions(target.pool, SNAPSHOT_WORKFLOWS, () => {});
  const claim = {
    uid: inserted.rows[0]!.uid as never,
    id: execution as never,
    tenantId,
    workflow: 'restore_snapshot',
    status: 'started' as const,
    parameters: {},
    createdById: userId,
    createdBy: 'there',
    fence: 0,
    tries: 1,
  };
  const row = {
    executionId: execution as never,
    snapshot: 1,
    force: true,
    tenantName: 'there',
    username: 'there',
    requestId: 'test',
    sealed: null,
    sealedKey: null,
    masterKey: null,
  };
  await restoreSnapshot(
    { pool: target.pool, vault, executions },
    {
      claim,
      row,
      snapshotId: 'all',
      archive,
      passphrase: null,
      signal: new AbortController().signal,
      locked: () => {},
    },
  );

  /** Tables to which the restoring adds a row of its own. */
  const added = new Set(['executions', 'event_packs', 'event_differences', 'audit', 'row_counts']);
  let compared = 0;
  for (const [table, columns] of tables) {
    if (table in LEFT_OUT) continue;
    const there = await rowsOf(target.pool, table, columns);
    const was = before.get(table)!;
    // The first administrator keeps the way in of the installation that restores; both have none here.
    if (table === 'users') continue;
    if (added.has(table)) {
      assert.deepEqual(
        was.filter((one) => !there.includes(one)),
        [],
        table,
      );
      assert.equal(there.length, was.length + 1, table);
    } else assert.deepEqual(there, was, table);
    compared += was.length;
  }
  assert.ok(compared > 60, `${compared} rows were compared`);
});
