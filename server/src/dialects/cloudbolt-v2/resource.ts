/**
 * A collection and its items, declared once: `addCollection` makes `GET /name/` and `GET /name/{id}/` of the declaration, with
 * paging, `filter` and `attributes`. README.md of this folder says how to add one.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { ListFilter, ListPage, ListQuery } from '../../store/list.js';
import { callerOf } from './auth.js';
import { notFoundHere } from './errors.js';
import { type Hrefs, type Linked, readKey } from './hrefs.js';
import {
  pageBody,
  parseListing,
  type Query,
  readAttributes,
  shapeOf,
  thinItem,
  withAttributes,
} from './listing.js';
import type { Paths } from './paths.js';

/** What every file of a resource is given. */
export interface Mounting {
  readonly scope: FastifyInstance;
  readonly core: Core;
  readonly hrefs: Hrefs;
}

/** Rows of every collection have these. */
export interface NumberedRow {
  readonly number: number;
  /** Absent: the collection has no codes of its own, and Global IDs are made of the number. */
  readonly code?: string | null;
}

export interface Asked<Row> {
  readonly core: Core;
  readonly caller: Caller;
  readonly hrefs: Hrefs;
  readonly row: Row;
}

export interface Collection<Field extends string, Row extends NumberedRow> {
  /** In paths: `os-builds`. Its words, capitalised, are the title of its pages. */
  readonly name: string;
  /** Collection by which its Global IDs begin, where `name` has slashes. */
  readonly keyName?: string;
  /** Section of the published description. */
  readonly tag: string;
  /** One of it, for summaries: `OS build`. */
  readonly thing: string;
  /** What `filter` and `attributes` may name, `id` and `pk` included. */
  readonly paths: Paths<Field>;
  /** Fields that `title`, `thin` and `item` need: the members of `Row`. */
  readonly reads: readonly Field[];
  /** Fields that `title` and `thin` need, where an item needs much more. Absent: as `reads`. */
  readonly listReads?: readonly Field[];
  /** Of its link. */
  title(row: Row): string;
  /** What a list shows beside the link, in this order. */
  thin(row: Row): Readonly<Record<string, unknown>>;
  list(core: Core, caller: Caller, query: ListQuery<Field>): Promise<ListPage>;
  /** The whole item. `attributes` are added behind. */
  item(asked: Asked<Row>): Promise<Readonly<Record<string, unknown>>>;
}

export const ItemParams = Type.Object({
  id: Type.String({ description: 'Number, or Global ID such as GRP-w0qe6tkf' }),
});

export const AttributesQuery = {
  attributes: Type.Optional(
    Type.String({ description: 'Dotted paths, separated by commas, to be shown too' }),
  ),
};
export const ListQuerystring = Type.Object({
  filter: Type.Optional(
    Type.String({
      description: 'key:value;key:value, each key a dotted path that may end in a lookup of Django',
    }),
  ),
  ...AttributesQuery,
  page: Type.Optional(Type.Integer({ minimum: 1 })),
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '10 where absent' })),
});

const Link = Type.Object({ href: Type.String(), title: Type.String() }, { title: 'Link' });
export const HalItem = Type.Object(
  { _links: Type.Object({ self: Link }, { additionalProperties: true }) },
  { title: 'Resource', additionalProperties: true },
);
export const HalPage = Type.Object(
  {
    _links: Type.Object({ self: Link, next: Type.Optional(Link), previous: Type.Optional(Link) }),
    total: Type.Integer({ description: 'On all pages' }),
    count: Type.Integer({ description: 'On this page' }),
    _embedded: Type.Array(HalItem),
  },
  { title: 'Page' },
);

/** `GET /name/` and `GET /name/{id}/`. */
export function addCollection<Field extends string, Row extends NumberedRow>(
  { scope, core, hrefs }: Mounting,
  collection: Collection<Field, Row>,
): void {
  const { name, tag, thing } = collection;
  const id = name.replaceAll('-', '_');
  scope.get(
    `/${name}`,
    {
      schema: {
        tags: [tag],
        operationId: `${id}_list`,
        summary: `List of ${name.replaceAll('-', ' ')}`,
        querystring: ListQuerystring,
        response: { 200: HalPage },
      },
    },
    async (request: FastifyRequest<{ Querystring: Query }>, reply) =>
      sendHal(
        request,
        reply,
        await listOf(collection, { core, hrefs, caller: callerOf(request) }, request.query),
      ),
  );
  scope.get(
    `/${name}/:id`,
    {
      schema: {
        tags: [tag],
        operationId: `${id}_get`,
        summary: `One ${thing}`,
        params: ItemParams,
        querystring: Type.Object(AttributesQuery),
        response: { 200: HalItem },
      },
    },
    async (request: FastifyRequest<{ Params: { id: string }; Querystring: Query }>, reply) =>
      sendHal(
        request,
        reply,
        await itemOf(
          collection,
          { core, hrefs, caller: callerOf(request) },
          request.params.id,
          request.query,
        ),
      ),
  );
}

type Asking = Omit<Asked<never>, 'row'>;

/** A page of a collection; also of a sub-collection, with conditions of its own and its own path. */
export async function listOf<Field extends string, Row extends NumberedRow>(
  collection: Collection<Field, Row>,
  { core, caller, hrefs }: Asking,
  query: Query,
  { fixed = [], path = collection.name }: { fixed?: readonly ListFilter<Field>[]; path?: string } = {},
): Promise<Record<string, unknown>> {
  const listing = parseListing(collection.paths, collection.listReads ?? collection.reads, query, fixed);
  const page = await collection.list(core, caller, listing.query);
  return pageBody<Field, Row>(path, listing, page, (row) =>
    thinItem(hrefs, collection.name, { ...keyOf(row), title: collection.title(row) }, collection.thin(row)),
  );
}

/** @param id as in the path @throws CloudBoltError 404 */
export async function itemOf<Field extends string, Row extends NumberedRow>(
  collection: Collection<Field, Row>,
  asking: Asking,
  id: string,
  query: Query = {},
): Promise<Record<string, unknown>> {
  const attributes = readAttributes(collection.paths, query);
  const row = await rowOf(collection, asking, id, shapeOf(collection.reads, attributes));
  return withAttributes(await collection.item({ ...asking, row }), attributes, row);
}

/** The row that a path names. @throws CloudBoltError 404, also for one that the caller may not see */
export async function rowOf<Field extends string, Row extends NumberedRow>(
  collection: Collection<Field, Row>,
  { core, caller }: Pick<Asking, 'core' | 'caller'>,
  id: string,
  shape: Readonly<Record<string, Field>> = shapeOf(collection.reads, []),
): Promise<Row> {
  const key = readKey(collection.keyName ?? collection.name, id);
  if (key === null) throw notFoundHere();
  const page = await collection.list(core, caller, {
    shape,
    filters: [filterOf(collection, key)],
    sort: [],
    offset: 0,
    size: 1,
  });
  const [row] = JSON.parse(page.items) as Row[];
  if (row === undefined) throw notFoundHere();
  return row;
}

function filterOf<Field extends string, Row extends NumberedRow>(
  { reads }: Collection<Field, Row>,
  key: { readonly number: number } | { readonly code: string },
): ListFilter<Field> {
  const number = 'number' as Field;
  if ('number' in key) return { field: number, lookup: 'exact', value: String(key.number) };
  const code = reads.find((field) => field === 'code');
  if (code !== undefined) return { field: code, anyOf: [key.code] };
  return { field: number, lookup: 'exact', value: String(Number.parseInt(key.code, 36)) };
}

function keyOf({ number, code }: NumberedRow): Linked {
  return code === undefined ? { number } : { number, code };
}

/** The media type that the client asks for: HAL, unless it names plain JSON and not HAL. */
export function sendHal(
  request: FastifyRequest,
  reply: FastifyReply,
  body: unknown,
  status = 200,
): FastifyReply {
  const accept = (request.headers.accept ?? '').toLowerCase();
  const plain = accept.includes('application/json') && !accept.includes('hal+json');
  return reply
    .code(status)
    .type(plain ? 'application/json' : 'application/hal+json')
    .send(JSON.stringify(body));
}
