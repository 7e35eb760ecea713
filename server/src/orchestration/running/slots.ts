/**
 * How many operations of each plugin run at once in this worker, over all its executions.
 *
 * Those that want room have equal shares of it. A slot that becomes free is promised: to the execution that gave it, where that one has no more than its
 * share, so that an end and the next start are one batch; else to the one that waits longest of those who have less; else to the one that
 * waits longest. Shares of two and more slots are rounded: a slot that went round because ten are not divided by three made two batches each time.
 * Where there are more executions than slots, they take turns. Without the promise an execution with many operations would take
 * back at once each slot it gives, and a small one beside it would wait for the end of the large one.
 */
import type { Clock } from './clock.js';
import { SPREAD } from './dispatch/pools.js';

/** The line of what waits to be sent to a pool; no plugin has such a name. */
export function poolLine(pool: string): string {
  return `pool ${pool}`;
}

/** Operations that one worker has away in one pool: a bound for its memory, not for the pool. */
const MOST_AWAY = 2000;
/** Milliseconds from a claim to the first operation of what was claimed. */
const LEAD_MS = 50;
/** With so many slots each, nobody needs exactly as many as the others. */
const FEW = 2;
/** How fast operations end is an average over so many milliseconds. */
const MEMORY_MS = 250;

export class Slots {
  readonly #lineOf: (plugin: string) => Line;
  readonly #lines = new Map<string, Line>();
  /** The line of each task that has a slot. */
  readonly #held = new Map<object, Map<number, Line>>();
  #whenRoom: (() => void) | null = null;

  /** `limitOf`: how many operations of a plugin this worker runs at once; `spread`: how many of its own it lets run anywhere. */
  constructor(limitOf: (plugin: string) => number, clock: Pick<Clock, 'ticks'>, spread = MOST_AWAY) {
    const anywhere = poolLine(SPREAD);
    this.#lineOf = (name) => {
      if (name === anywhere) return new Line(() => Math.max(1, spread), true, clock);
      const isOwn = !name.startsWith(poolLine(''));
      return new Line(isOwn ? () => limitOf(name) : () => MOST_AWAY, isOwn, clock);
    };
  }

  /** From now on the owner asks for all that it wants. */
  ask(owner: object): void {
    for (const { waiting } of this.#lines.values()) {
      const place = waiting.get(owner);
      if (place !== undefined) place.operations = 0;
    }
  }

  /** Takes a slot for a task of `owner`; false when there is none, and then `whenFree` is called when it is its turn. */
  take(owner: object, task: number, plugin: string, whenFree: () => void): boolean {
    let line = this.#lines.get(plugin);
    if (line === undefined) {
      line = this.#lineOf(plugin);
      this.#lines.set(plugin, line);
    }
    if (!line.take(owner, whenFree)) return false;
    let tasks = this.#held.get(owner);
    if (tasks === undefined) {
      tasks = new Map();
      this.#held.set(owner, tasks);
    }
    tasks.set(task, line);
    return true;
  }

  give(owner: object, task: number): void {
    const tasks = this.#held.get(owner);
    const line = tasks?.get(task);
    if (line === undefined) return;
    tasks!.delete(task);
    line.give(owner);
    this.#tellRoom();
  }

  /** The owner starts nothing more: its place in line and what was promised to it go to others. */
  withdraw(owner: object): void {
    for (const line of this.#lines.values()) line.withdraw(owner);
    this.#tellRoom();
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
    for (const { used } of this.#lines.values()) sum += used;
    return sum;
  }

  /**
   * Operations more that this worker could take on now, or as soon as one that is claimed now has some; of the plugin that has the least
   * room. None or less: they would wait. Those for a named pool wait elsewhere.
   */
  get room(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) if (line.isOwn) least = Math.min(least, line.room);
    return least;
  }

  /** Calls once, when there is room again. */
  whenRoom(work: () => void): void {
    this.#whenRoom = work;
  }

  #tellRoom(): void {
    if (this.#whenRoom === null || this.room <= 0) return;
    const work = this.#whenRoom;
    this.#whenRoom = null;
    work();
  }
}

interface Waiting {
  readonly whenFree: () => void;
  /** As far as it has asked. */
  operations: number;
}

/** The room for one plugin, and who has it, wants it, and is to have it. */
class Line {
  /** Its operations run in this worker, or are its to send anywhere. */
  readonly isOwn: boolean;
  readonly #limit: () => number;
  readonly #clock: Pick<Clock, 'ticks'>;
  readonly #held = new Map<object, number>();
  readonly waiting = new Map<object, Waiting>();
  readonly #promised = new Map<object, number>();
  used = 0;
  #reserved = 0;
  /** Operations that ended lately, each the less the longer ago. */
  #ended = 0;
  #endedAt = 0;

  constructor(limit: () => number, isOwn: boolean, clock: Pick<Clock, 'ticks'>) {
    this.#limit = limit;
    this.isOwn = isOwn;
    this.#clock = clock;
  }

  take(owner: object, whenFree: () => void): boolean {
    const mine = this.#promised.get(owner) ?? 0;
    if (this.used + this.#reserved - mine >= this.#limit()) {
      const place = this.waiting.get(owner);
      if (place === undefined) this.waiting.set(owner, { whenFree, operations: 1 });
      else place.operations += 1;
      return false;
    }
    if (mine > 0) this.#unpromise(owner, 1);
    this.used += 1;
    add(this.#held, owner, 1);
    return true;
  }

  give(owner: object): void {
    this.used -= 1;
    add(this.#held, owner, -1);
    this.#ended = this.#lately() + 1;
    this.#endedAt = this.#clock.ticks();
    this.#promiseNext(owner);
  }

  withdraw(owner: object): void {
    this.waiting.delete(owner);
    const promised = this.#promised.get(owner) ?? 0;
    this.#unpromise(owner, promised);
    for (let slot = 0; slot < promised; slot += 1) this.#promiseNext(null);
  }

  get room(): number {
    let wanted = this.used + this.#reserved;
    if (wanted === 0) return Number.POSITIVE_INFINITY;
    for (const { operations } of this.waiting.values()) wanted += operations;
    const limit = this.#limit();
    return limit + Math.min(limit, (this.#lately() * LEAD_MS) / MEMORY_MS) - wanted;
  }

  #lately(): number {
    return this.#ended * Math.exp((this.#endedAt - this.#clock.ticks()) / MEMORY_MS);
  }

  /** A slot is free. `giver`: whose it was. */
  #promiseNext(giver: object | null): void {
    const next = this.#next(giver);
    if (next === null) return;
    const place = this.waiting.get(next)!;
    // To the end of the line.
    this.waiting.delete(next);
    place.operations -= 1;
    if (place.operations > 0) this.waiting.set(next, place);
    add(this.#promised, next, 1);
    this.#reserved += 1;
    place.whenFree();
  }

  #next(giver: object | null): object | null {
    for (const [owner, { operations }] of this.waiting) if (operations === 0) this.waiting.delete(owner);
    if (this.waiting.size === 0) return null;
    const share = this.#limit() / this.#wanting();
    const mayKeep = (most: number) =>
      giver !== null && this.waiting.has(giver) && this.#has(giver) + 1 <= most;
    if (mayKeep(share)) return giver;
    // One more or less is no reason for a batch of its own, where each has some.
    const least = Math.floor(share) >= FEW ? Math.floor(share) : share;
    let first: object | null = null;
    for (const owner of this.waiting.keys()) {
      first ??= owner;
      if (this.#has(owner) < least) return owner;
    }
    return least < share && mayKeep(Math.ceil(share)) ? giver : first;
  }

  #has(owner: object): number {
    return (this.#held.get(owner) ?? 0) + (this.#promised.get(owner) ?? 0);
  }

  /** Those who have some, or want some. */
  #wanting(): number {
    let count = this.#held.size;
    for (const owner of this.waiting.keys()) if (!this.#held.has(owner)) count += 1;
    for (const owner of this.#promised.keys())
      if (!this.#held.has(owner) && !this.waiting.has(owner)) count += 1;
    return count;
  }

  #unpromise(owner: object, slots: number): void {
    if (slots === 0) return;
    add(this.#promised, owner, -slots);
    this.#reserved -= slots;
  }
}

function add(counts: Map<object, number>, owner: object, change: number): void {
  const count = (counts.get(owner) ?? 0) + change;
  if (count === 0) counts.delete(owner);
  else counts.set(owner, count);
}
