import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import { Audit } from './audit.js';
import { type UserField, Users } from './users.js';

const { pool } = await testDatabase();
const house = await people(pool);
const { users, admin } = house;
const plain = await house.member('plain', { default_tenant: 'manager' });

const shape: Record<string, UserField> = {
  name: 'username',
  role: 'role',
  active: 'active',
  groups: 'groups',
  tenants: 'tenants',
  tenantCount: 'tenantCount',
  tenantRoles: 'tenantRoles',
  groupSystemRoles: 'groupSystemRoles',
};

async function trail(id: string): Promise<string[]> {
  const entries = await new Audit({ pool }).list(admin, { before: null, size: 1000 });
  return entries
    .filter((entry) => entry.thing === 'user' && entry.thingId === id)
    .map((entry) => entry.action);
}

test('only those who manage users may change or list them; everybody may look at themselves', async () => {
  const denied = { kind: 'forbidden', reason: 'permission-denied' };
  const query = { shape, filters: [], sort: [], offset: 0, size: null };
  await assert.rejects(users.list(plain, query), denied);
  await assert.rejects(users.get(plain, 'admin'), denied);
  await assert.rejects(users.create(plain, { username: 'x', password: 'xxxxx', role: 'admin' }), denied);
  await assert.rejects(users.remove(plain, 'admin'), denied);
  await assert.rejects(users.setRole(plain, 'plain', 'admin'), denied);
  await assert.rejects(users.setPassword(plain, 'admin', 'taken over'), denied);
  await assert.rejects(users.deactivate(plain, 'admin'), denied);
  await assert.rejects(users.activate(plain, 'plain'), denied);
  await assert.rejects(users.unlock(plain, 'plain'), denied);
  assert.equal((await users.get(plain, 'Plain')).username, 'plain');
  assert.equal((await users.setPassword(plain, 'plain', 'my own new one')).username, 'plain');
});

test('a user is told with groups, tenants and roles, in lists as alone, and never with a hash', async () => {
  await house.member('ada', { default_tenant: 'user' });
  await house.userGroups.create(admin, { name: 'crew', role: 'admin' });
  await house.userGroups.addUser(admin, 'crew', 'ada');
  await house.tenants.addGroup(admin, 'default_tenant', 'crew', 'viewer');
  const ada = await users.get(admin, 'ada');
  assert.deepEqual(ada.groups, ['crew']);
  assert.deepEqual(ada.tenants, ['default_tenant']);
  assert.deepEqual(ada.tenantRoles, { default_tenant: ['user', 'viewer'] });
  assert.deepEqual(ada.groupSystemRoles, { admin: ['crew'] });
  assert.doesNotMatch(JSON.stringify(ada), /argon2/);
  const page = await users.list(admin, {
    shape,
    filters: [{ field: 'username', anyOf: ['ada'] }],
    sort: [],
    offset: 0,
    size: 10,
  });
  assert.equal(page.total, 1);
  assert.deepEqual(JSON.parse(page.items), [
    {
      name: 'ada',
      role: 'member',
      active: true,
      groups: ['crew'],
      tenants: ['default_tenant'],
      tenantCount: 1,
      tenantRoles: { default_tenant: ['user', 'viewer'] },
      groupSystemRoles: { admin: ['crew'] },
    },
  ]);
});

for (const [what, user, reason] of [
  ['a name that starts with a digit', { username: '1st', password: 'xxxxx', role: 'member' }, 'name-invalid'],
  ['an empty name', { username: '', password: 'xxxxx', role: 'member' }, 'name-invalid'],
  ['a name with a slash', { username: 'a/b', password: 'xxxxx', role: 'member' }, 'name-invalid'],
  ['a name with a NUL', { username: 'a\0', password: 'xxxxx', role: 'member' }, 'name-invalid'],
  ['a name too long', { username: 'a'.repeat(257), password: 'xxxxx', role: 'member' }, 'name-invalid'],
  ['a short password', { username: 'bob', password: 'xxxx', role: 'member' }, 'password-invalid'],
  ['an endless password', { username: 'bob', password: 'x'.repeat(257), role: 'member' }, 'password-invalid'],
  ['a role of tenants', { username: 'bob', password: 'xxxxx', role: 'viewer' }, 'role-unknown'],
] as const) {
  test(`create refuses ${what}`, async () => {
    await assert.rejects(users.create(admin, user), { kind: 'invalid', reason });
  });
}

test('create refuses a name that differs from another only in case, also at the same time', async () => {
  const outcomes = await Promise.allSettled(
    ['twin', 'Twin', 'TWIN'].map((username) =>
      users.create(admin, { username, password: 'xxxxx', role: 'member' }),
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.equal(outcome.reason.reason, 'user-exists');
  }
});

test('each change leaves its row in the audit trail, and a refused one leaves none', async () => {
  await house.member('cid');
  await users.setPassword(admin, 'cid', 'something else');
  await users.setRole(admin, 'cid', 'admin');
  await users.setRole(admin, 'cid', 'member');
  await users.deactivate(admin, 'cid');
  await assert.rejects(users.deactivate(admin, 'cid'), { kind: 'conflict' });
  await users.activate(admin, 'cid');
  await assert.rejects(users.activate(admin, 'cid'), { kind: 'conflict' });
  await users.unlock(admin, 'cid');
  await users.remove(admin, 'cid');
  assert.deepEqual((await trail('cid')).reverse(), [
    'create',
    'set-password',
    'set-role',
    'set-role',
    'deactivate',
    'activate',
    'unlock',
    'delete',
  ]);
});

test('the first administrator can be neither removed nor demoted, and nobody can remove themselves', async () => {
  const second = await secondAdmin('second');
  await assert.rejects(users.remove(second, 'admin'), { reason: 'builtin-user' });
  await assert.rejects(users.setRole(second, 'admin', 'member'), { reason: 'builtin-user' });
  await assert.rejects(users.remove(second, 'second'), { reason: 'own-user' });
  await users.remove(admin, 'second');
});

test('the last active administrator stays, also against two requests at once', async () => {
  await assert.rejects(users.deactivate(admin, 'admin'), { kind: 'invalid', reason: 'last-admin' });
  const other = await secondAdmin('other');
  const outcomes = await Promise.allSettled([
    users.deactivate(admin, 'other'),
    users.deactivate(other, 'admin'),
  ]);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const refused = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.equal(refused?.status === 'rejected' && refused.reason.reason, 'last-admin');
  const { rows } = await pool.query(`select username from users where system_role = 'admin' and active`);
  assert.equal(rows.length, 1);
  await users.activate(
    rows[0].username === 'admin' ? admin : other,
    rows[0].username === 'admin' ? 'other' : 'admin',
  );
  await users.remove(admin, 'other');
});

test('a user who owns something stays, whether a room counts it or only a foreign key knows', async () => {
  await house.member('dan', { default_tenant: 'user' });
  const dan = await users.get(admin, 'dan');
  const counting = new Users({
    pool,
    passwordHash: house.passwordHash,
    belongings: [async (_, user) => ({ things: 'boats', count: user === dan.id ? 2 : 0 })],
  });
  await assert.rejects(counting.remove(admin, 'dan'), { kind: 'conflict', message: /2 boats/ });
  await pool.query(
    `insert into blueprints (tenant_id, id, created_by, main_file, state)
     select id, 'his', $1, 'x.yaml', 'pending' from tenants where name = 'default_tenant'`,
    [dan.id],
  );
  await assert.rejects(users.remove(admin, 'dan'), { kind: 'conflict', reason: 'user-has-belongings' });
  assert.equal((await users.get(admin, 'dan')).active, true);
  await pool.query('delete from blueprints');
  assert.equal((await users.remove(admin, 'dan')).username, 'dan');
  await assert.rejects(users.get(admin, 'dan'), { kind: 'not-found' });
});

test('an unknown user is not found by any verb', async () => {
  for (const name of ['nobody', 'nul\0']) {
    await assert.rejects(users.get(admin, name), { kind: 'not-found' });
    await assert.rejects(users.remove(admin, name), { kind: 'not-found' });
    await assert.rejects(users.setPassword(admin, name, 'password'), { kind: 'not-found' });
    await assert.rejects(users.setRole(admin, name, 'admin'), { kind: 'not-found' });
    await assert.rejects(users.activate(admin, name), { kind: 'not-found' });
    await assert.rejects(users.unlock(admin, name), { kind: 'not-found' });
  }
});

test('the audit trail is for administrators, newest first, page by page', async () => {
  const audit = new Audit({ pool });
  await assert.rejects(audit.list(plain, { before: null, size: 10 }), { kind: 'forbidden' });
  const first = await audit.list(admin, { before: null, size: 3 });
  const second = await audit.list(admin, { before: first[2]!.id, size: 3 });
  const ids = [...first, ...second].map((entry) => entry.id);
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => b - a),
  );
  assert.equal(new Set(ids).size, 6);
  assert.equal(first[0]!.username, 'admin');
  assert.equal(first[0]!.requestId, 'test');
});

async function secondAdmin(username: string): Promise<Caller> {
  await users.create(admin, { username, password: 'password', role: 'admin' });
  return house.as(username);
}
