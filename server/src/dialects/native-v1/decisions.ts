/** What a person decides about single operations of an execution that has ended before its time. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { DecisionKind, DecisionRequest } from '../../orchestration/resumption.js';
import { once } from './idempotent.js';

const REASON = { maxLength: 1000, description: 'Why; kept on the operation and told as an event' };
const goOn = Type.Optional(
  Type.Boolean({
    default: true,
    description: 'Let the execution go on, unless other interrupted operations wait for a decision',
  }),
);

const Retry = Type.Object(
  { reason: Type.Optional(Type.String(REASON)), resume: goOn },
  { additionalProperties: false, title: 'RetryDecision' },
);
const Settle = Type.Object(
  { reason: Type.String({ ...REASON, minLength: 1 }), resume: goOn },
  { additionalProperties: false, title: 'SettlingDecision' },
);

const OperationParams = Type.Object({
  id: Type.String({ description: 'Id of the execution' }),
  task: Type.Integer({
    minimum: 0,
    description: 'Number of the operation, as the list of operations has it',
  }),
});
const InstanceParams = Type.Object({
  id: Type.String({ description: 'Id of the execution' }),
  instance: Type.String({ description: 'Id of the node instance' }),
});

const Decided = Type.Object(
  {
    id: Type.String(),
    status: Type.String({ description: 'Of the execution, after the decision' }),
    decided: Type.Array(Type.Integer(), { description: 'Numbers of the operations that were decided about' }),
    undecided: Type.Array(Type.Integer(), {
      description:
        'Interrupted operations that still wait for a decision: the execution goes on after the last',
    }),
  },
  { title: 'Decided' },
);

const SUMMARIES: Readonly<Record<DecisionKind, string>> = {
  retry: 'Run one operation again',
  skip: 'Go on without one operation',
  done: 'Take one operation as done',
};

/** Mounts the routes in the dialect's scope. */
export function decisionRoutes(
  app: FastifyInstance,
  core: Core,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): void {
  const decide = async (
    request: FastifyRequest,
    reply: FastifyReply,
    of: DecisionRequest['of'],
    kind: DecisionKind,
  ) => {
    const { id } = request.params as { id: string };
    const body = (request.body ?? {}) as Static<typeof Retry>;
    const wanted = { of, kind, reason: body.reason ?? '', resume: body.resume ?? true };
    const caller = await callerOf(request);
    return once(core, caller, request, reply, {
      change: async () => ({ id, ...(await core.resumption.decide(caller, id, wanted)) }),
      again: () => decided(core, caller, id, of),
    });
  };

  for (const kind of ['retry', 'skip', 'done'] as const) {
    const schema = {
      tags: ['Executions'],
      operationId: `operations_${kind}`,
      summary: SUMMARIES[kind],
      params: OperationParams,
      body: kind === 'retry' ? Retry : Settle,
      response: { 200: Decided },
    } as const;
    app.post(`/executions/:id/operations/:task/${kind}`, { schema }, (request, reply) =>
      decide(request, reply, { task: (request.params as Static<typeof OperationParams>).task }, kind),
    );
  }

  const schema = {
    tags: ['Executions'],
    operationId: 'node_instances_retry',
    summary: 'Run again every operation of a node instance that was begun and is not done',
    params: InstanceParams,
    body: Retry,
    response: { 200: Decided },
  } as const;
  app.post('/executions/:id/node-instances/:instance/retry', { schema }, (request, reply) =>
    decide(request, reply, { instance: (request.params as Static<typeof InstanceParams>).instance }, 'retry'),
  );
}

/** What was answered, from how things stand: for the twin of a request whose process died before it could answer. */
async function decided(core: Core, caller: Caller, id: string, of: DecisionRequest['of']) {
  const { status } = await core.executions.get(caller, id);
  return { id, status, ...(await core.taskGraphs.decisions(caller, id, of)) };
}
