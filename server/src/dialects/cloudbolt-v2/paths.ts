/**
 * What clients may name of a resource in `filter` and `attributes`: dotted paths, each with the core field behind it. Pure.
 *
 *   { name: text('name'), group: relation('groups', 'group', 'groupCode', 'groupName'), 'user.is-active': boolean('active') }
 */
import { wireTime } from './dates.js';
import { sameName } from './values.js';

export interface Path<Field extends string> {
  readonly type: 'text' | 'integer' | 'boolean' | 'time';
  /** What is compared and shown. */
  readonly field: Field;
  /** Of a relation: its Global ID's code, the title that attributes show, and its collection. */
  readonly relation?: { readonly collection: string; readonly code: Field | null; readonly title: Field };
  /** Core text -> what clients are told. */
  readonly words?: Readonly<Record<string, string>>;
  /** Further words that clients may filter by -> the core text. */
  readonly aliases?: Readonly<Record<string, string>>;
}

export type Paths<Field extends string> = Readonly<Record<string, Path<Field>>>;

export function text<Field extends string>(field: Field): Path<Field> {
  return { type: 'text', field };
}

export function integer<Field extends string>(field: Field): Path<Field> {
  return { type: 'integer', field };
}

export function boolean<Field extends string>(field: Field): Path<Field> {
  return { type: 'boolean', field };
}

export function time<Field extends string>(field: Field): Path<Field> {
  return { type: 'time', field };
}

/** A field whose texts clients know under other words. */
export function worded<Field extends string>(
  field: Field,
  words: Readonly<Record<string, string>>,
  aliases: Readonly<Record<string, string>> = {},
): Path<Field> {
  return { type: 'text', field, words, aliases };
}

/** Another thing: filtered by its number or Global ID, shown by its title. */
export function relation<Field extends string>(
  collection: string,
  number: Field,
  code: Field | null,
  title: Field,
): Path<Field> {
  return { type: 'integer', field: number, relation: { collection, code, title } };
}

/** The path that a client means; null: there is none. Steps may be hyphenated, underscored, or joined as in Django. */
export function findPath<Field extends string>(paths: Paths<Field>, given: string): Path<Field> | null {
  const wanted = sameName(given.trim()).replaceAll('__', '.');
  const found = Object.entries(paths).find(([path]) => sameName(path) === wanted);
  return found?.[1] ?? null;
}

/** The fields that showing a path needs. */
export function fieldOf<Field extends string>(path: Path<Field>): Field {
  return path.relation?.title ?? path.field;
}

/** What is shown of a path; null: nothing is there. */
export function shownOf<Field extends string>(
  path: Path<Field>,
  row: Readonly<Record<string, unknown>>,
): unknown {
  const value = row[fieldOf(path)] ?? null;
  if (value === null) return null;
  if (path.words !== undefined) return path.words[String(value)] ?? value;
  return path.type === 'time' ? wireTime(String(value)) : value;
}
