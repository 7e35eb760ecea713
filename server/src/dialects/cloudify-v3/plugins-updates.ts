/** Updates of plugins: the deployments of a blueprint brought to newer ones (specs: cloudify-rest.md A2.6). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { PluginsUpdateField } from '../../plugins-updates/plugins-updates.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { Dict, Flag, IdParams, ListOf, MaybeText, OWNERSHIP, Text, Time } from './fields.js';
import { booleanOf, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { refuseRestored } from './restored-fields.js';

const UPDATE: Resource<PluginsUpdateField> = {
  name: 'PluginsUpdate',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    state: {
      from: {
        field: 'state',
        words: {
          'executing-workflow': 'executing_workflow',
          successful: 'successful',
          failed: 'failed',
          'no-changes-required': 'no_changes_required',
        },
      },
      schema: Text,
    },
    blueprint_id: { from: 'blueprintId', schema: Text },
    temp_blueprint_id: { from: 'tempBlueprint', schema: MaybeText },
    execution_id: { from: 'executionId', schema: MaybeText },
    forced: { from: 'forced', schema: Flag },
    all_tenants: { from: 'allTenants', schema: Flag },
    deployments_to_update: { from: 'ownDeployments', schema: Type.Array(Text) },
    deployments_per_tenant: { from: 'deployments', schema: Type.Record(Text, Type.Array(Text)) },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<PluginsUpdateField> = { searches: { _search: 'id' } };

const SWITCHES = [
  'all_to_latest',
  'all_to_minor',
  'force',
  'auto_correct_types',
  'reevaluate_active_statuses',
  'all_tenants',
] as const;

/** Of Cloudify's restoring of one record. */
const RESTORED = [
  'update_id',
  'created_at',
  'created_by',
  'execution_id',
  'state',
  'affected_deployments',
  'deployments_per_tenant',
  'temp_blueprint_id',
];

const Names = (description: string) =>
  Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()], { description }));
const NewUpdate = Type.Object(
  {
    plugin_names: Names('Packages that may change; none named: all'),
    to_latest: Names('Packages to bring to the latest version'),
    to_minor: Names('Packages to bring to the latest version with the major number that is in use'),
    mapping: Type.Optional(
      Type.Union([Dict, Type.Null()], {
        description: '`{updates: [{IMPORT: {plugin_name, suggested_version}}]}`: outweighs all the others',
      }),
    ),
    ...Object.fromEntries(SWITCHES.map((name) => [name, Type.Optional(LenientBoolean)])),
  },
  { title: 'NewPluginsUpdate' },
);
type Wanted = Static<typeof NewUpdate> & Partial<Record<(typeof SWITCHES)[number], boolean | string>>;
type ById = { Params: Static<typeof IdParams>; Querystring: Params };

export function addPluginsUpdates({ scope, core }: Mounting): void {
  const schema = schemaOf(UPDATE);
  const { pluginsUpdates } = core;
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(UPDATE, params, id, (query) => pluginsUpdates.list(caller, query));

  scope.get(
    '/plugins-updates',
    {
      schema: describe('Plugins updates', 'list', 'List updates of plugins', {
        querystring: listQuery(UPDATE, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(UPDATE, request.query, LISTING);
      const page = await pluginsUpdates.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<ById>(
    '/plugins-updates/:id',
    { schema: describe('Plugins updates', 'get', 'Get an update of plugins', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<ById & { Body: Wanted }>(
    '/plugins-updates/:id/update/initiate',
    {
      schema: describe(
        'Plugins updates',
        'initiate',
        'Bring the deployments of a blueprint to newer plugins',
        {
          description: 'The id is that of the blueprint.',
          ...one,
          body: NewUpdate,
        },
      ),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { body } = request;
      refuseRestored(body, RESTORED);
      const is = (name: (typeof SWITCHES)[number]) => booleanOf(name, body[name], false);
      const id = await pluginsUpdates.initiate(caller, {
        blueprintId: request.params.id,
        versions: {
          only: body.plugin_names ?? [],
          minor: body.to_minor ?? [],
          latest: body.to_latest ?? [],
          allMinor: is('all_to_minor'),
          allLatest: is('all_to_latest'),
          mapping: mappingOf(body.mapping),
        },
        force: is('force'),
        correctTypes: is('auto_correct_types'),
        reevaluate: is('reevaluate_active_statuses'),
        allTenants: is('all_tenants'),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.post<ById>(
    '/plugins-updates/:id/update/finalize',
    {
      schema: describe(
        'Plugins updates',
        'finalize',
        'Finalize an update whose execution did not: it failed',
        {
          ...one,
        },
      ),
    },
    async (request) => pluginsUpdates.finalize(callerOf(request), request.params.id),
  );
}

function mappingOf(mapping: unknown) {
  if (mapping === undefined || mapping === null) return [];
  const { updates = [] } = mapping as { updates?: unknown };
  const wrong = () =>
    badParameters(
      '`mapping` must be `{updates: [{IMPORT: {plugin_name: TEXT, suggested_version: TEXT}}]}`, each import at most once',
    );
  if (!Array.isArray(updates)) throw wrong();
  const found = updates.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) throw wrong();
    return Object.entries(one).map(([line, to]) => {
      const { plugin_name: packageName, suggested_version: version } = (to ?? {}) as Record<string, unknown>;
      if (typeof packageName !== 'string' || typeof version !== 'string' || version === '') throw wrong();
      return { line, packageName, version };
    });
  });
  if (new Set(found.map(({ line }) => line)).size < found.length) throw wrong();
  return found;
}
