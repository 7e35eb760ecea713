/** What holds for every call of this dialect, and the forms of its requests and answers. */
import { Type } from 'typebox';
import type { ApiDescription } from '../dialect.js';
import { Problem } from './problem.js';

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

export const Operation = Type.Object(
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

const PicturedTask = Type.Object(
  {
    id: Type.Integer({ description: 'Number of the task in its graph; dependencies have lower ones' }),
    operation: Type.Union([Type.String(), Type.Null()], {
      description: 'Null: a task that only orders and tells others',
    }),
    side: Type.Optional(
      Type.Union([Type.Literal('source'), Type.Literal('target')], {
        description: 'Of the operation of a relationship: the end that it runs for',
      }),
    ),
    instance: Type.Union([Type.String(), Type.Null()]),
    dependsOn: Type.Array(Type.Integer()),
    state: Type.String({
      description: 'pending, started, waiting, succeeded, failed, interrupted or skipped',
    }),
    tries: Type.Integer(),
    start: MaybeTime,
    end: MaybeTime,
    error: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String({ description: 'Why a person has decided about it' })),
  },
  { title: 'GraphTask' },
);

export const Graph = Type.Object(
  {
    position: Type.Integer({ description: 'Where a stream goes on from here: its `after`' }),
    id: Type.String(),
    deployment: Type.Union([Type.String(), Type.Null()]),
    workflow: Type.String(),
    status: Type.String(),
    error: Type.Union([Type.String(), Type.Null()]),
    totalOperations: Type.Integer(),
    finishedOperations: Type.Integer(),
    createdAt: Type.String({ format: 'date-time' }),
    startedAt: MaybeTime,
    endedAt: MaybeTime,
    tasks: Type.Array(PicturedTask, { description: 'None before a worker has planned the execution' }),
    subgraphs: Type.Array(
      Type.Object({
        instance: Type.String(),
        node: Type.Union([Type.String(), Type.Null()], { description: 'Null: the instance is gone' }),
        tasks: Type.Array(Type.Integer()),
      }),
      { description: 'What is done for each instance' },
    ),
    stages: Type.Array(Type.Object({ name: Type.String(), from: Type.Integer() }), {
      description: 'Parts that were planned one after the other; each begins with a task',
    }),
  },
  { title: 'ExecutionGraph' },
);

const DESCRIPTION = `What the other APIs of this server cannot say: a live stream of what happens, a deployment and a task graph as of one
moment, where every operation of an execution stands, resuming with a decision about each interrupted operation, what an
update would change, and how much of the engine a tenant has.

Every call carries credentials; the header \`Tenant\` names the tenant. Refusals are problem details (RFC 9457).`;

/** What workers themselves ask. */
const DESK = /\/workers\/(register|leave|attend|beat|tell|ask|finish|operations\/)/;

export const API: ApiDescription = {
  description: DESCRIPTION,
  tags: {
    Stream: 'What happens, as it happens.',
    Deployments: 'Deployments as of one moment, and what an update would change.',
    Executions: 'Runs of workflows, looked at and mended.',
    Tenants: 'How much of the engine each tenant has.',
    Authorities: 'Directories (LDAP) and providers (OpenID Connect) that vouch for users.',
    Workers: 'Pools of workers, and what workers on other networks say.',
  },
  securitySchemes: {
    basic: { type: 'http', scheme: 'basic' },
    bearer: { type: 'http', scheme: 'bearer', description: "A user's token: `ctok-…`" },
    worker: { type: 'http', scheme: 'bearer', description: 'Credentials of a worker: `owrk-…`' },
    workerNumber: {
      type: 'apiKey',
      in: 'header',
      name: 'Orrery-Worker',
      description: 'The number that registering has told',
    },
    tenant: {
      type: 'apiKey',
      in: 'header',
      name: 'Tenant',
      description: 'Name of the tenant that the request is for; not a secret',
    },
  },
  security: ({ path }) =>
    DESK.test(path)
      ? [path.endsWith('/register') ? ['worker'] : ['worker', 'workerNumber']]
      : [
          ['bearer', 'tenant'],
          ['basic', 'tenant'],
        ],
  error: { schema: Problem, mediaType: 'application/problem+json' },
  refusals: {
    400: { name: 'BadRequest', description: 'The request breaks a rule' },
    401: { name: 'Unauthorized', description: 'No credentials, or wrong ones' },
    403: { name: 'Forbidden', description: 'Not with this role, or not in this tenant' },
    404: { name: 'NotFound', description: 'There is none, or none that the caller may see' },
    409: { name: 'Conflict', description: 'A fair request at the wrong moment' },
    412: { name: 'PreconditionFailed', description: 'It is no longer what `If-Match` names' },
    413: { name: 'TooLarge', description: 'The body is longer than the server takes' },
    415: { name: 'UnsupportedMediaType', description: 'The body is called something else than JSON' },
    422: { name: 'KeyReused', description: 'The Idempotency-Key came with another request before' },
    429: { name: 'TooManyRequests', description: 'Too much at once; try again later' },
    500: { name: 'InternalError', description: 'A fault of the server, which its log tells' },
    503: { name: 'Unavailable', description: 'A part that is needed is down; try again' },
  },
  refusalsOf: ({ method, body }) => [
    400,
    401,
    403,
    404,
    409,
    ...(method === 'GET' ? [] : [412, 422]),
    ...(body === 'none' ? [] : [413, 415]),
    429,
    500,
    503,
  ],
};
