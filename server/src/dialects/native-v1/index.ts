/**
 * Orrery's own dialect, `/orrery/v1`: public, and only what none of the four vendors can say. So far: where every operation
 * of an execution stands, and resuming an execution with a decision about each interrupted operation.
 *
 * Errors are problem details (RFC 9457). Credentials: Basic, or `Authorization: Bearer` with a token; `Tenant` names the tenant.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { OperationRecord } from '../../orchestration/task-graphs.js';
import type { Dialect } from '../dialect.js';
import { API, ExecutionParams, Operations, ResumeBody, Resumed, STATUS } from './api.js';
import { decisionRoutes } from './decisions.js';

const ROOT = '/orrery/v1';

export const nativeV1: Dialect = {
  name: 'native-v1',
  title: 'Orrery v1',
  roots: [ROOT],
  api: API,
  mount: async (app, core) => {
    await app.register(async (scope) => routes(scope, core), { prefix: ROOT });
  },
};

function routes(app: FastifyInstance, core: Core): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch {
      done(new DomainError('invalid', 'body-not-json', 'The body is not JSON'));
    }
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    if (problem.status === 500) request.log.error({ err: error }, 'request failed');
    return reply.status(problem.status).type('application/problem+json').send(problem);
  });

  // Response schemas describe; nothing is left out of an answer because they do not name it.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));

  const operations = {
    tags: ['Executions'],
    operationId: 'executions_operations',
    summary: 'Tell where every operation of an execution stands',
    params: ExecutionParams,
    response: { 200: Operations },
  } as const;
  app.get('/executions/:id/operations', { schema: operations }, async (request) => {
    const { id } = request.params as Static<typeof ExecutionParams>;
    const operations = await core.taskGraphs.tasks(await callerOf(request, core), id);
    return { items: operations.filter((one) => one.name !== 'marker').map(shown) };
  });

  const resume = {
    tags: ['Executions'],
    operationId: 'executions_resume',
    summary: 'Resume an execution, with a decision about each interrupted operation',
    params: ExecutionParams,
    body: ResumeBody,
    response: { 200: Resumed },
  } as const;
  app.post('/executions/:id/resume', { schema: resume }, async (request) => {
    const { id } = request.params as Static<typeof ExecutionParams>;
    const body = request.body as Static<typeof ResumeBody>;
    const execution = await core.executions.resume(await callerOf(request, core), id, {
      force: body.force ?? false,
      decisions: (body.operations ?? []).map(({ task, decision, reason }) => ({
        task,
        kind: decision,
        reason,
      })),
    });
    return {
      id: execution.id,
      status: execution.status,
      workflow: execution.workflow,
      deployment: execution.deploymentId,
    };
  });

  decisionRoutes(app, core, (request) => callerOf(request, core));
}

async function callerOf(request: FastifyRequest, core: Core): Promise<Caller> {
  if (await core.snapshots.isRestoring()) {
    throw new DomainError('unavailable', 'being-restored', 'A snapshot is being restored: ask again soon');
  }
  const tenant = typeof request.headers.tenant === 'string' ? request.headers.tenant : null;
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (/^bearer$/i.test(scheme)) {
    return core.callers.callerFor(await core.tokens.verify(value, tenant), tenant, request.id);
  }
  const text = /^basic$/i.test(scheme) ? Buffer.from(value, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) {
    throw new DomainError('unauthenticated', 'no-credentials', 'Send Authorization: Bearer TOKEN, or Basic');
  }
  const identity = await core.credentials.verifyPassword(
    text.slice(0, colon),
    text.slice(colon + 1),
    request.ip,
    tenant,
  );
  return core.callers.callerFor(identity, tenant, request.id);
}

function shown(operation: OperationRecord) {
  return {
    task: operation.task,
    operation: operation.name,
    instance: operation.instance,
    state: operation.state,
    dependsOn: operation.dependsOn,
    attempt: operation.attempt,
    reason: operation.row?.reason ?? null,
    decidedBy: operation.row?.decidedBy ?? null,
    decidedAt: operation.row?.decidedAt ?? null,
    failure: operation.row?.failure ?? null,
    startedAt: operation.row?.startedAt ?? null,
    endedAt: operation.row?.endedAt ?? null,
  };
}

function problemOf(error: unknown, request: FastifyRequest) {
  const instance = request.id;
  if (error instanceof DomainError) {
    return {
      type: `urn:orrery:${error.reason}`,
      title: error.reason.replaceAll('-', ' '),
      status: STATUS[error.kind],
      detail: error.message,
      instance,
    };
  }
  const status = (error as { statusCode?: number }).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    return {
      type: 'urn:orrery:bad-request',
      title: 'bad request',
      status,
      detail: (error as Error).message,
      instance,
    };
  }
  return {
    type: 'about:blank',
    title: 'Internal error',
    status: 500,
    detail: 'See the log under this request id',
    instance,
  };
}
