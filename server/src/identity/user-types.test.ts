import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SYSTEM_ROLES, TENANT_ROLES } from './roles.js';
import { USER_TYPES, userType, userTypeOf } from './user-types.js';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/identity.md', import.meta.url));

test('every type is one of its dialect, and names roles that there are', () => {
  const names = USER_TYPES.map(({ dialect, type }) => `${dialect} ${type}`);
  assert.equal(new Set(names).size, names.length);
  for (const { systemRole, tenantRole } of USER_TYPES) {
    assert.ok(SYSTEM_ROLES.includes(systemRole));
    assert.ok(tenantRole === null || TENANT_ROLES.includes(tenantRole));
  }
});

test('docs/identity.md tells the same table, in the same order', () => {
  const rows = USER_TYPES.map(
    ({ dialect, type, systemRole, tenantRole, meaning }) =>
      `| ${dialect} | \`${type}\` | \`${systemRole}\` | ${tenantRole === null ? '' : `\`${tenantRole}\``} | ${meaning} |`,
  );
  const told = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .filter((line) => /^\| (cloudify-v3|cloudbolt-v2|insightcloudsec|layer5-cloud) \| `/.test(line));
  assert.deepEqual(
    told.map((line) => line.replace(/ +/g, ' ')),
    rows.map((line) => line.replace(/ +/g, ' ')),
  );
});

test('a type is found again from the roles that it gives', () => {
  const held = (
    systemRole: 'admin' | 'auditor' | 'member',
    ...tenantRoles: ('manager' | 'viewer' | 'user')[]
  ) => ({
    systemRole,
    groupSystemRoles: [],
    tenantRoles,
  });
  assert.equal(userTypeOf('insightcloudsec', held('admin'))?.type, 'DOMAIN_ADMIN');
  assert.equal(userTypeOf('insightcloudsec', held('auditor', 'manager'))?.type, 'DOMAIN_VIEWER');
  assert.equal(userTypeOf('insightcloudsec', held('member', 'manager'))?.type, 'ORGANIZATION_ADMIN');
  assert.equal(userTypeOf('insightcloudsec', held('member', 'user'))?.type, 'BASIC_USER');
  assert.equal(userTypeOf('insightcloudsec', held('member')), null);
  assert.equal(userTypeOf('layer5-cloud', held('member', 'user'))?.type, 'user');
  assert.equal(userTypeOf('layer5-cloud', held('member', 'manager'))?.type, 'organization admin');
  assert.equal(userTypeOf('cloudbolt-v2', held('auditor'))?.type, 'global viewer');
  assert.equal(userType('insightcloudsec', 'EMPEROR'), null);
});
