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
  /** The one table of `from` that decides how many rows there are, e.g. `deployments d`; the others only decorate. */
  readonly counted?: string;
  readonly fields: Readonly<Record<Field, ListField>>;
  /** Confinement to a tenant and to what the caller may see, given the scope. Never absent: see `ownTenant`. */
  readonly confine: (scope: TenantScope) => RawBuilder<unknown>;
  readonly defaultSort: readonly SortKey<Field>[];
  /** Unique SQL expression that makes any order total. */
  readonly tieBreak: string;
  /** Fields that `search` looks into, with OR. */
  readonly search: readonly Field[];
}

export interface SortKey<Field extends string> {
  readonly field: Field;
  readonly descending?: boolean;
}

export type ListFilter<Field extends string> =
  /** Equal to any of `values`. */
  | { readonly field: Field; readonly anyOf: readonly string[] }
  /** Equal to none of `values`, or absent. */
  | { readonly field: Field; readonly noneOf: readonly string[] }
  /** Case-insensitive LIKE with the caller's own wildcards, any of `patterns`. */
  | { readonly field: Field; readonly like: readonly string[] }
  /** From (inclusive) and to (exclusive), as ISO times. */
  | { readonly field: Field; readonly from?: string; readonly to?: string }
  /** At least one of them holds; false when there is none. */
  | { readonly either: readonly ListFilter<Field>[] };

export interface ListQuery<Field extends string> {
  /** Wire name -> core field, in the order of the answer. At most 50 names. */
  readonly shape: Readonly<Record<string, Shown<Field>>>;
  readonly filters: readonly ListFilter<Field>[];
  readonly sort: readonly SortKey<Field>[];
  /** Case-insensitive part of a text. */
  readonly search?: string;
  readonly offset: number;
  /** null: everything. */
  readonly size: number | null;
}

/**
 * How one member of an item is made: a field as it is, a field whose texts are put into the dialect's words
 * (a text without a word becomes `otherwise`, by default null), or the same value in every item.
 */
export type Shown<Field extends string> =
  | Field
  | { readonly field: Field; readonly words: Readonly<Record<string, Json>>; readonly otherwise?: Json }
  | { readonly constant: Json };

export interface ListPage {
  /** A JSON array. */
  readonly items: string;
  /** Rows that match, on all pages. */
  readonly total: number;
}

/**
 * Rows of the caller's tenant that the caller may see: everybody's, but private ones only their creator's; and
 * what other tenants share with all. `alias` needs `tenant_id`, and `visibility` and `created_by` where `shared`.
 */
export function ownTenant(
  alias: string,
  options: { readonly visibility: boolean },
): (scope: TenantScope) => RawBuilder<unknown> {
  const table = sql.raw(alias);
  return (scope) => {
    if (!options.visibility) return sql`${table}.tenant_id = ${scope.tenantId}`;
    const own = scope.seesPrivate
      ? sql`${table}.tenant_id = ${scope.tenantId}`
      : sql`${table}.tenant_id = ${scope.tenantId} and (${table}.visibility <> 'private' or ${table}.created_by = ${scope.userId})`;
    return sql`((${own}) or ${table}.visibility = 'global')`;
  };
}

export async function listPage<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: ListQuery<Field>,
): Promise<ListPage> {
  const conditions = [spec.confine(scope), ...query.filters.map((filter) => condition(spec, filter))];
  if (query.search !== undefined && query.search !== '') {
    const pattern = `%${query.search.replace(/[\\%_]/g, '\\$&')}%`;
    const places = spec.search.map((field) => sql`${sql.raw(spec.fields[field].sql)} ilike ${pattern}`);
    conditions.push(sql`(${sql.join(places, sql` or `)})`);
  }
  const where = sql.join(conditions, sql` and `);
  const from = sql.raw(spec.from);

  const keys = query.sort.length > 0 ? query.sort : spec.defaultSort;
  const order = sql.join([
    ...keys.map(
      (key) =>
        sql`${sql.raw(spec.fields[key.field].sql)} ${sql.raw(key.descending ? 'desc nulls last' : 'asc')}`,
    ),
    sql.raw(spec.tieBreak + (keys[0]?.descending ? ' desc' : '')),
  ]);
  // Key and value in turn; names go in as literals so that PostgreSQL plans one constant row constructor.
  const columns = sql.join(
    Object.entries(query.shape).map(([wire, shown]) => sql`${sql.lit(wire)}, ${member(spec, shown)}`),
  );
  const limit = query.size === null ? sql`` : sql` limit ${query.size}`;
  const page = sql<{ items: string; total: number }>`
    select (select count(*) from ${sql.raw(countedFrom(spec, query))} where ${where})::integer as total,
           coalesce((select '[' || string_agg(item, ',') || ']' from (
             select json_build_object(${columns})::text as item from ${from} where ${where}
             order by ${order}${limit} offset ${query.offset}) page), '[]') as items`;
  const compiled = page.compile(compiler);
  const { rows } = await ask<{ items: string; total: number }>(db, {
    text: compiled.sql,
    values: [...compiled.parameters],
  });
  const row = rows[0]!;
  return { items: row.items, total: row.total };
}

/** The joins are left out of the count where no condition looks at them. */
function countedFrom<Field extends string>(spec: ListSpec<Field>, query: ListQuery<Field>): string {
  if (spec.counted === undefined) return spec.from;
  const alias = `${spec.counted.split(' ').at(-1)}.`;
  const looked = [...query.filters.flatMap(fieldsOf), ...(query.search === undefined ? [] : spec.search)];
  return looked.every((field) => spec.fields[field].sql.startsWith(alias)) ? spec.counted : spec.from;
}

function fieldsOf<Field extends string>(filter: ListFilter<Field>): readonly Field[] {
  return 'either' in filter ? filter.either.flatMap(fieldsOf) : [filter.field];
}

function member<Field extends string>(spec: ListSpec<Field>, shown: Shown<Field>): RawBuilder<unknown> {
  if (typeof shown === 'string') return sql.raw(rendered(spec.fields[shown]));
  if ('constant' in shown) return sql`${sql.lit(JSON.stringify(shown.constant))}::json`;
  const word = sql`${sql.lit(JSON.stringify(shown.words))}::jsonb -> (${sql.raw(spec.fields[shown.field].sql)})::text`;
  if (shown.otherwise === undefined) return word;
  return sql`coalesce(${word}, ${sql.lit(JSON.stringify(shown.otherwise))}::jsonb)`;
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
      filter.like.map((pattern) => sql`${expression} ilike ${pattern}`),
      sql` or `,
    )})`;
  }
  const bounds = [
    ...(filter.from === undefined ? [] : [sql`${expression} >= ${filter.from}::timestamptz`]),
    ...(filter.to === undefined ? [] : [sql`${expression} < ${filter.to}::timestamptz`]),
  ];
  return bounds.length === 0 ? sql`true` : sql.join(bounds, sql` and `);
}

function rendered(field: ListField): string {
  if (field.type !== 'time') return field.sql;
  return `to_char(${field.sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
