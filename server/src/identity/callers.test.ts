import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN_PASSWORD, people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { requirePermission, scopeFor } from '../caller.js';
import { Credentials } from './credentials.js';

const { pool } = await testDatabase();
const house = await people(pool);
const credentials = new Credentials({ pool, passwordHash: house.passwordHash });
const { callers } = house;
await house.tenants.create(house.admin, 'red');
await house.tenants.create(house.admin, 'blue');
const forbidden = { kind: 'forbidden', reason: 'tenant-forbidden' };

async function signIn(username: string, tenant: string | null) {
  const password = username === 'admin' ? ADMIN_PASSWORD : `${username} password`;
  const who = await credentials.verifyPassword(username, password, '192.0.2.1', tenant);
  return callers.callerFor(who, tenant, 'r1');
}

test('a member reaches the tenants they have a role in, and no other', async () => {
  await house.member('ada', { red: 'user' });
  const caller = await signIn('ada', 'red');
  assert.equal(caller.tenant?.name, 'red');
  assert.equal(caller.requestId, 'r1');
  assert.equal(scopeFor(caller, 'blueprints.write').tenantName, 'red');
  await assert.rejects(signIn('ada', 'blue'), forbidden);
});

test('an unknown tenant looks like a forbidden one', async () => {
  await house.member('bob', { red: 'user' });
  const messages: string[] = [];
  for (const tenant of ['blue', 'none', 'nul\0', '']) {
    await assert.rejects(signIn('bob', tenant), (error: Error) => {
      messages.push(error.message.replaceAll(`\`${tenant}\``, 'T'));
      return true;
    });
  }
  assert.equal(new Set(messages).size, 1);
});

test('a call without tenant has the system role alone, and no scope', async () => {
  await house.member('cid', { red: 'manager' });
  const caller = await signIn('cid', null);
  assert.equal(caller.tenant, null);
  requirePermission(caller, 'tokens.own');
  assert.throws(() => requirePermission(caller, 'blueprints.read'), { kind: 'forbidden' });
  assert.throws(() => scopeFor(caller, 'tokens.own'), { reason: 'tenant-missing' });
});

test('an administrator acts in every tenant, but not in one that is not there', async () => {
  for (const tenant of ['red', 'blue', 'default_tenant']) {
    assert.ok((await signIn('admin', tenant)).permissions.has('tenants.manage'), tenant);
  }
  await assert.rejects(signIn('admin', 'none'), forbidden);
});

test('roles through groups count, system roles and tenant roles alike, and are gone with the membership', async () => {
  await house.member('dan');
  await house.userGroups.create(house.admin, { name: 'readers', role: 'member' });
  await house.userGroups.create(house.admin, { name: 'chiefs', role: 'admin' });
  await house.tenants.addGroup(house.admin, 'blue', 'readers', 'viewer');
  await assert.rejects(signIn('dan', 'blue'), forbidden);
  await house.userGroups.addUser(house.admin, 'readers', 'dan');
  const reader = await signIn('dan', 'blue');
  assert.ok(reader.permissions.has('blueprints.read') && !reader.permissions.has('blueprints.write'));
  await house.userGroups.addUser(house.admin, 'chiefs', 'dan');
  assert.ok((await signIn('dan', 'red')).permissions.has('users.manage'));
  await house.userGroups.removeUser(house.admin, 'chiefs', 'dan');
  await assert.rejects(signIn('dan', 'red'), forbidden);
  await house.tenants.removeGroup(house.admin, 'blue', 'readers');
  await assert.rejects(signIn('dan', 'blue'), forbidden);
});

test('own roles and roles through groups add up', async () => {
  await house.member('eli', { blue: 'viewer' });
  await house.userGroups.create(house.admin, { name: 'operators', role: 'member' });
  await house.tenants.addGroup(house.admin, 'blue', 'operators', 'operations');
  await house.userGroups.addUser(house.admin, 'operators', 'eli');
  assert.ok((await signIn('eli', 'blue')).permissions.has('executions.run'));
});

test('a role that is taken away is gone with the next request', async () => {
  await house.member('fay', { red: 'user' });
  assert.ok((await signIn('fay', 'red')).permissions.has('blueprints.write'));
  await house.tenants.changeUserRole(house.admin, 'red', 'fay', 'viewer');
  assert.ok(!(await signIn('fay', 'red')).permissions.has('blueprints.write'));
  await house.tenants.removeUser(house.admin, 'red', 'fay');
  await assert.rejects(signIn('fay', 'red'), forbidden);
});

test('a tenant other than the one named while signing in is looked up then', async () => {
  await house.member('gil', { red: 'user', blue: 'viewer' });
  const who = await credentials.verifyPassword('gil', 'gil password', '192.0.2.1', 'red');
  const inBlue = await callers.callerFor(who, 'blue', 'r2');
  assert.equal(inBlue.tenant?.name, 'blue');
  assert.ok(!inBlue.permissions.has('blueprints.write'));
  await house.users.deactivate(house.admin, 'gil');
  await assert.rejects(callers.callerFor(who, 'blue', 'r2'), { kind: 'unauthenticated' });
});

test('the server acts as a user only while the user is active', async () => {
  await house.member('hal', { red: 'user' });
  assert.equal((await callers.actingAs('HAL', 'red', 'engine')).username, 'hal');
  await house.users.deactivate(house.admin, 'hal');
  await assert.rejects(callers.actingAs('hal', 'red', 'engine'), { kind: 'forbidden' });
  await assert.rejects(callers.actingAs('nobody', 'red', 'engine'), { kind: 'forbidden' });
});
