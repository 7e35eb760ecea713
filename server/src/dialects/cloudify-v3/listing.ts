/**
 * The query grammar of every list (specs: cloudify.md §1.2): `_include`, filters, `_sort`, `_size`, `_offset`,
 * `_search`, `_range`, translated from wire names into the core's `ListQuery`; and the envelope around its page.
 *
 * Every word is checked against the resource before the core hears of it: a filter that is silently ignored would
 * answer with things the client did not ask for.
 */
import type { ListFilter, ListPage, ListQuery, Shown, SortKey } from '../../store/list.js';
import { badParameters, notFoundAs } from './errors.js';
import { booleanParam, countParam, type Params, repeated, single } from './lenient.js';
import {
  fieldNames,
  hasField,
  type Projection,
  project,
  quoted,
  type Resource,
  renderItems,
} from './resource.js';

/** More rows than this are never answered at once; clients page. */
export const MOST_ROWS = 100_000;

export interface ListingOptions<Field extends string> {
  /** Rows of a page when `_size` is not given. */
  readonly defaultSize?: number;
  /** Filters beyond the resource's own fields: wire name -> condition. */
  readonly filters?: Readonly<Record<string, (values: readonly string[]) => ListFilter<Field>>>;
  /** Those of `filters` whose values are patterns with `%`; for the description only. */
  readonly patterns?: readonly string[];
  /** `_search` and its kin: parameter -> the core field it looks into. Several given: any may match. */
  readonly searches: Readonly<Record<string, Field>>;
  /** Wire name -> core field for `_range`. None: the parameter is refused. */
  readonly ranges?: Readonly<Record<string, Field>>;
  /** `_all_tenants` is honoured. */
  readonly acrossTenants?: boolean;
  /** Words for `_sort` beyond the resource's own fields. */
  readonly sorts?: Readonly<Record<string, Field>>;
  /** Parameters that select beyond the fields: parameter -> the list's selection. */
  readonly selections?: Readonly<Record<string, string>>;
  /** `_filter_id` is honoured: `conditionsFrom` in filter-rules.ts reads it. */
  readonly storedFilters?: boolean;
}

export interface Listing<Field extends string> {
  readonly query: ListQuery<Field>;
  readonly projection: Projection<Field>;
  readonly offset: number;
  /** The effective page size, as the answer tells it. */
  readonly size: number;
}

export function parseListing<Field extends string>(
  resource: Resource<Field>,
  params: Params,
  options: ListingOptions<Field>,
): Listing<Field> {
  refuseUnsupported(params, options);
  const offset = countParam(params, '_offset', 0, Number.MAX_SAFE_INTEGER);
  const size = booleanParam(params, '_get_all_results', false)
    ? MOST_ROWS
    : countParam(params, '_size', options.defaultSize ?? 1000, MOST_ROWS);
  const allTenants = options.acrossTenants === true && booleanParam(params, '_all_tenants', false);
  const include = parseInclude(params);
  if (allTenants) refuseOneByOne(resource, include);
  const keyed = params[resource.key] !== undefined && !allTenants;
  const projection = project(resource, include, keyed ? 'item' : 'list');
  const filters = [
    ...parseFilters(resource, params, options),
    ...parseSearches(params, options),
    ...parseRanges(params, options),
    ...parseSelections(params, options),
  ];
  const sort = parseSort(resource, params, options);
  const query = { shape: projection.shape, filters, sort, offset, size, allTenants };
  return { query, projection, offset, size };
}

/** What is read one by one is read in the caller's tenant, where another thing may have the same id. */
function refuseOneByOne(resource: Resource<string>, include: readonly string[] | null): void {
  const large = (include ?? []).filter((name) => resource.derived?.[name]?.listed === false);
  if (large.length > 0) {
    throw badParameters(`${quoted(large)} cannot be included together with \`_all_tenants\``);
  }
}

/**
 * They narrow a list. Ignored, they would answer with what was not asked for. Any other unknown word that begins with an
 * underscore changes how things are told, and is ignored as the reference server does (docs/cloudify-v3.md).
 */
const UNSUPPORTED = ['_filter_id', '_group_id', '_dependencies_of'];

function refuseUnsupported(
  params: Params,
  { selections = {}, storedFilters = false }: Pick<ListingOptions<string>, 'selections' | 'storedFilters'>,
): void {
  const given = UNSUPPORTED.filter((name) => {
    if (Object.hasOwn(selections, name) || (name === '_filter_id' && storedFilters)) return false;
    return repeated(params, name).some((value) => value !== '');
  });
  if (given.length > 0) throw badParameters(`These query parameters are not supported: ${quoted(given)}`);
}

function parseSelections<Field extends string>(
  params: Params,
  options: ListingOptions<Field>,
): ListFilter<Field>[] {
  return Object.entries(options.selections ?? {}).flatMap(([name, selection]) => {
    const values = repeated(params, name).filter((value) => value !== '');
    return values.length === 0 ? [] : [{ selection, values }];
  });
}

/** `_include=a,b`; null: not given. */
export function parseInclude(params: Params): readonly string[] | null {
  const text = repeated(params, '_include').join(',');
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length === 0 ? null : [...new Set(names)];
}

function parseFilters<Field extends string>(
  resource: Resource<Field>,
  params: Params,
  options: ListingOptions<Field>,
): ListFilter<Field>[] {
  const filters: ListFilter<Field>[] = [];
  for (const name of Object.keys(params)) {
    if (name.startsWith('_')) continue;
    const values = repeated(params, name);
    const special = ownOf(options.filters, name);
    if (special !== undefined) filters.push(special(values));
    else if (Object.hasOwn(resource.fields, name)) filters.push(filterOn(resource, name, values));
    else {
      const allowed = [...Object.keys(resource.fields), ...Object.keys(options.filters ?? {})];
      throw badParameters(
        `Filter keys ${quoted([name])} are not allowed. Allowed filters are: ${quoted(allowed)}`,
      );
    }
  }
  return filters;
}

/** Names come from outside: what an object inherits is none of them. */
function ownOf<T>(table: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The condition that the field, as the wire tells it, equals one of `values`. */
function filterOn<Field extends string>(
  resource: Resource<Field>,
  name: string,
  given: readonly string[],
): ListFilter<Field> {
  const { from, schema } = resource.fields[name]!;
  const isBoolean = 'type' in schema && schema.type === 'boolean';
  const values = isBoolean ? given.map((value) => value.toLowerCase()) : given;
  if (typeof from === 'string') return { field: from, anyOf: values };
  if ('constant' in from) {
    const matches = values.includes(textOf(from.constant));
    // Every row has it, or none: an empty alternative never holds, an excluded nothing always does.
    return matches ? { field: keyField(resource), noneOf: [] } : { either: [] };
  }
  const words = Object.entries(from.words);
  if (values.includes(textOf(from.otherwise ?? null))) {
    return {
      field: from.field,
      noneOf: words.filter(([, word]) => !values.includes(textOf(word))).map(([ours]) => ours),
    };
  }
  return {
    field: from.field,
    anyOf: words.filter(([, word]) => values.includes(textOf(word))).map(([ours]) => ours),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function keyField<Field extends string>(resource: Resource<Field>): Field {
  return fieldOf(resource.fields[resource.key]!.from)!;
}

function fieldOf<Field extends string>(entry: Shown<Field>): Field | null {
  if (typeof entry === 'string') return entry;
  return 'field' in entry ? entry.field : null;
}

function parseSearches<Field extends string>(
  params: Params,
  options: ListingOptions<Field>,
): ListFilter<Field>[] {
  const searches = Object.entries(options.searches).flatMap(([name, field]) => {
    const text = single(params, name);
    if (text === undefined || text === '') return [];
    return [{ field, like: [`%${text.replace(/[\\%_]/g, '\\$&')}%`] }];
  });
  return searches.length === 0 ? [] : [{ either: searches }];
}

function parseRanges<Field extends string>(
  params: Params,
  options: ListingOptions<Field>,
): ListFilter<Field>[] {
  return repeated(params, '_range').map((text) => {
    const parts = text.split(',');
    const [name, from, to] = parts;
    if (parts.length !== 3 || (from === '' && to === '')) {
      throw badParameters(
        `Invalid range "${text}": it must be of the form field,from,to with at least one bound`,
      );
    }
    const field = ownOf(options.ranges, name!.replace(/^@/, ''));
    if (field === undefined) {
      throw badParameters(
        `Invalid range field "${name}". Allowed fields are: ${quoted(Object.keys(options.ranges ?? {}))}`,
      );
    }
    return {
      field,
      ...(from === '' ? {} : { from: timeOf(from!) }),
      ...(to === '' ? {} : { to: timeOf(to!) }),
    };
  });
}

/** A time as ISO 8601 in UTC. Without a zone it is taken as UTC, as the reference server does. */
export function timeOf(text: string): string {
  // A plus sign of a zone arrives as a space when the client did not quote it.
  const repaired = text.trim().replace(/^(.*\d) (\d{2}:?\d{2})$/, '$1+$2');
  const zoned =
    /(z|[+-]\d{2}:?\d{2})$/i.test(repaired) || !/[t ]/i.test(repaired) ? repaired : `${repaired}Z`;
  const time = /^\d{4}-\d{2}-\d{2}/.test(zoned) ? new Date(zoned.replace(' ', 'T')) : new Date(Number.NaN);
  // Beyond the years 1 to 9999 the zone has pushed it, and nothing keeps it there.
  if (Number.isNaN(time.getTime()) || !/^(?!0000)\d{4}-/.test(time.toISOString())) {
    throw badParameters(`"${text}" is not an ISO 8601 time`);
  }
  return time.toISOString();
}

function parseSort<Field extends string>(
  resource: Resource<Field>,
  params: Params,
  options: ListingOptions<Field>,
): SortKey<Field>[] {
  return repeated(params, '_sort')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => {
      // An unquoted plus sign arrives as a space.
      const name = text.replace(/^[-+ ]/, '').replace(/^@/, '');
      const entry = Object.hasOwn(resource.fields, name) ? resource.fields[name]!.from : undefined;
      const field = ownOf(options.sorts, name) ?? (entry === undefined ? undefined : fieldOf(entry));
      if (field === undefined && !hasField(resource, name)) {
        throw badParameters(
          `Cannot sort by \`${name}\`. Allowed fields are: ${quoted(fieldNames(resource))}`,
        );
      }
      // What is the same for every row orders nothing.
      return field === undefined || field === null ? null : { field, descending: text.startsWith('-') };
    })
    .filter((key) => key !== null);
}

/** The body of a list answer. */
export async function listBody<Field extends string>(
  listing: Listing<Field>,
  page: ListPage,
  filtered: number | null = null,
): Promise<string> {
  return envelope(listing, await renderItems(listing.projection, page), page.total, filtered);
}

/** Bodies of pages that the store hands out again for being the same as before. */
const encoded = new WeakMap<ListPage, Buffer>();

/** The same as it is sent: of a page that has not changed, neither put together nor encoded anew. */
export async function encodedListBody<Field extends string>(
  listing: Listing<Field>,
  page: ListPage,
  filtered: number | null = null,
): Promise<Buffer> {
  // What is counted or computed beside it depends on more than the page.
  const ofPageAlone = filtered === null && listing.projection.derived.length === 0;
  const known = ofPageAlone ? encoded.get(page) : undefined;
  if (known !== undefined) return known;
  const body = Buffer.from(await listBody(listing, page, filtered));
  if (ofPageAlone) encoded.set(page, body);
  return body;
}

/**
 * The query with further conditions, and how many rows they remove; null where there are none.
 *
 * @param list the service's list, already bound to its caller
 */
export async function narrowed<Field extends string>(
  { query }: Listing<Field>,
  conditions: readonly ListFilter<Field>[],
  list: (query: ListQuery<Field>) => Promise<{ readonly total: number }>,
): Promise<{ query: ListQuery<Field>; filteredFrom: number | null }> {
  if (conditions.length === 0) return { query, filteredFrom: null };
  const whole = await list({ ...query, shape: {}, offset: 0, size: 0 });
  return { query: { ...query, filters: [...query.filters, ...conditions] }, filteredFrom: whole.total };
}

/** Puts items that are JSON text already into the envelope of a list. */
export function envelope(
  { offset, size }: { readonly offset: number; readonly size: number },
  items: string,
  total: number,
  filtered: number | null = null,
): string {
  const pagination = `{"total":${total},"offset":${offset},"size":${size}}`;
  const removed = filtered === null ? '' : `,"filtered":${filtered}`;
  return `{"items":${items},"metadata":{"pagination":${pagination}${removed}}}`;
}

/**
 * One item as JSON text, told exactly as a list would tell it.
 *
 * @param list the service's list, already bound to its caller
 * @throws CloudifyError 404 when there is none, or none the caller may see
 */
export async function readItem<Field extends string>(
  resource: Resource<Field>,
  params: Params,
  id: string,
  list: (query: ListQuery<Field>) => Promise<ListPage>,
): Promise<string> {
  const projection = project(resource, parseInclude(params), 'item');
  const page = await list({
    shape: projection.shape,
    filters: [{ field: keyField(resource), anyOf: [id] }],
    sort: [],
    offset: 0,
    size: 1,
  });
  if (page.total === 0) throw notFoundAs(resource.name, id);
  return (await renderItems(projection, page)).slice(1, -1);
}
