/** Timers of one owner: any length (Node's own end at once beyond 24.8 days), all cleared together. */
import type { Clock } from './clock.js';

const LONGEST = 2 ** 31 - 1;

export class Timers {
  readonly #clock: Clock;
  readonly #running = new Set<{ callOff: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Does `work` in `delay` milliseconds, or now when that is over. Returns how to call it off. */
  after(delay: number, work: () => void): () => void {
    if (!(delay > 0)) {
      work();
      return () => {};
    }
    const running = { callOff: () => {} };
    this.#running.add(running);
    const wait = (left: number) => {
      running.callOff = this.#clock.after(Math.min(left, LONGEST), () => {
        if (left > LONGEST) return wait(left - LONGEST);
        this.#running.delete(running);
        work();
      });
    };
    wait(delay);
    return () => {
      running.callOff();
      this.#running.delete(running);
    };
  }

  clear(): void {
    for (const { callOff } of this.#running) callOff();
    this.#running.clear();
  }
}
