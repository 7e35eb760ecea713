/**
 * Plans, read once for each edition of them: an update of plugins gives a blueprint another. No blueprint gets another's
 * surrogate key, so nothing is ever stale, but when the whole store is replaced: `clear`.
 */
import type { Plan } from '../dsl/plan.js';
import type { BlueprintUid } from '../ids.js';

/** Characters of JSON behind the plans that are kept; in memory they take some three times as many bytes. */
const MOST_CHARACTERS = 32 * 1024 * 1024;

export class PlanCache {
  readonly #plans = new Map<BlueprintUid, { plan: Promise<Plan>; size: number; edition: number }>();
  readonly #load: (uid: BlueprintUid) => Promise<string>;
  readonly #most: number;
  #size = 0;

  constructor(load: (uid: BlueprintUid) => Promise<string>, most = MOST_CHARACTERS) {
    this.#load = load;
    this.#most = most;
  }

  /** Callers share one object: it must not be changed. */
  get(uid: BlueprintUid, edition = 1): Promise<Plan> {
    const known = this.#plans.get(uid);
    if (known !== undefined && known.edition !== edition) this.#forget(uid);
    else if (known !== undefined) {
      this.#plans.delete(uid);
      this.#plans.set(uid, known);
      return known.plan;
    }
    const entry = { plan: this.#read(uid), size: 0, edition };
    this.#plans.set(uid, entry);
    entry.plan.catch(() => this.#forget(uid));
    return entry.plan;
  }

  clear(): void {
    this.#plans.clear();
    this.#size = 0;
  }

  async #read(uid: BlueprintUid): Promise<Plan> {
    const json = await this.#load(uid);
    const entry = this.#plans.get(uid);
    if (entry !== undefined && entry.size === 0) {
      entry.size = json.length;
      this.#size += json.length;
      for (const oldest of this.#plans.keys()) {
        if (this.#size <= this.#most) break;
        this.#forget(oldest);
      }
    }
    return JSON.parse(json) as Plan;
  }

  #forget(uid: BlueprintUid): void {
    this.#size -= this.#plans.get(uid)?.size ?? 0;
    this.#plans.delete(uid);
  }
}
