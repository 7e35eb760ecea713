/** Events and logs: one stream, told apart by `type`. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { FailureCause } from '../../errors.js';
import type { EventField, NewEvent } from '../../events/events.js';
import type { ListFilter } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Done, describe, listQuery, Switch, Word } from './described.js';
import { badParameters, CloudifyError } from './errors.js';
import { ListOf, MaybeText, Text, Time } from './fields.js';
import { booleanParam, type Params, repeated, single } from './lenient.js';
import { envelope, type ListingOptions, listBody, parseListing, timeOf } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';

/** Every item tells every key, null where it does not apply: the command line reads some without asking. */
const EVENT: Resource<EventField> = {
  name: 'Event',
  key: '_storage_id',
  fields: {
    _storage_id: { from: 'id', schema: Type.Integer() },
    timestamp: { from: 'at', schema: Time },
    reported_timestamp: { from: 'at', schema: Time },
    type: { from: { field: 'kind', words: { event: 'cloudify_event', log: 'cloudify_log' } }, schema: Text },
    event_type: { from: 'type', schema: MaybeText },
    level: { from: 'level', schema: MaybeText },
    logger: { from: 'logger', schema: MaybeText },
    message: { from: 'message', schema: Text },
    error_causes: {
      from: 'errorCauses',
      schema: Type.Union([
        Type.Array(Type.Object({ message: Text, type: Text, traceback: Text })),
        Type.Null(),
      ]),
    },
    operation: { from: 'operation', schema: MaybeText },
    node_name: { from: 'nodeName', schema: MaybeText },
    node_instance_id: { from: 'nodeInstanceId', schema: MaybeText },
    source_id: { from: 'sourceId', schema: MaybeText },
    target_id: { from: 'targetId', schema: MaybeText },
    blueprint_id: { from: 'blueprintId', schema: MaybeText },
    deployment_id: { from: 'deploymentId', schema: MaybeText },
    deployment_display_name: { from: 'deploymentDisplayName', schema: MaybeText },
    execution_id: { from: 'executionId', schema: MaybeText },
    execution_group_id: { from: 'executionGroupId', schema: MaybeText },
    workflow_id: { from: 'workflow', schema: MaybeText },
    manager_name: { from: { constant: null }, schema: MaybeText },
    agent_name: { from: { constant: null }, schema: MaybeText },
    visibility: { from: 'visibility', schema: Text },
    tenant_name: { from: 'tenantName', schema: Text },
    created_by: { from: 'createdBy', schema: MaybeText },
  },
};

const like =
  (field: EventField) =>
  (patterns: readonly string[]): ListFilter<EventField> => ({ field, like: patterns });

const LISTING: ListingOptions<EventField> = {
  defaultSize: 10_000,
  searches: { _search: 'message' },
  ranges: { timestamp: 'at', reported_timestamp: 'at' },
  // `timestamp` orders by the time of the event; equal times stay in the order of storing.
  sorts: { timestamp: 'at', reported_timestamp: 'at' },
  patterns: ['message', 'message.text', 'operation'],
  filters: {
    message: like('message'),
    'message.text': like('message'),
    operation: like('operation'),
    // A node's name or an instance's id: both are asked for by this name.
    node_id: (values) => ({
      either: [
        { field: 'nodeName', anyOf: values },
        { field: 'nodeInstanceId', anyOf: values },
      ],
    }),
  },
};

const MOST_AT_ONCE = 10_000;
const Told = Type.Object({
  message: Type.Object({ text: Type.String() }),
  event_type: Type.Optional(Type.String({ maxLength: 256 })),
  logger: Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()])),
  level: Type.Optional(Type.String({ maxLength: 32 })),
  operation: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  timestamp: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  context: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
const NewEvents = Type.Object(
  {
    execution_id: Type.Optional(Type.String()),
    execution_group_id: Type.Optional(Type.String({ description: 'Not supported; refused' })),
    events: Type.Optional(Type.Array(Told, { maxItems: MOST_AT_ONCE })),
    logs: Type.Optional(Type.Array(Told, { maxItems: MOST_AT_ONCE })),
    manager_name: Type.Optional(Type.String({ description: 'Accepted, and not kept' })),
    agent_name: Type.Optional(Type.String({ description: 'Accepted, and not kept' })),
  },
  { title: 'NewEvents' },
);

function newEvent(kind: 'event' | 'log', told: Static<typeof Told>): NewEvent {
  const context = told.context ?? {};
  const text = (name: string) => {
    const value = context[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [instance, source, target] = [text('node_id'), text('source_id'), text('target_id')];
  const operation = told.operation ?? text('operation');
  const node = text('node_name') ?? instance?.replace(/_[a-z0-9]+$/, '');
  const causes = context.task_error_causes;
  return {
    kind,
    message: told.message.text,
    ...(kind === 'event'
      ? { type: told.event_type ?? 'workflow_event' }
      : { level: told.level ?? 'info', ...(told.logger ? { logger: told.logger } : {}) }),
    ...(operation === undefined ? {} : { operation }),
    ...(node === undefined ? {} : { node }),
    ...(instance === undefined ? {} : { instance }),
    ...(source === undefined ? {} : { source }),
    ...(target === undefined ? {} : { target }),
    ...(Array.isArray(causes) ? { causes: causes.map(causeOf) } : {}),
    ...(told.timestamp ? { at: timeOf(told.timestamp) } : {}),
  };
}

/** A cause as clients write it: `{type, message, traceback}`. */
export function causeOf(cause: unknown): FailureCause {
  const { type, message, traceback } = (typeof cause === 'object' && cause !== null ? cause : {}) as Record<
    string,
    unknown
  >;
  return {
    type: String(type ?? ''),
    message: String(message ?? ''),
    ...(typeof traceback === 'string' ? { traceback } : {}),
  };
}

function kindsOf(params: Params): NewEvent['kind'][] {
  const kinds = repeated(params, 'type').map((word): NewEvent['kind'] => {
    if (word === 'cloudify_event') return 'event';
    if (word === 'cloudify_log') return 'log';
    throw badParameters(`Invalid type: \`${word}\`. Valid types are: cloudify_event, cloudify_log`);
  });
  if (kinds.length === 0)
    throw badParameters('The parameter `type` is missing: cloudify_event, cloudify_log');
  return kinds;
}

function boundsOf(params: Params): { from: string | null; to: string | null } {
  const text = single(params, '_range');
  if (text === undefined) return { from: null, to: null };
  const [field, from, to, ...more] = text.split(',');
  if (!/^@?timestamp$/.test(field ?? '') || to === undefined || more.length > 0) {
    throw badParameters(`Invalid range "${text}": it must be of the form timestamp,from,to`);
  }
  return { from: from ? timeOf(from) : null, to: to ? timeOf(to) : null };
}

export function addEvents({ scope, core }: Mounting): void {
  scope.post<{ Body: Static<typeof NewEvents> }>(
    '/events',
    {
      schema: describe('Events', 'create', 'Tell events and logs of an execution', {
        body: NewEvents,
        response: { 201: Type.Object({}, { title: 'EventsTold' }), 204: Done },
      }),
    },
    async (request, reply) => {
      const { execution_id, execution_group_id, events = [], logs = [] } = request.body;
      if (execution_id !== undefined && execution_group_id !== undefined) {
        throw new CloudifyError(
          409,
          'conflict_error',
          'Either `execution_id` or `execution_group_id` may be given, not both',
        );
      }
      const told = [
        ...events.map((one) => newEvent('event', one)),
        ...logs.map((one) => newEvent('log', one)),
      ];
      const execution = execution_id ?? callerOf(request).executionId;
      if (execution === undefined) throw badParameters('Missing `execution_id` in json request body');
      await core.executionHistory.tell(callerOf(request), execution, told);
      return told.length === 0 ? reply.code(204).send() : sendText(reply, 201, '{}');
    },
  );

  scope.delete<{ Querystring: Params }>(
    '/events',
    {
      schema: describe('Events', 'delete', 'Delete events and logs of a deployment', {
        querystring: Type.Object({
          deployment_id: Type.String(),
          type: Type.Array(Type.String(), { description: 'cloudify_event, cloudify_log, or both' }),
          message: Word('Only those whose message is like this; `%` stands for any text'),
          _range: Word(
            '`timestamp,from,to`: from the first time on and before the second; either may be empty',
          ),
          store_before: Switch('Not supported; refused'),
        }),
        response: { 200: ListOf(Type.Integer()) },
      }),
    },
    async (request, reply) => {
      const params = request.query;
      const deployment = single(params, 'deployment_id');
      if (deployment === undefined) throw badParameters('The parameter `deployment_id` is missing');
      if (booleanParam(params, 'store_before', false)) {
        throw badParameters('`store_before` is not supported: read the events before deleting them');
      }
      const patterns = [...repeated(params, 'message'), ...repeated(params, 'message.text')];
      const count = await core.executionHistory.forget(callerOf(request), deployment, {
        kinds: kindsOf(params),
        messages: patterns.length === 0 ? null : patterns,
        ...boundsOf(params),
      });
      return sendText(reply, 200, envelope({ offset: 0, size: 1 }, JSON.stringify([count]), 1));
    },
  );

  scope.get(
    '/events',
    {
      schema: describe('Events', 'list', 'List events and logs', {
        querystring: listQuery(EVENT, LISTING),
        response: { 200: ListOf(schemaOf(EVENT)) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(EVENT, request.query, LISTING);
      return sendText(
        reply,
        200,
        await listBody(listing, await core.events.list(callerOf(request), listing.query)),
      );
    },
  );
}
