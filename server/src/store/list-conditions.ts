/** Conditions of lists: what filters may ask, and the SQL that answers. */
import { type RawBuilder, sql } from 'kysely';
import { type ListField, type ListFields, rendered, type Via } from './item-text.js';
import { isPattern, type LookedUp, lookedUp } from './list-lookups.js';

/** What conditions are made of. */
export interface Conditional<Field extends string> {
  readonly fields: ListFields<Field>;
  /** Conditions beyond the fields, by name; they look at the driver alone. */
  readonly selections?: Readonly<Record<string, (values: readonly string[]) => RawBuilder<unknown>>>;
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
  /** Compared as the lookup says. */
  | LookedUp<Field>
  /** One of the spec's `selections`. */
  | { readonly selection: string; readonly values: readonly string[] }
  /** It does not hold, or cannot be told. */
  | { readonly not: ListFilter<Field> }
  | { readonly all: readonly ListFilter<Field>[] }
  /** At least one of them holds; false when there is none. */
  | { readonly either: readonly ListFilter<Field>[] };

/** The fields that a filter looks at. */
export function fieldsOf<Field extends string>(filter: ListFilter<Field>): readonly Field[] {
  if ('either' in filter) return filter.either.flatMap(fieldsOf);
  if ('all' in filter) return filter.all.flatMap(fieldsOf);
  if ('selection' in filter) return [];
  return 'not' in filter ? fieldsOf(filter.not) : [filter.field];
}

export function condition<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
): RawBuilder<unknown> {
  if ('either' in filter) {
    if (filter.either.length === 0) return sql`false`;
    const alternatives = filter.either.map((one) => sql`(${condition(spec, one)})`);
    return sql`(${sql.join(alternatives, sql` or `)})`;
  }
  if ('all' in filter) {
    if (filter.all.length === 0) return sql`true`;
    return sql`(${sql.join(
      filter.all.map((one) => condition(spec, one)),
      sql` and `,
    )})`;
  }
  if ('not' in filter) return sql`not coalesce((${condition(spec, filter.not)}), false)`;
  if ('selection' in filter) {
    const selection = spec.selections?.[filter.selection];
    if (selection === undefined) throw new Error(`no selection ${filter.selection}`);
    return selection(filter.values);
  }
  const field = spec.fields[filter.field];
  if (field.via !== undefined && asksVia(filter)) return ofAnother(field, field.via, filter);
  if ('lookup' in filter) return lookedUp(field, filter);
  const expression = sql.raw(field.sql);
  const comparable =
    field.type === 'text' || field.type === 'name' ? expression : sql.raw(`(${rendered(field)})::text`);
  // One value by itself tells the planner that an index finds one row, so that it need not plan anew for each value.
  if ('anyOf' in filter && filter.anyOf.length === 1) return sql`${comparable} = ${filter.anyOf[0]}`;
  if ('anyOf' in filter) return sql`${comparable} = any(${[...filter.anyOf]}::text[])`;
  if ('noneOf' in filter) {
    return sql`(${comparable} <> all(${[...filter.noneOf]}::text[]) or ${comparable} is null)`;
  }
  if ('like' in filter) {
    return sql`(${sql.join(
      filter.like.map((pattern) => sql`${comparable} ilike ${whole(pattern)}`),
      sql` or `,
    )})`;
  }
  const bounds = [
    ...(filter.from === undefined ? [] : [sql`${expression} >= ${filter.from}::timestamptz`]),
    ...(filter.to === undefined ? [] : [sql`${expression} < ${filter.to}::timestamptz`]),
  ];
  return bounds.length === 0 ? sql`true` : sql.join(bounds, sql` and `);
}

/**
 * Whether how many rows a filter finds depends on its value above all: some parts of names are in every name, others in none. A plan
 * that was made for one value is no plan for another.
 */
export function asksParts<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
): boolean {
  if ('either' in filter) return filter.either.some((one) => asksParts(spec, one));
  if ('all' in filter) return filter.all.some((one) => asksParts(spec, one));
  if ('not' in filter) return asksParts(spec, filter.not);
  return 'lookup' in filter && isPattern(filter.lookup) && spec.fields[filter.field].via === undefined;
}

/** What can be asked of the other table alone. */
function asksVia(filter: object): boolean {
  return 'lookup' in filter || 'anyOf' in filter;
}

function ofAnother<Field extends string>(
  { type }: ListField,
  { key, table, id, column }: Via,
  filter: Extract<ListFilter<Field>, { field: Field }>,
): RawBuilder<unknown> {
  const { field } = filter;
  if ('lookup' in filter && filter.lookup === 'isnull') {
    return filter.value === 'true' ? sql`${sql.raw(key)} is null` : sql`${sql.raw(key)} is not null`;
  }
  const there = { [field]: { sql: `v.${column}`, type } } as ListFields<Field>;
  const found = condition({ fields: there }, filter);
  return sql`${sql.raw(key)} in (select ${sql.raw(`v.${id} from ${table} v`)} where ${found})`;
}

/** Whether a condition looks at the driver alone, whose columns begin with `alias`. */
export function looksAtDriver<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
  alias: string,
): boolean {
  if ('either' in filter) return filter.either.every((one) => looksAtDriver(spec, one, alias));
  if ('all' in filter) return filter.all.every((one) => looksAtDriver(spec, one, alias));
  if ('not' in filter) return looksAtDriver(spec, filter.not, alias);
  if ('selection' in filter) return true;
  const { sql: column, via } = spec.fields[filter.field];
  return column.startsWith(alias) || (via?.key.startsWith(alias) === true && asksVia(filter));
}

/** PostgreSQL refuses a pattern whose last character escapes nothing. */
function whole(pattern: string): string {
  let end = pattern.length;
  while (pattern[end - 1] === '\\') end -= 1;
  return (pattern.length - end) % 2 === 0 ? pattern : `${pattern}\\`;
}
