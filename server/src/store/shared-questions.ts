/**
 * Answers together who asks the same while somebody's question is under way.
 *
 * They wait until that is answered and then share one of their own, so each is told what was so when, or after, they asked: nothing is
 * remembered. A page that many look at (a portal's first one, after an outage), and a user whose scripts sign in with each of twenty
 * requests at once, cost PostgreSQL a few questions instead of twenty; who is alone waits for nobody.
 */

/** A question that is slow to be answered does not hold up the next one for longer. */
const PATIENCE_MS = 50;

export class SharedQuestions {
  readonly #patience: number;
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #next = new Map<string, Promise<unknown>>();

  /** @param patience milliseconds */
  constructor(patience = PATIENCE_MS) {
    this.#patience = patience;
  }

  /** @param key the same for the same question */
  ask<T>(key: string, question: () => Promise<T>): Promise<T> {
    const next = this.#next.get(key) as Promise<T> | undefined;
    if (next !== undefined) return next;
    const before = this.#underWay.get(key);
    if (before === undefined) return this.#begin(key, question);
    const shared = this.#after(before).then(() => {
      this.#next.delete(key);
      return this.#begin(key, question);
    });
    this.#next.set(key, shared);
    return shared;
  }

  #begin<T>(key: string, question: () => Promise<T>): Promise<T> {
    const answer = question();
    this.#underWay.set(key, answer);
    const over = () => {
      if (this.#underWay.get(key) === answer) this.#underWay.delete(key);
    };
    answer.then(over, over);
    return answer;
  }

  #after(before: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#patience);
      const over = () => {
        clearTimeout(timer);
        resolve();
      };
      before.then(over, over);
    });
  }
}
