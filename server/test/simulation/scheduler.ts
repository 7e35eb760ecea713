/**
 * Virtual time. What is to happen stands in a queue; the next is done when everything that the one before has set off in
 * this process (promises, microtasks) has come to rest. Nothing else moves, so the same seed gives the same run.
 */
import type { Random } from './random.js';

interface Entry {
  readonly at: number;
  /** Between what is due at the same moment, chance decides. */
  readonly order: number;
  work: (() => void) | null;
  /** It sets off nothing but what it puts into the queue itself. */
  readonly isQuiet: boolean;
}

export class Scheduler {
  readonly #random: Random;
  readonly #heap: Entry[] = [];
  /** Milliseconds since the beginning of the run. */
  now = 0;
  steps = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Does `work` in `delay` milliseconds; returns how to call it off. `isQuiet`: no promise is fulfilled by it, and nobody is
   * called who might go on by himself, so there is nothing that has to come to rest.
   */
  after(delay: number, work: () => void, isQuiet = false): () => void {
    const entry: Entry = { at: this.now + Math.max(0, delay), order: this.#random.next(), work, isQuiet };
    this.#push(entry);
    return () => {
      entry.work = null;
    };
  }

  /**
   * Lets time pass until `over` says so. `checked` is called after each step.
   *
   * @returns false: there is nothing left to happen, or it has taken longer than `until`
   */
  async run(over: () => boolean, until: number, checked: () => void): Promise<boolean> {
    while (!over()) {
      const entry = this.#pop();
      if (entry === undefined) return false;
      if (entry.work === null) continue;
      if (entry.at > until) {
        this.#push(entry);
        return false;
      }
      this.now = entry.at;
      this.steps += 1;
      entry.work();
      if (!entry.isQuiet) await rest();
      checked();
    }
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Every microtask has run when the next turn of the event loop comes. */
function rest(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
