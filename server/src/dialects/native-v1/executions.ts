/** `/executions`: where every operation stands, and resuming with decisions. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Core } from '../../core.js';
import type { ExecutionRecord } from '../../orchestration/executions.js';
import type { OperationRecord } from '../../orchestration/told-operations.js';
import { ExecutionParams, Graph, Operations, ResumeBody, Resumed } from './api.js';
import { callerOf } from './caller.js';
import { isKnown, requireMatch, tagOf } from './conditions.js';
import { cursorOf, linkNext, PageQuery, readCursor } from './cursor.js';
import { once } from './idempotent.js';

const OperationsQuery = Type.Object(PageQuery, { additionalProperties: false });
const Unchanged = Type.Null({ description: 'As `If-None-Match` names it' });

export function executionRoutes(app: FastifyInstance, core: Core): void {
  const operations = {
    tags: ['Executions'],
    operationId: 'executions_operations',
    summary: 'Tell where every operation of an execution stands',
    params: ExecutionParams,
    querystring: OperationsQuery,
    response: { 200: Operations, 304: Unchanged },
  } as const;
  app.get('/executions/:id/operations', { schema: operations }, async (request, reply) => {
    const { id } = request.params as Static<typeof ExecutionParams>;
    const { limit, cursor } = request.query as Static<typeof OperationsQuery>;
    const caller = await callerOf(request, core);
    if (isKnown(request, reply, tagOf(`${id}.${await core.pictures.version(caller, id)}`)))
      return reply.send();
    const list = `operations of ${id}`;
    const after = cursor === undefined ? -1 : readCursor(list, cursor);
    const all = await core.taskGraphs.tasks(caller, id);
    const rest = all.filter((one) => one.name !== 'marker' && one.task > after);
    const page = rest.slice(0, limit);
    if (page.length < rest.length) linkNext(request, reply, cursorOf(list, page.at(-1)!.task));
    return { items: page.map(shown) };
  });

  const graph = {
    tags: ['Executions'],
    operationId: 'executions_graph',
    summary: 'Tell the task graph of an execution and where every task stands, as of one moment',
    params: ExecutionParams,
    response: { 200: Graph, 304: Unchanged },
  } as const;
  app.get('/executions/:id/graph', { schema: graph }, async (request, reply) => {
    const { id } = request.params as Static<typeof ExecutionParams>;
    const caller = await callerOf(request, core);
    if (isKnown(request, reply, tagOf(`${id}.${await core.pictures.version(caller, id)}`)))
      return reply.send();
    const position = await core.streams.now();
    const { version, ...picture } = await core.pictures.graph(caller, id);
    reply.header('etag', tagOf(`${id}.${version}`));
    return { position, ...picture };
  });

  const resume = {
    tags: ['Executions'],
    operationId: 'executions_resume',
    summary: 'Resume an execution, with a decision about each interrupted operation',
    params: ExecutionParams,
    body: ResumeBody,
    response: { 200: Resumed },
  } as const;
  app.post('/executions/:id/resume', { schema: resume }, async (request, reply) => {
    const { id } = request.params as Static<typeof ExecutionParams>;
    const body = request.body as Static<typeof ResumeBody>;
    const caller = await callerOf(request, core);
    return once(core, caller, request, reply, {
      again: async () => resumed(await core.executions.get(caller, id)),
      change: () =>
        core.pictures.whileIs(
          caller,
          id,
          (version) => requireMatch(request, tagOf(`${id}.${version}`)),
          async () => {
            const decisions = (body.operations ?? []).map(({ task, decision, reason }) => ({
              task,
              kind: decision,
              reason,
            }));
            return resumed(
              await core.executions.resume(caller, id, { force: body.force ?? false, decisions }),
            );
          },
        ),
    });
  });
}

function resumed(execution: ExecutionRecord) {
  return {
    id: execution.id,
    status: execution.status,
    workflow: execution.workflow,
    deployment: execution.deploymentId,
  };
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
