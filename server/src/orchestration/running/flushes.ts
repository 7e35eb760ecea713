/** Who waits for a batch to be durable. Batches are numbered from 1 as they are taken, and become durable in order. */

export class Flushes {
  #taken = 0;
  #durable = 0;
  #over: Error | null = null;
  #waiting: { batch: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  /** A batch is on its way. */
  take(): void {
    this.#taken += 1;
  }

  /** The first of the batches that were on their way is durable. */
  settle(): void {
    this.#durable += 1;
    const due = this.#waiting.filter((one) => one.batch <= this.#durable);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => one.batch > this.#durable);
    for (const { resolve } of due) resolve();
  }

  /** Nothing more will be written. */
  end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#over);
  }

  /** Resolves when what has been said so far is durable; `unsent`: some of it is in no batch yet. */
  wait(unsent: boolean): Promise<void> {
    if (this.#over !== null) return Promise.reject(this.#over);
    const batch = unsent ? this.#taken + 1 : this.#taken;
    if (batch <= this.#durable) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ batch, resolve, reject }));
  }
}
