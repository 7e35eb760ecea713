/**
 * How refusals are told: `{error_message, error_type}` (specs: insightcloudsec.md §2.4).
 *
 * `error_type` is our own: the kind in words of the wire, or, where a client may want to tell situations apart, the reason.
 * `docs/errors.md` repeats both tables; a test keeps them equal.
 */
import type { FastifyBaseLogger } from 'fastify';
import { Type } from 'typebox';
import { DomainError, type ErrorKind } from '../../errors.js';

export interface WireError {
  readonly status: number;
  readonly type: string;
}

export const BY_KIND: Readonly<Record<ErrorKind, WireError>> = {
  invalid: { status: 400, type: 'invalid_input' },
  unauthenticated: { status: 401, type: 'unauthenticated' },
  forbidden: { status: 403, type: 'forbidden' },
  'not-found': { status: 404, type: 'not_found' },
  conflict: { status: 409, type: 'conflict' },
  limit: { status: 413, type: 'too_large' },
  unavailable: { status: 503, type: 'unavailable' },
};

/** Situations for which this vendor's clients expect another status than their kind's. */
export const BY_REASON: Readonly<Record<string, WireError>> = {
  'api-key-refused': { status: 403, type: 'api_key_invalid' },
  'sign-in-throttled': { status: 429, type: 'too_many_requests' },
  'too-many-waiting': { status: 429, type: 'too_many_requests' },
  'user-exists': { status: 400, type: 'duplicate' },
  'tenant-exists': { status: 400, type: 'duplicate' },
  'cloud-account-exists': { status: 400, type: 'duplicate' },
  'method-not-allowed': { status: 405, type: 'method_not_allowed' },
};

export const ErrorBody = Type.Object(
  {
    error_message: Type.String({ description: 'What is wrong, for people' }),
    error_type: Type.String({ description: 'A stable word that tells refusals apart (docs/errors.md)' }),
  },
  { title: 'Error' },
);

export interface Rendered {
  readonly status: number;
  readonly body: { readonly error_message: string; readonly error_type: string };
  readonly headers: Readonly<Record<string, string>>;
}

/** 400 that names the field. */
export function invalidInput(field: string, message: string): DomainError {
  return new DomainError('invalid', 'input-invalid', message, { details: { field } });
}

/** Any thrown thing as status and body. What nobody meant to throw is logged and answered as a plain 500. */
export function renderError(error: unknown, log: Pick<FastifyBaseLogger, 'error' | 'info'>): Rendered {
  if (error instanceof DomainError) {
    const { status, type } = BY_REASON[error.reason] ?? BY_KIND[error.kind];
    if (error.cause !== undefined) {
      log[status >= 500 ? 'error' : 'info']({ err: error.cause, reason: error.reason }, error.message);
    }
    return rendered(status, type, error.message, headersOf(error));
  }
  const status = statusOf(error);
  if (status !== null) return rendered(status, 'invalid_input', (error as Error).message);
  log.error({ err: error }, 'request failed');
  return rendered(500, 'internal_error', 'Internal error: the log of the server knows more');
}

function rendered(
  status: number,
  type: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Rendered {
  return { status, body: { error_message: message, error_type: type }, headers };
}

function headersOf({ details }: DomainError): Record<string, string> {
  return {
    ...(typeof details.retryAfterSeconds === 'number'
      ? { 'retry-after': String(Math.ceil(details.retryAfterSeconds)) }
      : {}),
    ...(typeof details.allow === 'string' ? { allow: details.allow } : {}),
  };
}

/** Errors of the HTTP layer itself carry a status. */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const { statusCode: status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
