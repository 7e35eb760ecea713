/**
 * From an established identity to a `Caller`: the tenant, and what may be done in it.
 *
 * Nothing here is cached. Signing in (`Credentials`, `Tokens`) reads user, groups, tenant and roles in one indexed
 * statement on every request, so a role that is taken away is gone with the next request, on every replica.
 */
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import type { ExecutionId, TenantId, UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { type StandingRow, selectStanding, selectStandingByName } from './callers.store.js';
import { isAdmin, permissionsOf, type SystemRole, type TenantRole, withinTenant } from './roles.js';

/** Somebody whose credentials were found good, just now. */
export interface Authenticated {
  readonly userId: UserId;
  readonly username: string;
  readonly systemRole: SystemRole;
  readonly groupSystemRoles: readonly SystemRole[];
  /** What the user is in the tenant that was named while signing in. */
  readonly standing: {
    readonly asked: string | null;
    readonly tenant: { readonly id: TenantId; readonly name: string } | null;
    readonly roles: readonly TenantRole[];
  };
  /** Set for the token of an execution: nothing outside this tenant. */
  readonly confinedTo?: TenantId;
  readonly executionId?: ExecutionId;
  /** The token that was shown; absent: a password. */
  readonly tokenId?: string;
}

export class Callers {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /**
   * The caller of a request. Costs no query when the tenant was named while signing in already.
   *
   * @param tenantName null where the request names no tenant
   * @throws DomainError `forbidden` (`tenant-forbidden`): no such tenant, or no role in it. The two look the same.
   */
  async callerFor(
    authenticated: Authenticated,
    tenantName: string | null,
    requestId: string,
  ): Promise<Caller> {
    let current = authenticated;
    if (authenticated.standing.asked !== tenantName) {
      const row = await selectStanding.one(this.#pool, [authenticated.userId, askable(tenantName)]);
      if (row === null || !row.active) throw signInRefused();
      current = { ...authenticated, ...authenticatedFrom(row, tenantName) };
    }
    return callerOf(current, requestId);
  }

  /**
   * As `callerFor`, and also for who has no role in the tenant: what such a visitor may do there is what every member may
   * anywhere, and what rooms let them do that have rights of their own (ordering/).
   *
   * @throws DomainError `forbidden` (`tenant-forbidden`): no such tenant
   */
  async visitorFor(authenticated: Authenticated, tenantName: string, requestId: string): Promise<Caller> {
    const row = await selectStanding.one(this.#pool, [authenticated.userId, askable(tenantName)]);
    if (row === null || !row.active) throw signInRefused();
    const current = { ...authenticated, ...authenticatedFrom(row, tenantName) };
    const { tenant, roles } = current.standing;
    if (tenant === null || roles.length > 0 || current.confinedTo !== undefined)
      return callerOf(current, requestId);
    const standing = { ...current.standing, asked: null };
    return { ...callerOf({ ...current, standing }, requestId), tenant };
  }

  /**
   * The caller that the server itself acts as: for work that no request asks for, such as installing the
   * demonstration, and for the engine, which acts as the creator of an execution. Never for a request.
   *
   * @throws DomainError `forbidden` as `callerFor`, and for a user who is not there or not active.
   */
  async actingAs(username: string, tenantName: string | null, requestId: string): Promise<Caller> {
    const row = await selectStandingByName.one(this.#pool, [username, askable(tenantName)]);
    if (row === null || !row.active) {
      throw new DomainError(
        'forbidden',
        'acting-user-inactive',
        `User \`${username}\` is not there or not active`,
      );
    }
    return callerOf(authenticatedFrom(row, tenantName), requestId);
  }
}

export function authenticatedFrom(row: StandingRow, asked: string | null): Authenticated {
  return {
    userId: row.userId,
    username: row.username,
    systemRole: row.systemRole,
    groupSystemRoles: row.groupRoles,
    standing: {
      asked,
      tenant: row.tenantId === null ? null : { id: row.tenantId, name: row.tenantName! },
      roles: row.tenantRoles,
    },
  };
}

/** @throws DomainError `forbidden` (`tenant-forbidden`) */
export function callerOf(authenticated: Authenticated, requestId: string): Caller {
  const { standing, confinedTo } = authenticated;
  if (standing.asked !== null) {
    const reached =
      standing.tenant !== null &&
      (confinedTo === undefined || confinedTo === standing.tenant.id) &&
      (standing.roles.length > 0 || isAdmin(authenticated));
    if (!reached) {
      throw new DomainError(
        'forbidden',
        'tenant-forbidden',
        `User \`${authenticated.username}\` is not permitted in tenant \`${standing.asked}\``,
      );
    }
  }
  const permissions = permissionsOf({ ...authenticated, tenantRoles: standing.roles });
  return {
    userId: authenticated.userId,
    username: authenticated.username,
    tenant: standing.tenant,
    permissions: confinedTo === undefined ? permissions : withinTenant(permissions),
    requestId,
    ...(authenticated.executionId === undefined ? {} : { executionId: authenticated.executionId }),
  };
}

/** PostgreSQL knows no text with a NUL in it: such a name belongs to nobody. */
export function askable(name: string | null): string | null {
  return name === null || name.includes('\0') ? null : name;
}

/** One answer for every way in which signing in may fail, so that it tells nothing about who exists. */
export function signInRefused(): DomainError {
  return new DomainError(
    'unauthenticated',
    'bad-credentials',
    'User unauthorized: wrong credentials, or the user is locked or not active',
  );
}
