/**
 * Events of a batch on their way to the database, in packs as they are stored (migration 0049): at most 256 of one second. A pack names each
 * of its words and places once and refers to them by number, so that an event costs three numbers.
 *
 * Words and places are marked with the pack that has them, which is how a pack knows without looking.
 */
import { IntegerColumn, textColumn } from './columns.js';
import type { Place, Words } from './told.js';

/** Ids that a pack has. */
const MOST = 256;
const SECOND = 1000;

/** Marks must differ between all packs there are at once. */
let packs = 0;

export class Packs {
  #mark = ++packs;
  readonly #said = new IntegerColumn();
  readonly #saidOf = new IntegerColumn();
  readonly #saidAfter = new IntegerColumn();
  #words: Words[] = [];
  #places: Place[] = [];
  // Of packs: where their events, words and places end, how many of the events are logs, and when they begin.
  #ends: number[] = [];
  #wordEnds: number[] = [];
  #placeEnds: number[] = [];
  #logs: number[] = [];
  #times: number[] = [];
  // Of the pack that is open: it begins behind these.
  #firstEvent = 0;
  #firstWord = 0;
  #firstPlace = 0;
  #openLogs = 0;
  #openedAt = 0;

  /** Events in them. */
  get length(): number {
    return this.#said.length;
  }

  /** @param now milliseconds; not before that of the event before */
  add(words: Words, place: Place, now: number): void {
    const held = this.#said.length - this.#firstEvent;
    if (held === MOST || (held > 0 && secondOf(now) !== secondOf(this.#openedAt))) this.#close();
    if (this.#said.length === this.#firstEvent) this.#openedAt = now;
    if (words.pack !== this.#mark) {
      words.pack = this.#mark;
      words.number = this.#words.push(words) - this.#firstWord;
    }
    if (place.pack !== this.#mark) {
      place.pack = this.#mark;
      place.number = this.#places.push(place) - this.#firstPlace;
    }
    this.#said.push(words.number);
    this.#saidOf.push(place.number);
    this.#saidAfter.push((now - this.#openedAt) * 1000);
    if (words.level !== null) this.#openLogs += 1;
  }

  /** What `engine_commit` takes of them, in its order; empty afterwards. */
  take(): readonly unknown[] {
    if (this.#said.length > this.#firstEvent) this.#close();
    const words = this.#words;
    const places = this.#places;
    const values = [
      textColumn(words.map((each) => each.type)),
      textColumn(words.map((each) => each.level)),
      textColumn(words.map((each) => each.logger)),
      textColumn(words.map((each) => each.message)),
      textColumn(words.map((each) => each.operation)),
      textColumn(words.map((each) => each.causes)),
      textColumn(places.map((each) => each.node)),
      textColumn(places.map((each) => each.instance)),
      textColumn(places.map((each) => each.source)),
      textColumn(places.map((each) => each.target)),
      this.#said.take(),
      this.#saidOf.take(),
      this.#saidAfter.take(),
      this.#ends,
      this.#wordEnds,
      this.#placeEnds,
      this.#logs,
      textColumn(this.#times.map((time) => new Date(time).toISOString())),
    ];
    this.#words = [];
    this.#places = [];
    this.#ends = [];
    this.#wordEnds = [];
    this.#placeEnds = [];
    this.#logs = [];
    this.#times = [];
    this.#firstEvent = this.#firstWord = this.#firstPlace = 0;
    return values;
  }

  #close(): void {
    this.#firstEvent = this.#said.length;
    this.#firstWord = this.#words.length;
    this.#firstPlace = this.#places.length;
    this.#ends.push(this.#firstEvent);
    this.#wordEnds.push(this.#firstWord);
    this.#placeEnds.push(this.#firstPlace);
    this.#logs.push(this.#openLogs);
    this.#times.push(this.#openedAt);
    this.#openLogs = 0;
    this.#mark = ++packs;
  }
}

function secondOf(time: number): number {
  return Math.floor(time / SECOND);
}
