import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import type { TenantId } from '../ids.js';
import { systemStatement, tenantStatement } from './statement.js';

const { pool } = await testDatabase();
const NOWHERE = 0 as TenantId;

test('a statement that forgets its tenant cannot be declared for a room', () => {
  assert.throws(
    () => tenantStatement('test_forgetful', 'select * from deployments where uid = $2'),
    /test_forgetful.*deployments.*tenant_id/,
  );
});

test('a statement for all tenants must say why, and no two statements share a name', () => {
  assert.throws(() => systemStatement('test_silent', 'select 1', 'because'), /why/);
  systemStatement('test_once', 'select 1', 'nothing is read here');
  assert.throws(() => systemStatement('test_once', 'select 1', 'nothing is read here'), /twice/);
  assert.throws(() => systemStatement('x'.repeat(64), 'select 1', 'nothing is read here'), /longer/);
});

test('a tenant statement runs with the tenant in $1 and the values after it', async () => {
  const statement = tenantStatement<{ tenant: number; given: string }>(
    'test_values',
    `select $1::bigint as tenant, $2::text as given where $2 <> 'none'`,
  );
  assert.deepEqual(await statement.all(pool, 7 as TenantId, ['x']), [{ tenant: 7, given: 'x' }]);
  assert.deepEqual(await statement.one(pool, 7 as TenantId, ['x']), { tenant: 7, given: 'x' });
  assert.equal(await statement.one(pool, 7 as TenantId, ['none']), null);
  assert.equal(await statement.run(pool, 7 as TenantId, ['x']), 1);
});

test('a value that PostgreSQL cannot hold is the mistake of the request', async () => {
  const refused = { kind: 'invalid', reason: 'text-unstorable' };
  const byText = tenantStatement('test_nul', 'select from secrets where tenant_id = $1 and key = $2');
  await assert.rejects(byText.all(pool, NOWHERE, ['a\0b']), refused);
  const byJson = systemStatement('test_nul_json', 'select $1::jsonb', 'nothing is read here');
  await assert.rejects(byJson.all(pool, [JSON.stringify({ text: 'a\0b' })]), refused);
  const broken = systemStatement('test_broken', 'select 1 / $1::integer', 'nothing is read here');
  await assert.rejects(broken.all(pool, [0]), { code: '22012' });
});

test('what refers to somebody who has just been removed is refused as a conflict', async () => {
  const membership = systemStatement(
    'test_orphan',
    `insert into tenant_users (tenant_id, user_id, role) values ($1, $2, 'viewer')`,
    'nothing is read here',
  );
  const { rows } = await pool.query(`insert into tenants (name) values ('there') returning id`);
  await assert.rejects(membership.run(pool, [rows[0].id, 0]), { kind: 'conflict', reason: 'gone-meanwhile' });
});
