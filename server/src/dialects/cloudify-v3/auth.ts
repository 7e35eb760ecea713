/**
 * Who calls, established before anything of the body is read (specs: cloudify.md §2).
 *
 * Credentials are tried in the reference server's order: an execution's own token, Basic, a user's token. The `Tenant`
 * header names the tenant; without it a caller reaches only what belongs to no tenant.
 */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Authenticated } from '../../identity/callers.js';

const callers = new WeakMap<FastifyRequest, Caller>();
const identities = new WeakMap<FastifyRequest, Authenticated>();

/** The caller of a request that has passed `authenticate`. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(`${request.method} ${request.url} has no authenticated caller`);
  return caller;
}

/** The identity behind the caller, with its roles. */
export function identityOf(request: FastifyRequest): Authenticated {
  const identity = identities.get(request);
  if (identity === undefined) throw new Error(`${request.method} ${request.url} has no authenticated caller`);
  return identity;
}

/** @throws DomainError `unauthenticated`, or `forbidden` where the tenant is out of reach */
export async function authenticate(request: FastifyRequest, core: Core): Promise<void> {
  const tenant = header(request, 'tenant');
  const identity = await signIn(request, core, tenant);
  identities.set(request, identity);
  callers.set(request, await core.callers.callerFor(identity, tenant, request.id));
}

async function signIn(request: FastifyRequest, core: Core, tenant: string | null): Promise<Authenticated> {
  const executionToken = header(request, 'execution-token');
  if (executionToken !== null) return core.tokens.verify(executionToken, tenant);
  const authorization = header(request, 'authorization');
  if (authorization !== null) {
    const { username, password } = readBasic(authorization);
    return core.credentials.verifyPassword(username, password, request.ip, tenant);
  }
  const token = header(request, 'authentication-token');
  if (token !== null) return core.tokens.verify(token, tenant);
  throw new DomainError('unauthenticated', 'no-credentials', 'No authentication info provided');
}

/** `Basic base64(user:password)`; the password may hold colons, the name may not. */
export function readBasic(authorization: string): { username: string; password: string } {
  const encoded = /^basic +([A-Za-z0-9+/_=-]+) *$/i.exec(authorization)?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new DomainError('unauthenticated', 'bad-credentials', 'The Authorization header is not understood');
  }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function header(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}
