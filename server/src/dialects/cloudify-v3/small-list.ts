/** Lists that are not in the store, or hold a handful of rows: chosen, ordered and cut in memory, by the words of all lists. */
import type { TProperties } from 'typebox';
import Type from 'typebox';
import { badParameters, CloudifyError } from './errors.js';
import { countParam, type Params, repeated } from './lenient.js';
import { envelope, parseInclude } from './listing.js';
import { quoted } from './resource.js';

export type Item = Readonly<Record<string, unknown>>;

const MOST = 100_000;
const PAGE = 1000;

/**
 * The body of a list of `items`, of which each has all `fields`.
 *
 * @throws CloudifyError for filters, orders and fields that are not theirs
 */
export function smallList(items: readonly Item[], fields: readonly string[], params: Params): string {
  const filters = Object.keys(params).filter((name) => !name.startsWith('_'));
  for (const name of filters) {
    if (!fields.includes(name)) {
      throw badParameters(
        `Filter keys ${quoted([name])} are not allowed. Allowed filters are: ${quoted(fields)}`,
      );
    }
  }
  const chosen = items.filter((item) =>
    filters.every((name) => repeated(params, name).includes(textOf(item[name]))),
  );
  const offset = countParam(params, '_offset', 0, Number.MAX_SAFE_INTEGER);
  const size = countParam(params, '_size', PAGE, MOST);
  const page = ordered(chosen, fields, params).slice(offset, offset + size);
  const told = page.map((item) => pick(item, params, fields));
  return envelope({ offset, size }, JSON.stringify(told), chosen.length);
}

/**
 * `_include` over one thing. What is not to be told unless it is asked for is in `fields` and not in `value`.
 *
 * @throws CloudifyError `no_such_include_field_error`
 */
export function pick(value: Item, params: Params, fields: readonly string[] = Object.keys(value)): Item {
  const include = parseInclude(params);
  if (include === null) return value;
  const unknown = include.filter((name) => !fields.includes(name));
  if (unknown.length > 0) {
    throw new CloudifyError(
      400,
      'no_such_include_field_error',
      `Illegal include fields: ${quoted(unknown)}. Allowed fields are: ${quoted(fields)}`,
    );
  }
  return Object.fromEntries(include.map((name) => [name, value[name]]));
}

function ordered(items: readonly Item[], fields: readonly string[], params: Params): readonly Item[] {
  const keys = repeated(params, '_sort')
    .flatMap((text) => text.split(','))
    .filter((text) => text !== '')
    .map((text) => ({ name: text.replace(/^[-+ ]/, ''), sign: text.startsWith('-') ? -1 : 1 }));
  for (const { name } of keys) {
    if (!fields.includes(name)) {
      throw badParameters(`Cannot sort by ${quoted([name])}. Allowed fields are: ${quoted(fields)}`);
    }
  }
  return [...items].sort((left, right) => {
    for (const { name, sign } of keys) {
      const order = compare(left[name], right[name]);
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [a, b] = [textOf(left), textOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** The query of such a list, for the published description. */
export function smallListQuery(fields: readonly string[]): TProperties {
  const text = Type.Optional(Type.String());
  return Object.fromEntries(['_include', '_sort', '_size', '_offset', ...fields].map((name) => [name, text]));
}
