/**
 * Roles in Cloudify's words and in ours. System roles differ, tenant roles are spelled alike.
 *
 * `/api/v3` speaks the words of its document (`administrator`, `user`, `suspended`), `/api/v3.1` those of today's
 * client (`sys_admin`, `default`); both accept either (specs: cloudify-rest.md §C4).
 */
import type { SystemRole, TenantRole } from '../../identity/roles.js';
import { badParameters } from './errors.js';
import type { ApiVersion } from './version.js';

const SYSTEM_ROLE_OF: Readonly<Record<string, SystemRole>> = {
  sys_admin: 'admin',
  administrator: 'admin',
  admin: 'admin',
  auditor: 'auditor',
  default: 'member',
  user: 'member',
  suspended: 'member',
};

const TENANT_ROLES: readonly TenantRole[] = ['manager', 'user', 'operations', 'viewer'];

/** What a system role on the wire asks for: our role, and whether the user may log in. */
export function readSystemRole(word: string): { readonly role: SystemRole; readonly active: boolean } {
  const role = Object.hasOwn(SYSTEM_ROLE_OF, word) ? SYSTEM_ROLE_OF[word] : undefined;
  if (role === undefined) {
    throw badParameters(
      `Invalid role: \`${word}\`. Valid system roles are: ${Object.keys(SYSTEM_ROLE_OF).join(', ')}`,
    );
  }
  return { role, active: word !== 'suspended' };
}

export function systemRoleWord(role: SystemRole, active: boolean, version: ApiVersion): string {
  if (!active && version === 'v3') return 'suspended';
  // The reference server has no such role; a word of its own says more than a wrong one.
  if (role === 'auditor') return 'auditor';
  if (version === 'v3.1') return role === 'admin' ? 'sys_admin' : 'default';
  return role === 'admin' ? 'administrator' : 'user';
}

/** The role a token's answer names: the older document knows only two. */
export function tokenRoleWord(role: SystemRole, version: ApiVersion): string {
  if (version === 'v3.1') return systemRoleWord(role, true, version);
  return role === 'admin' ? 'admin' : 'user';
}

/** Absent: `user`, as associations without a role had it. */
export function readTenantRole(word: string | undefined): TenantRole {
  if (word === undefined) return 'user';
  const role = TENANT_ROLES.find((known) => known === word);
  if (role === undefined) {
    throw badParameters(`Invalid role: \`${word}\`. Valid tenant roles are: ${TENANT_ROLES.join(', ')}`);
  }
  return role;
}
