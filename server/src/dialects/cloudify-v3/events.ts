/** Events and logs: one stream, told apart by `type`. */
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { EventField } from '../../events/events.js';
import type { ListFilter } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, listQuery } from './described.js';
import { ListOf, MaybeText, Text, Time } from './fields.js';
import type { Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing } from './listing.js';
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
    execution_group_id: { from: { constant: null }, schema: MaybeText },
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

export function addEvents({ scope, core }: Mounting): void {
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
