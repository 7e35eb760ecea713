/**
 * Comparisons of one field of a list with one value: equal, contains, greater, in a year, by a pattern.
 *
 * The lookup says how, the field's type says of what. Values are arguments of the statement, never part of its text. Whoever asks has
 * seen to it that the value fits the type (a number for an integer, a time for a time): see `lookupsOf`.
 */
import { type RawBuilder, sql } from 'kysely';
import type { ListField } from './item-text.js';

export const LOOKUPS = [
  'exact',
  'iexact',
  'contains',
  'icontains',
  'startswith',
  'istartswith',
  'endswith',
  'iendswith',
  'gt',
  'gte',
  'lt',
  'lte',
  'year',
  'month',
  'day',
  'week_day',
  'hour',
  'minute',
  'second',
  'date',
  'isnull',
  'regex',
  'iregex',
] as const;
export type Lookup = (typeof LOOKUPS)[number];

export interface LookedUp<Field extends string> {
  readonly field: Field;
  readonly lookup: Lookup;
  /** As the type of the field has it: a number in digits, `true` or `false`, an ISO time; for `isnull` a boolean. */
  readonly value: string;
  /** Of parts of times: the zone in which they are told, e.g. `Europe/Rome`. */
  readonly zone?: string;
}

const TEXTS: readonly Lookup[] = [
  'exact',
  'iexact',
  'contains',
  'icontains',
  'startswith',
  'istartswith',
  'endswith',
  'iendswith',
  'regex',
  'iregex',
];
const ORDERED: readonly Lookup[] = ['gt', 'gte', 'lt', 'lte'];
const PARTS: Readonly<Partial<Record<Lookup, RawBuilder<unknown>>>> = {
  year: sql`year`,
  month: sql`month`,
  day: sql`day`,
  week_day: sql`dow`,
  hour: sql`hour`,
  minute: sql`minute`,
  second: sql`second`,
};
const SIGNS: Readonly<Partial<Record<Lookup, RawBuilder<unknown>>>> = {
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`,
};

/** Whether a text is compared with a pattern. */
export function isPattern(lookup: Lookup): boolean {
  return TEXTS.includes(lookup) && lookup !== 'exact' && lookup !== 'iexact';
}

/** Lookups that a field of this type knows. */
export function lookupsOf(type: ListField['type']): readonly Lookup[] {
  switch (type) {
    case 'boolean':
      return ['exact', 'iexact', 'isnull'];
    case 'time':
      return ['exact', ...ORDERED, ...(Object.keys(PARTS) as Lookup[]), 'date', 'isnull'];
    case 'integer':
      return [...TEXTS, ...ORDERED, 'isnull'];
    case 'json':
      return ['isnull'];
    default:
      return [...TEXTS, ...ORDERED, 'isnull'];
  }
}

/** The condition in SQL. Equality of texts, and what begins with i, is without regard to case. */
export function lookedUp(
  field: ListField,
  { lookup, value, zone = 'UTC' }: LookedUp<string>,
): RawBuilder<unknown> {
  const column = sql.raw(`(${field.sql})`);
  if (lookup === 'isnull') return value === 'true' ? sql`${column} is null` : sql`${column} is not null`;
  if (field.type === 'boolean') return sql`${column} = ${value}::boolean`;
  if (field.type === 'time') return ofTime(column, lookup, value, zone);
  const sign = SIGNS[lookup];
  if (field.type === 'integer') {
    if (sign !== undefined) return sql`${column} ${sign} ${value}::numeric`;
    if (lookup === 'exact' || lookup === 'iexact') return sql`${column} = ${value}::numeric`;
    return ofText(sql`${column}::text`, lookup, value);
  }
  if (sign !== undefined) return sql`${column} ${sign} ${value}`;
  return ofText(column, lookup, value);
}

function ofText(column: RawBuilder<unknown>, lookup: Lookup, value: string): RawBuilder<unknown> {
  switch (lookup) {
    case 'exact':
    case 'iexact':
      return sql`lower(${column}) = lower(${value})`;
    // Patterns, not functions: an index of parts of texts answers them, where there is one.
    case 'contains':
      return sql`${column} like ${`%${literally(value)}%`}`;
    case 'icontains':
      return sql`${column} ilike ${`%${literally(value)}%`}`;
    case 'startswith':
      return sql`${column} like ${`${literally(value)}%`}`;
    case 'istartswith':
      return sql`${column} ilike ${`${literally(value)}%`}`;
    case 'endswith':
      return sql`${column} like ${`%${literally(value)}`}`;
    case 'iendswith':
      return sql`${column} ilike ${`%${literally(value)}`}`;
    case 'regex':
      return sql`${column} ~ ${value}`;
    default:
      return sql`${column} ~* ${value}`;
  }
}

/** As part of a pattern that means itself. */
function literally(value: string): string {
  return value.replace(/[\\%_]/g, '\\$&');
}

function ofTime(
  column: RawBuilder<unknown>,
  lookup: Lookup,
  value: string,
  zone: string,
): RawBuilder<unknown> {
  const sign = SIGNS[lookup];
  if (sign !== undefined) return sql`${column} ${sign} ${value}::timestamptz`;
  const local = sql`(${column} at time zone ${zone})`;
  if (lookup === 'date') return sql`${local}::date = ${value}::date`;
  // What is told without a fraction of a second means the whole second.
  if (lookup === 'exact')
    return sql`date_trunc('second', ${column}) = date_trunc('second', ${value}::timestamptz)`;
  const part = sql`floor(extract(${PARTS[lookup]!} from ${local}))`;
  // A week begins on Sunday, with 1.
  return lookup === 'week_day' ? sql`${part} + 1 = ${value}::numeric` : sql`${part} = ${value}::numeric`;
}
