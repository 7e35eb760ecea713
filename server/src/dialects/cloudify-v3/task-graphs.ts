/** Task graphs and operations of executions: the engine's own, and those that outside workflow code keeps (cloudify.md §4.4). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Json, JsonObject } from '../../dsl/plan.js';
import type {
  GraphRecord,
  KeptState,
  NewOperation,
  ToldOperation,
} from '../../orchestration/told-operations.js';
import { sendJson, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { causeOf } from './events.js';
import { Anything, Dict, IdParams, ListOf, MaybeText, Names, Text, Time } from './fields.js';
import { booleanParam, countParam, type Params, repeated, single } from './lenient.js';
import { envelope } from './listing.js';
import type { Mounting } from './mounting.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { type Item, pick } from './small-list.js';

const STATES: readonly KeptState[] = [
  'pending',
  'sending',
  'sent',
  'started',
  'rescheduled',
  'succeeded',
  'failed',
  'cancelled',
];

const Graph = Type.Object(
  { id: Text, name: Text, execution_id: Text, state: MaybeText, created_at: Time },
  { title: 'TasksGraph' },
);
const Operation = Type.Object(
  {
    id: Text,
    name: MaybeText,
    type: Text,
    state: Text,
    dependencies: Names,
    parameters: Anything,
    tasks_graph_id: Text,
    manager_name: MaybeText,
    agent_name: MaybeText,
    result: Anything,
    exception: Anything,
    exception_causes: Anything,
    created_at: Time,
  },
  { title: 'Operation' },
);

const MOST_AT_ONCE = 100_000;
const given = {
  name: Type.Optional(MaybeText),
  type: Type.String(),
  dependencies: Type.Optional(Names),
  parameters: Type.Optional(Dict),
};
const NewGraph = Type.Object(
  {
    execution_id: Type.String(),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    graph_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: '^[A-Za-z0-9_~-]+$' })),
    operations: Type.Optional(
      Type.Array(
        Type.Object({
          id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
          state: Type.Optional(MaybeText),
          ...given,
        }),
        {
          maxItems: MOST_AT_ONCE,
        },
      ),
    ),
  },
  { title: 'NewTasksGraph' },
);
const GraphChange = Type.Object(
  { state: Type.String({ minLength: 1, maxLength: 256 }) },
  { title: 'TasksGraphChange' },
);
const NewKeptOperation = Type.Object({ graph_id: Type.String(), ...given }, { title: 'NewOperation' });
const OperationChange = Type.Object(
  {
    state: Type.Optional(Type.String()),
    manager_name: Type.Optional(MaybeText),
    agent_name: Type.Optional(MaybeText),
    result: Type.Optional(Anything),
    exception: Type.Optional(Anything),
    exception_causes: Type.Optional(
      Type.Union([Type.Array(Type.Record(Type.String(), Type.Unknown()), { maxItems: 100 }), Type.Null()]),
    ),
  },
  { title: 'OperationChange' },
);
const Nothing = Type.Object({}, { title: 'OperationChanged' });

const PAGE = {
  _include: Word('Only these fields of each, with commas between'),
  _size: Type.Optional(Type.Integer({ minimum: 0 })),
  _offset: Type.Optional(Type.Integer({ minimum: 0 })),
};

export function addTaskGraphs({ scope, core }: Mounting): void {
  scope.get(
    '/tasks_graphs',
    {
      schema: describe('Task graphs', 'list', 'List the task graphs of an execution', {
        querystring: Type.Object({
          execution_id: Type.String(),
          name: Word('Only that of this name'),
          ...PAGE,
        }),
        response: { 200: ListOf(Graph) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const execution = single(request.query, 'execution_id');
      if (execution === undefined) throw badParameters('The parameter `execution_id` is missing');
      const graphs = await core.taskGraphs.graphsOf(callerOf(request), execution);
      const names = new Set(repeated(request.query, 'name'));
      return sendPage(
        reply,
        request.query,
        graphs.filter(({ name }) => names.size === 0 || names.has(name)).map(wireGraph),
        Object.keys(Graph.properties),
      );
    },
  );

  // The published client writes the path twice.
  for (const path of ['/tasks_graphs', '/tasks_graphs/tasks_graphs']) {
    scope.post<{ Body: Static<typeof NewGraph> }>(
      path,
      {
        schema: describe(
          'Task graphs',
          path === '/tasks_graphs' ? 'create' : 'create_as_client',
          'Keep a task graph of outside workflow code',
          { body: NewGraph, response: { 201: Graph } },
        ),
      },
      async (request, reply) => {
        refuseRestored(request.body, OF_RECORDS);
        for (const one of request.body.operations ?? []) refuseRestored(one, OF_RECORDS);
        const { execution_id, name, graph_id, operations = [] } = request.body;
        const graph = await core.taskGraphs.create(callerOf(request), {
          execution: execution_id,
          name,
          ...(graph_id === undefined ? {} : { id: graph_id }),
          operations: operations.map(readOperation),
        });
        return sendJson(reply, 201, wireGraph(graph));
      },
    );
  }

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof GraphChange> }>(
    '/tasks_graphs/:id',
    {
      schema: describe('Task graphs', 'update', 'Say how a kept task graph stands', {
        params: IdParams,
        body: GraphChange,
        response: { 200: Graph },
      }),
    },
    async (request, reply) => {
      const { params, body } = request;
      return sendJson(
        reply,
        200,
        wireGraph(await core.taskGraphs.setState(callerOf(request), params.id, body.state)),
      );
    },
  );

  scope.get(
    '/operations',
    {
      schema: describe('Operations', 'list', 'List the operations of an execution or of a task graph', {
        querystring: Type.Object({
          execution_id: Word('Either this or `graph_id`'),
          graph_id: Word('Either this or `execution_id`'),
          state: Type.Optional(Names),
          skip_internal: Switch('Only those that run something'),
          ...PAGE,
        }),
        response: { 200: ListOf(Operation) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const { query } = request;
      const [execution, graph] = [single(query, 'execution_id'), single(query, 'graph_id')];
      if ((execution === undefined) === (graph === undefined)) {
        throw badParameters('Exactly one of `execution_id` and `graph_id` must be given');
      }
      const of = execution === undefined ? { graph: graph! } : { execution };
      const [size, offset] = pageOf(query);
      const { items, total } = await core.taskGraphs.operations(callerOf(request), of, {
        states: new Set(repeated(query, 'state').map(readState)),
        runsOnly: booleanParam(query, 'skip_internal', false),
        ...{ size, offset },
      });
      const page = items.map((one) => pick(wireOperation(one), query, Object.keys(Operation.properties)));
      return sendText(reply, 200, envelope({ offset, size }, JSON.stringify(page), total));
    },
  );

  scope.get<{ Params: Static<typeof IdParams> }>(
    '/operations/:id',
    {
      schema: describe('Operations', 'get', 'Get an operation', {
        params: IdParams,
        response: { 200: Operation },
      }),
    },
    async (request, reply) =>
      sendJson(
        reply,
        200,
        wireOperation(await core.taskGraphs.operation(callerOf(request), request.params.id)),
      ),
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof NewKeptOperation> }>(
    '/operations/:id',
    {
      schema: describe('Operations', 'create', 'Add an operation to a kept task graph', {
        params: IdParams,
        body: NewKeptOperation,
        response: { 201: Operation },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { graph_id, ...operation } = request.body;
      const { id } = request.params;
      await core.taskGraphs.add(caller, graph_id, { ...readOperation(operation), id });
      return sendJson(reply, 201, wireOperation(await core.taskGraphs.operation(caller, id)));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof OperationChange> }>(
    '/operations/:id',
    {
      schema: describe('Operations', 'update', 'Say how a kept operation stands', {
        description:
          'A state is also told as an event of the execution, with the result or the exception; null leaves what was said.',
        params: IdParams,
        body: OperationChange,
        response: { 200: Nothing },
      }),
    },
    async (request, reply) => {
      const { state, manager_name, agent_name, result, exception, exception_causes } = request.body;
      await core.taskGraphs.set(callerOf(request), request.params.id, {
        state: state === undefined ? null : readState(state),
        manager: manager_name ?? null,
        agent: agent_name ?? null,
        result: (result ?? null) as Json,
        exception: (exception ?? null) as Json,
        causes: exception_causes?.map(causeOf) ?? null,
      });
      return sendText(reply, 200, '{}');
    },
  );

  scope.delete<{ Params: Static<typeof IdParams> }>(
    '/operations/:id',
    {
      schema: describe('Operations', 'delete', 'Take an operation out of a kept task graph', {
        params: IdParams,
        response: { 200: Nothing },
      }),
    },
    async (request, reply) => {
      await core.taskGraphs.remove(callerOf(request), request.params.id);
      return sendText(reply, 200, '{}');
    },
  );
}

function pageOf(params: Params): readonly [size: number, offset: number] {
  return [countParam(params, '_size', 1000, MOST_AT_ONCE), countParam(params, '_offset', 0, 1e9)];
}

function sendPage(
  reply: FastifyReply,
  params: Params,
  items: readonly Item[],
  fields: readonly string[],
): FastifyReply {
  const [size, offset] = pageOf(params);
  const page = items.slice(offset, offset + size).map((item) => pick(item, params, fields));
  return sendText(reply, 200, envelope({ offset, size }, JSON.stringify(page), items.length));
}

function wireGraph({ id, name, executionId, state, createdAt }: GraphRecord) {
  return { id, name, execution_id: executionId, state, created_at: createdAt.toISOString() };
}

function wireOperation(operation: ToldOperation) {
  return {
    id: operation.id,
    name: operation.name,
    type: operation.type ?? (operation.runs ? 'RemoteWorkflowTask' : 'NOPLocalWorkflowTask'),
    state: operation.state,
    dependencies: operation.dependencies,
    parameters: operation.parameters,
    tasks_graph_id: operation.graphId,
    manager_name: operation.managerName,
    agent_name: operation.agentName,
    result: operation.result,
    exception: operation.exception,
    exception_causes: operation.causes,
    created_at: operation.createdAt.toISOString(),
  };
}

function readOperation(body: {
  readonly id?: string;
  readonly name?: string | null;
  readonly type: string;
  readonly state?: string | null;
  readonly dependencies?: readonly string[];
  readonly parameters?: object;
}): NewOperation {
  const { id, name, type, state, dependencies, parameters } = body;
  return {
    type,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(state === undefined || state === null ? {} : { state: readState(state) }),
    ...(dependencies === undefined ? {} : { dependencies }),
    ...(parameters === undefined ? {} : { parameters: parameters as JsonObject }),
  };
}

function readState(word: string): KeptState {
  const found = STATES.find((state) => state === word);
  if (found !== undefined) return found;
  throw badParameters(`Invalid state: \`${word}\`. Valid states are: ${STATES.join(', ')}`);
}
