/** What was found in cloud accounts (specs: insightcloudsec.md §6.5). */
import { type Static, Type } from 'typebox';
import type { InventoryResource, ResourceField, ResourceName } from '../../inventory/resources.js';
import type { ListFilter, SortKey } from '../../store/list.js';
import { add, type Call, READERS, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Int, LIST_OPTIONS, Ok, Text } from './fields.js';
import { readResourceId, resourceIdOf, unknown, userNumber } from './ids.js';
import { parseListOptions } from './listing.js';
import type { Mounting } from './mounting.js';
import { requireReach, withinReach } from './reach.js';
import { CHOICE_OPTIONS, type Choice, choiceOf } from './resource-choice.js';
import {
  commonOf,
  factsOf,
  idOf,
  RESOURCE_FIELDS,
  RESOURCE_SHAPE,
  type ResourceFacts,
  renderResource,
} from './resource-record.js';
import { RESOURCE_TYPES } from './resource-types.js';

const Query = Type.Object(
  { ...CHOICE_OPTIONS, counts: Type.Optional(Type.Unknown({ description: 'Counts are told in any case' })) },
  { title: 'ResourceQuery' },
);
const CursorQuery = Type.Object(
  {
    ...CHOICE_OPTIONS,
    cursor: Type.Optional(Type.String({ description: 'next_cursor of the page before', maxLength: 100 })),
  },
  { title: 'ResourceCursorQuery' },
);
const Search = Type.Object(
  { limit: LIST_OPTIONS.limit, offset: LIST_OPTIONS.offset, search_string: Type.String({ maxLength: 256 }) },
  { title: 'ResourceSearch' },
);
const Owner = Type.Object(
  {
    resource_ids: Type.Array(Type.String(), { minItems: 1, maxItems: 1000 }),
    owner_resource_id: Type.Optional(
      Type.String({ description: 'divvyuser:7:; absent: nobody', maxLength: 100 }),
    ),
  },
  { title: 'ResourceOwner' },
);

const Resource = Type.Object(
  { resource_type: Text },
  {
    title: 'Resource',
    additionalProperties: true,
    description: 'Its type is a member with everything else of it',
  },
);
const PAGE = {
  counts: Type.Record(Type.String(), Int),
  selected_resource_type: Type.Union([Text, Type.Null()]),
  supported_types: Type.Array(Text),
  resources: Type.Array(Resource),
  scopes: Type.Array(Text),
  limit: Int,
  offset: Int,
  order_by: Type.Union([Text, Type.Null()]),
  filters: Type.Array(Type.Unknown()),
};
const params = { resource: 'instance:18:us-east-1:i-123:' };

export function addResources(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/resource/query',
    name: 'resources_query',
    tag: 'Resources',
    summary: 'Ask for resources of a type, and how many there are of each',
    description: 'Without a type the list is empty and the counts are of all types.',
    may: READERS,
    body: Query,
    answer: Type.Object(PAGE, { title: 'ResourcePage' }),
    async handle(call) {
      const choice = await choiceOf(call);
      const { filters: _, ...options } = call.body;
      const selection = parseListOptions(options, RESOURCE_FIELDS, { usual: 25, most: 100 });
      const filters = [...choice.filters, ...ofType(call)];
      const { rows } = await find(call, filters, selection.sort, selection.offset, selection.size ?? 25);
      return { ...(await pageOf(call, choice, rows)), limit: selection.size, offset: selection.offset };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v3/public/resource/etl-query',
    name: 'resources_query_all',
    tag: 'Resources',
    summary: 'Read all resources, page by page behind a cursor',
    description:
      'Nothing comes twice, and nothing that is there all the time is left out, while the inventory changes.',
    may: READERS,
    body: CursorQuery,
    answer: Type.Object(
      { ...PAGE, next_cursor: Type.Union([Text, Type.Null()]) },
      { title: 'ResourceCursorPage' },
    ),
    async handle(call) {
      const choice = await choiceOf(call);
      const size =
        parseListOptions({ limit: call.body.limit ?? 25 }, RESOURCE_FIELDS, { most: 1000 }).size ?? 25;
      const { selected_resource_type: type = '' } = call.body;
      const after = { selection: 'after', values: [String(readCursor(call.body.cursor))] };
      const filters = [...choice.filters, after, ...(type === '' ? [] : ofType(call))];
      // One more than asked for says whether there is another page.
      const { rows } = await find(call, filters, [{ field: 'uid' }], 0, Math.max(size, 1) + 1);
      const page = rows.slice(0, Math.max(size, 1));
      const more = rows.length > page.length;
      return {
        ...(await pageOf(call, choice, page)),
        limit: size,
        offset: 0,
        next_cursor: more ? cursorAt(page.at(-1)!.uid) : null,
      };
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/resource/:resource/detail',
    name: 'resources_get',
    tag: 'Resources',
    summary: 'Get a resource, and what it refers to',
    may: READERS,
    params,
    answer: Type.Object(
      {
        details: Resource,
        dependencies: Type.Object({}, { additionalProperties: true }),
        related_resources: Type.Object({}, { additionalProperties: true }),
      },
      { title: 'ResourceDetail' },
    ),
    async handle(call) {
      const { resource, facts } = await resourceAt(call);
      const referred = await call.core.inventoryResources.referredBy(call.caller, resource);
      const common = { ...commonOf(facts), noncompliance: [], properties: { property_list: [] } };
      return {
        details: { resource_type: facts.type, [facts.type]: { common, ...factsOf(facts) } },
        dependencies: byType(referred),
        related_resources: {},
      };
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/resource/:resource/tags/list',
    name: 'resources_list_tags',
    tag: 'Resources',
    summary: 'List the tags of a resource',
    may: READERS,
    params,
    answer: Type.Object({
      resource_tags: Type.Array(Type.Object({ key: Text, value: Text }, { title: 'Tag' })),
    }),
    async handle(call) {
      const { resource } = await resourceAt(call);
      return { resource_tags: Object.entries(resource.tags).map(([key, value]) => ({ key, value })) };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/resource/common/search',
    name: 'resources_search',
    tag: 'Resources',
    summary: 'Search names and provider ids of resources',
    may: READERS,
    body: Search,
    answer: Type.Object({
      resources: Type.Array(
        Type.Object(
          {
            resource_id: Text,
            resource_type: Text,
            provider_id: Text,
            name: Text,
            account_id: Text,
            cloud_type_id: Text,
            account: Text,
          },
          { title: 'FoundResource' },
        ),
      ),
      total_count: Int,
    }),
    async handle(call) {
      const { search_string: search, ...options } = call.body;
      const { offset, size } = parseListOptions(options, RESOURCE_FIELDS, { usual: 25, most: 1000 });
      const { rows, total } = await find(call, withinReach(call.request), [], offset, size ?? 25, search);
      const resources = rows.map((row) => ({
        resource_id: idOf(row),
        resource_type: row.type,
        provider_id: row.providerId,
        name: row.name,
        account_id: row.accountProvider ?? '',
        cloud_type_id: String(commonOf(row).cloud),
        account: row.accountName,
      }));
      return { resources, total_count: total };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/resource/owner/set',
    name: 'resources_set_owner',
    tag: 'Resources',
    summary: 'Say who a resource belongs to, or that it belongs to nobody',
    may: WRITERS,
    body: Owner,
    answer: Ok,
    async handle(call) {
      const { core, caller, body } = call;
      const given = body.owner_resource_id;
      const id = given === undefined || given === '' ? null : userNumber(given);
      if (id === null && given !== undefined && given !== '')
        throw invalidInput('owner_resource_id', `"${given}" is no user`);
      const owner = id === null ? null : (await core.profiles.get(caller, { id })).id;
      await core.inventoryResources.setOwner(caller, body.resource_ids.map(nameOf), owner);
    },
  });
}

type QueryCall = Call<Static<typeof Query>>;

function ofType({ body }: QueryCall): ListFilter<ResourceField>[] {
  const { selected_resource_type: type = '' } = body;
  return type === '' ? [{ either: [] }] : [{ field: 'type', anyOf: [type] }];
}

async function find(
  { core, caller }: Call<unknown>,
  filters: readonly ListFilter<ResourceField>[],
  sort: readonly SortKey<ResourceField>[],
  offset: number,
  size: number,
  search?: string,
): Promise<{ readonly rows: ResourceFacts[]; readonly total: number }> {
  const { items, total } = await core.inventoryResources.list(caller, {
    shape: RESOURCE_SHAPE,
    filters,
    sort,
    offset,
    size,
    ...(search === undefined ? {} : { search }),
  });
  return { rows: JSON.parse(items) as ResourceFacts[], total };
}

async function pageOf(call: QueryCall, { accounts, tags }: Choice, rows: readonly ResourceFacts[]) {
  const { selected_resource_type: type = '', scopes = [], order_by: order = null } = call.body;
  return {
    counts: await call.core.inventoryResources.countByType(call.caller, accounts, tags),
    selected_resource_type: type === '' ? null : type,
    supported_types: RESOURCE_TYPES,
    resources: rows.map(renderResource),
    scopes,
    order_by: order,
    filters: [],
  };
}

/** Of the path. @throws DomainError `not-found` */
async function resourceAt(
  call: Call<unknown>,
): Promise<{ readonly resource: InventoryResource; readonly facts: ResourceFacts }> {
  const text = call.params.resource ?? '';
  requireReach(call.request, 'Resource', text);
  const resource = await call.core.inventoryResources.get(call.caller, nameOf(text));
  const account = await call.core.cloudAccounts.get(call.caller, resource.cloudAccountUid);
  const facts = {
    ...resource,
    account: account.uid,
    accountName: account.name,
    accountKind: account.kind,
    accountStatus: account.status,
    accountProvider: account.providerAccount,
  };
  return { resource, facts };
}

function nameOf(text: string): ResourceName {
  const key = readResourceId(text);
  if (key === null) throw unknown('Resource', text);
  return { account: key.cloud, type: key.type, providerId: key.providerId, region: key.region };
}

function byType(resources: readonly InventoryResource[]): Record<string, object[]> {
  const found: Record<string, object[]> = {};
  for (const { type, cloudAccountUid, region, providerId, name } of resources) {
    const own = {
      id: providerId,
      name,
      resource_id: resourceIdOf(type, cloudAccountUid, region, providerId),
      type,
    };
    found[type] = [...(found[type] ?? []), own];
  }
  return found;
}

function cursorAt(uid: number): string {
  return Buffer.from(`r${uid}`).toString('base64url');
}

function readCursor(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const [, uid] = /^r(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  if (uid === undefined) throw invalidInput('cursor', 'This cursor is none of ours');
  return Number(uid);
}
