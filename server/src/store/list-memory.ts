/** What lists remember beside one pool of connections: nothing that an answer is taken from without asking PostgreSQL first. */
import type { ListPage } from './list-spec.js';
import { RememberedItems } from './remembered-items.js';
import { RememberedPages } from './remembered-pages.js';
import { SharedQuestions } from './shared-questions.js';
import type { Queryable } from './statement.js';

const MOST_TOTALS = 10_000;

export class ListMemory {
  readonly items = new RememberedItems();
  readonly pages = new RememberedPages<ListPage>();
  readonly questions = new SharedQuestions();
  readonly #totals = new Map<string, number>();

  /** About how many rows a collection had when somebody last looked; 0: nobody has. */
  totalOf(collection: string): number {
    return this.#totals.get(collection) ?? 0;
  }

  noteTotal(collection: string, total: number): void {
    if (this.#totals.size >= MOST_TOTALS) this.#totals.clear();
    this.#totals.set(collection, total);
  }
}

const memories = new WeakMap<Queryable, ListMemory>();

export function memoryOf(db: Queryable): ListMemory {
  let memory = memories.get(db);
  if (memory === undefined) {
    memory = new ListMemory();
    memories.set(db, memory);
  }
  return memory;
}

const numbers = new WeakMap<object, number>();
let collections = 0;

/** Tells descriptions of collections apart. */
export function numberOf(spec: object): number {
  const known = numbers.get(spec);
  if (known !== undefined) return known;
  collections += 1;
  numbers.set(spec, collections);
  return collections;
}
