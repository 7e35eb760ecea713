/** Who may see, and who may change, which users: the one rule that every service over people asks. Pure. */
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import type { TenantId, UserId } from '../ids.js';
import { requirePerson } from './permission.js';
import { reachesEveryTenant, type SystemRole } from './roles.js';

/** As much of a user as the rule looks at. */
export interface Subject {
  readonly id: UserId;
  readonly username: string;
  readonly systemRole: SystemRole;
  readonly groupRoles: readonly SystemRole[];
  readonly memberships: readonly { readonly id: TenantId }[];
}

/** Everybody sees themselves; who reads users sees all; who reads members sees those of the call's tenant. */
export function maySee(caller: Caller, subject: Subject): boolean {
  if (caller.userId === subject.id || caller.permissions.has('users.read')) return true;
  return caller.permissions.has('members.read') && isIn(subject, caller.tenant);
}

/**
 * Who manages users changes all of them. Who manages the members of a tenant changes those who are in that tenant, in no
 * other one, and reach no other by a system role: whoever belongs to several houses is not one manager's to change.
 */
export function mayChange(caller: Caller, subject: Subject): boolean {
  if (caller.executionId !== undefined) return false;
  if (caller.permissions.has('users.manage')) return true;
  if (!caller.permissions.has('members.manage') || !isIn(subject, caller.tenant)) return false;
  const { systemRole, groupRoles, memberships } = subject;
  return !reachesEveryTenant({ systemRole, groupSystemRoles: groupRoles }) && memberships.length === 1;
}

/** @throws DomainError `forbidden` (`user-not-yours`, `execution-token-forbidden`) */
export function requireAuthorityOver(caller: Caller, subject: Subject): void {
  requirePerson(caller);
  if (mayChange(caller, subject)) return;
  throw new DomainError(
    'forbidden',
    'user-not-yours',
    `User \`${caller.username}\` may not change user \`${subject.username}\``,
    { details: { username: subject.username } },
  );
}

function isIn(subject: Subject, tenant: Caller['tenant']): boolean {
  return tenant !== null && subject.memberships.some(({ id }) => id === tenant.id);
}
