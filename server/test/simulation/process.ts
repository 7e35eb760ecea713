/** A process of the simulated world: it lives, freezes and dies, and whatever comes to it (timers, answers) comes through here. */
import type { Clock } from '../../src/orchestration/running/clock.js';
import type { Scheduler } from './scheduler.js';

/** 2026-01-01, where every clock begins. */
export const EPOCH = Date.UTC(2026, 0, 1);

export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  alive = true;
  frozen = false;
  /** What came while it was frozen, in order. */
  #parked: (() => void)[] = [];
  #deliveries = 0;
  /** Milliseconds by which its wall clock is wrong. */
  skew = 0;
  /** Something befalls it in the moment in which it would have heard of this many things. */
  fate: { readonly at: number; readonly strike: () => void } | null = null;
  /** When it last had trouble that may cost it a lease. */
  troubledAt = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
    this.clock = {
      now: () => EPOCH + scheduler.now + this.skew,
      ticks: () => scheduler.now,
      after: (delay, work) => scheduler.after(delay, () => this.deliver(work)),
      soon: (work) => void scheduler.after(0, () => this.deliver(work)),
    };
  }

  /** `work` happens within this process: now, when it thaws, or never. */
  deliver(work: () => void): void {
    if (!this.alive) return;
    if (this.frozen) {
      this.#parked.push(() => this.deliver(work));
      return;
    }
    this.#deliveries += 1;
    if (this.fate !== null && this.#deliveries >= this.fate.at) {
      const { strike } = this.fate;
      this.fate = null;
      strike();
      this.deliver(work);
      return;
    }
    work();
  }

  /** So many things from now on, `strike` comes before the next. */
  doom(after: number, strike: () => void): void {
    this.fate = { at: this.#deliveries + after, strike };
  }

  trouble(): void {
    this.troubledAt = this.#scheduler.now;
  }

  die(): void {
    this.alive = false;
    this.#parked = [];
  }

  freeze(): void {
    this.frozen = true;
    this.trouble();
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.trouble();
    const parked = this.#parked;
    this.#parked = [];
    for (const work of parked) this.#scheduler.after(0, work);
  }
}
