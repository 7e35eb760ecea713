/** Stored filters of blueprints and of deployments. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { FilterRule } from '../../filters/filter-rules.js';
import type { FilterCollection, FilterField } from '../../filters/filters.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { BLUEPRINT_WORDS } from './blueprints.js';
import { DEPLOYMENT_WORDS } from './deployment-list.js';
import { deletionOf, describe, itemQuery, listQuery } from './described.js';
import { Flag, IdParams, ListOf, OWNERSHIP, Text, Time } from './fields.js';
import { type AttributeWords, FilterRules, RulesBody, readRules, wireRules } from './filter-rules.js';
import { checkId, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readVisibility } from './visibility.js';

const WORDS: Readonly<Record<FilterCollection, AttributeWords<string>>> = {
  blueprints: BLUEPRINT_WORDS,
  deployments: DEPLOYMENT_WORDS,
};

function filterResource(collection: FilterCollection): Resource<FilterField> {
  const told = (kind: FilterRule['kind'] | null) => ({
    needs: ['rules'] as const,
    derive: ({ rules }: Readonly<Record<FilterField, unknown>>) =>
      wireRules(
        (rules as FilterRule[]).filter((rule) => kind === null || rule.kind === kind),
        WORDS[collection],
      ),
    schema: FilterRules,
    listed: true,
  });
  return {
    name: 'Filter',
    key: 'id',
    fields: {
      id: { from: 'id', schema: Text },
      is_system_filter: { from: 'system', schema: Flag },
      created_at: { from: 'createdAt', schema: Time },
      updated_at: { from: 'updatedAt', schema: Time },
      ...OWNERSHIP,
    },
    derived: {
      value: told(null),
      labels_filter_rules: told('label'),
      attrs_filter_rules: told('attribute'),
    },
  };
}

const LISTING: ListingOptions<FilterField> = { searches: { _search: 'id' }, acrossTenants: true };

const NewFilter = Type.Object(
  { filter_rules: RulesBody, visibility: Type.Optional(Type.String()) },
  { title: 'NewFilter' },
);
const Change = Type.Object(
  { filter_rules: Type.Optional(RulesBody), visibility: Type.Optional(Type.String()) },
  { title: 'FilterChange' },
);

export function addFilters(mounting: Mounting): void {
  addFiltersOf(mounting, 'blueprints');
  addFiltersOf(mounting, 'deployments');
}

function addFiltersOf({ scope, core, version }: Mounting, collection: FilterCollection): void {
  const resource = filterResource(collection);
  const schema = schemaOf(resource);
  const path = `/filters/${collection}`;
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(resource, params, id, (query) => core.filters.list(caller, collection, query));

  scope.get(
    path,
    {
      schema: describe('Filters', `${collection}_list`, `List filters of ${collection}`, {
        querystring: listQuery(resource, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(resource, request.query, LISTING);
      const page = await core.filters.list(callerOf(request), collection, listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    `${path}/:id`,
    { schema: describe('Filters', `${collection}_get`, `Get a filter of ${collection}`, one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof NewFilter>; Querystring: Params }>(
    `${path}/:id`,
    {
      schema: describe('Filters', `${collection}_create`, `Create a filter of ${collection}`, {
        body: NewFilter,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      refuseRestored(request.body, OF_RECORDS);
      checkId('filter_id', id, { leadingLetter: true });
      const visibility = readVisibility(request.body.visibility);
      await core.filters.create(caller, collection, id, {
        rules: readRules(request.body.filter_rules, WORDS[collection]),
        ...(visibility === undefined ? {} : { visibility }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change>; Querystring: Params }>(
    `${path}/:id`,
    {
      schema: describe('Filters', `${collection}_update`, `Update a filter of ${collection}`, {
        body: Change,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const visibility = readVisibility(request.body.visibility);
      const { filter_rules: rules } = request.body;
      await core.filters.update(caller, collection, id, {
        ...(rules === undefined ? {} : { rules: readRules(rules, WORDS[collection]) }),
        ...(visibility === undefined ? {} : { visibility }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.delete<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    `${path}/:id`,
    {
      schema: describe('Filters', `${collection}_delete`, `Delete a filter of ${collection}`, {
        params: IdParams,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const before = version === 'v3' ? await read(caller, request.query, id) : '';
      await core.filters.remove(caller, collection, id);
      return sendDeleted(reply, version, before);
    },
  );
}
