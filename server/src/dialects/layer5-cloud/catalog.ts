/** The catalog that everybody sees, and the way into it (specs: layer5.md §8.3). */
import Type from 'typebox';
import type { CatalogueRequestField } from '../../designs/catalogue-requests.js';
import type { DesignField } from '../../designs/designs.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { ListFilter } from '../../store/list.js';
import { type Kind, PATTERN, WASM_FILTER } from './content-kinds.js';
import { DESIGNS, DESIGNS_WHOLE, designFilters, populates } from './design-form.js';
import { absent, badRequest } from './errors.js';
import {
  type ListingOptions,
  pageOf,
  type Query,
  readFilter,
  readListing,
  rowsOf,
  several,
  wordsOf,
} from './listing.js';
import {
  type Call,
  entity,
  Id,
  type Mounting,
  openRoute,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const CLASSES = [
  { class: 'official', description: 'Kept by those who run this catalog' },
  { class: 'verified', description: 'Looked through by reviewers' },
  { class: 'reference architecture', description: 'Shows how something is done well' },
  { class: 'community', description: 'By anybody' },
];

const REQUEST = entity('CatalogRequest', {
  id: Id,
  contentId: Id,
  contentName: Text,
  contentType: Text,
  contentClass: Text,
  firstName: Text,
  lastName: Text,
  email: Text,
  status: Type.Union(['pending', 'approved', 'denied'].map((word) => Type.Literal(word))),
  createdAt: Time,
  updatedAt: Time,
});
const REQUESTS: ListingOptions<CatalogueRequestField> = {
  fields: [
    'id',
    'design',
    'designName',
    'kind',
    'catalogClass',
    'firstName',
    'lastName',
    'email',
    'status',
    'createdAt',
    'updatedAt',
  ],
};
const AskBody = Type.Object({
  id: Type.String(),
  catalogData: Type.Optional(Type.Object({}, { additionalProperties: true })),
});
const DecideBody = Type.Object({
  id: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
  contentId: Type.Optional(Type.String()),
});
const GoneBody = Type.Object({ id: Type.String() });

interface Row {
  readonly design: string;
  readonly designName: string;
  readonly kind: string;
  readonly catalogClass: string;
  readonly [key: string]: unknown;
}
const requestOf = ({ design, designName, kind, catalogClass, ...row }: Row) => ({
  ...row,
  contentId: design,
  contentName: designName,
  contentType: kind === 'filter' ? 'filter' : 'pattern',
  contentClass: catalogClass,
});

const tag = 'Catalog';

export function addCatalog(mounting: Mounting): void {
  openRoute(
    mounting,
    'get',
    '/api/catalog/content/classes',
    {
      tag,
      name: 'catalog_classes',
      summary: 'List classes of content',
      answer: Type.Array(entity('CatalogClass', { class: Text, description: Text })),
    },
    async () => CLASSES,
  );
  openRoute(
    mounting,
    'get',
    '/api/catalog/content/:type',
    {
      tag,
      name: 'catalog_list',
      summary: 'List what is published, of all organizations',
      query: {
        ...PAGE,
        type: 'Only of one of these types',
        technology: 'Only for one of these technologies',
        class: 'Only of one of these classes',
        userId: 'Only those of this user',
        orgId: 'Only those of this organization',
        workspaceId: 'Only those of this workspace',
        populate: '`pattern_file`: with their texts',
        metrics: 'Accepted; counts are always told',
        teamId: 'Accepted; the catalog is of everybody',
      },
      answer: Type.Union([
        pageSchema('PublishedDesignPage', 'patterns', PATTERN.schema),
        pageSchema('PublishedFilterPage', 'filters', WASM_FILTER.schema),
      ]),
    },
    async (request) => {
      const of = kindOf((request.params as { type: string }).type);
      const query = request.query as Query;
      const { rows, total, listing } = await published(mounting, of, query);
      return pageOf(of.items, listing, { rows: rows.map((row) => of.form(row, true)), total });
    },
  );
  route(
    mounting,
    'post',
    '/api/catalog/content/:type',
    {
      tag,
      name: 'catalog_ask',
      summary: 'Ask to publish something of yours',
      body: AskBody,
      answer: REQUEST,
    },
    async (call) => {
      const of = kindOf(call.param('type'));
      const { id, catalogData = {} } = call.body;
      return find(
        call,
        await call.core.catalogueRequests.ask(
          call.caller,
          of.kind,
          id.toLowerCase(),
          catalogData as JsonObject,
        ),
      );
    },
  );
  for (const [method, path, name] of [
    ['delete', '/api/catalog/content/:type', 'catalog_unpublish'],
    ['post', '/api/catalog/content/:type/unpublish', 'catalog_unpublish_post'],
  ] as const) {
    route(
      mounting,
      method,
      path,
      {
        tag,
        name,
        summary: 'Take something out of the catalog',
        body: GoneBody,
        answer: entity('Unpublished', { message: Text, id: Id }),
      },
      async (call) => {
        await call.core.catalogueRequests.withdraw(
          call.caller,
          kindOf(call.param('type')).kind,
          call.body.id.toLowerCase(),
        );
        return { message: 'It is out of the catalog', id: call.body.id };
      },
    );
  }
  addRequests(mounting);
}

function addRequests(mounting: Mounting): void {
  route(
    mounting,
    'get',
    '/api/catalog/requests',
    {
      tag,
      name: 'catalog_requests',
      summary: 'List requests to publish: all of the organization for reviewers, else yours',
      query: { ...PAGE, filter: 'JSON: `{"status":["pending"]}`' },
      answer: pageSchema('CatalogRequestPage', 'catalogRequests', REQUEST),
    },
    async (call) => {
      const statuses = wordsOf(readFilter(call.query), 'status');
      const listing = readListing(
        call.query,
        REQUESTS,
        statuses === undefined ? [] : [{ field: 'status', anyOf: statuses }],
      );
      const { rows, total } = rowsOf<Row>(await call.core.catalogueRequests.list(call.caller, listing.query));
      return pageOf('catalogRequests', listing, { rows: rows.map(requestOf), total });
    },
  );
  for (const [verb, approved] of [
    ['approve', true],
    ['deny', false],
  ] as const) {
    route(
      mounting,
      'post',
      `/api/catalog/requests/${verb}`,
      {
        tag,
        name: `catalog_${verb}`,
        summary: approved ? 'Publish what was asked for; for reviewers' : 'Deny a request; for reviewers',
        body: DecideBody,
        answer: REQUEST,
      },
      async (call) => {
        const id = call.body.id ?? call.body.requestId ?? call.body.contentId ?? '';
        if (id === '') throw badRequest('id is missing');
        return find(call, await call.core.catalogueRequests.decide(call.caller, id.toLowerCase(), approved));
      },
    );
  }
}

async function find(call: Call, id: string): Promise<unknown> {
  const [row] = rowsOf<Row>(
    await call.core.catalogueRequests.list(
      call.caller,
      readListing({}, REQUESTS, [{ field: 'id', anyOf: [id] }]).query,
    ),
  ).rows;
  if (row === undefined) throw absent('Catalog request', id);
  return requestOf(row);
}

async function published({ core }: Mounting, of: Kind, query: Query) {
  const words = (name: string, selection: string): ListFilter<DesignField>[] => {
    const values = several(query, name);
    return values.length === 0 ? [] : [{ selection, values }];
  };
  const organizations = several(query, 'orgId').map((id) => id.toLowerCase());
  const filters: ListFilter<DesignField>[] = [
    ...designFilters({ query }),
    ...words('class', 'catalog-class'),
    ...words('type', 'catalog-type'),
    ...words('technology', 'technology'),
    ...(organizations.length === 0 ? [] : [{ field: 'tenant' as const, anyOf: organizations }]),
  ];
  const listing = readListing(query, populates(query) ? DESIGNS_WHOLE : DESIGNS, filters);
  return {
    listing,
    ...rowsOf<Record<string, unknown>>(await core.designs.published(of.kind, listing.query)),
  };
}

function kindOf(type: string): Kind {
  if (type === 'pattern' || type === 'patterns' || type === 'design') return PATTERN;
  if (type === 'filter' || type === 'filters') return WASM_FILTER;
  throw absent('Catalog of', type);
}
