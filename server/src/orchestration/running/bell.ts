/**
 * Wakes a loop: a ring while nobody waits is heard by the next who does; many rings are one.
 *
 * Whoever waits is woken when everything else that is due in the moment of the ring has been done, and may have rung as well. Operations that
 * began together and take as long end in one moment, but one by one: woken by the first, a walk would write a batch for it alone, begin one
 * operation, and so pull them apart until each has a batch of its own.
 */
import type { Clock } from './clock.js';

export class Bell {
  readonly #clock: Pick<Clock, 'soon'>;
  #rung = false;
  #waiting: (() => void) | null = null;

  constructor(clock: Pick<Clock, 'soon'>) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  async wait(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#rung = false;
  }
}
