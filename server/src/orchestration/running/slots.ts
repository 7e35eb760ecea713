/**
 * How many operations of each plugin run at once in this worker, over all its executions.
 *
 * Executions take turns: a slot that becomes free is promised to the one that waits longest, which then goes to the
 * end of the line for its next. Without the promise an execution with many operations would take back at once each
 * slot it gives, and a small one beside it would wait for the end of the large one.
 */
import { SPREAD } from './dispatch/pools.js';

/** The line of what waits to be sent to a pool; no plugin has such a name. */
export function poolLine(pool: string): string {
  return `pool ${pool}`;
}

/** Operations that one worker has away in one pool: a bound for its memory, not for the pool. */
const MOST_AWAY = 2000;

export class Slots {
  readonly #limitOf: (plugin: string) => number;
  readonly #used = new Map<string, number>();
  readonly #held = new Map<object, Map<number, string>>();
  /** Who waits for a plugin, in order, and how to wake them. */
  readonly #lines = new Map<string, Map<object, () => void>>();
  readonly #promised = new Map<string, Set<object>>();

  /** `limitOf`: how many operations of a plugin this worker runs at once; `spread`: how many of its own it lets run anywhere. */
  constructor(limitOf: (plugin: string) => number, spread = MOST_AWAY) {
    const anywhere = poolLine(SPREAD);
    this.#limitOf = (line) => {
      if (line === anywhere) return Math.max(1, spread);
      return line.startsWith(poolLine('')) ? MOST_AWAY : limitOf(line);
    };
  }

  /** Takes a slot for a task of `owner`; false when there is none, and then `whenFree` is called when it is its turn. */
  take(owner: object, task: number, plugin: string, whenFree: () => void): boolean {
    const used = this.#used.get(plugin) ?? 0;
    const promised = this.#promised.get(plugin);
    const mine = promised?.has(owner) === true;
    const toOthers = (promised?.size ?? 0) - (mine ? 1 : 0);
    if (used + toOthers >= this.#limitOf(plugin)) {
      const line = entry(this.#lines, plugin, () => new Map<object, () => void>());
      if (!line.has(owner)) line.set(owner, whenFree);
      return false;
    }
    if (mine) promised!.delete(owner);
    this.#used.set(plugin, used + 1);
    entry(this.#held, owner, () => new Map<number, string>()).set(task, plugin);
    return true;
  }

  give(owner: object, task: number): void {
    const held = this.#held.get(owner);
    const plugin = held?.get(task);
    if (plugin === undefined) return;
    held!.delete(task);
    this.#used.set(plugin, (this.#used.get(plugin) ?? 1) - 1);
    this.#promiseNext(plugin);
  }

  /** The owner starts nothing more: its place in line and what was promised to it go to others. */
  withdraw(owner: object): void {
    for (const line of this.#lines.values()) line.delete(owner);
    for (const [plugin, promised] of this.#promised) if (promised.delete(owner)) this.#promiseNext(plugin);
  }

  /** The owner is gone, and with it whatever it held. */
  forget(owner: object): void {
    this.withdraw(owner);
    for (const task of [...(this.#held.get(owner)?.keys() ?? [])]) this.give(owner, task);
    this.#held.delete(owner);
  }

  /** Operations running now, over all plugins. */
  get used(): number {
    let sum = 0;
    for (const count of this.#used.values()) sum += count;
    return sum;
  }

  #promiseNext(plugin: string): void {
    const line = this.#lines.get(plugin);
    if (line === undefined) return;
    for (const [owner, whenFree] of line) {
      line.delete(owner);
      entry(this.#promised, plugin, () => new Set<object>()).add(owner);
      whenFree();
      return;
    }
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
