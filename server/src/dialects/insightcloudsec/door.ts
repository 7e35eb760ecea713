/**
 * Who calls, established before anything of the body is read (specs: insightcloudsec.md §2).
 *
 * `Api-Key` decides alone where it is there; a key that is not good is 403, as this vendor's clients expect. `X-Auth-Token`
 * holds a session; one that is not good is 401. The tenant is the one that the user works in at the time. Then the type of the
 * user is held against the route's own word on whom it is for: what a type of this vendor may not do although our roles would
 * allow it is refused here, before a body is read; whatever passes is still asked for its permission by the rooms.
 */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Authenticated } from '../../identity/callers.js';
import { userTypeOf } from '../../identity/user-types.js';
import type { UserType } from './endpoint.js';

interface Visitor {
  readonly caller: Caller;
  readonly identity: Authenticated;
  readonly type: UserType;
}

const visitors = new WeakMap<FastifyRequest, Visitor>();

/** Of a request that has passed `admit`. */
export function visitorOf(request: FastifyRequest): Visitor {
  const visitor = visitors.get(request);
  if (visitor === undefined) throw new Error(`${request.method} ${request.url} has no authenticated caller`);
  return visitor;
}

/** @throws DomainError `unauthenticated`; `forbidden` (`api-key-refused`, `user-type-forbidden`) */
export async function admit(request: FastifyRequest, core: Core, may: readonly UserType[]): Promise<void> {
  const identity = await signIn(request, core);
  const caller = await core.callers.callerFor(identity, { home: true }, request.id);
  const type = typeOf(identity);
  if (!may.includes(type)) {
    throw new DomainError(
      'forbidden',
      'user-type-forbidden',
      `This is not for a user of type ${WORDS[type]}`,
    );
  }
  visitors.set(request, { caller, identity, type });
}

const TYPES: Readonly<Record<string, UserType>> = {
  DOMAIN_ADMIN: 'domain-admin',
  DOMAIN_VIEWER: 'domain-viewer',
  ORGANIZATION_ADMIN: 'org-admin',
  BASIC_USER: 'basic',
};

/** User type -> as the wire spells it. */
export const WORDS: Readonly<Record<UserType, string>> = {
  'domain-admin': 'DOMAIN_ADMIN',
  'domain-viewer': 'DOMAIN_VIEWER',
  'org-admin': 'ORGANIZATION_ADMIN',
  basic: 'BASIC_USER',
};

/** Whoever is nothing in the tenant is a Basic User, who sees nothing of it. */
export function typeOf({ systemRole, groupSystemRoles, standing }: Authenticated): UserType {
  const held = { systemRole, groupSystemRoles, tenantRoles: standing.roles };
  return TYPES[userTypeOf('insightcloudsec', held)?.type ?? 'BASIC_USER'] ?? 'basic';
}

async function signIn(request: FastifyRequest, core: Core): Promise<Authenticated> {
  const key = header(request, 'api-key');
  if (key !== null) {
    try {
      return await core.tokens.verify(key, { home: true }, ['key']);
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== 'unauthenticated') throw error;
      throw new DomainError('forbidden', 'api-key-refused', 'This API key is not known, or no longer active');
    }
  }
  const token = header(request, 'x-auth-token');
  if (token === null) {
    throw new DomainError('unauthenticated', 'no-credentials', 'Send the header Api-Key, or X-Auth-Token');
  }
  try {
    return await core.tokens.verify(token, { home: true }, ['login']);
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unauthenticated') throw error;
    throw new DomainError(
      'unauthenticated',
      'session-over',
      'This session is not known, or over: log in again',
    );
  }
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
