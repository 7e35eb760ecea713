/** Who calls: `Authorization: Bearer` with a token, or Basic; the header `Tenant` names the tenant. */
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Authenticated } from '../../identity/callers.js';

export interface SignedIn {
  readonly caller: Caller;
  readonly authenticated: Authenticated;
}

/** @throws DomainError `unauthenticated`; `forbidden` (`tenant-forbidden`); `unavailable` (`being-restored`) */
export async function signIn(request: FastifyRequest, core: Core): Promise<SignedIn> {
  if (await core.snapshots.isRestoring()) {
    throw new DomainError('unavailable', 'being-restored', 'A snapshot is being restored: ask again soon');
  }
  const tenant = typeof request.headers.tenant === 'string' ? request.headers.tenant : null;
  const authenticated = await authenticate(request, core, tenant);
  return { authenticated, caller: await core.callers.callerFor(authenticated, tenant, request.id) };
}

export async function callerOf(request: FastifyRequest, core: Core): Promise<Caller> {
  return (await signIn(request, core)).caller;
}

async function authenticate(
  request: FastifyRequest,
  core: Core,
  tenant: string | null,
): Promise<Authenticated> {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) return core.tokens.verify(value, tenant);
  const text = /^basic$/i.test(scheme) ? Buffer.from(value, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new DomainError('unauthenticated', 'no-credentials', 'Send Authorization: Bearer TOKEN, or Basic');
  }
  return core.credentials.verifyPassword(text.slice(0, colon), text.slice(colon + 1), request.ip, tenant);
}
