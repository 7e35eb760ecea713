/** Plugins: uploaded wagons, what they add to the blueprint language, and where they are installed. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { PluginField } from '../../catalog/plugins.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Bytes, deletionOf, describe, itemQuery, listQuery, oneOf, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { Dict, IdParams, ListOf, MaybeText, Names, OWNERSHIP, Text, Time, VisibilityWord } from './fields.js';
import { booleanOf, LenientBoolean, type Params, single } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { addPluginInstallations, InstallationStates, wireInstallations } from './plugin-installations.js';
import { withPluginOrder } from './plugin-upload.js';
import { type Resource, schemaOf } from './resource.js';
import { readResourceTags, readTagTable } from './tag-tables.js';
import { readWiderVisibility, VisibilityChange } from './visibility.js';

const PLUGIN: Resource<PluginField> = {
  name: 'Plugin',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    title: { from: 'title', schema: Text },
    package_name: { from: 'packageName', schema: Text },
    package_version: { from: 'packageVersion', schema: Text },
    package_source: { from: 'packageSource', schema: MaybeText },
    archive_name: { from: 'archiveName', schema: Text },
    supported_platform: { from: 'supportedPlatform', schema: MaybeText },
    supported_py_versions: { from: 'supportedPythons', schema: Names },
    distribution: { from: 'distribution', schema: MaybeText },
    distribution_version: { from: 'distributionVersion', schema: MaybeText },
    distribution_release: { from: 'distributionRelease', schema: MaybeText },
    wheels: { from: 'wheels', schema: Names },
    excluded_wheels: { from: 'excludedWheels', schema: Names },
    uploaded_at: { from: 'uploadedAt', schema: Time },
    labels: { from: 'labels', schema: Dict },
    blueprint_labels: { from: 'blueprintLabels', schema: Dict },
    resource_tags: { from: 'resourceTags', schema: Dict },
    installation_state: {
      from: 'installations',
      schema: InstallationStates,
      rework: { when: /"installation_state":\s*\[\s*\{/, map: wireInstallations },
    },
    ...OWNERSHIP,
  },
  derived: {
    yaml_url_path: {
      needs: ['packageName', 'packageVersion', 'distribution', 'yamlFiles'],
      derive: ({ packageName, packageVersion, distribution, yamlFiles }) =>
        (yamlFiles as string[]).length === 0
          ? ''
          : `plugin:${packageName}?version=${packageVersion}${distribution === null ? '' : `&distribution=${distribution}`}`,
      schema: Type.String({ description: 'The import that means this plugin; empty when it has no YAML' }),
      listed: true,
    },
    yaml_files_paths: {
      needs: ['id', 'yamlFiles'],
      derive: ({ id, yamlFiles }) => (yamlFiles as string[]).map((file) => pathOf(id, file)),
      schema: Names,
      listed: true,
    },
    file_server_path: {
      needs: ['id', 'yamlFiles'],
      derive: ({ id, yamlFiles }) => {
        const [first] = yamlFiles as string[];
        return first === undefined ? '' : pathOf(id, first);
      },
      schema: Text,
      listed: true,
    },
  },
};

function pathOf(id: unknown, file: string): string {
  return `plugins/${id}/${file}`;
}

const LISTING: ListingOptions<PluginField> = { searches: { _search: 'packageName' }, acrossTenants: true };

const UPLOAD = {
  plugin_archive_url: Word('Where the archive is to be fetched, in the place of a body'),
  title: Word("A name for people; default: the package's name"),
  visibility: Type.Optional(VisibilityWord),
  private_resource: Switch('The older spelling of `visibility`'),
  id: Word('Of a record that is restored; for administrators, as are the next two'),
  uploaded_at: Word('Time, ISO 8601'),
  created_by: Word('Username'),
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
      plugin_archive: Type.Optional(Bytes),
    },
    { title: 'PluginForm' },
  ),
};

const Deletion = Type.Object({ force: Type.Optional(LenientBoolean) }, { title: 'PluginDeletion' });
const Change = Type.Object(
  {
    creator: Type.Optional(Type.String({ description: 'Username of the new owner; for administrators' })),
    title: Type.Optional(Type.String()),
    labels: Type.Optional(Dict),
    blueprint_labels: Type.Optional(Dict),
    resource_tags: Type.Optional(Dict),
  },
  { title: 'PluginChange' },
);
const CHANGEABLE = Object.keys(Change.properties);

export function addPlugins({ scope, core, version }: Mounting): void {
  const schema = schemaOf(PLUGIN);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(PLUGIN, onlyInclude(params), id, (query) => core.plugins.list(caller, query));
  const list = async (caller: Caller, params: Params) => {
    const listing = parseListing(PLUGIN, params, LISTING);
    return listBody(listing, await core.plugins.list(caller, listing.query));
  };

  scope.get(
    '/plugins',
    {
      schema: describe('Plugins', 'list', 'List plugins', {
        querystring: listQuery(PLUGIN, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      sendText(reply, 200, await list(callerOf(request), request.query)),
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/plugins/:id',
    { schema: describe('Plugins', 'get', 'Get a plugin', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<{ Querystring: Params }>(
    '/plugins',
    {
      schema: describe('Plugins', 'upload', 'Upload a plugin', {
        description:
          'The body is a wagon (tar.gz or zip), or an archive of one wagon and YAML files, whatever its content type says; or a file of a form; or comes from a URL. A caravan is several plugins, and answered with a list.',
        querystring: itemQuery(UPLOAD),
        uploads: UPLOADS,
        response: { 201: oneOf(schema, ListOf(schema)) },
      }),
      config: { cloudifyBody: 'raw' },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const ids = await withPluginOrder(request, core.settings, (order) =>
        core.pluginUploads.upload(caller, order),
      );
      const answer =
        ids.length === 1
          ? await read(caller, request.query, ids[0]!)
          : await list(caller, { ...onlyInclude(request.query), id: ids });
      return sendText(reply, 201, answer);
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/plugins/:id/archive',
    {
      schema: describe('Plugins', 'download', 'Download a plugin, byte for byte as it was uploaded', {
        params: IdParams,
        querystring: Type.Object({
          full_archive: Switch('What the wagon was uploaded in, with its YAML files; else the wagon alone'),
        }),
        response: {
          200: { description: 'The archive', content: { 'application/octet-stream': { schema: Bytes } } },
        },
      }),
    },
    async (request, reply) => {
      const full = booleanOf('full_archive', single(request.query, 'full_archive'), false);
      const { stream, size, filename } = await core.plugins.archive(callerOf(request), request.params.id, {
        full,
      });
      return reply
        .header('content-type', 'application/octet-stream')
        .header('content-length', size)
        .header('content-disposition', `attachment; filename="${filename}"`)
        .send(stream);
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/plugins/:id/yaml',
    {
      schema: describe('Plugins', 'yaml', 'Get what a plugin adds to the blueprint language', {
        params: IdParams,
        querystring: Type.Object({
          dsl_version: Word('Of the importing blueprint, e.g. 1_4; default: the file for all versions'),
        }),
        response: { 200: { description: 'The file', content: { 'text/yaml': { schema: Text } } } },
      }),
    },
    async (request, reply) => {
      const minor = readMinor(single(request.query, 'dsl_version'));
      const { file, text } = await core.plugins.yaml(callerOf(request), request.params.id, minor);
      return reply
        .header('content-disposition', `attachment; filename="${encodeURIComponent(file)}"`)
        .type('text/yaml; charset=utf-8')
        .send(text);
    },
  );

  scope.delete<{
    Params: Static<typeof IdParams>;
    Body: Static<typeof Deletion> | undefined;
    Querystring: Params;
  }>(
    '/plugins/:id',
    {
      schema: describe('Plugins', 'delete', 'Delete a plugin', {
        description: 'Refused with 405 `plugin_in_use` while blueprints need it, unless by force.',
        params: IdParams,
        querystring: itemQuery({ force: Switch('Also while blueprints need it; also understood in a body') }),
        body: Deletion,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const force = booleanOf('force', request.body?.force ?? single(request.query, 'force'), false);
      const before = version === 'v3' ? await read(caller, request.query, id) : '';
      await core.plugins.remove(caller, id, { force });
      return sendDeleted(reply, version, before);
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/plugins/:id',
    { schema: describe('Plugins', 'update', 'Change what is said of a plugin', { body: Change, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { creator, title, labels, blueprint_labels, resource_tags } = request.body;
      const unknown = Object.keys(request.body).filter((name) => !CHANGEABLE.includes(name));
      if (unknown.length > 0) throw badParameters(`These cannot be changed: ${unknown.join(', ')}`);
      await core.plugins.update(caller, id, {
        ...(creator === undefined ? {} : { creator }),
        ...(title === undefined ? {} : { title }),
        ...(labels === undefined ? {} : { labels: readTagTable('labels', labels) }),
        ...(blueprint_labels === undefined
          ? {}
          : { blueprintLabels: readTagTable('blueprint_labels', blueprint_labels) }),
        ...(resource_tags === undefined ? {} : { resourceTags: readResourceTags(resource_tags) }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{
    Params: Static<typeof IdParams>;
    Body: Static<typeof VisibilityChange>;
    Querystring: Params;
  }>(
    '/plugins/:id/set-visibility',
    {
      schema: describe('Plugins', 'set_visibility', 'Widen the visibility', {
        body: VisibilityChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await core.plugins.setVisibility(caller, id, readWiderVisibility(request.body.visibility));
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  addPluginInstallations({ scope, core, version }, { one, read });
}

/** `1_3`, or with the language's name before it. */
function readMinor(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  const found = /^(?:cloudify_dsl_)?1_(\d{1,3})$/.exec(text);
  if (found === null) {
    throw badParameters(`Invalid value for dsl_version: "${text}" is no version of the language, e.g. 1_4`);
  }
  return Number(found[1]);
}

/** Of an upload's parameters only `_include` speaks of the answer. */
function onlyInclude(params: Params): Params {
  return params._include === undefined ? {} : { _include: params._include };
}
