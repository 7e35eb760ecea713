/**
 * Who may do what in self-service.
 *
 * Three words of the installation's own rights count in every group: `ordering.manage` may do everything, `ordering.read` sees
 * everything, and whoever has `ordering.use` may do what their roles in groups say. So a person may be in the tenant for
 * ordering alone, with no role in it that would let them at its deployments.
 */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { GroupPermission } from './permissions.js';
import { selectGroupsWith, selectIsMember, selectPermissionsIn, selectRequestors } from './rights.store.js';

/** The tenant of a call to self-service; `seesPrivate` where the caller sees everything of it. @throws DomainError `forbidden` */
export function orderingScope(caller: Caller): TenantScope {
  const seesAll = caller.permissions.has('ordering.read');
  return { ...scopeFor(caller, seesAll ? 'ordering.read' : 'ordering.use'), seesPrivate: seesAll };
}

/** The tenant of a call that only its administrators may make. @throws DomainError `forbidden` */
export function managingScope(caller: Caller): TenantScope {
  requirePermission(caller, 'ordering.manage');
  return orderingScope(caller);
}

/** Administers self-service: may do everything in every group. */
export function isOrderingAdmin(caller: Caller): boolean {
  return caller.permissions.has('ordering.manage');
}

/** Administers the whole installation. */
export function isSuperAdmin(caller: Caller): boolean {
  return caller.permissions.has('users.manage');
}

const VIEWS: ReadonlySet<GroupPermission> = new Set([
  'group.view',
  'order.view',
  'job.view',
  'server.view',
  'resource.view',
]);

export class Rights {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Groups (their keys) in which the caller has `permission`; null: in all. */
  async groupsWith(caller: Caller, permission: GroupPermission): Promise<readonly number[] | null> {
    const scope = orderingScope(caller);
    if (reachesAll(caller, permission)) return null;
    const rows = await selectGroupsWith.all(this.#pool, scope.tenantId, [scope.userId, permission]);
    return rows.map(({ uid }) => uid);
  }

  async may(
    caller: Caller,
    permission: GroupPermission,
    groupUid: number,
    db: Queryable = this.#pool,
  ): Promise<boolean> {
    const scope = orderingScope(caller);
    if (reachesAll(caller, permission)) return true;
    const rows = await selectPermissionsIn.all(db, scope.tenantId, [scope.userId, groupUid]);
    return rows.some((row) => row.permission === permission);
  }

  /** @throws DomainError `forbidden` (`group-permission-denied`) */
  async require(
    caller: Caller,
    permission: GroupPermission,
    group: { readonly uid: number; readonly name: string },
    db: Queryable = this.#pool,
  ): Promise<void> {
    if (await this.may(caller, permission, group.uid, db)) return;
    throw new DomainError(
      'forbidden',
      'group-permission-denied',
      `User ${caller.username} does not have the permission ${permission} in group '${group.name}'`,
      { details: { permission } },
    );
  }

  /** Whether the caller is in any group, or sees everything anyway. */
  async isMember(caller: Caller): Promise<boolean> {
    const scope = orderingScope(caller);
    if (scope.seesPrivate) return true;
    return (await selectIsMember.one(this.#pool, scope.tenantId, [scope.userId]))!.member;
  }

  /** Whether somebody else may order in a group by their roles in it. */
  async mayOrder(db: Queryable, scope: TenantScope, user: UserId, groupUid: number): Promise<boolean> {
    return (await selectRequestors.all(db, scope.tenantId, [[user], groupUid])).length > 0;
  }
}

function reachesAll(caller: Caller, permission: GroupPermission): boolean {
  return isOrderingAdmin(caller) || (VIEWS.has(permission) && caller.permissions.has('ordering.read'));
}
