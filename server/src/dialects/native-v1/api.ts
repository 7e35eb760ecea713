/** What holds for every call of this dialect, and the forms of its requests and answers. */
import { Type } from 'typebox';
import type { ErrorKind } from '../../errors.js';
import type { ApiDescription } from '../dialect.js';

export const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 429,
  unavailable: 503,
};

export const ExecutionParams = Type.Object({ id: Type.String({ description: 'Id of the execution' }) });

const Decision = Type.Object(
  {
    task: Type.Integer({
      minimum: 0,
      description: 'Number of the operation, as the list of operations has it',
    }),
    decision: Type.Union([Type.Literal('retry'), Type.Literal('skip'), Type.Literal('done')]),
    reason: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'Why; kept on the operation and told as an event',
    }),
  },
  { additionalProperties: false, title: 'Decision' },
);

export const ResumeBody = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({ description: 'Run again also what was interrupted and not decided on' }),
    ),
    operations: Type.Optional(Type.Array(Decision, { maxItems: 10_000 })),
  },
  { additionalProperties: false, title: 'Resumption' },
);

export const Resumed = Type.Object(
  {
    id: Type.String(),
    status: Type.String(),
    workflow: Type.String(),
    deployment: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'ResumedExecution' },
);

const Cause = Type.Object(
  { type: Type.String(), message: Type.String(), traceback: Type.Optional(Type.String()) },
  { title: 'FailureCause' },
);

const Failure = Type.Object(
  {
    type: Type.String({
      description: "The failure's name in the words of the operation, e.g. ProcessException",
    }),
    message: Type.String(),
    retryable: Type.Boolean({ description: 'False: trying again cannot help' }),
    retryAfter: Type.Optional(Type.Number({ description: 'Seconds, where the operation asked for a delay' })),
    causes: Type.Array(Cause),
  },
  { title: 'Failure' },
);

const MaybeTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);

const Operation = Type.Object(
  {
    task: Type.Integer({ description: 'Number of the operation in its execution' }),
    operation: Type.String(),
    instance: Type.Union([Type.String(), Type.Null()]),
    state: Type.Union(
      ['pending', 'started', 'waiting', 'succeeded', 'failed', 'interrupted', 'skipped'].map((state) =>
        Type.Literal(state),
      ),
    ),
    dependsOn: Type.Array(Type.Integer(), { description: 'Operations that must have ended before' }),
    attempt: Type.Integer({ description: '0: not started yet' }),
    reason: Type.Union([Type.String(), Type.Null()], {
      description: 'Why a person has decided so, or why the engine has passed it over',
    }),
    decidedBy: Type.Union([Type.String(), Type.Null()], {
      description: 'Who has decided to run it again, to skip it, or to take it as done',
    }),
    decidedAt: MaybeTime,
    failure: Type.Union([Failure, Type.Null()]),
    startedAt: MaybeTime,
    endedAt: MaybeTime,
  },
  { title: 'Operation' },
);

export const Operations = Type.Object({ items: Type.Array(Operation) }, { title: 'OperationList' });

const Problem = Type.Object(
  {
    type: Type.String({ description: '`urn:orrery:` and a stable word that tells problems apart' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'Id of the request, as the log has it' }),
  },
  { title: 'Problem', description: 'Problem details (RFC 9457)' },
);

const DESCRIPTION = `What the other APIs of this server cannot say: where every operation of an execution stands, and resuming an
execution with a decision about each interrupted operation.

Every call carries credentials; the header \`Tenant\` names the tenant. Refusals are problem details (RFC 9457).`;

export const API: ApiDescription = {
  description: DESCRIPTION,
  tags: { Executions: 'Runs of workflows, looked at and mended.' },
  securitySchemes: {
    basic: { type: 'http', scheme: 'basic' },
    bearer: { type: 'http', scheme: 'bearer', description: "A user's token: `ctok-…`" },
    tenant: {
      type: 'apiKey',
      in: 'header',
      name: 'Tenant',
      description: 'Name of the tenant that the request is for; not a secret',
    },
  },
  security: () => [
    ['bearer', 'tenant'],
    ['basic', 'tenant'],
  ],
  error: { schema: Problem, mediaType: 'application/problem+json' },
  refusals: {
    400: { name: 'BadRequest', description: 'The request breaks a rule' },
    401: { name: 'Unauthorized', description: 'No credentials, or wrong ones' },
    403: { name: 'Forbidden', description: 'Not with this role, or not in this tenant' },
    404: { name: 'NotFound', description: 'There is none, or none that the caller may see' },
    409: { name: 'Conflict', description: 'The execution is not in a status for this' },
    413: { name: 'TooLarge', description: 'The body is longer than the server takes' },
    415: { name: 'UnsupportedMediaType', description: 'The body is called something else than JSON' },
    429: { name: 'TooManyRequests', description: 'Too much at once; try again later' },
    500: { name: 'InternalError', description: 'A fault of the server, which its log tells' },
    503: { name: 'Unavailable', description: 'A part that is needed is down; try again' },
  },
  refusalsOf: ({ method, body }) => [
    400,
    401,
    403,
    404,
    ...(method === 'GET' ? [] : [409]),
    ...(body === 'none' ? [] : [413, 415]),
    429,
    500,
    503,
  ],
};
