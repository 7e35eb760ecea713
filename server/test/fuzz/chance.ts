/** Chance that can be had again: the same seed, the same choices. */

export interface Chance {
  /** Nothing unlikely happens: `oneIn` is true in one of four cases or more, or never. */
  readonly calm: boolean;
  /** A whole number from 0 to `below`, without it. */
  whole(below: number): number;
  pick<T>(from: readonly T[]): T;
  /** True in one of `n` cases. */
  oneIn(n: number): boolean;
}

/** @param seeds any whole numbers; all of them count */
export function chanceOf(...seeds: readonly number[]): Chance {
  let state = seeds.reduce((hash, seed) => Math.imul(hash ^ seed, 0x9e3779b1) ^ (hash >>> 15), 0x811c9dc5);
  // mulberry32, which is in the public domain.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (below: number) => Math.floor(next() * below);
  return {
    calm: false,
    whole,
    pick: (from) => from[whole(from.length)]!,
    oneIn: (n) => whole(n) === 0,
  };
}

/** The same chance, of which nothing unlikely comes. */
export function calmed(chance: Chance): Chance {
  return { ...chance, calm: true, oneIn: (n) => n <= 4 && chance.oneIn(n) };
}
