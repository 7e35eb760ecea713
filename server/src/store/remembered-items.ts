/**
 * Items of lists as text, remembered from one page to the next.
 *
 * Portals and scripts ask for the same pages over and over, and writing a row of thirty members as JSON costs PostgreSQL ten times what
 * finding it does. So a page is chosen afresh each time, by PostgreSQL and for the caller who asks, but of each row it tells only
 * its key and its version; what was written of that version before is taken from here, and only the rest is asked for.
 *
 * The version of an item is made of the `xmin` of the rows that it shows: PostgreSQL gives a row a new one whenever it is written. A member
 * that is anything else than a column of those rows is never remembered but told with each page.
 *
 * Rejected: remembering whole pages (no cheap fact says that none of a thousand rows has changed), and expiry after a time
 * (a list would tell what is no longer so).
 */
import { HOLE, type ListFields, type Shape, type Shown } from './item-text.js';

/** What of a list's items can be remembered. */
export interface Versions {
  /** Aliases whose rows may change; any change of such a row gives it another version. */
  readonly by: readonly string[];
  /** Columns of other aliases that stay what they are for as long as something refers to their row. */
  readonly fixed: readonly string[];
  /** Rows that show more than these rows, in these fields: they are never remembered, and of all others the fields depend on these rows alone. */
  readonly unless?: { readonly sql: string; readonly fields: readonly string[] };
}

/** Whether a member must be told anew with each page. */
export function isLive<Field extends string>(
  fields: ListFields<Field>,
  { by, fixed, unless }: Versions,
  shown: Shown<Field>,
): boolean {
  if (typeof shown === 'object' && 'constant' in shown) return false;
  const field = typeof shown === 'string' ? shown : shown.field;
  if (unless?.fields.includes(field)) return false;
  const { sql } = fields[field];
  const [, alias] = /^(\w+)\.\w+$/.exec(sql) ?? [];
  return !(fixed.includes(sql) || (alias !== undefined && by.includes(alias)));
}

/** Of rows that are never remembered. */
const NONE = '';

/** SQL text that differs whenever one of the rows does. */
export function versionText({ by, unless }: Versions): string {
  const version = by.map((alias) => `coalesce(${alias}.xmin::text, '')`).join(` || '.' || `);
  return unless === undefined ? version : `case when ${unless.sql} then '${NONE}' else ${version} end`;
}

interface Item {
  readonly version: string;
  /** The text around the members that are told anew. */
  readonly pieces: readonly string[];
  readonly length: number;
}

/** A form in which items of one table are told. */
export type Kind = number;

const MOST_KINDS = 200;

/** Bounded: the items that were wanted longest ago go first. */
export class RememberedItems {
  readonly #items = new Map<string, Item>();
  readonly #kinds = new Map<string, Kind>();
  readonly #most: number;
  #length = 0;
  #nextKind: Kind = 0;

  /** @param most characters, in all */
  constructor(most = 32_000_000) {
    this.#most = most;
  }

  kindOf(table: string, shape: Shape<string>): Kind {
    const text = table + JSON.stringify(shape);
    let kind = this.#kinds.get(text);
    if (kind === undefined) {
      // Callers choose the members: whoever asks for ever new ones starts everything afresh.
      if (this.#kinds.size === MOST_KINDS) this.#clear();
      // Never the number of one before: somebody may still be about to put its items here.
      kind = this.#nextKind++;
      this.#kinds.set(text, kind);
    }
    return kind;
  }

  /** null: never seen in this version. */
  get(kind: Kind, key: string, version: string): readonly string[] | null {
    const name = `${kind}:${key}`;
    const item = this.#items.get(name);
    if (item?.version !== version) return null;
    this.#items.delete(name);
    this.#items.set(name, item);
    return item.pieces;
  }

  /** @param text an item's, with a `HOLE` for each member that is told anew */
  put(kind: Kind, key: string, version: string, text: string): readonly string[] {
    const pieces = text.split(HOLE);
    if (version === NONE) return pieces;
    const name = `${kind}:${key}`;
    this.#forget(name);
    this.#items.set(name, { version, pieces, length: text.length });
    this.#length += text.length;
    for (const oldest of this.#items.keys()) {
      if (this.#length <= this.#most) break;
      this.#forget(oldest);
    }
    return pieces;
  }

  #clear(): void {
    this.#kinds.clear();
    this.#items.clear();
    this.#length = 0;
  }

  #forget(key: string): void {
    this.#length -= this.#items.get(key)?.length ?? 0;
    this.#items.delete(key);
  }
}
