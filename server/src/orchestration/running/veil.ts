/**
 * Values of secrets that an operation was given, hidden in what it says: log lines, events, failures and results.
 *
 * A script that prints its environment, or fails with its command line, tells what it knows; so what passes from it into
 * the store is searched for the very values that this attempt was given. That is a net, not a wall: a value that the
 * script has changed (encoded, cut, reversed) passes, and so does what it saves on purpose in runtime properties.
 */
import type { Json } from '../../dsl/plan.js';
import type { OperationOutcome } from '../../plugins/plugin.js';

/** Shorter ones would hide half of every line, and protect nothing. */
const SHORTEST = 6;
const HIDDEN = '********';

export class Veil {
  /** Longest first, so that a value within another does not leave the rest of it standing. */
  #values: string[] = [];

  /** From now on the value is hidden: as it is, line by line, and as it stands within JSON. */
  readonly add = (value: Json): void => {
    const found = new Set(this.#values);
    for (const text of textsOf(value)) {
      for (const part of [text, ...text.split(/\r?\n/), JSON.stringify(text).slice(1, -1)]) {
        if (part.trim().length >= SHORTEST) found.add(part);
      }
    }
    this.#values = [...found].sort((a, b) => b.length - a.length);
  };

  text(text: string): string {
    let hidden = text;
    for (const value of this.#values) hidden = hidden.replaceAll(value, HIDDEN);
    return hidden;
  }

  outcome(outcome: OperationOutcome): OperationOutcome {
    // What a plugin answers may be anything; whoever takes it looks at it later.
    if (this.#values.length === 0 || typeof outcome !== 'object' || outcome === null) return outcome;
    switch (outcome.kind) {
      case 'done':
        return { ...outcome, result: this.#json(outcome.result) };
      case 'again':
        return { ...outcome, message: this.text(outcome.message) };
      case 'failed':
        return { ...outcome, failure: this.#json(outcome.failure as unknown as Json) as never };
      default:
        return outcome;
    }
  }

  #json(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((each) => this.#json(each));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [this.text(key), this.#json(each as Json)]),
    );
  }
}

function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? [String(value)] : [];
  return [JSON.stringify(value), ...Object.values(value).flatMap((each) => textsOf(each as Json))];
}
