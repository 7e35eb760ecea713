/** Log bundles: what the installation has logged, as an archive (specs: cloudify-rest.md A2.7). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { LogBundleField, LogBundleStatus } from '../../log-bundles/log-bundles.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Bytes, describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { EXECUTION } from './executions.js';
import { IdParams, ListOf, OWNERSHIP, Text, Time } from './fields.js';
import { booleanOf, checkId, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';

const BUNDLE: Resource<LogBundleField> = {
  name: 'LogBundle',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    status: { from: 'status', schema: Text },
    error: { from: 'error', schema: Text },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<LogBundleField> = { searches: { _search: 'id' } };
const STATUSES: readonly LogBundleStatus[] = ['creating', 'created', 'failed'];
const Creation = Type.Object(
  {
    queue: Type.Optional({
      ...LenientBoolean,
      description: 'After another one that is being made, instead of being refused',
    }),
  },
  { title: 'LogBundleCreation' },
);
const StatusChange = Type.Object(
  { status: Type.String({ description: STATUSES.join(', ') }), error: Type.Optional(Text) },
  { title: 'LogBundleStatusChange' },
);
type ById = { Params: Static<typeof IdParams>; Querystring: Params };

export function addLogBundles({ scope, core }: Mounting): void {
  const schema = schemaOf(BUNDLE);
  const { logBundles } = core;
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(BUNDLE, params, id, (query) => logBundles.list(caller, query));

  scope.get(
    '/log-bundles',
    {
      schema: describe('Log bundles', 'list', 'List log bundles', {
        querystring: listQuery(BUNDLE, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(BUNDLE, request.query, LISTING);
      const page = await logBundles.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<ById>(
    '/log-bundles/:id',
    { schema: describe('Log bundles', 'get', 'Get a log bundle', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<ById & { Body: Static<typeof Creation> }>(
    '/log-bundles/:id',
    {
      schema: describe('Log bundles', 'create', 'Make a log bundle', {
        description: 'Answers with the execution that makes it.',
        params: IdParams,
        querystring: itemQuery(),
        body: Creation,
        response: { 201: schemaOf(EXECUTION) },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      checkId('log_bundle_id', id, { leadingLetter: true });
      const made = await logBundles.create(caller, {
        id,
        queue: booleanOf('queue', request.body.queue, false),
      });
      return sendText(
        reply,
        201,
        await readItem(EXECUTION, request.query, made, (query) => core.executions.list(caller, query)),
      );
    },
  );

  scope.get<ById>(
    '/log-bundles/:id/archive',
    {
      schema: describe('Log bundles', 'download', 'Download a log bundle', {
        params: IdParams,
        response: {
          200: { description: 'A zip', content: { 'application/octet-stream': { schema: Bytes } } },
        },
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      const { stream, size } = await logBundles.archive(callerOf(request), id);
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-length', size)
        .header('content-disposition', `attachment; filename="${id}.zip"`)
        .send(stream);
    },
  );

  scope.delete<ById>(
    '/log-bundles/:id',
    {
      schema: describe('Log bundles', 'delete', 'Delete a log bundle', {
        description: 'Answers with what was deleted, under both versions.',
        params: IdParams,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const before = await read(caller, {}, id);
      await logBundles.remove(caller, id);
      return sendText(reply, 200, before);
    },
  );

  scope.patch<ById & { Body: Static<typeof StatusChange> }>(
    '/log-bundles/:id',
    {
      schema: describe('Log bundles', 'update', 'Set the status of a log bundle', {
        body: StatusChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { status, error } = request.body;
      const known = STATUSES.find((word) => word === status);
      if (known === undefined) {
        throw badParameters(`Invalid status: \`${status}\`. Valid statuses are: ${STATUSES.join(', ')}`);
      }
      await logBundles.setStatus(caller, id, known, error);
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );
}
