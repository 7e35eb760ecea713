/**
 * How long a claim holds for certain, as its holder can tell: from the moment before it was asked for, on the holder's own
 * clocks.
 *
 * What a process writes is under its fence, and refused when it is too late. What it does to the world nobody can refuse:
 * a process that was frozen between an intent and its operation would begin when it thaws what another has done meanwhile.
 * So nothing is begun on a lease that may have run out, until a renewal says that it has not.
 */
import type { Clock } from './clock.js';

/** When something was asked for. */
export interface Moment {
  readonly wall: number;
  readonly ticks: number;
}

export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), ticks: clock.ticks() };
}

export class Lease {
  readonly #clock: Clock;
  readonly #length: number;
  readonly #renew: () => void;
  #asked: Moment;
  #told: Promise<void> | null = null;
  #tell: () => void = () => {};

  /** `length`: seconds. `renew`: asks for a renewal now. */
  constructor(clock: Clock, length: number, asked: Moment, renew: () => void) {
    this.#clock = clock;
    this.#length = length * 1000;
    this.#asked = asked;
    this.#renew = renew;
  }

  /** It was granted once more. */
  renewed(asked: Moment): void {
    this.#asked = asked;
    this.tell();
  }

  /** Whoever waits asks again: it is renewed, or nothing is to be done any more. */
  tell(): void {
    this.#told = null;
    this.#tell();
  }

  /** Null: it holds now. Otherwise something is known when the promise resolves. */
  assured(): Promise<void> | null {
    const { wall, ticks } = momentOf(this.#clock);
    // A machine that was suspended is told by one clock alone, a clock that was set by the other.
    if (Math.max(wall - this.#asked.wall, ticks - this.#asked.ticks) < this.#length) return null;
    if (this.#told === null) {
      this.#told = new Promise((resolve) => {
        this.#tell = resolve;
      });
      this.#renew();
    }
    return this.#told;
  }
}
