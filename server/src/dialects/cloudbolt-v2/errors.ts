/**
 * How CloudBolt's clients are told that something went wrong: `{status_code, error, detail}`, all three always (specs:
 * cloudbolt.md §2.5).
 *
 * `BY_KIND` covers every kind of trouble; `BY_REASON` holds what this dialect answers otherwise than its kind. `docs/errors.md` repeats
 * both; a test keeps them equal.
 */
import type { FastifyBaseLogger } from 'fastify';
import { DomainError, type ErrorKind } from '../../errors.js';

export interface ErrorBody {
  readonly status_code: number;
  /** The short or technical text. */
  readonly error: string;
  /** For people. */
  readonly detail: string;
}

export const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 413,
  unavailable: 503,
};

export const BY_REASON: Readonly<Record<string, number>> = {
  'sign-in-throttled': 429,
  'too-many-waiting': 429,
};

/** The words in which each refusal for want of credentials ends, whatever was wrong with them. */
const CHALLENGE = 'Bearer realm="api", Basic realm="api"';

/** An answer that only this dialect gives; rooms never throw it. */
export class CloudBoltError extends Error {
  readonly status: number;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: string,
    { detail = error, headers = {} }: { detail?: string; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(error);
    this.name = 'CloudBoltError';
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

/** 400 with one sentence. */
export function badRequest(message: string): CloudBoltError {
  return new CloudBoltError(400, message);
}

/** 404 in the words that clients look for. */
export function notFoundHere(): CloudBoltError {
  return new CloudBoltError(404, 'Not found.');
}

export interface Rendered {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;
}

/** Any thrown thing as status, body and headers. What nobody meant to throw is logged and answered as a plain 500. */
export function renderError(error: unknown, log: Pick<FastifyBaseLogger, 'error' | 'info'>): Rendered {
  if (error instanceof CloudBoltError) {
    return answer(error.status, error.message, error.detail, error.headers);
  }
  if (error instanceof DomainError) {
    const status = BY_REASON[error.reason] ?? BY_KIND[error.kind];
    if (error.cause !== undefined) {
      log[status >= 500 ? 'error' : 'info']({ err: error.cause, reason: error.reason }, error.message);
    }
    const { retryAfterSeconds } = error.details;
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    if (status === 404) return answer(404, 'Not found.', `Not found. ${error.message}`, headers);
    return answer(status, error.message, error.message, headers);
  }
  const status = statusOf(error);
  if (status !== null) return answer(status, (error as Error).message, (error as Error).message);
  log.error({ err: error }, 'request failed');
  return answer(500, 'Internal server error', 'An unexpected error occurred.');
}

function answer(
  status: number,
  error: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Rendered {
  return {
    status,
    body: { status_code: status, error, detail },
    headers: status === 401 ? { 'www-authenticate': CHALLENGE, ...headers } : headers,
  };
}

/** Errors of the HTTP layer carry a status; and a pattern that PostgreSQL cannot read is the caller's mistake. */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error)) return null;
  if ((error as { code?: string }).code === '2201B') return 400;
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode <= 499 ? statusCode : null;
}
