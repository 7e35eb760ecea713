/**
 * Who calls, established before anything of the body is read (specs: cloudbolt.md §4).
 *
 * `Bearer` carries a token of `api-token-auth`, or a token that its user made by hand, which lasts. `Basic` carries name and password,
 * where the setting allows it. All calls are for the one tenant of the setting; whoever has no role there is a visitor, with
 * what groups of people who order give them.
 */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Authenticated } from '../../identity/callers.js';

const callers = new WeakMap<FastifyRequest, Caller>();

/** The caller of a request that has passed `authenticate`. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(`${request.method} ${request.url} has no authenticated caller`);
  return caller;
}

/** @throws DomainError `unauthenticated` */
export async function authenticate(request: FastifyRequest, core: Core): Promise<void> {
  const identity = await signIn(request, core);
  callers.set(request, await core.callers.visitorFor(identity, core.settings.cloudboltTenant, request.id));
}

async function signIn(request: FastifyRequest, core: Core): Promise<Authenticated> {
  const authorization = request.headers.authorization ?? '';
  const [, scheme = '', given = ''] = /^\s*(\S+)\s+(\S+)\s*$/.exec(authorization) ?? [];
  const tenant = core.settings.cloudboltTenant;
  switch (scheme.toLowerCase()) {
    case 'bearer':
      // Tokens of this server's own begin otherwise than a signed one.
      return /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(given)
        ? core.signedTokens.verify(given, tenant)
        : core.tokens.verify(given, tenant);
    case 'basic': {
      if (!core.settings.cloudboltBasic)
        throw refused('Name and password are not taken here: ask for a token');
      const { username, password } = readBasic(given);
      return core.credentials.verifyPassword(username, password, request.ip, tenant);
    }
    default:
      throw refused('Authentication credentials were not provided.');
  }
}

/** `base64(user:password)`; the password may hold colons. */
function readBasic(encoded: string): { username: string; password: string } {
  const text = /^[A-Za-z0-9+/_=-]+$/.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) throw refused('Invalid basic header.');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function refused(message: string): DomainError {
  return new DomainError('unauthenticated', 'no-credentials', message);
}
