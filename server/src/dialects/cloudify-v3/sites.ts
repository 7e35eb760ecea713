/** Sites: named places that deployments stand at. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Place, SiteField } from '../../sites/sites.js';
import { sendDeleted, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { deletionOf, describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { ListOf, MaybeText, NameParams, OWNERSHIP, Text, Time } from './fields.js';
import { checkId, type Params } from './lenient.js';
import { type ListingOptions, listBody, parseListing, readItem } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readVisibility } from './visibility.js';

const MaybeNumber = Type.Union([Type.Number(), Type.Null()]);

const SITE: Resource<SiteField> = {
  name: 'Site',
  key: 'name',
  fields: {
    name: { from: 'name', schema: Text },
    location: { from: 'location', schema: MaybeText },
    latitude: { from: 'latitude', schema: MaybeNumber },
    longitude: { from: 'longitude', schema: MaybeNumber },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<SiteField> = { searches: { _search: 'name' }, acrossTenants: true };

const Location = Type.String({ description: 'latitude,longitude in degrees; an empty text: none' });
const NewSite = Type.Object(
  { location: Type.Optional(Location), visibility: Type.Optional(Type.String()) },
  { title: 'NewSite' },
);
const Change = Type.Object(
  {
    location: Type.Optional(Location),
    visibility: Type.Optional(Type.String()),
    new_name: Type.Optional(Type.String()),
  },
  { title: 'SiteChange' },
);

export function addSites({ scope, core, version }: Mounting): void {
  const schema = schemaOf(SITE);
  const one = { params: NameParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, name: string) =>
    readItem(SITE, params, name, (query) => core.sites.list(caller, query));

  scope.get(
    '/sites',
    {
      schema: describe('Sites', 'list', 'List sites', {
        querystring: listQuery(SITE, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(SITE, request.query, LISTING);
      const page = await core.sites.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/sites/:name',
    { schema: describe('Sites', 'get', 'Get a site', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.name)),
  );

  scope.put<{ Params: Static<typeof NameParams>; Body: Static<typeof NewSite>; Querystring: Params }>(
    '/sites/:name',
    { schema: describe('Sites', 'create', 'Create a site', { body: NewSite, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { name } = request.params;
      refuseRestored(request.body, OF_RECORDS);
      checkId('name', name, { leadingLetter: true });
      const visibility = readVisibility(request.body.visibility);
      await core.sites.create(caller, name, {
        place: readPlace(request.body.location) ?? null,
        ...(visibility === undefined ? {} : { visibility }),
      });
      return sendText(reply, 200, await read(caller, request.query, name));
    },
  );

  scope.post<{ Params: Static<typeof NameParams>; Body: Static<typeof Change>; Querystring: Params }>(
    '/sites/:name',
    { schema: describe('Sites', 'update', 'Update a site', { body: Change, ...one }) },
    async (request, reply) => {
      const caller = callerOf(request);
      const { name } = request.params;
      const { new_name: renamed, location } = request.body;
      const visibility = readVisibility(request.body.visibility);
      const place = readPlace(location);
      await core.sites.update(caller, name, {
        ...(renamed === undefined ? {} : { name: renamed }),
        ...(visibility === undefined ? {} : { visibility }),
        ...(place === undefined ? {} : { place }),
      });
      return sendText(reply, 200, await read(caller, request.query, renamed ?? name));
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/sites/:name',
    {
      schema: describe('Sites', 'delete', 'Delete a site', {
        params: NameParams,
        response: deletionOf(version, schema),
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { name } = request.params;
      const before = version === 'v3' ? await read(caller, request.query, name) : '';
      await core.sites.remove(caller, name);
      return sendDeleted(reply, version, before);
    },
  );
}

/** undefined: nothing was said; null: an empty text. */
function readPlace(text: string | undefined): Place | null | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === '') return null;
  const number = String.raw`\s*([-+]?\d{1,3}(?:\.\d{1,20})?)\s*`;
  const match = new RegExp(`^${number},${number}$`).exec(text);
  if (match === null) {
    throw badParameters(
      `Invalid location \`${text.slice(0, 100)}\`, the format is expected to be "latitude,longitude" such as "32.071072,34.787274"`,
    );
  }
  return { latitude: Number(match[1]), longitude: Number(match[2]) };
}
