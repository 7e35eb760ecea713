/**
 * How clients are told that something went wrong (specs: layer5.md §1.2): `{error, code, severity, probable_cause, …}`.
 *
 * Rooms throw `DomainError` and know nothing of statuses. `docs/errors.md` repeats both tables; a test keeps them equal.
 */
import type { FastifyBaseLogger } from 'fastify';
import { DomainError, type ErrorKind } from '../../errors.js';

export const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 413,
  unavailable: 503,
};

/** Situations for which clients of this API look for another status than their kind's. */
export const BY_REASON: Readonly<Record<string, number>> = {
  'sign-in-throttled': 429,
  'too-many-tokens': 409,
  'last-admin': 409,
  'builtin-user': 409,
  'own-user': 409,
  'default-tenant': 409,
};

/** An answer only this dialect gives; rooms never throw it. */
export class WireError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly remedy: string;

  constructor(
    status: number,
    message: string,
    options: { headers?: Record<string, string>; remedy?: string } = {},
  ) {
    super(message);
    this.name = 'WireError';
    this.status = status;
    this.headers = options.headers ?? {};
    this.remedy = options.remedy ?? '';
  }
}

/** 400, naming the part of the request that is wrong. */
export function badRequest(message: string, remedy = ''): WireError {
  return new WireError(400, message, { remedy });
}

/** 404 for a thing that is not there, or not the caller's to know about. */
export function absent(thing: string, id: string): WireError {
  return new WireError(404, `${thing} ${id.slice(0, 100)} was not found`);
}

export function isAbsence(error: unknown): boolean {
  return error instanceof WireError
    ? error.status === 404
    : error instanceof DomainError && error.kind === 'not-found';
}

export interface Rendered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
}

/** Any thrown thing as status and body. What nobody meant to throw is logged and answered as a plain 500. */
export function renderError(error: unknown, log: Pick<FastifyBaseLogger, 'error' | 'info'>): Rendered {
  if (error instanceof WireError) return answer(error.status, error.message, error.remedy, error.headers);
  if (error instanceof DomainError) {
    const status = BY_REASON[error.reason] ?? BY_KIND[error.kind];
    if (error.cause !== undefined) {
      log[status >= 500 ? 'error' : 'info']({ err: error.cause, reason: error.reason }, error.message);
    }
    const { retryAfterSeconds } = error.details;
    const headers: Record<string, string> =
      retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    // One answer for every organisation that the caller is not in, whether there is one or not.
    if (error.reason === 'tenant-forbidden') return answer(status, NOT_A_MEMBER, '', headers);
    return answer(status, error.message, '', headers);
  }
  const { validation, statusCode } = error as { validation?: unknown; statusCode?: unknown };
  if (validation !== undefined) return answer(400, (error as Error).message);
  if (error instanceof Error && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return answer(statusCode, error.message);
  }
  log.error({ err: error }, 'request failed');
  return answer(500, 'The server met a fault of its own; its log tells more');
}

export const NOT_A_MEMBER = 'You are not a member of this organization';

function answer(
  status: number,
  message: string,
  remedy = '',
  headers: Readonly<Record<string, string>> = {},
): Rendered {
  return {
    status,
    headers: status === 401 ? { 'www-authenticate': 'Bearer', ...headers } : headers,
    body: {
      error: message === '' ? 'The request was refused' : message,
      code: `l5-${status}`,
      severity: 'error',
      probableCause: '',
      suggestedRemediation: remedy,
      longDescription: '',
    },
  };
}
