/**
 * Who calls, for which tenant, with which rights. The first argument of every service function.
 *
 * Dialects establish a `Caller`; services ask it. Denied unless a role allows: see `identity/roles.ts`.
 */
import { DomainError } from './errors.js';
import type { ExecutionId, TenantId, UserId } from './ids.js';

/** Everything anybody may be allowed to do. Noun first. */
export const PERMISSIONS = [
  'status.read',
  'tenants.list',
  'tenants.read',
  'tenants.manage',
  'members.read',
  'members.manage',
  'users.read',
  'users.manage',
  'user-groups.manage',
  'tokens.own',
  'tokens.manage',
  'settings.read',
  'settings.write',
  'audit.read',
  'audit.manage',
  'cluster.read',
  'cluster.manage',
  'maintenance.manage',
  'all-tenants.read',
  'private.read',
  'global.write',
  'records.restore',
  'snapshots.manage',
  'log-bundles.manage',
  'blueprints.read',
  'blueprints.write',
  'plugins.read',
  'plugins.write',
  'secrets.read',
  'secrets.write',
  'cloud-accounts.read',
  'cloud-accounts.write',
  'inventory.read',
  'inventory.write',
  'sites.read',
  'sites.write',
  'filters.read',
  'filters.write',
  'deployments.read',
  'deployments.write',
  'nodes.read',
  'nodes.write',
  'executions.read',
  'executions.run',
  'events.read',
  'events.write',
  'workspaces.read',
  'workspaces.write',
  'designs.read',
  'designs.write',
  'academy.read',
  'academy.manage',
  'ordering.use',
  'ordering.read',
  'ordering.manage',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

export interface Caller {
  readonly userId: UserId;
  readonly username: string;
  /** The tenant the request is for; null where the request names none. */
  readonly tenant: { readonly id: TenantId; readonly name: string; readonly uuid?: string } | null;
  /** Effective permissions: of the system role, of group roles, and of roles in `tenant`. */
  readonly permissions: ReadonlySet<Permission>;
  /** Names the request in logs, audit rows and error answers. */
  readonly requestId: string;
  /** Set when an operation calls back with its execution's own token. */
  readonly executionId?: ExecutionId;
}

/** The tenant of a call, as stores want it. */
export interface TenantScope {
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly userId: UserId;
  /** May see other people's private resources in the tenant. */
  readonly seesPrivate: boolean;
  /** May list what is in other tenants; absent: no. */
  readonly seesAllTenants?: boolean;
}

/** Throws `forbidden` unless the caller holds `permission`. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (!caller.permissions.has(permission)) {
    throw new DomainError(
      'forbidden',
      'permission-denied',
      `User \`${caller.username}\` is not permitted: ${permission}`,
      {
        details: { permission, username: caller.username },
      },
    );
  }
}

/**
 * Checks `permission` and gives the tenant that the call is confined to.
 *
 * @throws DomainError `forbidden` when the permission is missing or the request named no tenant.
 */
export function scopeFor(caller: Caller, permission: Permission): TenantScope {
  if (caller.tenant === null) {
    throw new DomainError('forbidden', 'tenant-missing', 'This request needs a tenant, and none was given');
  }
  requirePermission(caller, permission);
  return {
    tenantId: caller.tenant.id,
    tenantName: caller.tenant.name,
    userId: caller.userId,
    seesPrivate: caller.permissions.has('private.read'),
    seesAllTenants: caller.permissions.has('all-tenants.read'),
  };
}
