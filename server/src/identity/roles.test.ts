import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMISSIONS, type Permission } from '../caller.js';
import { DomainError } from '../errors.js';
import {
  permissionsOf,
  reachesEveryTenant,
  SYSTEM_ROLES,
  systemRole,
  TENANT_ROLES,
  type TenantRole,
  tenantRole,
  withinTenant,
} from './roles.js';

/** Who may: letters in the order admin, Manager, User, Operations, Viewer, plain member; `r`: the auditor, who Reads. */
const MATRIX: Readonly<Record<Permission, string>> = {
  'status.read': 'amuovpr',
  'tenants.list': 'amuovpr',
  'tokens.own': 'amuovpr',
  'settings.read': 'amuovpr',
  'ordering.use': 'amuovp',
  'cluster.read': 'amuovr',
  'blueprints.read': 'amuovr',
  'plugins.read': 'amuovr',
  'secrets.read': 'amuovr',
  'cloud-accounts.read': 'amuovr',
  'inventory.read': 'amuovr',
  'sites.read': 'amuovr',
  'filters.read': 'amuovr',
  'deployments.read': 'amuovr',
  'nodes.read': 'amuovr',
  'executions.read': 'amuovr',
  'events.read': 'amuovr',
  'ordering.read': 'amr',
  'workspaces.read': 'amuovr',
  'designs.read': 'amuovr',
  'academy.read': 'amuovr',
  'workspaces.write': 'amu',
  'designs.write': 'amu',
  'academy.manage': 'am',
  'tenants.read': 'amuor',
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
  'members.read': 'amuovr',
  'members.manage': 'am',
  'users.read': 'ar',
  'users.manage': 'a',
  'user-groups.manage': 'a',
  'tokens.manage': 'a',
  'audit.read': 'ar',
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
    const auditor = permissionsOf({ systemRole: 'auditor', groupSystemRoles: [], tenantRoles: [] });
    assert.equal(auditor.has(permission), holders.includes('r'));
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
    (permission) => !['settings.write', 'tokens.own', 'members.manage'].includes(permission),
  );
  assert.deepEqual([...withinTenant(all)].sort(), expected.sort());
});

test('an auditor reads everywhere and changes nothing but their own tokens', () => {
  const held = permissionsOf({ systemRole: 'auditor', groupSystemRoles: [], tenantRoles: [] });
  const changing = [...held].filter((permission) => !/\.(read|list)$/.test(permission));
  assert.deepEqual(changing, ['tokens.own']);
  assert.ok(reachesEveryTenant({ systemRole: 'member', groupSystemRoles: ['auditor'] }));
  assert.ok(!reachesEveryTenant({ systemRole: 'member', groupSystemRoles: ['member'] }));
});

test('an auditor who is manager somewhere has both there', () => {
  const held = permissionsOf({ systemRole: 'auditor', groupSystemRoles: [], tenantRoles: ['manager'] });
  assert.ok(held.has('users.read') && held.has('blueprints.write') && held.has('members.manage'));
});
