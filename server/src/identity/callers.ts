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
import { type Asking, type StandingRow, selectStanding, selectStandingByName } from './callers.store.js';
import {
  permissionsOf,
  reachesEveryTenant,
  type SystemRole,
  type TenantRole,
  withinTenant,
} from './roles.js';

/**
 * The tenant that a request asks for: by name, by UUID, none (null), or `home`: the one that the user has switched to, else
 * their oldest, else, who reaches every tenant, the first.
 */
export type TenantAsk = string | null | { readonly uuid: string } | { readonly home: true };

/** Somebody whose credentials were found good, just now. */
export interface Authenticated {
  readonly userId: UserId;
  readonly userUuid: string;
  readonly username: string;
  readonly systemRole: SystemRole;
  readonly groupSystemRoles: readonly SystemRole[];
  /** What the user is in the tenant that was named while signing in. */
  readonly standing: {
    readonly asked: TenantAsk;
    readonly tenant: { readonly id: TenantId; readonly name: string; readonly uuid?: string } | null;
    readonly roles: readonly TenantRole[];
  };
  /** Set for the token of an execution: nothing outside this tenant. */
  readonly confinedTo?: TenantId;
  readonly executionId?: ExecutionId;
  /** The token that was shown; absent: a password, or a signed token. */
  readonly tokenId?: string;
  readonly tokenKind?: TokenKind;
  /** Of a user with a second factor: whether it was shown too. Tokens do not ask for it: they were made behind it. */
  readonly secondFactor?: boolean;
}

/** Kinds of tokens: see tokens.ts. */
export type TokenKind = 'api' | 'session' | 'execution' | 'key' | 'login' | 'security' | 'browser';

export class Callers {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /**
   * The caller of a request. Costs no query when the tenant was named while signing in already.
   *
   * @param tenant null where the request names no tenant
   * @throws DomainError `forbidden` (`tenant-forbidden`): no such tenant, or no role in it. The two look the same.
   */
  async callerFor(authenticated: Authenticated, tenant: TenantAsk, requestId: string): Promise<Caller> {
    let current = authenticated;
    if (!sameAsk(authenticated.standing.asked, tenant)) {
      const { way, value } = askOf(tenant);
      const row = await selectStanding[way].one(this.#pool, [authenticated.userId, value]);
      if (row === null || !row.active) throw signInRefused();
      current = { ...authenticated, ...authenticatedFrom(row, tenant) };
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
    let current = authenticated;
    if (!sameAsk(authenticated.standing.asked, tenantName)) {
      const row = await selectStanding.name.one(this.#pool, [authenticated.userId, askable(tenantName)]);
      if (row === null || !row.active) throw signInRefused();
      current = { ...authenticated, ...authenticatedFrom(row, tenantName) };
    }
    return visitorOf(current, requestId);
  }

  /**
   * The caller that the server itself acts as: for work that no request asks for, such as installing the
   * demonstration, and for the engine, which acts as the creator of an execution. Never for a request.
   *
   * @param options `visitor`: also for who has no role in the tenant, as `visitorFor`
   * @throws DomainError `forbidden` as `callerFor`, and for a user who is not there or not active.
   */
  async actingAs(
    username: string,
    tenantName: string | null,
    requestId: string,
    { visitor = false }: { readonly visitor?: boolean } = {},
  ): Promise<Caller> {
    const row = await selectStandingByName.one(this.#pool, [username, askable(tenantName)]);
    if (row === null || !row.active) {
      throw new DomainError(
        'forbidden',
        'acting-user-inactive',
        `User \`${username}\` is not there or not active`,
      );
    }
    const found = authenticatedFrom(row, tenantName);
    return visitor ? visitorOf(found, requestId) : callerOf(found, requestId);
  }
}

function visitorOf(found: Authenticated, requestId: string): Caller {
  const { tenant, roles } = found.standing;
  if (tenant === null || roles.length > 0 || found.confinedTo !== undefined)
    return callerOf(found, requestId);
  return { ...callerOf({ ...found, standing: { ...found.standing, asked: null } }, requestId), tenant };
}

export function authenticatedFrom(row: StandingRow, asked: TenantAsk): Authenticated {
  return {
    userId: row.userId,
    userUuid: row.userUuid,
    username: row.username,
    systemRole: row.systemRole,
    groupSystemRoles: row.groupRoles,
    standing: {
      asked,
      tenant:
        row.tenantId === null ? null : { id: row.tenantId, name: row.tenantName!, uuid: row.tenantUuid! },
      roles: row.tenantRoles,
    },
  };
}

/** @throws DomainError `forbidden` (`tenant-forbidden`) */
export function callerOf(authenticated: Authenticated, requestId: string): Caller {
  const { standing, confinedTo } = authenticated;
  // At home is nobody who has no tenant; that is no trouble until the request needs one.
  const { asked } = standing;
  if (asked !== null && !(typeof asked === 'object' && 'home' in asked && standing.tenant === null)) {
    const reached =
      standing.tenant !== null &&
      (confinedTo === undefined || confinedTo === standing.tenant.id) &&
      (standing.roles.length > 0 || reachesEveryTenant(authenticated));
    if (!reached) {
      throw new DomainError(
        'forbidden',
        'tenant-forbidden',
        `User \`${authenticated.username}\` is not permitted in tenant \`${askedName(asked)}\``,
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

function askedName(asked: TenantAsk): string {
  if (typeof asked === 'string') return asked;
  return asked !== null && 'uuid' in asked ? asked.uuid : 'home';
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** How the store is asked for the tenant. */
export function askOf(tenant: TenantAsk): { readonly way: Asking; readonly value: string | null } {
  if (tenant === null || typeof tenant === 'string') return { way: 'name', value: askable(tenant) };
  if ('home' in tenant) return { way: 'home', value: null };
  return UUID.test(tenant.uuid) ? { way: 'uuid', value: tenant.uuid } : { way: 'name', value: null };
}

function sameAsk(one: TenantAsk, other: TenantAsk): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return JSON.stringify(one) === JSON.stringify(other);
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
