/** Timers of one owner: any length (Node's own end at once beyond 24.8 days), all cleared together. */

const LONGEST = 2 ** 31 - 1;

export class Timers {
  readonly #running = new Set<{ timer: NodeJS.Timeout | null }>();

  /** Does `work` in `delay` milliseconds, or now when that is over. Returns how to call it off. */
  after(delay: number, work: () => void): () => void {
    if (!(delay > 0)) {
      work();
      return () => {};
    }
    const running: { timer: NodeJS.Timeout | null } = { timer: null };
    this.#running.add(running);
    const wait = (left: number) => {
      running.timer = setTimeout(
        () => {
          if (left > LONGEST) return wait(left - LONGEST);
          this.#running.delete(running);
          work();
        },
        Math.min(left, LONGEST),
      );
    };
    wait(delay);
    return () => {
      clearTimeout(running.timer ?? undefined);
      this.#running.delete(running);
    };
  }

  clear(): void {
    for (const { timer } of this.#running) clearTimeout(timer ?? undefined);
    this.#running.clear();
  }
}
