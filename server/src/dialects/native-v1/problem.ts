/**
 * How refusals are told: problem details (RFC 9457). `type` is `urn:orrery:` and the reason of docs/errors.md, `reason` the
 * same word alone, `instance` the id of the request as the log has it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { DomainError, type ErrorKind } from '../../errors.js';

export const BY_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 429,
  unavailable: 503,
};

/** Situations for which HTTP has a status that says more than their kind's. */
export const BY_REASON: Readonly<Record<string, number>> = {
  'idempotency-key-reused': 422,
  'precondition-failed': 412,
};

export const Problem = Type.Object(
  {
    type: Type.String({
      description: '`urn:orrery:` and the reason; `about:blank` for a fault of the server',
    }),
    reason: Type.Optional(
      Type.String({ description: 'A stable word that tells problems apart (docs/errors.md)' }),
    ),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'Id of the request, as the log has it' }),
    field: Type.Optional(Type.String({ description: 'Which part of the request is wrong, where one is' })),
  },
  { title: 'Problem', description: 'Problem details (RFC 9457)' },
);

interface Told {
  readonly type: string;
  readonly reason?: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly field?: string;
}

export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, request.id);
  if (problem.status === 500) request.log.error({ err: error }, 'request failed');
  if (problem.status === 401) reply.header('www-authenticate', 'Basic realm="orrery", Bearer');
  const seconds = error instanceof DomainError ? error.details.retryAfterSeconds : undefined;
  if (typeof seconds === 'number') reply.header('retry-after', Math.ceil(seconds));
  return reply.status(problem.status).type('application/problem+json').send(problem);
}

function problemOf(error: unknown, instance: string): Told {
  if (error instanceof DomainError) {
    const { reason, kind, message, details } = error;
    return {
      ...named(reason, BY_REASON[reason] ?? BY_KIND[kind], message, instance),
      ...(typeof details.field === 'string' ? { field: details.field } : {}),
    };
  }
  const { statusCode: status = 500, message, validation, validationContext } = error as Refused;
  if (status >= 400 && status < 500) {
    const [first] = validation ?? [];
    const field = first === undefined ? undefined : `${validationContext ?? 'body'}${first.instancePath}`;
    return { ...named('bad-request', status, message, instance), ...(field === undefined ? {} : { field }) };
  }
  return {
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    detail: 'See the log under this request id',
    instance,
  };
}

/** What the HTTP server itself refuses. */
interface Refused {
  readonly statusCode?: number;
  readonly message: string;
  readonly validation?: readonly { readonly instancePath: string }[];
  readonly validationContext?: string;
}

function named(reason: string, status: number, detail: string, instance: string): Told {
  return {
    type: `urn:orrery:${reason}`,
    reason,
    title: reason.replaceAll('-', ' '),
    status,
    detail,
    instance,
  };
}
