/** Wakes a loop: a ring while nobody waits is heard by the next who does; many rings are one. */
export class Bell {
  #rung = false;
  #waiting: (() => void) | null = null;

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
    this.#rung = false;
  }
}
