/** Items of a list as JSON text that PostgreSQL writes: which SQL makes it. */
import type { Json } from '../dsl/plan.js';

export interface ListField {
  /** SQL expression over the spec's `from`. */
  readonly sql: string;
  /**
   * `name`: a text of letters, digits and `_ . ~ -` alone, which JSON need not escape (a table's constraint or the room that writes
   * it sees to that). `time`: rendered `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC. `json`: passed through.
   */
  readonly type: 'text' | 'name' | 'integer' | 'boolean' | 'time' | 'json';
  /** It is of one row of another table. Then equality and lookups find rows there first, and those of the driver by its key. */
  readonly via?: Via;
}

export interface Via {
  /** Column of the driver that holds the other row's key: `s.environment_uid`. */
  readonly key: string;
  readonly table: string;
  /** Of the other table. */
  readonly id: string;
  readonly column: string;
  /** Rows of the driver refer to rows of their own tenant alone. */
  readonly ofTenant?: boolean;
  /**
   * The driver has an index of its tenant, `key` and the list's tie-break, in which the first rows of each that is found there are
   * found at once: `always`, as that table is short; or for `equality` alone, which finds one of many. Else, rows of the driver are
   * looked at in their order until enough of them fit, which may be all of them.
   */
  readonly leads?: 'always' | 'equality';
}

export type ListFields<Field extends string> = Readonly<Record<Field, ListField>>;

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

export type Shape<Field extends string> = Readonly<Record<string, Shown<Field>>>;

/** Stands in an item's text where a member belongs that is told anew each time; JSON text never holds it. */
export const HOLE = '\u0001';

/**
 * One item as JSON text. Names, constants and punctuation are literals and only values are computed: `json_build_object` looks
 * up the type of each of its arguments for each row, and took three times as long for a deployment.
 *
 * @param isHole which members are left out, each with a `HOLE` in its place
 */
export function itemText<Field extends string>(
  fields: ListFields<Field>,
  shape: Shape<Field>,
  isHole: (shown: Shown<Field>) => boolean = () => false,
): string {
  const parts: string[] = [];
  let literal = '{';
  let separator = '';
  for (const [wire, shown] of Object.entries(shape)) {
    literal += `${separator}${JSON.stringify(wire)}:`;
    separator = ',';
    if (typeof shown === 'object' && 'constant' in shown) {
      literal += JSON.stringify(shown.constant);
    } else if (isHole(shown)) {
      literal += HOLE;
    } else {
      parts.push(quoted(literal), memberText(fields, shown));
      literal = '';
    }
  }
  parts.push(quoted(`${literal}}`));
  return `(${parts.join(' || ')})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The JSON text of one member; never null. */
export function memberText<Field extends string>(
  fields: ListFields<Field>,
  shown: Field | Worded<Field>,
): string {
  if (typeof shown !== 'string') {
    const words = Object.entries(shown.words).map(
      ([text, word]) => `when ${quoted(text)} then ${quoted(JSON.stringify(word))}`,
    );
    const otherwise = quoted(JSON.stringify(shown.otherwise ?? null));
    return `case (${fields[shown.field].sql})::text ${words.join(' ')} else ${otherwise} end`;
  }
  const field = fields[shown];
  switch (field.type) {
    case 'text':
      return `coalesce(to_json(${field.sql})::text, 'null')`;
    case 'name':
    case 'time':
      return `coalesce('"' || ${rendered(field)} || '"', 'null')`;
    case 'boolean':
      return `case ${field.sql} when true then 'true' when false then 'false' else 'null' end`;
    default:
      return `coalesce((${field.sql})::text, 'null')`;
  }
}

/** The field as text, as filters compare it. */
export function rendered(field: ListField): string {
  if (field.type !== 'time') return field.sql;
  return `to_char(${field.sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
