/** Snapshots of the whole installation: made, told, downloaded, uploaded, restored (specs: cloudify.md §4.9). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { SnapshotField, SnapshotStatus } from '../../snapshots/snapshots.js';
import { sendJson, sendText } from './answer.js';
import { withArchive } from './archive-upload.js';
import { callerOf } from './auth.js';
import { Bytes, describe, itemQuery, listQuery, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { EXECUTION } from './executions.js';
import { IdParams, ListOf, OWNERSHIP, Text, Time } from './fields.js';
import { booleanOf, checkId, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { readVisibility } from './visibility.js';

const SNAPSHOT: Resource<SnapshotField> = {
  name: 'Snapshot',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    status: { from: 'status', schema: Text },
    error: { from: 'error', schema: Text },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const ARCHIVE = { url: 'snapshot_archive_url', file: 'snapshot_archive', thing: 'snapshot archive' };
const LISTING: ListingOptions<SnapshotField> = { searches: { _search: 'id' } };

const Passphrase = Type.Optional(
  Type.String({
    description:
      "Not Cloudify's: 12 to 1024 characters that the snapshot's secrets are under, beside the master key",
  }),
);
const Creation = Type.Object(
  {
    include_credentials: Type.Optional(LenientBoolean),
    include_logs: Type.Optional(LenientBoolean),
    include_events: Type.Optional(LenientBoolean),
    include_metrics: Type.Optional(LenientBoolean),
    queue: Type.Optional(LenientBoolean),
    private_resource: Type.Optional(LenientBoolean),
    visibility: Type.Optional(Type.String()),
    tempdir_path: Type.Optional(
      Type.String({ description: 'Without effect: nothing is written to a folder' }),
    ),
    legacy: Type.Optional(LenientBoolean),
    listener_timeout: Type.Optional(Type.Number({ description: 'Without effect' })),
    passphrase: Passphrase,
  },
  { title: 'SnapshotCreation' },
);
const Restoring = Type.Object(
  {
    force: Type.Optional(LenientBoolean),
    recreate_deployments_envs: Type.Optional(LenientBoolean),
    restore_certificates: Type.Optional(LenientBoolean),
    no_reboot: Type.Optional(LenientBoolean),
    ignore_plugin_failure: Type.Optional(LenientBoolean),
    timeout: Type.Optional(Type.Number({ description: 'Without effect' })),
    tenant_name: Type.Optional(Type.String({ description: 'Without effect: all tenants are restored' })),
    passphrase: Passphrase,
  },
  { title: 'SnapshotRestoring' },
);
const StatusChange = Type.Object(
  {
    status: Type.String({ description: 'creating, created, failed or uploaded' }),
    error: Type.Optional(Text),
  },
  { title: 'SnapshotStatusChange' },
);
const STATUSES: readonly SnapshotStatus[] = ['creating', 'created', 'failed', 'uploaded'];
const RestoreStatus = Type.Object(
  { status: Type.Union([Type.Literal('running'), Type.Literal('not-running')]) },
  { title: 'SnapshotRestoreStatus' },
);
type ById = { Params: Static<typeof IdParams>; Querystring: Params };

export function addSnapshots({ scope, core }: Mounting): void {
  const schema = schemaOf(SNAPSHOT);
  const execution = schemaOf(EXECUTION);
  const { snapshots } = core;
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(SNAPSHOT, onlyInclude(params), id, (query) => snapshots.list(caller, query));
  const tellExecution = (caller: Caller, params: Params, id: string) =>
    readItem(EXECUTION, onlyInclude(params), id, (query) => core.executions.list(caller, query));

  scope.get(
    '/snapshots',
    {
      schema: describe('Snapshots', 'list', 'List snapshots', {
        querystring: listQuery(SNAPSHOT, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(SNAPSHOT, request.query, LISTING);
      const page = await snapshots.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<ById>(
    '/snapshots/:id',
    { schema: describe('Snapshots', 'get', 'Get a snapshot', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<ById & { Body: Static<typeof Creation> }>(
    '/snapshots/:id',
    {
      schema: describe('Snapshots', 'create', 'Make a snapshot', {
        description:
          'Answers with the execution that makes it. The snapshot is of one moment, whatever runs meanwhile.',
        params: IdParams,
        querystring: itemQuery(),
        body: Creation,
        response: { 201: execution },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      checkId('snapshot_id', id, { leadingLetter: true });
      const { body } = request;
      const flag = (name: keyof typeof body, fallback: boolean) => booleanOf(name, body[name], fallback);
      const contents = {
        events: flag('include_events', true),
        logs: flag('include_logs', true),
        tokens: flag('include_credentials', true),
      };
      const queue = flag('queue', false);
      const made = await snapshots.create(caller, {
        id,
        contents,
        queue,
        passphrase: body.passphrase ?? null,
        visibility: readVisibility(body.visibility, body.private_resource) ?? 'tenant',
        parameters: {
          snapshot_id: id,
          include_metrics: flag('include_metrics', false),
          include_credentials: contents.tokens,
          include_logs: contents.logs,
          include_events: contents.events,
          queue,
          config: {},
        },
      });
      return sendText(reply, 201, await tellExecution(caller, request.query, made));
    },
  );

  scope.post<ById & { Body: Static<typeof Restoring> }>(
    '/snapshots/:id/restore',
    {
      schema: describe('Snapshots', 'restore', 'Restore a snapshot', {
        description:
          'Answers with the execution that restores it. The whole installation becomes what it was then. Needs an empty one, or `force`.',
        params: IdParams,
        querystring: itemQuery(),
        body: Restoring,
        response: { 200: execution },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { body } = request;
      const flag = (name: keyof typeof body, fallback: boolean) => booleanOf(name, body[name], fallback);
      const parameters: JsonObject = {
        snapshot_id: id,
        force: flag('force', false),
        recreate_deployments_envs: flag('recreate_deployments_envs', true),
        restore_certificates: flag('restore_certificates', false),
        no_reboot: flag('no_reboot', false),
        ignore_plugin_failure: flag('ignore_plugin_failure', false),
        config: {},
      };
      if (parameters.no_reboot === true && parameters.restore_certificates !== true) {
        throw badParameters('`no_reboot` is only relevant when `restore_certificates` is true');
      }
      const order = { force: parameters.force === true, parameters, passphrase: body.passphrase ?? null };
      const started = await snapshots.restore(caller, id, order);
      return sendText(reply, 200, await tellExecution(caller, request.query, started));
    },
  );

  const download = async (request: FastifyRequest<ById>, reply: FastifyReply) => {
    const { id } = request.params;
    const { stream, size } = await snapshots.archive(callerOf(request), id);
    return reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', size)
      .header('content-disposition', `attachment; filename="${id}.zip"`)
      .send(stream);
  };
  const archive = {
    params: IdParams,
    response: {
      200: { description: 'A zip', content: { 'application/octet-stream': { schema: Bytes } } },
    },
  };
  scope.get<ById>(
    '/snapshots/:id/archive',
    { schema: describe('Snapshots', 'download', 'Download a snapshot', archive) },
    download,
  );
  // As the older document writes it in its example.
  scope.get<ById>(
    '/snapshot/:id/archive',
    { schema: describe('Snapshots', 'download_as_written', 'Download a snapshot (older spelling)', archive) },
    download,
  );

  scope.put<ById>(
    '/snapshots/:id/archive',
    {
      schema: describe('Snapshots', 'upload', 'Upload a snapshot', {
        description:
          'The archive is the body, whatever its content type says, or comes from a URL. It is kept only when it is whole.',
        params: IdParams,
        querystring: itemQuery({
          snapshot_archive_url: Word('Where the archive is to be fetched, in the place of a body'),
          private_resource: Switch('The older spelling of `visibility`'),
          visibility: Word('private, tenant or global'),
        }),
        uploads: { 'application/octet-stream': Bytes },
        response: { 201: schema },
      }),
      config: { cloudifyBody: 'raw' },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      checkId('snapshot_id', id, { leadingLetter: true });
      const { query } = request;
      await withArchive(request, ARCHIVE, core.settings, (fields, source) => {
        const visibility = readVisibility(fields.visibility, fields.private_resource);
        return snapshots.upload(caller, id, source, visibility);
      });
      return sendText(reply, 201, await read(caller, query, id));
    },
  );

  scope.delete<ById>(
    '/snapshots/:id',
    {
      schema: describe('Snapshots', 'delete', 'Delete a snapshot', {
        description: 'Answers with what was deleted, under both versions.',
        params: IdParams,
        response: { 200: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const before = await read(caller, {}, id);
      await snapshots.remove(caller, id);
      return sendText(reply, 200, before);
    },
  );

  scope.patch<ById & { Body: Static<typeof StatusChange> }>(
    '/snapshots/:id',
    {
      schema: describe('Snapshots', 'update', 'Set the status of a snapshot', {
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
      await snapshots.setStatus(caller, id, known, error);
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.get(
    '/snapshot-status',
    {
      schema: describe('Snapshots', 'restore_status', 'Say whether a snapshot is being restored', {
        open: true,
        response: { 200: RestoreStatus },
      }),
      config: { cloudifyOpen: true },
    },
    async (_request, reply) =>
      sendJson(reply, 200, { status: (await snapshots.restoringNow()) ? 'running' : 'not-running' }),
  );
}

/** Of a request's parameters only `_include` speaks of the answer. */
function onlyInclude(params: Params): Params {
  return params._include === undefined ? {} : { _include: params._include };
}
