/** Conditions of lists: what filters may ask, and the SQL that answers. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantId } from '../ids.js';
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

/** @param tenant whose rows alone are asked for; null: those of all */
export function condition<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
  tenant: TenantId | null = null,
): RawBuilder<unknown> {
  if ('either' in filter) {
    if (filter.either.length === 0) return sql`false`;
    const alternatives = filter.either.map((one) => sql`(${condition(spec, one, tenant)})`);
    return sql`(${sql.join(alternatives, sql` or `)})`;
  }
  if ('all' in filter) {
    if (filter.all.length === 0) return sql`true`;
    return sql`(${sql.join(
      filter.all.map((one) => condition(spec, one, tenant)),
      sql` and `,
    )})`;
  }
  if ('not' in filter) return sql`not coalesce((${condition(spec, filter.not, tenant)}), false)`;
  if ('selection' in filter) {
    const selection = spec.selections?.[filter.selection];
    if (selection === undefined) throw new Error(`no selection ${filter.selection}`);
    return selection(filter.values);
  }
  const field = spec.fields[filter.field];
  if (field.via !== undefined && asksVia(filter)) return ofAnother(field, field.via, filter, tenant);
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
  via: Via,
  filter: Extract<ListFilter<Field>, { field: Field }>,
  tenant: TenantId | null,
): RawBuilder<unknown> {
  const key = sql.raw(via.key);
  if ('lookup' in filter && filter.lookup === 'isnull') {
    return filter.value === 'true' ? sql`${key} is null` : sql`${key} is not null`;
  }
  return sql`${key} in (${rowsThere(type, via, filter, tenant)})`;
}

/** Keys of the other table's rows for which it holds. */
function rowsThere<Field extends string>(
  type: ListField['type'],
  { table, id, column, ofTenant }: Via,
  filter: Extract<ListFilter<Field>, { field: Field }>,
  tenant: TenantId | null,
): RawBuilder<unknown> {
  const there = { [filter.field]: { sql: `v.${column}`, type } } as ListFields<Field>;
  const found = condition({ fields: there }, filter, tenant);
  const pin = ofTenant === true && tenant !== null ? sql`v.tenant_id = ${tenant} and ` : sql``;
  return sql`select ${sql.raw(`v.${id} from ${table} v`)} where ${pin}${found}`;
}

/** Rows of another table that lead to those of the driver: its `key` is one of `found`. */
export interface Lead {
  readonly key: string;
  readonly found: RawBuilder<unknown>;
}

/** null: the condition is not of another table, or looking there first is not worth it. */
export function leadOf<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
  tenant: TenantId | null,
): Lead | null {
  if (!('field' in filter) || !asksVia(filter)) return null;
  const { type, via } = spec.fields[filter.field];
  if (via?.leads === undefined) return null;
  const equal = 'lookup' in filter ? filter.lookup === 'exact' || filter.lookup === 'iexact' : true;
  const leads = equal || (via.leads === 'always' && 'lookup' in filter && filter.lookup !== 'isnull');
  return leads ? { key: via.key, found: rowsThere(type, via, filter, tenant) } : null;
}

/** Whether a condition looks at the driver alone, whose columns begin with `alias`. */
export function looksAtDriver<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
  alias: string,
): boolean {
  return looksAtColumns(spec, filter, (column) => column.startsWith(alias), true);
}

/** @param selections whether the conditions beyond the fields do */
export function looksAtColumns<Field extends string>(
  spec: Conditional<Field>,
  filter: ListFilter<Field>,
  isOne: (column: string) => boolean,
  selections: boolean,
): boolean {
  const does = (one: ListFilter<Field>) => looksAtColumns(spec, one, isOne, selections);
  if ('either' in filter) return filter.either.every(does);
  if ('all' in filter) return filter.all.every(does);
  if ('not' in filter) return does(filter.not);
  if ('selection' in filter) return selections;
  const { sql: column, via } = spec.fields[filter.field];
  return isOne(column) || (via !== undefined && isOne(via.key) && asksVia(filter));
}

/** PostgreSQL refuses a pattern whose last character escapes nothing. */
function whole(pattern: string): string {
  let end = pattern.length;
  while (pattern[end - 1] === '\\') end -= 1;
  return (pattern.length - end) % 2 === 0 ? pattern : `${pattern}\\`;
}
