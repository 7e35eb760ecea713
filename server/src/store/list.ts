/**
 * One page of a collection, written as JSON by PostgreSQL.
 *
 * A room describes its collection once (`ListSpec`: core field -> SQL). A dialect asks with its own words
 * (`ListQuery.shape`: wire name -> core field) and gets the items as JSON text ready to send, so that a page of a
 * thousand rows costs the API process no parsing, no objects and no serialising. Only the fields of the shape are
 * computed. Filters, sorting and search speak core field names; a dialect translates and refuses unknown words first.
 */
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from 'kysely';
import type { TenantScope } from '../caller.js';
import type { Json } from '../dsl/plan.js';
import { ask, type Queryable } from './statement.js';

// Used to compile only; it never connects.
const compiler = new Kysely<Record<string, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

export interface ListField {
  /** SQL expression over the spec's `from`. */
  readonly sql: string;
  /** `time`: rendered `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC. `json`: passed through. */
  readonly type: 'text' | 'integer' | 'boolean' | 'time' | 'json';
}

export interface ListSpec<Field extends string> {
  /** FROM clause with joins, e.g. `deployments d join blueprints b on …`. */
  readonly from: string;
  /**
   * The table that `from` begins with, where it alone decides how many rows there are and the others only decorate. Then,
   * as long as conditions and order look at it alone, rows are counted and the page is chosen on its indexes.
   */
  readonly driver?: Driver;
  readonly fields: Readonly<Record<Field, ListField>>;
  /** Confinement to a tenant and to what the caller may see, given the scope. Never absent: see `ownTenant`. */
  readonly confine: (scope: ListScope) => Confinement;
  readonly defaultSort: readonly SortKey<Field>[];
  /** Unique SQL expression that makes any order total. */
  readonly tieBreak: string;
  /** Fields that `search` looks into, with OR. */
  readonly search: readonly Field[];
}

interface Driver {
  readonly table: string;
  readonly alias: string;
  /** Column that no two rows share. */
  readonly key: string;
  /** Its rows are counted as they come and go (`row_counts`), so nobody needs to count them for a whole tenant. */
  readonly counted?: boolean;
}

export interface ListScope extends TenantScope {
  /** The caller may see every tenant, and asks for them. */
  readonly everyTenant: boolean;
}

/** A condition; or several of which at most one holds for a row, so that each can use an index of its own. */
export type Confinement = RawBuilder<unknown> | readonly RawBuilder<unknown>[];

export interface SortKey<Field extends string> {
  readonly field: Field;
  readonly descending?: boolean;
}

export type ListFilter<Field extends string> =
  /** Equal to any of `values`. */
  | { readonly field: Field; readonly anyOf: readonly string[] }
  /** Equal to none of `values`, or absent. */
  | { readonly field: Field; readonly noneOf: readonly string[] }
  /** Case-insensitive LIKE with the caller's own wildcards, any of `patterns`. A backslash at the end stands for itself. */
  | { readonly field: Field; readonly like: readonly string[] }
  /** From (inclusive) and to (exclusive), as ISO times. */
  | { readonly field: Field; readonly from?: string; readonly to?: string }
  /** At least one of them holds; false when there is none. */
  | { readonly either: readonly ListFilter<Field>[] };

export interface ListQuery<Field extends string> {
  /** Wire name -> core field, in the order of the answer. */
  readonly shape: Readonly<Record<string, Shown<Field>>>;
  readonly filters: readonly ListFilter<Field>[];
  readonly sort: readonly SortKey<Field>[];
  /** Case-insensitive part of a text. */
  readonly search?: string;
  /** Of every tenant, where the caller may see them all; of the caller's own otherwise. */
  readonly allTenants?: boolean;
  readonly offset: number;
  /** null: everything. */
  readonly size: number | null;
}

/**
 * How one member of an item is made: a field as it is, a field whose texts are put into the dialect's words
 * (a text without a word becomes `otherwise`, by default null), or the same value in every item.
 */
export type Shown<Field extends string> = Field | Worded<Field> | { readonly constant: Json };

interface Worded<Field extends string> {
  readonly field: Field;
  readonly words: Readonly<Record<string, Json>>;
  readonly otherwise?: Json;
}

export interface ListPage {
  /** A JSON array. */
  readonly items: string;
  /** Rows that match, on all pages. */
  readonly total: number;
}

/**
 * Rows of the caller's tenant (or of all, for who may see them) that the caller may see: everybody's, but private ones only their creator's; and
 * what other tenants share with all. `alias` needs `tenant_id`, and `visibility` and `created_by` where `shared`.
 */
export function ownTenant(
  alias: string,
  options: { readonly visibility: boolean },
): (scope: ListScope) => readonly RawBuilder<unknown>[] {
  const table = sql.raw(alias);
  return (scope) => {
    if (scope.everyTenant) return [sql`true`];
    const inTenant = sql`${table}.tenant_id = ${scope.tenantId}`;
    if (!options.visibility) return [inTenant];
    return [
      scope.seesPrivate
        ? inTenant
        : sql`${inTenant} and (${table}.visibility <> 'private' or ${table}.created_by = ${scope.userId})`,
      sql`${table}.visibility = 'global' and ${table}.tenant_id <> ${scope.tenantId}`,
    ];
  };
}

export async function listPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: ListQuery<Field>,
): Promise<ListPage> {
  const everyTenant = query.allTenants === true && scope.seesAllTenants === true && scope.seesPrivate;
  const listed: ListScope = { ...scope, everyTenant };
  const confined = spec.confine(listed);
  const branches = Array.isArray(confined) ? confined : [confined as RawBuilder<unknown>];
  const conditions = query.filters.map((filter) => condition(spec, filter));
  if (query.search !== undefined && query.search !== '') {
    const pattern = `%${query.search.replace(/[\\%_]/g, '\\$&')}%`;
    const places = spec.search.map((field) => sql`${sql.raw(spec.fields[field].sql)} ilike ${pattern}`);
    conditions.push(sql`(${sql.join(places, sql` or `)})`);
  }
  const keys = query.sort.length > 0 ? query.sort : spec.defaultSort;
  const sorting: Sorting[] = [
    ...keys.map((key) => ({
      sql: spec.fields[key.field].sql,
      end: key.descending ? ' desc nulls last' : ' asc',
    })),
    { sql: spec.tieBreak, end: keys[0]?.descending ? ' desc' : ' asc' },
  ];
  const parts = driven(spec, query, keys)
    ? chosenFirst(spec.driver!, spec.from, branches, conditions, sorting, query, listed)
    : chosenLast(spec.from, branches, conditions, sorting, query);
  const page = sql<{ items: string; total: number }>`
    select (${parts.total})::integer as total,
           coalesce((select '[' || string_agg(item, ',') || ']' from (
             select ${itemText(spec, query.shape)} as item ${parts.rows}) page), '[]') as items`;
  const compiled = page.compile(compiler);
  const name = preparedName(compiled.sql);
  const { rows } = await ask<{ items: string; total: number }>(db, {
    ...(name === undefined ? {} : { name }),
    text: compiled.sql,
    values: [...compiled.parameters],
  });
  const row = rows[0]!;
  return { items: row.items, total: row.total };
}

/** A connection keeps every statement it has prepared: so many kinds of questions get a name, any further is planned each time. */
const MOST_NAMES = 200;
const preparedNames = new Map<string, string>();

/** Planning a list takes longer than answering it, so what is asked again is prepared. */
function preparedName(text: string): string | undefined {
  let name = preparedNames.get(text);
  if (name === undefined && preparedNames.size < MOST_NAMES) {
    name = `list_${preparedNames.size}`;
    preparedNames.set(text, name);
  }
  return name;
}

interface Sorting {
  readonly sql: string;
  readonly end: string;
}

interface PageParts {
  /** How many rows there are. */
  readonly total: RawBuilder<unknown>;
  /** From FROM to OFFSET: the rows of the page, in order. */
  readonly rows: RawBuilder<unknown>;
}

type Bounds = { readonly offset: number; readonly size: number | null };

/** Joins everything, then chooses: where a condition or the order looks at what decorates. */
function chosenLast(
  from: string,
  branches: readonly RawBuilder<unknown>[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  { offset, size }: Bounds,
): PageParts {
  const confined = sql`(${sql.join(
    branches.map((branch) => sql`(${branch})`),
    sql` or `,
  )})`;
  const where = sql.join([confined, ...conditions], sql` and `);
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  return {
    total: sql`select count(*) from ${sql.raw(from)} where ${where}`,
    rows: sql`from ${sql.raw(from)} where ${where} order by ${order}${limited(size)} offset ${offset}`,
  };
}

/** Chooses the keys of the page on the driver's own indexes, branch by branch, and joins only those. */
function chosenFirst(
  driver: Driver,
  from: string,
  branches: readonly RawBuilder<unknown>[],
  conditions: readonly RawBuilder<unknown>[],
  sorting: readonly Sorting[],
  { offset, size }: Bounds,
  scope: ListScope,
): PageParts {
  const table = sql.raw(`${driver.table} ${driver.alias}`);
  const key = `${driver.alias}.${driver.key}`;
  const wheres = branches.map((branch) => sql.join([sql`(${branch})`, ...conditions], sql` and `));
  const order = sql.raw(sorting.map((one) => one.sql + one.end).join(', '));
  const named = sql.raw(sorting.map((one, place) => `${one.sql} as k${place}`).join(', '));
  const byName = sql.raw(sorting.map((one, place) => `k${place}${one.end}`).join(', '));
  const most = size === null ? null : size + offset;
  const choices = wheres.map(
    (where) =>
      sql`(select ${sql.raw(key)} as chosen, ${named} from ${table} where ${where} order by ${order}${limited(most)})`,
  );
  const chosen = sql`(select chosen from (${sql.join(choices, sql` union all `)}) choice order by ${byName}${limited(size)} offset ${offset})`;
  const decorated = sql.raw(from.slice(`${driver.table} ${driver.alias}`.length));
  const counts = wheres.map((where) => sql`(select count(*) from ${table} where ${where})`);
  // The first branch is the tenant's own rows (or those of all tenants); who sees all of them needs no count of them.
  if (driver.counted === true && scope.seesPrivate && conditions.length === 0) {
    const whose = scope.everyTenant ? sql`` : sql`tenant_id = ${scope.tenantId} and `;
    counts[0] = sql`(select coalesce(sum(difference), 0) from row_counts where ${whose}collection = ${sql.lit(driver.table)})`;
  }
  return {
    total: sql`select ${sql.join(counts, sql` + `)}`,
    rows: sql`from ${chosen} choice join ${table} on ${sql.raw(key)} = choice.chosen ${decorated} order by ${order}`,
  };
}

function limited(size: number | null): RawBuilder<unknown> {
  return size === null ? sql`` : sql` limit ${size}`;
}

/** Whether conditions and order look at the driver alone. */
function driven<Field extends string>(
  spec: ListSpec<Field>,
  query: ListQuery<Field>,
  keys: readonly SortKey<Field>[],
): boolean {
  if (spec.driver === undefined) return false;
  const alias = `${spec.driver.alias}.`;
  const looked = [
    ...query.filters.flatMap(fieldsOf),
    ...(query.search === undefined ? [] : spec.search),
    ...keys.map((key) => key.field),
  ];
  return looked.every((field) => spec.fields[field].sql.startsWith(alias));
}

function fieldsOf<Field extends string>(filter: ListFilter<Field>): readonly Field[] {
  return 'either' in filter ? filter.either.flatMap(fieldsOf) : [filter.field];
}

/**
 * One item as JSON text. Names, constants and punctuation are literals and only values are computed: `json_build_object` looks
 * up the type of each of its arguments for each row, and took three times as long for a deployment.
 */
function itemText<Field extends string>(
  spec: ListSpec<Field>,
  shape: Readonly<Record<string, Shown<Field>>>,
): RawBuilder<unknown> {
  const parts: string[] = [];
  let literal = '{';
  let separator = '';
  for (const [wire, shown] of Object.entries(shape)) {
    literal += `${separator}${JSON.stringify(wire)}:`;
    separator = ',';
    if (typeof shown === 'object' && 'constant' in shown) {
      literal += JSON.stringify(shown.constant);
      continue;
    }
    parts.push(quoted(literal), memberText(spec, shown));
    literal = '';
  }
  parts.push(quoted(`${literal}}`));
  // One piece of text: made of the code's own words, and as a tree of its own it took longer to compile than to answer.
  return sql.raw(`(${parts.join(' || ')})`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The JSON text of one member; never null. */
function memberText<Field extends string>(spec: ListSpec<Field>, shown: Field | Worded<Field>): string {
  if (typeof shown !== 'string') {
    const words = Object.entries(shown.words).map(
      ([text, word]) => `when ${quoted(text)} then ${quoted(JSON.stringify(word))}`,
    );
    const otherwise = quoted(JSON.stringify(shown.otherwise ?? null));
    return `case (${spec.fields[shown.field].sql})::text ${words.join(' ')} else ${otherwise} end`;
  }
  const field = spec.fields[shown];
  switch (field.type) {
    case 'text':
      return `coalesce(to_json(${field.sql})::text, 'null')`;
    case 'time':
      return `coalesce('"' || ${rendered(field)} || '"', 'null')`;
    case 'boolean':
      return `case ${field.sql} when true then 'true' when false then 'false' else 'null' end`;
    default:
      return `coalesce((${field.sql})::text, 'null')`;
  }
}

function condition<Field extends string>(
  spec: ListSpec<Field>,
  filter: ListFilter<Field>,
): RawBuilder<unknown> {
  if ('either' in filter) {
    if (filter.either.length === 0) return sql`false`;
    const alternatives = filter.either.map((one) => sql`(${condition(spec, one)})`);
    return sql`(${sql.join(alternatives, sql` or `)})`;
  }
  const field = spec.fields[filter.field];
  const expression = sql.raw(field.sql);
  const comparable = field.type === 'text' ? expression : sql.raw(`(${rendered(field)})::text`);
  if ('anyOf' in filter) return sql`${comparable} = any(${[...filter.anyOf]}::text[])`;
  if ('noneOf' in filter) {
    return sql`(${comparable} <> all(${[...filter.noneOf]}::text[]) or ${comparable} is null)`;
  }
  if ('like' in filter) {
    return sql`(${sql.join(
      filter.like.map((pattern) => sql`${expression} ilike ${whole(pattern)}`),
      sql` or `,
    )})`;
  }
  const bounds = [
    ...(filter.from === undefined ? [] : [sql`${expression} >= ${filter.from}::timestamptz`]),
    ...(filter.to === undefined ? [] : [sql`${expression} < ${filter.to}::timestamptz`]),
  ];
  return bounds.length === 0 ? sql`true` : sql.join(bounds, sql` and `);
}

/** PostgreSQL refuses a pattern whose last character escapes nothing. */
function whole(pattern: string): string {
  let end = pattern.length;
  while (pattern[end - 1] === '\\') end -= 1;
  return (pattern.length - end) % 2 === 0 ? pattern : `${pattern}\\`;
}

function rendered(field: ListField): string {
  if (field.type !== 'time') return field.sql;
  return `to_char(${field.sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
