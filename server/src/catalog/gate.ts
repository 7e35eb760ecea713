/** Lets a bounded number of tasks run at once; the others wait their turn. */
import { DomainError } from '../errors.js';

export class Gate {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number, mostWaiting = 64) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws DomainError `unavailable` (`uploads-busy`) when too many wait already */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#most) {
      this.#running += 1;
    } else {
      if (this.#waiting.length >= this.#mostWaiting) {
        throw new DomainError(
          'unavailable',
          'uploads-busy',
          'Too many uploads wait to be unpacked; try again later',
        );
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
