/**
 * Roles as permission tables. Pure.
 *
 * A user has one system role; so has each group. In a tenant, users and groups have one tenant role each. What a
 * caller may do is the union of all that apply: nothing is ever taken away by a second role. `admin` acts in every
 * tenant, member or not; `auditor` reads in every tenant, and changes nothing but what is their own.
 */
import { PERMISSIONS, type Permission } from '../caller.js';
import { DomainError } from '../errors.js';

export const SYSTEM_ROLES = ['admin', 'auditor', 'member'] as const;
export type SystemRole = (typeof SYSTEM_ROLES)[number];

export const TENANT_ROLES = ['manager', 'user', 'operations', 'viewer'] as const;
export type TenantRole = (typeof TENANT_ROLES)[number];

const MEMBER: readonly Permission[] = [
  'status.read',
  'tenants.list',
  'tokens.own',
  'settings.read',
  'ordering.use',
];

const VIEWER: readonly Permission[] = [
  ...MEMBER,
  'cluster.read',
  'blueprints.read',
  'plugins.read',
  'secrets.read',
  'cloud-accounts.read',
  'inventory.read',
  'sites.read',
  'filters.read',
  'deployments.read',
  'nodes.read',
  'executions.read',
  'events.read',
  'workspaces.read',
  'designs.read',
  'academy.read',
  'members.read',
];

/** What can be read anywhere, but for hidden secrets and other people's private things. */
const AUDITOR: readonly Permission[] = [
  ...VIEWER.filter((permission) => permission !== 'ordering.use'),
  'tenants.read',
  'users.read',
  'audit.read',
  'ordering.read',
];

const OPERATIONS: readonly Permission[] = [
  ...VIEWER,
  'tenants.read',
  'filters.write',
  'deployments.write',
  'nodes.write',
  'executions.run',
  'events.write',
];

const USER: readonly Permission[] = [
  ...OPERATIONS,
  'workspaces.write',
  'designs.write',
  'blueprints.write',
  'plugins.write',
  'secrets.write',
  'inventory.write',
  'sites.write',
];

const MANAGER: readonly Permission[] = [
  ...USER,
  'academy.manage',
  'private.read',
  'settings.write',
  'cloud-accounts.write',
  'ordering.read',
  'ordering.manage',
  'members.manage',
];

export const SYSTEM_ROLE_PERMISSIONS: Readonly<Record<SystemRole, ReadonlySet<Permission>>> = {
  admin: new Set(PERMISSIONS),
  auditor: new Set(AUDITOR),
  member: new Set(MEMBER),
};

export const TENANT_ROLE_PERMISSIONS: Readonly<Record<TenantRole, ReadonlySet<Permission>>> = {
  manager: new Set(MANAGER),
  user: new Set(USER),
  operations: new Set(OPERATIONS),
  viewer: new Set(VIEWER),
};

export interface RolesHeld {
  readonly systemRole: SystemRole;
  /** System roles of the groups the user is in. */
  readonly groupSystemRoles: readonly SystemRole[];
  /** Roles in the tenant of the call: the user's own and those of groups. Empty where the call names no tenant. */
  readonly tenantRoles: readonly TenantRole[];
}

// Sets are shared between callers, so that a request costs no new set; there are few combinations.
const unions = new Map<string, ReadonlySet<Permission>>();

/** Everything that the roles together allow. */
export function permissionsOf(held: RolesHeld): ReadonlySet<Permission> {
  if (isAdmin(held)) return SYSTEM_ROLE_PERMISSIONS.admin;
  const roles = TENANT_ROLES.filter((role) => held.tenantRoles.includes(role));
  const base = isAuditor(held) ? 'auditor' : 'member';
  if (roles.length === 0) return SYSTEM_ROLE_PERMISSIONS[base];
  const key = [base, ...roles].join();
  let union = unions.get(key);
  if (union === undefined) {
    const tables = [SYSTEM_ROLE_PERMISSIONS[base], ...roles.map((role) => TENANT_ROLE_PERMISSIONS[role])];
    union = new Set(tables.flatMap((table) => [...table]));
    unions.set(key, union);
  }
  return union;
}

/** Rights that reach beyond one tenant, or decide who holds which. */
const REACHING: readonly Permission[] = [
  'tenants.manage',
  'members.manage',
  'users.read',
  'users.manage',
  'user-groups.manage',
  'tokens.own',
  'tokens.manage',
  'settings.write',
  'audit.read',
  'audit.manage',
  'cluster.manage',
  'maintenance.manage',
  'all-tenants.read',
  'global.write',
  'snapshots.manage',
  'log-bundles.manage',
];
const confined = new WeakMap<ReadonlySet<Permission>, ReadonlySet<Permission>>();

/** Of `permissions`, those that stay within one tenant: what the token of an execution keeps of its creator's. */
export function withinTenant(permissions: ReadonlySet<Permission>): ReadonlySet<Permission> {
  let rest = confined.get(permissions);
  if (rest === undefined) {
    rest = new Set([...permissions].filter((permission) => !REACHING.includes(permission)));
    confined.set(permissions, rest);
  }
  return rest;
}

/** Whether the roles reach every tenant. */
export function reachesEveryTenant(held: Pick<RolesHeld, 'systemRole' | 'groupSystemRoles'>): boolean {
  return isAdmin(held) || isAuditor(held);
}

function isAuditor(held: Pick<RolesHeld, 'systemRole' | 'groupSystemRoles'>): boolean {
  return held.systemRole === 'auditor' || held.groupSystemRoles.includes('auditor');
}

/** Whether the roles allow everything, everywhere. */
export function isAdmin(held: Pick<RolesHeld, 'systemRole' | 'groupSystemRoles'>): boolean {
  return held.systemRole === 'admin' || held.groupSystemRoles.includes('admin');
}

/** @throws DomainError `invalid` for a word that is no system role. */
export function systemRole(word: string): SystemRole {
  const role = SYSTEM_ROLES.find((known) => known === word);
  if (role === undefined) throw unknownRole(word, SYSTEM_ROLES);
  return role;
}

/** @throws DomainError `invalid` for a word that is no tenant role. */
export function tenantRole(word: string): TenantRole {
  const role = TENANT_ROLES.find((known) => known === word);
  if (role === undefined) throw unknownRole(word, TENANT_ROLES);
  return role;
}

function unknownRole(word: string, known: readonly string[]): DomainError {
  return new DomainError(
    'invalid',
    'role-unknown',
    `Unknown role \`${word}\`; known are: ${known.join(', ')}`,
    {
      details: { role: word },
    },
  );
}
