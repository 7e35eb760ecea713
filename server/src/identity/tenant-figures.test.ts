/** What is counted of tenants as it comes and goes: right after whatever changes it, and read without counting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Queryable } from '../store/statement.js';
import { Profiles } from './profiles.js';
import { TenantProfiles } from './tenant-profiles.js';
import { selectAllFigures, selectOwnFigures } from './tenant-profiles.store.js';

const { pool } = await testDatabase();
const house = await people(pool);
const { admin, users, tenants } = house;
const profiles = new Profiles({ pool });
const tenantProfiles = new TenantProfiles({ pool });

const COUNTED = `select coalesce(t.title, t.name) as name, count(*) filter (where u.system_role = 'member')::integer as people
  from tenants t left join tenant_users m on m.tenant_id = t.id left join users u on u.id = m.user_id group by t.id order by t.id`;

/** People of each tenant as they are told, held against those who are there. */
async function told(): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; people: number }>(COUNTED);
  const figures = await tenantProfiles.figures(admin);
  assert.deepEqual(
    figures.map(({ title, people: count }) => ({ name: title, people: count })),
    rows,
  );
  return Object.fromEntries(figures.map((each) => [each.title, each.people]));
}

test('people of a tenant are those who are in it and do not reach every tenant, whatever becomes of them', async () => {
  await house.member('ada', { red: 'user', blue: 'viewer' });
  await house.member('bob', { red: 'viewer' });
  assert.deepEqual(await told(), { 'Default Organization': 0, red: 2, blue: 1 });
  await users.setRole(admin, 'ada', 'auditor');
  assert.deepEqual(await told(), { 'Default Organization': 0, red: 1, blue: 0 });
  await tenants.addUser(admin, 'default_tenant', 'ada', 'viewer');
  await tenants.removeUser(admin, 'blue', 'ada');
  assert.deepEqual(await told(), { 'Default Organization': 0, red: 1, blue: 0 });
  await users.setRole(admin, 'ada', 'admin');
  await users.setRole(admin, 'ada', 'member');
  assert.deepEqual(await told(), { 'Default Organization': 1, red: 2, blue: 0 });
  await profiles.remove(admin, { username: 'ada' });
  assert.deepEqual(await told(), { 'Default Organization': 0, red: 1, blue: 0 });
});

test('changes of roles and of memberships at the same time leave the count right', async () => {
  const names = Array.from({ length: 6 }, (_, number) => `moving-${number}`);
  for (const name of names) await house.member(name, { red: 'viewer' });
  await Promise.all(
    names.flatMap((name, number) => [
      users.setRole(admin, name, number % 2 === 0 ? 'auditor' : 'admin'),
      tenants.addUser(admin, 'blue', name, 'viewer'),
      tenants.removeUser(admin, 'red', name),
    ]),
  );
  await told();
  await Promise.all(
    names.flatMap((name) => [users.setRole(admin, name, 'member'), tenants.removeUser(admin, 'blue', name)]),
  );
  assert.deepEqual(await told(), { 'Default Organization': 0, red: 1, blue: 0 });
});

test('who is in some tenants is told of those alone', async () => {
  const bob = await house.as('bob', 'red');
  assert.deepEqual(
    (await tenantProfiles.figures(bob)).map(({ title, people: count }) => [title, count]),
    [['red', 1]],
  );
});

test('figures are looked up in the index of what is counted: no table of what they count is read', async () => {
  const asked: { text: string; values: unknown[] }[] = [];
  const listening = {
    query: async (query: { text: string; values: unknown[] }) => {
      asked.push(query);
      return { rows: [], rowCount: 0 };
    },
  } as unknown as Queryable;
  await selectAllFigures.all(listening);
  await selectOwnFigures.all(listening, [admin.userId]);
  const client = await pool.connect();
  try {
    // As where there are many rows: few are read faster one after the other.
    await client.query('set enable_seqscan = off; set enable_bitmapscan = off');
    for (const { text, values } of asked) {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      assert.equal(plan.match(/using row_counts_of on row_counts/g)?.length, 2, plan);
      assert.doesNotMatch(plan, /Seq Scan| on (users|cloud_accounts) /, plan);
    }
  } finally {
    client.release(true);
  }
});
