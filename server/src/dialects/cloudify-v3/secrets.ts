/** Secrets. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { SecretField, SecretWithValue } from '../../secrets/secrets.js';
import type { ListQuery } from '../../store/list.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { deletionOf, describe, itemQuery, listQuery, Switch } from './described.js';
import { badParameters } from './errors.js';
import { Anything, Flag, ListOf, MaybeText, OWNERSHIP, Text, Time } from './fields.js';
import { type AttributeWords, conditionsFrom, type SearchWords } from './filter-rules.js';
import { booleanOf, booleanParam, LenientBoolean, type Params } from './lenient.js';
import { type ListingOptions, listBody, narrowed, parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, renderRecord, schemaOf } from './resource.js';
import type { ApiVersion } from './version.js';
import { readVisibility, readWiderVisibility, VisibilityChange } from './visibility.js';

/** Lists never tell values. */
export function secretResource(version: ApiVersion): Resource<SecretField> {
  return {
    name: 'Secret',
    key: 'key',
    fields: {
      key: { from: 'key', schema: Text },
      created_at: { from: 'createdAt', schema: Time },
      updated_at: { from: 'updatedAt', schema: Time },
      is_hidden_value: { from: 'hidden', schema: Flag },
      schema: { from: 'schema', schema: Anything },
      provider_name: { from: { constant: null }, schema: MaybeText },
      provider_options: { from: { constant: null }, schema: MaybeText },
      ...OWNERSHIP,
      // What the older document has in the place of visibility.
      ...(version === 'v3'
        ? {
            permission: {
              from: { field: 'visibility', words: { private: 'creator' }, otherwise: 'tenant' },
              schema: Text,
            } as const,
          }
        : {}),
    },
  };
}

/** One secret with its value; a hidden one that the caller may not know is an empty text. */
function withValue(version: ApiVersion): Resource<SecretField | 'value'> {
  const { fields, ...rest } = secretResource(version);
  return {
    ...rest,
    fields,
    derived: {
      value: {
        needs: ['value'],
        derive: ({ value }) => (value as SecretWithValue['value'])?.plain ?? '',
        schema: Anything,
        listed: true,
      },
    },
  };
}

export const LISTING: ListingOptions<SecretField> = { searches: { _search: 'key' }, acrossTenants: true };
const KeyParams = Type.Object({ key: Type.String({ description: 'Its key' }) });
const NewSecret = Type.Object(
  {
    value: Anything,
    update_if_exists: Type.Optional(LenientBoolean),
    visibility: Type.Optional(Type.String()),
    is_hidden_value: Type.Optional(LenientBoolean),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema that the value must fit' }),
    ),
    provider_name: Type.Optional(Type.String({ description: 'Not supported; refused' })),
  },
  { title: 'NewSecret' },
);
const Change = Type.Object(
  {
    value: Type.Optional(Anything),
    visibility: Type.Optional(Type.String()),
    is_hidden_value: Type.Optional(LenientBoolean),
    provider_name: Type.Optional(Type.String({ description: 'Not supported; refused' })),
  },
  { title: 'SecretChange' },
);

/** What filter rules may ask of secrets. */
export const SECRET_WORDS: AttributeWords<SecretField> = {
  labelled: false,
  names: { key: 'key' },
  attributes: { key: { field: 'key' } },
};

/** The list, narrowed by the rules of a search. */
export async function answerSecrets(
  core: Core,
  caller: Caller,
  version: ApiVersion,
  params: Params,
  body: SearchWords = {},
): Promise<string> {
  const listing = parseListing(secretResource(version), params, LISTING);
  const conditions = await conditionsFrom(core, caller, null, SECRET_WORDS, params, body);
  const list = (query: ListQuery<SecretField>) => core.secrets.list(caller, query);
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  return listBody(listing, page, filteredFrom === null ? null : filteredFrom - page.total);
}

/** As it is told, for the description. */
export const SECRET_LIST = {
  question: (version: ApiVersion) => listQuery(secretResource(version), LISTING),
  schema: (version: ApiVersion) =>
    ListOf(schemaOf(secretResource(version), `Secret${version === 'v3' ? 'V3' : ''}`)),
};

export function addSecrets({ scope, core, version }: Mounting): void {
  const suffix = version === 'v3' ? 'V3' : '';
  const listed = schemaOf(secretResource(version), `Secret${suffix}`);
  const schema = schemaOf(withValue(version), `SecretWithValue${suffix}`);
  const one = { params: KeyParams, querystring: itemQuery(), response: { 200: schema } };
  const read = async (caller: Caller, params: Params, key: string) =>
    renderRecord(withValue(version), parseInclude(params), await core.secrets.get(caller, key));

  scope.get(
    '/secrets',
    {
      schema: describe('Secrets', 'list', 'List secrets, without their values', {
        querystring: listQuery(secretResource(version), LISTING),
        response: { 200: ListOf(listed) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      return sendText(reply, 200, await answerSecrets(core, callerOf(request), version, request.query));
    },
  );

  scope.get<{ Params: Static<typeof KeyParams>; Querystring: Params }>(
    '/secrets/:key',
    {
      schema: describe('Secrets', 'get', 'Get a secret', {
        ...one,
        querystring: itemQuery({ _skip_value: Switch('Do not tell the value') }),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { key } = request.params;
      if (!booleanParam(request.query, '_skip_value', false)) {
        return sendText(reply, 200, await read(caller, request.query, key));
      }
      const secret = await core.secrets.get(caller, key);
      return sendText(
        reply,
        200,
        await renderRecord(secretResource(version), parseInclude(request.query), secret),
      );
    },
  );

  scope.put<{ Params: Static<typeof KeyParams>; Body: Static<typeof NewSecret>; Querystring: Params }>(
    '/secrets/:key',
    { schema: describe('Secrets', 'create', 'Create a secret', { body: NewSecret, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { key } = request.params;
      const { body } = request;
      refuseProvider(body.provider_name);
      const visibility = readVisibility(body.visibility);
      await core.secrets.create(caller, {
        key,
        value: body.value as Json,
        updateIfExists: booleanOf('update_if_exists', body.update_if_exists, false),
        hidden: booleanOf('is_hidden_value', body.is_hidden_value, false),
        ...(visibility === undefined ? {} : { visibility }),
        ...(body.schema === undefined ? {} : { schema: body.schema as JsonObject }),
      });
      return sendText(reply, 200, await read(caller, request.query, key));
    },
  );

  scope.patch<{ Params: Static<typeof KeyParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/secrets/:key',
    { schema: describe('Secrets', 'update', 'Update a secret', { body: Change, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { key } = request.params;
      const { value, visibility: word, is_hidden_value, provider_name } = request.body;
      refuseProvider(provider_name);
      const visibility = readVisibility(word);
      await core.secrets.update(caller, key, {
        ...(value === undefined ? {} : { value: value as Json }),
        ...(visibility === undefined ? {} : { visibility }),
        ...(is_hidden_value === undefined
          ? {}
          : { hidden: booleanOf('is_hidden_value', is_hidden_value, false) }),
      });
      return sendText(reply, 200, await read(caller, request.query, key));
    },
  );

  scope.patch<{
    Params: Static<typeof KeyParams>;
    Body: Static<typeof VisibilityChange>;
    Querystring: Params;
  }>(
    '/secrets/:key/set-visibility',
    {
      schema: describe('Secrets', 'set_visibility', 'Widen the visibility', {
        body: VisibilityChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { key } = request.params;
      await core.secrets.update(caller, key, { visibility: readWiderVisibility(request.body.visibility) });
      return sendText(reply, 200, await read(caller, request.query, key));
    },
  );

  scope.delete<{ Params: Static<typeof KeyParams>; Querystring: Params }>(
    '/secrets/:key',
    {
      schema: describe('Secrets', 'delete', 'Delete a secret', {
        params: KeyParams,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { key } = request.params;
      const before = version === 'v3' ? await read(caller, request.query, key) : '';
      await core.secrets.remove(caller, key);
      return sendDeleted(reply, version, before);
    },
  );
}

function refuseProvider(name: string | undefined): void {
  if (name !== undefined) throw badParameters('Secrets providers are not supported: give the value itself');
}
