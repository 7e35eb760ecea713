/** Chance with a seed: the same seed gives the same numbers, on every machine. */

export class Random {
  #state: number;

  /** `stream`: numbers of one seed that do not depend on how many were drawn from its other streams. */
  constructor(seed: number, stream = '') {
    let state = Math.imul(seed | 0, 2654435761) ^ 0x9e3779b9;
    for (let place = 0; place < stream.length; place += 1) {
      state = Math.imul(state ^ stream.charCodeAt(place), 16777619);
    }
    this.#state = state;
    this.next();
  }

  /** At least 0 and below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }
}
