/**
 * How much goes with the next batch, and when it need not wait for the one before.
 *
 * Two batches may be on their way, and the database works on both while this process prepares the next. So what could begin when none is on
 * its way is shared out between two, where there is enough for two; from then on each half has its turn, whole: its operations end and the next
 * ones begin in one batch, while the other half is written. A batch that carries little waits for the answer to the one before, and so
 * gathers more.
 */
export class BatchFill {
  readonly #most: number;
  readonly #worthwhile: number;
  #starts = 0;
  #ends = 0;

  /** @param most operations that one batch may begin */
  constructor(most: number) {
    this.#most = most;
    this.#worthwhile = Math.ceil(most / 8);
  }

  get isEmpty(): boolean {
    return this.#starts === 0;
  }

  /** It need not wait for the answer to the one before. */
  get isFull(): boolean {
    return this.#starts + this.#ends >= this.#worthwhile;
  }

  /** For so many more there is room, where `ready` more could begin. `alone`: no batch is on its way. */
  room(ready: number, alone: boolean): number {
    const all = this.#starts + ready;
    const enough = alone ? Math.max(this.#worthwhile, Math.ceil(all / 2)) : all;
    return Math.min(this.#most, enough) - this.#starts;
  }

  /** An operation more begins with it. */
  begin(): void {
    this.#starts += 1;
  }

  /** One more has ended. */
  end(): void {
    this.#ends += 1;
  }

  /** It has gone out; the next one fills up. */
  take(): void {
    this.#starts = 0;
    this.#ends = 0;
  }
}
