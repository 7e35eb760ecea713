/** Questions that the services of this room ask about their caller. */
import { type Caller, type Permission, requirePermission, type TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';

/**
 * Refuses the token of an execution: scripts hold it, and what scripts hold must not reach for accounts.
 *
 * @throws DomainError `forbidden`
 */
export function requirePerson(caller: Caller): void {
  if (caller.executionId === undefined) return;
  throw new DomainError(
    'forbidden',
    'execution-token-forbidden',
    'The token of an execution cannot manage users, groups, tenants or tokens',
  );
}

/** Checks the permission to change accounts. */
export function requireManager(caller: Caller, permission: Permission): void {
  requirePermission(caller, permission);
  requirePerson(caller);
}

/**
 * The scope of a list over what belongs to no tenant: all of it with `permission` (then `seesPrivate`), else what is
 * the caller's own. The tenant is none: 0 is nobody's key.
 */
export function identityScope(caller: Caller, permission: Permission): TenantScope {
  return {
    tenantId: 0 as TenantId,
    tenantName: '',
    userId: caller.userId,
    seesPrivate: caller.permissions.has(permission),
  };
}
