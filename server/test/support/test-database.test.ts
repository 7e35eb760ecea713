import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { testDatabase } from './test-database.js';

test('each call gives a migrated database of its own', async (t) => {
  const [one, two] = await Promise.all([testDatabase(t), testDatabase(t)]);
  assert.notEqual(one.databaseUrl, two.databaseUrl);
  const { rows } = await one.pool.query('select count(*)::integer as applied from migrations');
  assert.ok(rows[0].applied > 0);
});

test('close fails when a connection of the pool was never released', async () => {
  const database = await testDatabase({ after: () => {} }, 200);
  database.pool.on('error', () => {});
  const client = await database.pool.connect();
  client.on('error', () => {});
  await assert.rejects(database.close(), /1 connections of the pool were never released/);
});

test('close fails when a connection beside the pool stays open', async () => {
  const database = await testDatabase({ after: () => {} }, 200);
  const client = new pg.Client({ connectionString: database.databaseUrl, application_name: 'forgotten' });
  client.on('error', () => {});
  await client.connect();
  await assert.rejects(database.close(), /forgotten/);
});
