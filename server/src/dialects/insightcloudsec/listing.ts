/**
 * Options of lists, from a body or a query (specs: insightcloudsec.md §5), put into the core's words.
 *
 * Every word is checked before the core hears of it: a filter that is passed over would answer with what was not asked for.
 */
import type { ListFilter, ListQuery, SortKey } from '../../store/list.js';
import { invalidInput } from './errors.js';

/** How a scalar member of a row is looked up. */
export type WireField<Field extends string> =
  | { readonly field: Field; readonly as?: 'text' | 'integer' | 'boolean' | 'time' }
  /** Core word -> word of the wire. */
  | { readonly field: Field; readonly words: Readonly<Record<string, string>> };

export type WireFields<Field extends string> = Readonly<Record<string, WireField<Field>>>;

export interface ListOptions {
  readonly filters?: readonly unknown[];
  readonly limit?: number | string;
  readonly offset?: number | string;
  readonly order_by?: string;
}

/** More rows than this are never answered at once. */
export const MOST_ROWS = 10_000;

export type Selection<Field extends string> = Pick<ListQuery<Field>, 'filters' | 'sort' | 'offset' | 'size'>;

/** @param most rows of a page; also how many there are when nobody says */
export function parseListOptions<Field extends string>(
  options: ListOptions,
  fields: WireFields<Field>,
  { most = MOST_ROWS, usual = most }: { readonly most?: number; readonly usual?: number } = {},
): Selection<Field> {
  return {
    filters: (options.filters ?? []).map((each) => filterOf(each, fields)),
    sort: sortOf(options.order_by, fields),
    offset: count('offset', options.offset, 0, Number.MAX_SAFE_INTEGER),
    size: Math.min(count('limit', options.limit, usual, Number.MAX_SAFE_INTEGER), most),
  };
}

export function count(name: string, given: number | string | undefined, usual: number, most: number): number {
  if (given === undefined || given === '') return usual;
  const text = String(given).trim();
  if (/^\d{1,15}$/.test(text) && Number(text) <= most) return Number(text);
  throw invalidInput(name, `${name} must be a whole number from 0, not ${text.slice(0, 50)}`);
}

function sortOf<Field extends string>(text: string | undefined, fields: WireFields<Field>): SortKey<Field>[] {
  if (text === undefined || text.trim() === '') return [];
  const [name = '', direction = 'ASC', ...rest] = text.trim().split(/\s+/);
  if (rest.length > 0 || !/^(asc|desc)$/i.test(direction)) {
    throw invalidInput('order_by', `order_by is a field and ASC or DESC, not "${text.slice(0, 100)}"`);
  }
  return [{ field: fieldOf('order_by', name, fields).field, descending: /^desc$/i.test(direction) }];
}

function fieldOf<Field extends string>(
  where: string,
  name: string,
  fields: WireFields<Field>,
): WireField<Field> {
  const found = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (found !== undefined) return found;
  throw invalidInput(
    where,
    `There is no field "${name.slice(0, 100)}" to look at; known are: ${Object.keys(fields).join(', ')}`,
  );
}

function filterOf<Field extends string>(given: unknown, fields: WireFields<Field>): ListFilter<Field> {
  const {
    field_name: name,
    filter_type: type,
    filter_value: value,
  } = (given ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof type !== 'string') {
    throw invalidInput('filters', 'A filter is an object of field_name, filter_type and filter_value');
  }
  const field = fieldOf('filters', name, fields);
  const texts = textsOf(value);
  switch (type.toUpperCase()) {
    case 'EXACT':
      return equals(field, texts.slice(0, 1));
    case 'NOT_EXACT':
      return { not: equals(field, texts.slice(0, 1)) };
    case 'IN':
      return equals(field, texts);
    case 'CONTAINS':
      return like(
        field,
        texts[0]!,
        (text) => `%${text}%`,
        (word, part) => word.includes(part),
      );
    case 'STARTS_WITH':
      return like(
        field,
        texts[0]!,
        (text) => `${text}%`,
        (word, part) => word.startsWith(part),
      );
    default:
      throw invalidInput(
        'filters',
        `"${type.slice(0, 50)}" is no filter_type: EXACT, CONTAINS, STARTS_WITH, NOT_EXACT, IN are`,
      );
  }
}

function textsOf(value: unknown): string[] {
  const values = Array.isArray(value) ? value : [value];
  const texts = values.map((each) => {
    if (['string', 'number', 'boolean'].includes(typeof each)) return String(each);
    throw invalidInput('filters', 'A filter_value is a text, a number, a boolean or a list of them');
  });
  if (texts.length === 0 || texts.length > 1000) {
    throw invalidInput('filters', 'A list of filter values has 1 to 1000 of them');
  }
  return texts;
}

function equals<Field extends string>(field: WireField<Field>, texts: readonly string[]): ListFilter<Field> {
  if ('words' in field)
    return { field: field.field, anyOf: coreWords(field.words, (word) => texts.includes(word)) };
  if (field.as !== 'time') return { field: field.field, anyOf: texts };
  return {
    either: texts.map((text) =>
      like(
        field,
        text,
        (one) => `${one}%`,
        () => false,
      ),
    ),
  };
}

function like<Field extends string>(
  field: WireField<Field>,
  text: string,
  pattern: (escaped: string) => string,
  fits: (word: string, part: string) => boolean,
): ListFilter<Field> {
  if ('words' in field) {
    const part = text.toLowerCase();
    return { field: field.field, anyOf: coreWords(field.words, (word) => fits(word.toLowerCase(), part)) };
  }
  // Times are kept as ISO 8601 writes them, with a T between date and time.
  const own = field.as === 'time' ? text.trim().replace(' ', 'T') : text;
  return { field: field.field, like: [pattern(own.replace(/[\\%_]/g, '\\$&'))] };
}

function coreWords(words: Readonly<Record<string, string>>, fits: (word: string) => boolean): string[] {
  return Object.entries(words).flatMap(([core, word]) => (fits(word) ? [core] : []));
}
