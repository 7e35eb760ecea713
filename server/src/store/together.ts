/**
 * Answers together who asks the same while nobody has begun to answer it.
 *
 * A page that many look at (a portal's first one, after an outage) is asked for by all of them at once. What waits for its turn is
 * asked of PostgreSQL once, after the last of them came: each gets what was so when, or after, they asked. Nothing is kept
 * once a question has been sent.
 */
export class Together {
  readonly #waiting = new Map<string, Promise<unknown>>();

  /** @param work calls `begins` right before it looks; who comes later asks for themselves */
  async join<T>(key: string, work: (begins: () => void) => Promise<T>): Promise<T> {
    const others = this.#waiting.get(key) as Promise<T> | undefined;
    if (others !== undefined) return others;
    let begun = false;
    const answer = work(() => {
      begun = true;
      this.#waiting.delete(key);
    });
    if (!begun) {
      this.#waiting.set(key, answer);
      // What failed before it began must not stay.
      const forget = () => {
        if (this.#waiting.get(key) === answer) this.#waiting.delete(key);
      };
      answer.then(forget, forget);
    }
    return answer;
  }
}
