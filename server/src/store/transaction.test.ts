/** What a transaction promises when its connection is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { inTransaction } from './transaction.js';

describe('a connection that breaks while it is held', async () => {
  const { pool } = await testDatabase();

  it('fails its transaction, and nothing else, also when no statement is under way', async () => {
    const left = pool.totalCount;
    await assert.rejects(
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
        const gone = new Promise<void>((resolve) => client.once('end', () => resolve()));
        await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
        await gone;
        await client.query('select 1');
      }),
    );
    assert.ok(pool.totalCount <= left + 1);
    assert.deepEqual((await pool.query('select 1 as one')).rows, [{ one: 1 }]);
  });
});

describe('a transaction that its process leaves alone', async () => {
  const { pool } = await testDatabase();

  it('is told to the database as one that may be rolled back after ten seconds, and no other is', async () => {
    const asked = `select current_setting('idle_in_transaction_session_timeout') as after`;
    const within = await inTransaction(pool, async (client) => (await client.query(asked)).rows);
    assert.deepEqual(within, [{ after: '10s' }]);
    assert.deepEqual((await pool.query(asked)).rows, [{ after: '0' }]);
  });
});
