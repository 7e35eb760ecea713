/**
 * How many operations begin with the next batch.
 *
 * Two batches may be on their way, and the database works on both while this process prepares the next. So what could begin
 * is shared out between two, down to half of what a batch may hold: with a quarter, an install of a thousand took a tenth
 * more of processor time and no less time; with half, neither more nor less than with all.
 */
export class BatchFill {
  readonly #most: number;
  readonly #least: number;
  #enough: number;
  #starts = 0;

  constructor(most: number) {
    this.#most = most;
    this.#least = Math.ceil(most / 2);
    this.#enough = most;
  }

  get isEmpty(): boolean {
    return this.#starts === 0;
  }

  /** It need not wait for the answer to the one before. */
  get isFull(): boolean {
    return this.#starts >= this.#enough;
  }

  /** For so many more there is room, where `ready` more could begin. */
  room(ready: number): number {
    const half = Math.ceil((this.#starts + ready) / 2);
    this.#enough = Math.min(this.#most, Math.max(this.#least, half));
    return this.#enough - this.#starts;
  }

  add(): void {
    this.#starts += 1;
  }

  /** It has gone out; the next one fills up. */
  take(): void {
    this.#starts = 0;
  }
}
