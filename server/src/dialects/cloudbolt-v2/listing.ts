/** Collections: paging, filter and attributes of a request, and the body of a page (specs: cloudbolt.md §2.3, §3). */
import type { ListFilter, ListPage, ListQuery } from '../../store/list.js';
import { badRequest, CloudBoltError } from './errors.js';
import { readFilter } from './filter.js';
import { type Hrefs, ROOT } from './hrefs.js';
import { fieldOf, findPath, type Path, type Paths, shownOf } from './paths.js';

/** A parsed query string: a key given several times is an array, of which the last counts. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

const DEFAULT_SIZE = 10;
const LARGEST_SIZE = 100;
const MOST_ATTRIBUTES = 50;

export interface Listing<Field extends string> {
  readonly query: ListQuery<Field>;
  readonly page: number;
  readonly size: number;
  readonly attributes: readonly Attribute<Field>[];
  /** What links to other pages repeat. */
  readonly kept: readonly (readonly [string, string])[];
}

export interface Attribute<Field extends string> {
  /** As the client wrote it: so it is called in the answer. */
  readonly name: string;
  readonly path: Path<Field>;
}

/** The last value of a parameter. */
export function single(query: Query, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'string' || value === undefined ? value : value.at(-1);
}

export function parseListing<Field extends string>(
  paths: Paths<Field>,
  reads: readonly Field[],
  query: Query,
  fixed: readonly ListFilter<Field>[] = [],
): Listing<Field> {
  const page = pageOf(single(query, 'page'));
  const size = sizeOf(single(query, 'page_size'));
  const filter = single(query, 'filter') ?? '';
  const attributes = readAttributes(paths, query);
  const kept = ['page_size', 'filter', 'attributes'].flatMap((name) => {
    const value = single(query, name) ?? '';
    return value === '' ? [] : [[name, name === 'page_size' ? String(size) : value] as const];
  });
  return {
    query: {
      shape: shapeOf(reads, attributes),
      filters: [...fixed, ...readFilter(paths, filter)],
      sort: [],
      offset: (page - 1) * size,
      size,
    },
    page,
    size,
    attributes,
    kept,
  };
}

/** @throws CloudBoltError 400 for one that is not known */
export function readAttributes<Field extends string>(
  paths: Paths<Field>,
  query: Query,
): readonly Attribute<Field>[] {
  const names = (single(query, 'attributes') ?? '').split(',').map((name) => name.trim());
  const named = [...new Set(names.filter((name) => name !== ''))];
  if (named.length > MOST_ATTRIBUTES) throw badRequest(`At most ${MOST_ATTRIBUTES} attributes at once`);
  return named.map((name) => {
    const path = findPath(paths, name);
    if (path !== null) return { name, path };
    const choices = Object.keys(paths).sort().join(', ');
    throw badRequest(`Unknown attribute '${name.slice(0, 100)}'. Choices are: ${choices}`);
  });
}

/** The shape of a question for rows: core names all through. */
export function shapeOf<Field extends string>(
  reads: readonly Field[],
  attributes: readonly Attribute<Field>[],
): Readonly<Record<string, Field>> {
  const fields = [...reads, ...attributes.map(({ path }) => fieldOf(path))];
  return Object.fromEntries(fields.map((field) => [field, field]));
}

/**
 * The body of a page.
 *
 * @param path of the collection without slashes at its ends: `groups`, `servers/12/related-jobs`
 * @throws CloudBoltError 404 for a page behind the last
 */
export function pageBody<Field extends string, Row extends object>(
  path: string,
  listing: Listing<Field>,
  page: ListPage,
  item: (row: Row) => Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const pages = Math.max(1, Math.ceil(page.total / listing.size));
  if (listing.page > pages)
    throw new CloudBoltError(404, 'Not found.', { detail: 'Not found. Invalid page.' });
  const rows = JSON.parse(page.items) as Row[];
  const self = {
    href: `${ROOT}/${path}/?${queryOf(listing, listing.page)}`,
    title: `List of ${titleOf(path)} - Page ${listing.page} of ${pages}`,
  };
  const other = (number: number, title: string) => ({
    href: `${ROOT}/${path}?${queryOf(listing, number)}`,
    title,
  });
  return {
    _links: {
      self,
      ...(listing.page < pages ? { next: other(listing.page + 1, 'Next page') } : {}),
      ...(listing.page > 1 ? { previous: other(listing.page - 1, 'Previous page') } : {}),
    },
    total: page.total,
    count: rows.length,
    _embedded: rows.map((row) => withAttributes(item(row), listing.attributes, row)),
  };
}

/** `attributes` comes last, so that what clients read by its place stays in its place. */
export function withAttributes<Field extends string>(
  item: Readonly<Record<string, unknown>>,
  attributes: readonly Attribute<Field>[],
  row: object,
): Record<string, unknown> {
  const body: Record<string, unknown> = { ...item };
  for (const { name, path } of attributes) {
    if (!Object.hasOwn(body, name)) body[name] = shownOf(path, row as Record<string, unknown>);
  }
  return body;
}

/** A thin item: its link and what follows it. */
export function thinItem(
  hrefs: Hrefs,
  collection: string,
  thing: { readonly number: number; readonly code?: string | null; readonly title: string },
  rest: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return { _links: { self: hrefs.link(collection, thing) }, ...rest };
}

/** `os-builds` -> `Os Builds`; of a sub-collection, its last step. */
export function titleOf(path: string): string {
  return path
    .split('/')
    .at(-1)!
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

function pageOf(given: string | undefined): number {
  if (given === undefined || given.trim() === '') return 1;
  const page = /^\d{1,9}$/.test(given.trim()) ? Number(given) : 0;
  if (page < 1) throw new CloudBoltError(404, 'Not found.', { detail: 'Not found. Invalid page.' });
  return page;
}

function sizeOf(given: string | undefined): number {
  const size = /^\s*\d{1,9}\s*$/.test(given ?? '') ? Number(given) : 0;
  return size < 1 ? DEFAULT_SIZE : Math.min(size, LARGEST_SIZE);
}

function queryOf({ kept }: Listing<string>, page: number): string {
  const quoted = (value: string) => encodeURIComponent(value).replace(/%(3A|3B|2C)/g, decodeURIComponent);
  return [['page', String(page)] as const, ...kept]
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join('&');
}
