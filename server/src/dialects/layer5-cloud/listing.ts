/**
 * Pages, order, search and filters of lists (specs: layer5.md §1.5). Pure: text in, a question for a room out.
 *
 * Fields are core fields in camelCase; `order` names them in either spelling, and what is no field is passed over, so that
 * nothing of it reaches a query.
 */
import type { ListFilter, ListPage, ListQuery, SortKey } from '../../store/list.js';
import { badRequest } from './errors.js';
import { camelCase } from './spelling.js';

/** A query string as it came: names in camelCase, values as often as they were given. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Listing<Field extends string> {
  readonly page: number;
  /** null: everything. */
  readonly size: number | null;
  readonly query: ListQuery<Field>;
}

export interface ListingOptions<Field extends string> {
  /** Core fields that an item holds, and that it may be ordered by. */
  readonly fields: readonly Field[];
  /** Further names that `order` may use. */
  readonly orders?: Readonly<Record<string, Field>>;
  readonly defaultOrder?: readonly SortKey<Field>[];
}

const DEFAULT_SIZE = 10;
const MOST = 100;
/** Pages beyond are as empty as the first of them. */
const LAST_PAGE = 10_000_000;
const LONGEST_SEARCH = 500;

export function readListing<Field extends string>(
  query: Query,
  options: ListingOptions<Field>,
  filters: readonly ListFilter<Field>[] = [],
): Listing<Field> {
  const { page, size } = readPage(query);
  const search = one(query, 'search')?.trim() ?? '';
  if (search.length > LONGEST_SEARCH) throw badRequest(`search is longer than ${LONGEST_SEARCH} characters`);
  return {
    page,
    size,
    query: {
      shape: Object.fromEntries(options.fields.map((field) => [field, field])) as ListQuery<Field>['shape'],
      filters,
      sort: readOrder(one(query, 'order'), options),
      ...(search === '' ? {} : { search }),
      offset: size === null ? 0 : page * size,
      size,
    },
  };
}

export function readPage(query: Query): { page: number; size: number | null } {
  const page = Math.min(count('page', one(query, 'page')) ?? 0, LAST_PAGE);
  const said = one(query, 'pagesize') ?? one(query, 'pageSize');
  if (said?.trim().toLowerCase() === 'all') return { page: 0, size: null };
  return { page, size: Math.min(count('pagesize', said) || DEFAULT_SIZE, MOST) };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  if (!/^\d{1,15}$/.test(text.trim())) {
    throw badRequest(`${name} must be a whole number from 0 on, not ${text.slice(0, 50)}`);
  }
  return Number(text);
}

function readOrder<Field extends string>(
  text: string | undefined,
  { fields, orders = {}, defaultOrder }: ListingOptions<Field>,
): readonly SortKey<Field>[] {
  const parts = /^\s*([A-Za-z][A-Za-z0-9_]{0,63})\s+(asc|desc)\s*$/i.exec(text ?? '');
  const name = parts === null ? '' : camelCase(parts[1]!);
  const field = orders[name] ?? fields.find((known) => known === name);
  if (field !== undefined) return [{ field, descending: parts![2]!.toLowerCase() === 'desc' }];
  const usual =
    fields.find((known) => known === 'updatedAt') ?? fields.find((known) => known === 'createdAt');
  return defaultOrder ?? (usual === undefined ? [] : [{ field: usual, descending: true }]);
}

/** The first value of a parameter; an empty one counts as given. */
export function one(query: Query, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** Yes, no, or nothing said. @throws WireError 400 for another word */
export function flag(query: Query, name: string): boolean | undefined {
  const text = one(query, name)?.trim().toLowerCase();
  if (text === undefined || text === '') return undefined;
  if (['true', '1', 'yes'].includes(text)) return true;
  if (['false', '0', 'no'].includes(text)) return false;
  throw badRequest(`${name} must be true or false, not ${text.slice(0, 50)}`);
}

/** A parameter that may have several values: repeated, with commas between them, or as a JSON array. */
export function several(query: Query, name: string): readonly string[] {
  const given = query[name];
  const texts = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  return [...new Set(texts.flatMap(valuesIn).map((value) => value.trim()))].filter((value) => value !== '');
}

function valuesIn(text: string): readonly string[] {
  if (text.trim().startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed)) return parsed.map(String);
    } catch {
      // No JSON after all: a name may begin so.
    }
  }
  return text.split(',');
}

export type Filter = Readonly<Record<string, unknown>>;

/** The parameter `filter`: a JSON object in a text. */
export function readFilter(query: Query): Filter {
  const text = one(query, 'filter')?.trim() ?? '';
  if (text === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badRequest('filter must be a JSON object', 'For example {"assigned":false}');
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw badRequest('filter must be a JSON object', 'For example {"assigned":false}');
  }
  return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [camelCase(key), value]));
}

/** Texts under a key of a filter: one, or a list of them. */
export function wordsOf(filter: Filter, key: string): readonly string[] | undefined {
  const value = filter[key];
  if (value === undefined || value === null) return undefined;
  const values = Array.isArray(value) ? value : [value];
  if (values.every((each) => ['string', 'number', 'boolean'].includes(typeof each)))
    return values.map(String);
  throw badRequest(`filter.${key} must be a text or a list of texts`);
}

/** The envelope of every page. */
export function pageOf<Row>(
  items: string,
  listing: Pick<Listing<string>, 'page' | 'size'>,
  { rows, total }: { readonly rows: readonly Row[]; readonly total: number },
): Record<string, unknown> {
  return { page: listing.page, pageSize: listing.size ?? rows.length, totalCount: total, [items]: rows };
}

/** What a room has told, as objects. */
export function rowsOf<Row>(page: ListPage): { readonly rows: readonly Row[]; readonly total: number } {
  return { rows: JSON.parse(page.items) as Row[], total: page.total };
}

/** One entity that is also a page of one (specs: layer5.md §1.7). */
export function hybrid(items: string, entity: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { ...entity, page: 0, pageSize: 1, totalCount: 1, [items]: [entity] };
}
