/** Blueprints: uploaded, told with their whole plan, downloaded again. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { BlueprintField, BlueprintRecord } from '../../catalog/blueprints.js';
import type { Core } from '../../core.js';
import type { Plan } from '../../dsl/plan.js';
import type { ExecutionField } from '../../orchestration/executions.js';
import type { ListFilter, ListQuery } from '../../store/list.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { addBlueprintIcon } from './blueprint-icon.js';
import { withUploadOrder } from './blueprint-upload.js';
import { Bytes, Done, deletionOf, describe, itemQuery, listQuery, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { EXECUTION } from './executions.js';
import {
  Anything,
  Dict,
  Flag,
  IdParams,
  ListOf,
  MaybeText,
  OWNERSHIP,
  Text,
  Time,
  VisibilityWord,
} from './fields.js';
import { type AttributeWords, conditionsFrom, type SearchWords } from './filter-rules.js';
import { Labels, LabelsBody, readLabels } from './labels.js';
import { booleanParam, checkId, type Params } from './lenient.js';
import { type ListingOptions, listBody, narrowed, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { expandPlan } from './plan.js';
import { wireRequirements } from './plan-declarations.js';
import { type Resource, renderRecord, schemaOf } from './resource.js';
import { readWiderVisibility, VisibilityChange } from './visibility.js';

const STATE_WORDS: Readonly<Record<BlueprintRecord['state'], string>> = {
  pending: 'pending',
  uploading: 'uploading',
  extracting: 'extracting',
  parsing: 'parsing',
  uploaded: 'uploaded',
  'failed-uploading': 'failed_uploading',
  'failed-extracting': 'failed_extracting',
  'failed-parsing': 'failed_parsing',
  invalid: 'invalid',
};

type ToldExecution = Readonly<Record<ExecutionField, unknown>>;

/** @param planOf the expanded plan of an uploaded blueprint */
function blueprintResource(planOf: (id: string) => Promise<unknown>): Resource<BlueprintField> {
  return {
    name: 'Blueprint',
    key: 'id',
    fields: {
      id: { from: 'id', schema: Text },
      description: { from: 'description', schema: MaybeText },
      main_file_name: { from: 'mainFile', schema: Text },
      created_at: { from: 'createdAt', schema: Time },
      updated_at: { from: 'updatedAt', schema: Time },
      state: { from: { field: 'state', words: STATE_WORDS }, schema: Text },
      error: { from: 'error', schema: MaybeText },
      error_traceback: { from: 'errorDetail', schema: MaybeText },
      is_hidden: { from: 'hidden', schema: Flag },
      labels: { from: 'labels', schema: Labels },
      requirements: {
        from: 'requirements',
        schema: Anything,
        rework: {
          when: /"parentCapabilities":/,
          map: (stored) => (stored === null ? null : wireRequirements(stored as Plan['requirements'])),
        },
      },
      ...OWNERSHIP,
    },
    derived: {
      // By far the largest field: a list tells it when it is named, or when one blueprint is asked for by its id.
      plan: {
        needs: ['id', 'state'],
        derive: ({ id, state }) => (state === 'uploaded' ? planOf(id as string) : null),
        schema: Type.Union([Dict, Type.Null()]),
        listed: false,
      },
      upload_execution: {
        needs: ['uploadExecution'],
        derive: async ({ uploadExecution }) =>
          uploadExecution === null
            ? null
            : JSON.parse(await renderRecord(EXECUTION, null, uploadExecution as ToldExecution)),
        schema: Type.Union([schemaOf(EXECUTION), Type.Null()]),
        listed: false,
      },
    },
  };
}

function forCaller(core: Core, caller: Caller): Resource<BlueprintField> {
  return blueprintResource(async (id) => expandPlan(await core.blueprints.plan(caller, id)));
}

const Change = Type.Object({ labels: LabelsBody }, { title: 'BlueprintChange' });

const LISTING: ListingOptions<BlueprintField> = {
  searches: { _search: 'id' },
  acrossTenants: true,
  storedFilters: true,
};

/** What filter rules may ask of blueprints. */
export const BLUEPRINT_WORDS: AttributeWords<BlueprintField> = {
  labelled: true,
  names: { id: 'id', created_by: 'createdBy', state: 'state', tenant_name: 'tenantName' },
  values: { state: Object.fromEntries(Object.entries(STATE_WORDS).map(([ours, theirs]) => [theirs, ours])) },
  attributes: {
    id: { field: 'id' },
    createdBy: { field: 'createdBy' },
    state: { field: 'state' },
    tenantName: { field: 'tenantName' },
  },
};

/** The list, narrowed by the rules of a search. Hidden blueprints are told to those who ask for them. */
export async function answerBlueprints(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords = {},
): Promise<string> {
  const listing = parseListing(forCaller(core, caller), params, LISTING);
  const conditions = await conditionsFrom(core, caller, 'blueprints', BLUEPRINT_WORDS, params, body);
  const list = (asked: ListQuery<BlueprintField>) =>
    core.blueprints.list(caller, { ...asked, filters: [...asked.filters, ...shownOnly(params)] });
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  return listBody(listing, page, filteredFrom === null ? null : filteredFrom - page.total);
}

/** As it is told, for the description. */
export const BLUEPRINT_LIST = {
  question: () =>
    listQuery(
      blueprintResource(async () => null),
      LISTING,
    ),
  schema: () => ListOf(schemaOf(blueprintResource(async () => null))),
};

const ORDER = {
  application_file_name: Word('Name of the main file in the archive; default: blueprint.yaml'),
  blueprint_archive_url: Word('Where the archive is to be fetched, in the place of a body'),
};
const UPLOAD = {
  ...ORDER,
  visibility: Type.Optional(VisibilityWord),
  private_resource: Switch('The older spelling of `visibility`'),
  labels: Word('Labels as JSON: [{"key": "value"}, …]'),
  async_upload: Switch('Answer before the blueprint is compiled; `/api/v3` always waits'),
};
const UPLOADS = {
  'application/octet-stream': Bytes,
  'multipart/form-data': Type.Object(
    {
      params: Type.Optional(
        Type.String({
          description: 'JSON object with what else the query would say; sent before the archive',
        }),
      ),
      blueprint_archive: Type.Optional(Bytes),
    },
    { title: 'BlueprintForm' },
  ),
};
const UPLOAD_TEXT =
  'The archive (zip, tar, tar.gz or tar.bz2) is the body, whatever its content type says, or a file of a form, or comes from a URL.';

export function addBlueprints(mounting: Mounting): void {
  const { scope, core, version } = mounting;
  const schema = schemaOf(blueprintResource(async () => null));
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(forCaller(core, caller), onlyInclude(params), id, (query) =>
      core.blueprints.list(caller, query),
    );

  addBlueprintIcon(mounting, schema, read);
  scope.get(
    '/blueprints',
    {
      schema: describe('Blueprints', 'list', 'List blueprints', {
        description:
          'Hidden blueprints are left out unless `is_hidden` or `id` is asked for; the plan unless it is included.',
        querystring: BLUEPRINT_LIST.question(),
        response: { 200: BLUEPRINT_LIST.schema() },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      return sendText(reply, 200, await answerBlueprints(core, callerOf(request), request.query));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/blueprints/:id',
    { schema: describe('Blueprints', 'get', 'Get a blueprint with its plan', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/blueprints/:id',
    {
      schema: describe('Blueprints', 'upload', 'Upload a blueprint', {
        description: UPLOAD_TEXT,
        params: IdParams,
        querystring: itemQuery(UPLOAD),
        uploads: UPLOADS,
        response: { 201: schema },
      }),
      config: { cloudifyBody: 'raw' },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      checkId('blueprint_id', id, { leadingLetter: true });
      await withUploadOrder(request, core.settings, async ({ async: later, ...order }) => {
        // The older document answers with the parsed plan, so there it is always waited for.
        const wait = version === 'v3' || !later;
        return core.blueprintUploads.upload(caller, { id, ...order }, { wait });
      });
      return sendText(reply, 201, await read(caller, request.query, id));
    },
  );

  scope.put<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/blueprints/:id/validate',
    {
      schema: describe('Blueprints', 'validate', 'Say what an upload would say, and keep nothing', {
        description: UPLOAD_TEXT,
        params: IdParams,
        querystring: Type.Object(ORDER),
        uploads: UPLOADS,
        response: { 204: Done },
      }),
      config: { cloudifyBody: 'raw' },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      checkId('blueprint_id', request.params.id, { leadingLetter: true });
      await withUploadOrder(request, core.settings, ({ source, mainFile }) =>
        core.blueprintUploads.validate(caller, { source, ...(mainFile === undefined ? {} : { mainFile }) }),
      );
      return reply.code(204).send();
    },
  );

  scope.get<{ Params: Static<typeof IdParams> }>(
    '/blueprints/:id/archive',
    {
      schema: describe('Blueprints', 'download', 'Download a blueprint, byte for byte as it was uploaded', {
        params: IdParams,
        response: {
          200: { description: 'The archive', content: { 'application/octet-stream': { schema: Bytes } } },
        },
      }),
    },
    async (request, reply) => {
      const { stream, size, filename } = await core.blueprints.archive(callerOf(request), request.params.id);
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-length', size)
        .header('content-disposition', `attachment; filename="${filename}"`)
        .send(stream);
    },
  );

  scope.delete<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/blueprints/:id',
    {
      schema: describe('Blueprints', 'delete', 'Delete a blueprint', {
        params: IdParams,
        querystring: Type.Object({ force: Switch('Also while deployments stand on it') }),
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const force = booleanParam(request.query, 'force', false);
      const before = version === 'v3' ? await read(caller, request.query, id) : '';
      await core.blueprints.remove(caller, id, { force });
      return sendDeleted(reply, version, before);
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/blueprints/:id',
    { schema: describe('Blueprints', 'update', 'Replace the labels', { body: Change, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const unknown = Object.keys(request.body).filter((name) => name !== 'labels');
      if (unknown.length > 0) throw badParameters(`These cannot be changed: ${unknown.join(', ')}`);
      await core.blueprints.setLabels(caller, id, readLabels(request.body.labels));
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{
    Params: Static<typeof IdParams>;
    Body: Static<typeof VisibilityChange>;
    Querystring: Params;
  }>(
    '/blueprints/:id/set-visibility',
    {
      schema: describe('Blueprints', 'set_visibility', 'Widen the visibility', {
        body: VisibilityChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await core.blueprints.setVisibility(caller, id, readWiderVisibility(request.body.visibility));
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );
}

/** Hidden blueprints are told to those who ask for them by a filter. */
function shownOnly(params: Params): ListFilter<BlueprintField>[] {
  return params.is_hidden === undefined && params.id === undefined
    ? [{ field: 'hidden', anyOf: ['false'] }]
    : [];
}

/** Of an upload's parameters only `_include` speaks of the answer. */
function onlyInclude(params: Params): Params {
  return params._include === undefined ? {} : { _include: params._include };
}
