/** `/executions`: where every operation stands, and resuming with decisions. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { ExecutionRecord } from '../../orchestration/executions.js';
import type { OperationRecord } from '../../orchestration/told-operations.js';
import { ExecutionParams, Graph, Operation, Operations, ResumeBody, Resumed } from './api.js';
import { callerOf } from './caller.js';
import { isKnown, requireMatch, tagOf } from './conditions.js';
import { cursorOf, linkNext, MOST_ON_A_PAGE, PageQuery, readCursor } from './cursor.js';
import { once } from './idempotent.js';
import { placed } from './placed.js';

const OperationsQuery = Type.Object(PageQuery, { additionalProperties: false });
/** The same object each time: what writes it is made once. */
const OPERATION: Record<string, unknown> = { ...Operation };
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
    if (limit === undefined) {
      const write = reply.compileSerializationSchema(OPERATION);
      return reply
        .type('application/json')
        .send(Readable.from(everyOperation(core, caller, id, after, write)));
    }
    const { items, isLast } = await core.taskGraphs.page(caller, id, { after, limit });
    if (!isLast) linkNext(request, reply, cursorOf(list, items.at(-1)!.task));
    return { items: items.map(shown) };
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
    const { version, text } = await core.pictures.graph(caller, id);
    reply.header('etag', tagOf(`${id}.${version}`));
    return reply.type('application/json').send(Readable.from(placed(position, text)));
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

/** Without a limit everything comes at once, and is read and written a page at a time, as fast as the client takes it. */
async function* everyOperation(
  core: Core,
  caller: Caller,
  id: string,
  from: number,
  write: (item: Record<string, unknown>) => string,
): AsyncGenerator<string> {
  yield '{"items":[';
  let [after, before] = [from, ''];
  for (;;) {
    const { items, isLast } = await core.taskGraphs.page(caller, id, { after, limit: MOST_ON_A_PAGE });
    if (items.length > 0) yield before + items.map((item) => write(shown(item))).join(',');
    if (isLast) break;
    [after, before] = [items.at(-1)!.task, ','];
  }
  yield ']}';
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
