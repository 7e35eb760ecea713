import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { type TenantField, Tenants } from './tenants.js';
import type { UserGroupField } from './user-groups.js';

const { pool } = await testDatabase();
const house = await people(pool);
const { tenants, userGroups, admin } = house;
const ada = await house.member('ada', { red: 'operations' });
const vic = await house.member('vic', { blue: 'viewer' });

const shape: Record<string, TenantField> = {
  name: 'name',
  users: 'users',
  userCount: 'userCount',
  groups: 'groups',
};
async function listed(caller: Caller, more: Record<string, TenantField> = {}) {
  const query = { shape: { ...shape, ...more }, filters: [], sort: [], offset: 0, size: null };
  const page = await tenants.list(caller, query);
  return JSON.parse(page.items) as { name: string; users: string[]; userCount: number }[];
}

test('members see their own tenants and how many are in them; administrators see all, with names', async () => {
  assert.deepEqual(
    (await listed(admin)).map(({ name, users }) => [name, users]),
    [
      ['blue', ['vic']],
      ['default_tenant', ['admin']],
      ['red', ['ada']],
    ],
  );
  assert.deepEqual(await listed(ada), [{ name: 'red', users: [], userCount: 1, groups: [] }]);
});

test('who has which role in a tenant is told to administrators alone', async () => {
  await listed(admin, { roles: 'userRoles' });
  await assert.rejects(listed(ada, { roles: 'userRoles' }), { kind: 'forbidden' });
});

test('a tenant that one is in through a group alone is listed too', async () => {
  await house.member('gus');
  await userGroups.create(admin, { name: 'blues', role: 'member' });
  await userGroups.addUser(admin, 'blues', 'gus');
  await tenants.addGroup(admin, 'blue', 'blues', 'viewer');
  const gus = await house.as('gus', 'blue');
  assert.deepEqual(
    (await listed(gus)).map(({ name }) => name),
    ['blue'],
  );
  assert.deepEqual((await tenants.get(admin, 'blue')).userRoles, {
    direct: { vic: 'viewer' },
    groups: { blues: { role: 'viewer', users: ['gus'] } },
  });
  assert.deepEqual((await tenants.get(admin, 'blue')).users, ['gus', 'vic']);
});

test('get is for those who operate in the tenant and for administrators', async () => {
  assert.equal((await tenants.get(ada, 'red')).name, 'red');
  await assert.rejects(tenants.get(ada, 'blue'), { kind: 'forbidden' });
  await assert.rejects(tenants.get(ada, 'none'), { kind: 'forbidden' });
  await assert.rejects(tenants.get(vic, 'blue'), { kind: 'forbidden' });
  await assert.rejects(tenants.get(admin, 'none'), { kind: 'not-found', reason: 'tenant-not-found' });
});

test('only administrators change tenants and groups, not even the managers of the tenant', async () => {
  const max = await house.member('max', { red: 'manager' });
  const denied = { kind: 'forbidden', reason: 'permission-denied' };
  await assert.rejects(tenants.create(max, 'own'), denied);
  await assert.rejects(tenants.remove(max, 'red'), denied);
  await assert.rejects(tenants.addUser(max, 'red', 'vic', 'viewer'), denied);
  await assert.rejects(tenants.changeUserRole(max, 'red', 'ada', 'viewer'), denied);
  await assert.rejects(tenants.removeUser(max, 'red', 'ada'), denied);
  await assert.rejects(tenants.addGroup(max, 'red', 'blues', 'viewer'), denied);
  await assert.rejects(userGroups.create(max, { name: 'own', role: 'admin' }), denied);
  await assert.rejects(userGroups.addUser(max, 'blues', 'max'), denied);
  await assert.rejects(userGroups.setRole(max, 'blues', 'admin'), denied);
  await assert.rejects(userGroups.remove(max, 'blues'), denied);
  await assert.rejects(userGroups.get(max, 'blues'), denied);
});

test('create refuses bad, reserved and taken names', async () => {
  for (const name of ['', 'a b', '9lives', 'ä', 'x'.repeat(257)]) {
    await assert.rejects(tenants.create(admin, name), { kind: 'invalid', reason: 'name-invalid' });
  }
  for (const name of ['users', 'user-groups', 'Users']) {
    await assert.rejects(tenants.create(admin, name), { kind: 'invalid', reason: 'name-reserved' });
  }
  await assert.rejects(tenants.create(admin, 'red'), { kind: 'conflict', reason: 'tenant-exists' });
  await assert.rejects(userGroups.create(admin, { name: 'users', role: 'member' }), {
    reason: 'name-reserved',
  });
});

test('a tenant goes only when nothing is left in it, and the first one never', async () => {
  await assert.rejects(tenants.remove(admin, 'default_tenant'), {
    kind: 'invalid',
    reason: 'default-tenant',
  });
  await house.member('kim', { green: 'user' });
  await tenants.addGroup(admin, 'green', 'blues', 'viewer');
  const notEmpty = { kind: 'conflict', reason: 'tenant-not-empty' };
  await assert.rejects(tenants.remove(admin, 'green'), { ...notEmpty, message: /1 users/ });
  await tenants.removeUser(admin, 'green', 'kim');
  await assert.rejects(tenants.remove(admin, 'green'), { ...notEmpty, message: /1 user groups/ });
  await tenants.removeGroup(admin, 'green', 'blues');
  const counting = new Tenants({ pool, belongings: [async () => ({ things: 'ships', count: 3 })] });
  await assert.rejects(counting.remove(admin, 'green'), { ...notEmpty, message: /3 ships/ });
  await pool.query(
    `insert into blueprints (tenant_id, id, created_by, main_file, state)
     select id, 'left', $1, 'x.yaml', 'pending' from tenants where name = 'green'`,
    [admin.userId],
  );
  await assert.rejects(tenants.remove(admin, 'green'), notEmpty);
  await pool.query('delete from blueprints');
  assert.equal((await tenants.remove(admin, 'green')).name, 'green');
  await assert.rejects(tenants.get(admin, 'green'), { kind: 'not-found' });
});

test('memberships say what is wrong: twice, not there, unknown, wrong role', async () => {
  const already = { kind: 'conflict', reason: 'already-in-tenant' };
  const absent = { kind: 'not-found', reason: 'not-in-tenant' };
  await assert.rejects(tenants.addUser(admin, 'red', 'ADA', 'viewer'), already);
  await assert.rejects(tenants.changeUserRole(admin, 'red', 'vic', 'viewer'), absent);
  await assert.rejects(tenants.removeUser(admin, 'red', 'vic'), absent);
  await assert.rejects(tenants.addUser(admin, 'none', 'vic', 'viewer'), { reason: 'tenant-not-found' });
  await assert.rejects(tenants.addUser(admin, 'red', 'nobody', 'viewer'), { reason: 'user-not-found' });
  await assert.rejects(tenants.addGroup(admin, 'red', 'nobody', 'viewer'), {
    reason: 'user-group-not-found',
  });
  await assert.rejects(tenants.addUser(admin, 'red', 'vic', 'admin'), { reason: 'role-unknown' });
  await tenants.addGroup(admin, 'red', 'blues', 'viewer');
  await assert.rejects(tenants.addGroup(admin, 'red', 'Blues', 'viewer'), already);
  assert.equal(
    (await tenants.changeGroupRole(admin, 'red', 'blues', 'operations')).userRoles.groups.blues?.role,
    'operations',
  );
  await tenants.removeGroup(admin, 'red', 'blues');
  await assert.rejects(tenants.removeGroup(admin, 'red', 'blues'), absent);
});

test('groups are made, filled, emptied and removed, with the right refusals', async () => {
  const group = await userGroups.create(admin, { name: 'Crew', role: 'member', ldapDn: 'cn=crew,dc=x' });
  assert.deepEqual(
    { ...group, id: null },
    {
      id: null,
      name: 'Crew',
      role: 'member',
      ldapDn: 'cn=crew,dc=x',
      users: [],
      tenants: [],
      tenantRoles: {},
    },
  );
  await assert.rejects(userGroups.create(admin, { name: 'crew', role: 'member' }), {
    reason: 'user-group-exists',
  });
  await assert.rejects(userGroups.create(admin, { name: 'mates', role: 'member', ldapDn: 'CN=crew,dc=x' }), {
    reason: 'user-group-exists',
  });
  assert.deepEqual((await userGroups.addUser(admin, 'crew', 'vic')).users, ['vic']);
  await assert.rejects(userGroups.addUser(admin, 'crew', 'vic'), {
    kind: 'conflict',
    reason: 'already-member',
  });
  await assert.rejects(userGroups.addUser(admin, 'crew', 'nobody'), { reason: 'user-not-found' });
  await assert.rejects(userGroups.addUser(admin, 'none', 'vic'), { reason: 'user-group-not-found' });
  assert.equal((await userGroups.setRole(admin, 'crew', 'admin')).role, 'admin');
  await assert.rejects(userGroups.setRole(admin, 'crew', 'viewer'), { reason: 'role-unknown' });
  assert.deepEqual((await userGroups.removeUser(admin, 'crew', 'vic')).users, []);
  await assert.rejects(userGroups.removeUser(admin, 'crew', 'vic'), { reason: 'member-not-found' });
  const fields: Record<string, UserGroupField> = { name: 'name', n: 'userCount', dn: 'ldapDn' };
  const page = await userGroups.list(admin, {
    shape: fields,
    filters: [],
    sort: [],
    search: 'CRE',
    offset: 0,
    size: 9,
  });
  assert.equal(page.items, '[{"name":"Crew","n":0,"dn":"cn=crew,dc=x"}]');
  await userGroups.remove(admin, 'CREW');
  await assert.rejects(userGroups.get(admin, 'crew'), { kind: 'not-found' });
});
