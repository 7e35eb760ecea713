/** How many operations of each plugin run at once in this worker, over all its executions. First come, first served. */

export class Slots {
  readonly #limitOf: (plugin: string) => number;
  readonly #used = new Map<string, number>();
  readonly #held = new Map<object, Map<number, string>>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** `limitOf`: how many operations of a plugin this worker runs at once. */
  constructor(limitOf: (plugin: string) => number) {
    this.#limitOf = limitOf;
  }

  /** Takes a slot for a task of `owner`; false when there is none, and then `whenFree` is called once there may be. */
  take(owner: object, task: number, plugin: string, whenFree: () => void): boolean {
    const used = this.#used.get(plugin) ?? 0;
    if (used >= this.#limitOf(plugin)) {
      let waiting = this.#waiting.get(plugin);
      if (waiting === undefined) {
        waiting = new Set();
        this.#waiting.set(plugin, waiting);
      }
      waiting.add(whenFree);
      return false;
    }
    this.#used.set(plugin, used + 1);
    let held = this.#held.get(owner);
    if (held === undefined) {
      held = new Map();
      this.#held.set(owner, held);
    }
    held.set(task, plugin);
    return true;
  }

  give(owner: object, task: number): void {
    const held = this.#held.get(owner);
    const plugin = held?.get(task);
    if (plugin === undefined) return;
    held!.delete(task);
    this.#used.set(plugin, (this.#used.get(plugin) ?? 1) - 1);
    const waiting = this.#waiting.get(plugin);
    if (waiting === undefined) return;
    this.#waiting.delete(plugin);
    for (const whenFree of waiting) whenFree();
  }

  /** The owner is gone, and with it whatever it held. */
  forget(owner: object): void {
    for (const task of [...(this.#held.get(owner)?.keys() ?? [])]) this.give(owner, task);
    this.#held.delete(owner);
  }

  /** Operations running now, over all plugins. */
  get used(): number {
    let sum = 0;
    for (const count of this.#used.values()) sum += count;
    return sum;
  }
}
