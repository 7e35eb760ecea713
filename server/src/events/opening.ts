/**
 * Opens packs of events (migration 0049) in this process, and takes a page of them. Pure. PostgreSQL says which packs a page lies in
 * (packs.store.ts); its own `events_of` does the same for whoever needs events in SQL, for twenty times as much.
 */
import type { Kind } from './selection.js';

/** A row of `event_packs` as JSON, as far as it is looked at. Columns are null where all of them would be. */
export interface PackRow {
  readonly id: number;
  readonly execution_uid: number | null;
  readonly deployment_uid: number | null;
  readonly events: number;
  readonly logs: number;
  readonly nths: readonly number[] | null;
  readonly laters: readonly number[] | null;
  readonly words_of: readonly number[] | null;
  readonly places_of: readonly number[] | null;
  readonly types: Texts;
  readonly levels: Texts;
  readonly loggers: Texts;
  readonly messages: readonly string[];
  readonly operations: Texts;
  readonly causes: Texts;
  readonly nodes: Texts;
  readonly instances: Texts;
  readonly sources: Texts;
  readonly targets: Texts;
}

export type Texts = readonly (string | null)[] | null;

export interface StoredPack {
  readonly row: PackRow;
  /** The second that it lies in: since 1970, and as `YYYY-MM-DDTHH:MM:SS`. */
  readonly second: number;
  readonly secondText: string;
  /** Of that second, when it begins. */
  readonly micros: number;
  /** As it is told. */
  readonly recordedAt: string;
  /** Which of its words and of its places are asked for, from 1; null: all. */
  readonly words: readonly number[] | null;
  readonly places: readonly number[] | null;
}

/** One event. Its words and its place are the n-th of its pack, from 0. */
export interface Opened {
  readonly pack: StoredPack;
  readonly id: number;
  /** Of the second of its pack. */
  readonly micros: number;
  readonly word: number;
  readonly place: number;
}

/** Of which kinds, and when: milliseconds, from the first on and before the second; null: no bound. */
export interface Wanted {
  readonly kinds: readonly Kind[];
  readonly from: number | null;
  readonly to: number | null;
}

/** Events in the order of time and id, or backwards, from `skip` on, `size` of them. */
export function pageOf(
  packs: readonly StoredPack[],
  wanted: Wanted,
  { descending, skip, size }: { readonly descending: boolean; readonly skip: number; readonly size: number },
): readonly Opened[] {
  const events: Opened[] = [];
  for (const pack of packs) open(pack, wanted, events);
  events.sort(descending ? (one, other) => order(other, one) : order);
  return events.slice(skip, skip + size);
}

function order(one: Opened, other: Opened): number {
  return one.pack.second - other.pack.second || one.micros - other.micros || one.id - other.id;
}

function open(pack: StoredPack, { kinds, from, to }: Wanted, into: Opened[]): void {
  const { row, second } = pack;
  const count = row.events + row.logs;
  const words = pack.words === null ? null : new Set(pack.words);
  const places = pack.places === null ? null : new Set(pack.places);
  const [events, logs] = [kinds.includes('event'), kinds.includes('log')];
  const earliest = from === null ? Number.NEGATIVE_INFINITY : (from - second * 1000) * 1000;
  const end = to === null ? Number.POSITIVE_INFINITY : (to - second * 1000) * 1000;
  for (let n = 0; n < count; n += 1) {
    const word = row.words_of?.[n] ?? n + 1;
    const place = row.places_of?.[n] ?? n + 1;
    if (!(row.levels?.[word - 1] == null ? events : logs)) continue;
    if (words !== null && !words.has(word)) continue;
    if (places !== null && !places.has(place)) continue;
    const micros = pack.micros + (row.laters?.[n] ?? 0);
    if (micros < earliest || micros >= end) continue;
    const id = row.id - 1 + (row.nths?.[n] ?? n + 1);
    into.push({ pack, id, micros, word: word - 1, place: place - 1 });
  }
}
