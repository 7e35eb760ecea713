import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMISSIONS, type Permission } from '../caller.js';
import { DomainError } from '../errors.js';
import {
  permissionsOf,
  SYSTEM_ROLES,
  systemRole,
  TENANT_ROLES,
  type TenantRole,
  tenantRole,
  withinTenant,
} from './roles.js';

/** Who may: letters in the order admin, Manager, User, Operations, Viewer, plain member. */
const MATRIX: Readonly<Record<Permission, string>> = {
  'status.read': 'amuovp',
  'tenants.list': 'amuovp',
  'tokens.own': 'amuovp',
  'settings.read': 'amuovp',
  'ordering.use': 'amuovp',
  'cluster.read': 'amuov',
  'blueprints.read': 'amuov',
  'plugins.read': 'amuov',
  'secrets.read': 'amuov',
  'cloud-accounts.read': 'amuov',
  'inventory.read': 'amuov',
  'sites.read': 'amuov',
  'filters.read': 'amuov',
  'deployments.read': 'amuov',
  'nodes.read': 'amuov',
  'executions.read': 'amuov',
  'events.read': 'amuov',
  'ordering.read': 'amuov',
  'tenants.read': 'amuo',
  'filters.write': 'amuo',
  'deployments.write': 'amuo',
  'nodes.write': 'amuo',
  'executions.run': 'amuo',
  'events.write': 'amuo',
  'blueprints.write': 'amu',
  'plugins.write': 'amu',
  'secrets.write': 'amu',
  'inventory.write': 'amu',
  'sites.write': 'amu',
  'cloud-accounts.write': 'am',
  'private.read': 'am',
  'ordering.manage': 'am',
  'settings.write': 'am',
  'tenants.manage': 'a',
  'users.manage': 'a',
  'user-groups.manage': 'a',
  'tokens.manage': 'a',
  'audit.read': 'a',
  'audit.manage': 'a',
  'cluster.manage': 'a',
  'maintenance.manage': 'a',
  'all-tenants.read': 'a',
  'global.write': 'a',
  'records.restore': 'a',
  'snapshots.manage': 'a',
  'log-bundles.manage': 'a',
};
const LETTERS: Readonly<Record<TenantRole, string>> = {
  manager: 'm',
  user: 'u',
  operations: 'o',
  viewer: 'v',
};

for (const permission of PERMISSIONS) {
  test(`${permission} is held by exactly the roles of the matrix`, () => {
    const holders = MATRIX[permission];
    const admin = permissionsOf({ systemRole: 'admin', groupSystemRoles: [], tenantRoles: [] });
    const member = permissionsOf({ systemRole: 'member', groupSystemRoles: [], tenantRoles: [] });
    assert.equal(admin.has(permission), holders.includes('a'));
    assert.equal(member.has(permission), holders.includes('p'));
    for (const role of TENANT_ROLES) {
      const held = permissionsOf({ systemRole: 'member', groupSystemRoles: ['member'], tenantRoles: [role] });
      assert.equal(held.has(permission), holders.includes(LETTERS[role]), role);
    }
  });
}

test('a group that is admin makes its members admins', () => {
  const held = permissionsOf({
    systemRole: 'member',
    groupSystemRoles: ['member', 'admin'],
    tenantRoles: ['viewer'],
  });
  assert.deepEqual([...held].sort(), [...PERMISSIONS].sort());
});

test('roles add up and never take away', () => {
  const both = permissionsOf({
    systemRole: 'member',
    groupSystemRoles: [],
    tenantRoles: ['viewer', 'operations'],
  });
  const one = permissionsOf({ systemRole: 'member', groupSystemRoles: [], tenantRoles: ['operations'] });
  assert.deepEqual([...both].sort(), [...one].sort());
});

test('a role of the wrong kind is refused', () => {
  const refused = (error: unknown) => error instanceof DomainError && error.reason === 'role-unknown';
  for (const role of TENANT_ROLES) assert.throws(() => systemRole(role), refused);
  for (const role of SYSTEM_ROLES) assert.throws(() => tenantRole(role), refused);
});

test('confined to its tenant, an administrator keeps what a manager has and what concerns records, and no more', () => {
  const all = permissionsOf({ systemRole: 'admin', groupSystemRoles: [], tenantRoles: [] });
  const manager = permissionsOf({ systemRole: 'member', groupSystemRoles: [], tenantRoles: ['manager'] });
  const expected = [...manager, 'records.restore'].filter(
    (permission) => permission !== 'settings.write' && permission !== 'tokens.own',
  );
  assert.deepEqual([...withinTenant(all)].sort(), expected.sort());
});
