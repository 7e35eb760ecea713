/**
 * `filter=key:value;key:value`: Django's lookups, as conditions of a list (specs: cloudbolt.md §3.2). Pure.
 *
 * What is not understood is refused, never passed over: a list that is longer than it was asked for is believed.
 */
import type { ListFilter } from '../../store/list.js';
import { readDay, readTime, ZONE } from './dates.js';
import { badRequest } from './errors.js';
import { readKey } from './hrefs.js';
import { findPath, type Path, type Paths } from './paths.js';

/** In the store's words, which are the same. */
type Lookup = Extract<ListFilter<string>, { lookup: unknown }>['lookup'];

const TEXT: readonly Lookup[] = [
  ...(['exact', 'iexact', 'contains', 'icontains', 'startswith', 'istartswith'] as const),
  ...(['endswith', 'iendswith', 'regex', 'iregex'] as const),
];
const ORDERED: readonly Lookup[] = ['gt', 'gte', 'lt', 'lte'];
const PARTS: readonly Lookup[] = ['year', 'month', 'day', 'week_day', 'hour', 'minute', 'second'];
const OF_TYPE: Readonly<Record<Path<string>['type'], readonly Lookup[]>> = {
  text: [...TEXT, ...ORDERED, 'isnull'],
  integer: [...TEXT, ...ORDERED, 'isnull'],
  boolean: ['exact', 'iexact', 'isnull'],
  time: ['exact', ...ORDERED, ...PARTS, 'date', 'isnull'],
};
const KNOWN = new Set<string>([...TEXT, ...ORDERED, ...PARTS, 'date', 'isnull']);

const MOST_CONDITIONS = 50;
const LONGEST_VALUE = 1000;
/** Longer patterns can keep a database busy. */
const LONGEST_PATTERN = 200;

/** @throws CloudBoltError 400 */
export function readFilter<Field extends string>(
  paths: Paths<Field>,
  given: string,
): readonly ListFilter<Field>[] {
  const segments = given.split(';').filter((segment) => segment.trim() !== '');
  if (segments.length > MOST_CONDITIONS)
    throw badRequest(`A filter has at most ${MOST_CONDITIONS} conditions`);
  return segments.map((segment) => {
    const colon = segment.indexOf(':');
    if (colon === -1) throw badRequest(`Invalid filter '${short(segment)}': it should be key:value`);
    const value = segment.slice(colon + 1);
    if (value.length > LONGEST_VALUE)
      throw badRequest(`Values of filters have at most ${LONGEST_VALUE} characters`);
    if (value.includes('\0')) throw badRequest('A NUL character is not allowed');
    return conditionOf(paths, segment.slice(0, colon).trim(), value);
  });
}

function conditionOf<Field extends string>(
  paths: Paths<Field>,
  key: string,
  value: string,
): ListFilter<Field> {
  const whole = findPath(paths, key);
  if (whole !== null) return compared(whole, 'exact', key, value);
  const steps = key.replaceAll('__', '.').split('.');
  const last = steps.pop()!.replaceAll('-', '_').toLowerCase();
  const path = findPath(paths, steps.join('.'));
  if (path === null) {
    const choices = Object.keys(paths).sort().join(', ');
    const word = short(steps.length === 0 || KNOWN.has(last) ? (steps[0] ?? key) : key);
    throw badRequest(`Cannot resolve keyword '${word}' into field. Choices are: ${choices}`);
  }
  if (!KNOWN.has(last) || !OF_TYPE[path.type].includes(last as Lookup)) {
    throw badRequest(`Unsupported lookup '${short(last)}' for '${short(steps.join('.'))}'`);
  }
  return compared(path, last as Lookup, key, value);
}

function compared<Field extends string>(
  path: Path<Field>,
  lookup: Lookup,
  key: string,
  value: string,
): ListFilter<Field> {
  const { field } = path;
  if (lookup === 'isnull') return { field, lookup, value: flag(key, value) };
  if (lookup === 'regex' || lookup === 'iregex') checkPattern(value);
  if (path.words !== undefined && TEXT.includes(lookup)) return amongWords(path, lookup, value);
  if (path.relation !== undefined && lookup === 'exact') return ofRelation(path, key, value);
  switch (path.type) {
    case 'boolean':
      return { field, lookup, value: flag(key, value) };
    case 'integer':
      return { field, lookup, value: isExactNumber(lookup) ? number(key, value) : value };
    case 'time':
      return { field, lookup, value: moment(lookup, key, value), zone: ZONE };
    default:
      return { field, lookup, value };
  }
}

function ofRelation<Field extends string>(path: Path<Field>, key: string, value: string): ListFilter<Field> {
  const { collection, code } = path.relation!;
  const found = readKey(collection, value.trim());
  if (found !== null && 'code' in found) {
    // A Global ID that is made of the number holds it.
    if (code === null)
      return { field: path.field, lookup: 'exact', value: String(Number.parseInt(found.code, 36)) };
    return { field: code, anyOf: [found.code] };
  }
  return { field: path.field, lookup: 'exact', value: number(key, value) };
}

/** Which of the words fit, decided here: the store keeps others. */
function amongWords<Field extends string>(
  path: Path<Field>,
  lookup: Lookup,
  value: string,
): ListFilter<Field> {
  const fits = fitting(lookup, value);
  const words = Object.entries(path.words!).filter(([, word]) => fits(word));
  const aliases = Object.entries(path.aliases ?? {}).filter(([word]) => fits(word));
  return { field: path.field, anyOf: [...words.map(([text]) => text), ...aliases.map(([, text]) => text)] };
}

function fitting(lookup: Lookup, value: string): (word: string) => boolean {
  const low = value.toLowerCase();
  switch (lookup) {
    case 'contains':
      return (word) => word.includes(value);
    case 'icontains':
      return (word) => word.toLowerCase().includes(low);
    case 'startswith':
      return (word) => word.startsWith(value);
    case 'istartswith':
      return (word) => word.toLowerCase().startsWith(low);
    case 'endswith':
      return (word) => word.endsWith(value);
    case 'iendswith':
      return (word) => word.toLowerCase().endsWith(low);
    case 'regex':
    case 'iregex':
      throw badRequest(`Unsupported lookup '${lookup}' here: the field has few words, ask for them`);
    default:
      return (word) => word.toLowerCase() === low;
  }
}

function isExactNumber(lookup: Lookup): boolean {
  return lookup === 'exact' || lookup === 'iexact' || ORDERED.includes(lookup);
}

function number(key: string, value: string): string {
  const text = value.trim();
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return text;
  throw badRequest(`Field '${short(key)}' expected a number but got '${short(value)}'`);
}

function flag(key: string, value: string): string {
  const text = value.trim().toLowerCase();
  if (text === '1' || text === 'true') return 'true';
  if (text === '0' || text === 'false') return 'false';
  throw badRequest(`'${short(value)}' value for '${short(key)}' must be either True or False`);
}

function moment(lookup: Lookup, key: string, value: string): string {
  if (PARTS.includes(lookup)) return number(key, value);
  const found = lookup === 'date' ? readDay(value) : readTime(value);
  if (found !== null) return found;
  throw badRequest(`'${short(value)}' for '${short(key)}' is no date as YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS`);
}

function checkPattern(value: string): void {
  if (value.length > LONGEST_PATTERN) throw badRequest(`Patterns have at most ${LONGEST_PATTERN} characters`);
  // References back make a search take for ever; a count of hundreds, likewise.
  if (/\\\d|\{\d{3,}|\{\d*,\d{3,}/.test(value))
    throw badRequest('Patterns refer to nothing before, and count to 99');
}

function short(value: string): string {
  return value.slice(0, 100);
}
