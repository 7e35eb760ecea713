/**
 * Who looks at a page: the cookie of a sign-in, and whether a form was really sent from one of our pages.
 *
 * The cookie is the sign-in's token itself, under the name that one vendor's clients know: they may show it as a token too.
 * It travels with no request that another site makes, but for following a link (SameSite=Lax). A form carries a value that is
 * derived from the cookie, which another site can neither read nor guess; and browsers say where a form comes from.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../caller.js';
import type { Core } from '../core.js';
import { DomainError } from '../errors.js';
import type { Authenticated } from '../identity/callers.js';
import type { Session } from '../identity/sessions.js';

export const COOKIE = 'provider_token';

export interface Visitor {
  readonly who: Authenticated;
  readonly caller: Caller;
  /** What forms of this visitor carry. */
  readonly formKey: string;
}

/** Null: nobody has signed in, or not any more. */
export async function visitorOf(core: Core, request: FastifyRequest): Promise<Visitor | null> {
  const value = cookieOf(request, COOKIE);
  if (value === null) return null;
  try {
    const who = await core.tokens.verify(value, { home: true }, ['browser']);
    const caller = await core.callers.callerFor(who, { home: true }, request.id);
    return { who, caller, formKey: formKeyOf(value) };
  } catch (error) {
    if (error instanceof DomainError && ['unauthenticated', 'forbidden'].includes(error.kind)) return null;
    throw error;
  }
}

export function setSession(request: FastifyRequest, reply: FastifyReply, session: Session): void {
  const seconds = Math.max(0, Math.floor(((session.expiresAt?.getTime() ?? 0) - Date.now()) / 1000));
  reply.header('set-cookie', cookie(request, COOKIE, session.value, seconds));
}

export function dropSession(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('set-cookie', cookie(request, COOKIE, '', 0));
}

export function cookie(request: FastifyRequest, name: string, value: string, seconds: number): string {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`;
}

export function cookieOf(request: FastifyRequest, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, ...value] = part.trim().split('=');
    if (key === name && value.length > 0) return value.join('=').slice(0, 8192);
  }
  return null;
}

/**
 * Refuses a form that another site has sent. Browsers say so themselves; what says nothing is no browser, and carries no
 * cookie that anybody put there without its knowledge.
 *
 * @throws DomainError `forbidden` (`form-of-another-site`)
 */
export function requireOwnForm(request: FastifyRequest): void {
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const foreign =
    (typeof site === 'string' && site !== 'same-origin' && site !== 'none') ||
    (origin !== undefined && hostOf(origin) !== request.host);
  if (foreign) throw foreignForm();
}

/** Also holds the form to the visitor it was written for. @throws DomainError `forbidden` (`form-of-another-site`) */
export function requireFormOf(visitor: Visitor, request: FastifyRequest, given: string | undefined): void {
  requireOwnForm(request);
  const right = Buffer.from(visitor.formKey);
  const shown = Buffer.from(given ?? '');
  if (right.length !== shown.length || !timingSafeEqual(right, shown)) throw foreignForm();
}

function foreignForm(): DomainError {
  return new DomainError(
    'forbidden',
    'form-of-another-site',
    'This form was not sent from our own page; go back and try again',
  );
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

function formKeyOf(value: string): string {
  return createHmac('sha256', value).update('forms').digest('base64url');
}
