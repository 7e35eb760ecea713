/**
 * Waiting for a change of an order or a job, for requests that ask for it: told by hints between processes, never by looking
 * again and again. A hint that is lost costs the rest of the wait and no more: who waits is answered at its end with how
 * things are then.
 */
import { HEARS_AGAIN, type Signals } from '../store/signals.js';

/** Seconds that a request may ask for. */
export const LONGEST_WAIT = 60;
/** Requests of one process that wait; further ones are answered at once. */
const MOST_WAITING = 500;

export class Awaiting {
  readonly #signals: Signals;
  #waiting = 0;

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /**
   * What `look` gives, once `isNews` holds of it or the time is over. It is looked at once before, and once after each hint.
   *
   * @param hint as `orderHint` and `jobHint` name them
   * @param seconds at most `LONGEST_WAIT`
   * @param gone aborted when nobody waits for the answer any more
   */
  async until<T>(
    hint: string,
    look: () => Promise<T>,
    isNews: (now: T) => boolean,
    seconds: number,
    gone?: AbortSignal,
  ): Promise<T> {
    const wait = Math.min(seconds, LONGEST_WAIT) * 1000;
    if (wait <= 0 || this.#waiting >= MOST_WAITING) return look();
    const deadline = performance.now() + wait;
    let heard = () => {};
    let isHeard = false;
    const unsubscribe = this.#signals.subscribe((hints) => {
      if (!hints.includes(hint) && !hints.includes(HEARS_AGAIN)) return;
      isHeard = true;
      heard();
    });
    this.#waiting += 1;
    try {
      for (;;) {
        isHeard = false;
        const now = await look();
        const left = deadline - performance.now();
        if (isNews(now) || left <= 0 || gone?.aborted === true) return now;
        if (isHeard) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          heard = () => {
            clearTimeout(timer);
            resolve();
          };
          gone?.addEventListener('abort', heard, { once: true });
        });
      }
    } finally {
      this.#waiting -= 1;
      unsubscribe();
    }
  }
}

export function orderHint(tenant: number, number: number): string {
  return `order:${tenant}:${number}`;
}

export function jobHint(tenant: number, number: number): string {
  return `job:${tenant}:${number}`;
}
