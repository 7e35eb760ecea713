import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { lockTables } from './replace.js';
import { inTransaction } from './transaction.js';

const { pool } = await testDatabase();

test('tables are locked also where somebody takes them in another order', async () => {
  await pool.query('create table first_one (n integer); create table second_one (n integer)');
  const other = await pool.connect();
  await other.query('begin');
  await other.query('lock table second_one in access exclusive mode');
  const locked = inTransaction(pool, async (client) => {
    await lockTables(client, ['first_one', 'second_one']);
    await client.query('insert into first_one values (1)');
  });
  for (;;) {
    const { rows } = await pool.query<{ held: boolean }>(
      `select exists (select from pg_locks where relation = 'first_one'::regclass and granted and mode = 'AccessExclusiveLock') as held`,
    );
    if (rows[0]!.held) break;
  }
  // Each waits for the other now: one of the two has to give way.
  const crossing = other.query('lock table first_one in access exclusive mode').then(
    () => other.query('commit'),
    () => other.query('rollback'),
  );
  await Promise.all([locked, crossing]);
  other.release();
  assert.equal((await pool.query('select from first_one')).rowCount, 1);
});
