/**
 * Who calls, and in which organisation (specs: layer5.md §1.1, §2). A token is its user's, not an organisation's, so each request
 * says where it acts. The first of these that says something counts:
 *
 *   path `/api/identity/orgs/{orgId}/…`, query `orgId`     for that request
 *   header `layer5-current-orgid`, then `X-Current-Orgid`
 *   cookie `Layer5-Current-Orgid`
 *   the preference `selectedOrganization`, while the user is in it
 *   the organisation that the user has been in for the longest
 *
 * A request that names none and addresses a thing by its id, which is not there, acts where the thing is, if that is an
 * organisation of the caller's.
 *
 * What is named and not the caller's is refused, never passed over: a script must not write where it did not mean to. A
 * value that is empty or no UUID says nothing, but in a path, where there is nothing to fall back to.
 */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Authenticated, TokenKind } from '../../identity/callers.js';
import { type Addressed, isUuid } from '../../membership/acting-tenant.js';
import { absent, NOT_A_MEMBER, WireError } from './errors.js';
import { one, type Query } from './listing.js';

/** Credentials that may be shown here. */
const KINDS: readonly TokenKind[] = ['security', 'browser', 'api', 'session', 'login', 'execution'];
const EVERYWHERE = new Set(['all', '11111111-1111-1111-1111-111111111111']);
export const COOKIE = 'provider_token';

/** The credential of a request: bearer token, or cookie. @throws WireError 401 */
export function credentialOf(request: FastifyRequest): string {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const value = /^bearer +([^\s]{1,4096}) *$/i.exec(authorization)?.[1];
    if (value === undefined) throw new WireError(401, 'Send Authorization: Bearer TOKEN');
    return value;
  }
  const cookie = cookieOf(request, COOKIE);
  if (cookie === undefined || cookie === '') {
    throw new WireError(401, 'Send Authorization: Bearer TOKEN', {
      remedy: 'Make a token at /security/tokens',
    });
  }
  return cookie;
}

export function cookieOf(request: FastifyRequest, name: string): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** @throws DomainError `unauthenticated` */
export function authenticate(core: Core, token: string): Promise<Authenticated> {
  return core.tokens.verify(token, null, KINDS);
}

export interface Acting {
  readonly person: Authenticated;
  readonly caller: Caller;
  /** Every organisation is meant; only those who act in all may say so. */
  readonly everywhere: boolean;
  /** The request itself says where, not a preference. */
  readonly named: boolean;
}

/** @throws WireError 404 for a path id that is no UUID; DomainError `forbidden` (`tenant-forbidden`) */
export async function actingOf(
  request: FastifyRequest,
  core: Core,
  person: Authenticated,
  query: Query,
): Promise<Acting> {
  const inPath = request.routeOptions.url?.startsWith('/api/identity/orgs/:orgId')
    ? (request.params as { readonly orgId?: string }).orgId
    : undefined;
  if (inPath !== undefined) {
    if (!isUuid(inPath)) throw absent('Organization', inPath);
    return { person, caller: await within(core, person, inPath, request.id), everywhere: false, named: true };
  }
  for (const named of [
    one(query, 'orgId'),
    header(request, 'layer5-current-orgid'),
    header(request, 'x-current-orgid'),
    cookieOf(request, 'Layer5-Current-Orgid'),
  ]) {
    const word = named?.trim().toLowerCase() ?? '';
    if (EVERYWHERE.has(word)) return everywhere(request, core, person);
    if (isUuid(word)) {
      const caller = await within(core, person, word, request.id);
      return { person, caller, everywhere: false, named: true };
    }
  }
  return { person, caller: await usually(request, core, person), everywhere: false, named: false };
}

/** The caller in an organisation that is named by its UUID. @throws DomainError `forbidden` (`tenant-forbidden`) */
export function within(core: Core, person: Authenticated, uuid: string, requestId: string): Promise<Caller> {
  return core.callers.callerFor(person, { uuid: uuid.toLowerCase() }, requestId);
}

/** The caller where a thing is; null: it is nowhere, or where they are already, or not theirs to know about. */
export async function whereItIs(
  request: FastifyRequest,
  core: Core,
  { person, caller, named }: Acting,
  thing: Addressed,
  id: string,
): Promise<Caller | null> {
  if (named || person.confinedTo !== undefined || !isUuid(id)) return null;
  const uuid = await core.actingTenants.ofThing(thing, id);
  if (uuid === null || uuid === caller.tenant?.uuid) return null;
  try {
    return await within(core, person, uuid, request.id);
  } catch (error) {
    if (error instanceof DomainError && error.reason === 'tenant-forbidden') return null;
    throw error;
  }
}

async function usually(request: FastifyRequest, core: Core, person: Authenticated): Promise<Caller> {
  if (person.confinedTo !== undefined) return core.callers.callerFor(person, null, request.id);
  const reachesAll = person.systemRole === 'admin' || person.groupSystemRoles.includes('admin');
  const name = await core.actingTenants.usual(person.userId, reachesAll);
  return core.callers.callerFor(person, name, request.id);
}

async function everywhere(request: FastifyRequest, core: Core, person: Authenticated): Promise<Acting> {
  const caller = await usually(request, core, person);
  if (!caller.permissions.has('all-tenants.read')) {
    throw new DomainError('forbidden', 'tenant-forbidden', NOT_A_MEMBER);
  }
  return { person, caller, everywhere: true, named: true };
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
