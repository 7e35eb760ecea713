/** What a harvest brings home, whatever it was read from. */
import type { JsonObject } from '../../dsl/plan.js';

export interface Reference {
  readonly type: string;
  readonly providerId: string;
}

export interface Harvested {
  /** `instance`, `storagecontainer`, … */
  readonly type: string;
  /** `global` where the thing has none. */
  readonly region: string;
  readonly providerId: string;
  readonly nativeId: string | null;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly facts: JsonObject;
  readonly refersTo: readonly Reference[];
  /** ISO 8601, by the provider's word. */
  readonly createdAt: string | null;
}

export interface Skipped {
  /** Where it stands in the document. */
  readonly address: string;
  readonly reason: string;
}

export interface Harvest {
  readonly resources: readonly Harvested[];
  readonly skipped: readonly Skipped[];
}

/** Resources of one document. */
export const MOST_RESOURCES = 20_000;
const MOST_TAGS = 200;

/** The document is not what its format says; `message` is for its author. */
export class UnreadableDocument extends Error {}

/** A value looked at by somebody who trusts nothing about it. */
export class Reading {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#values = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  /** A text that says something, or a number as one. */
  text(...names: readonly string[]): string | null {
    for (const name of names) {
      const value = this.get(name);
      if (typeof value === 'string' && value !== '') return value.slice(0, 10_000);
      if (typeof value === 'number') return String(value);
    }
    return null;
  }

  integer(name: string): number | null {
    const value = this.get(name);
    const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
  }

  flag(name: string): boolean | null {
    const value = this.get(name);
    if (value === 'true' || value === 'false') return value === 'true';
    return typeof value === 'boolean' ? value : null;
  }

  list(name: string): readonly unknown[] {
    const value = this.get(name);
    return Array.isArray(value) ? (value as unknown[]) : [];
  }

  texts(name: string): readonly string[] {
    return this.list(name).filter((each): each is string => typeof each === 'string');
  }

  inside(name: string): Reading {
    return new Reading(this.get(name));
  }

  /** The first of a list: a block that may stand once. */
  first(name: string): Reading {
    return new Reading(this.list(name)[0]);
  }

  /** Text -> text. */
  pairs(name: string): Readonly<Record<string, string>> {
    const value = this.get(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
    const members = Object.entries(value as Record<string, unknown>).slice(0, MOST_TAGS);
    return Object.fromEntries(
      members.flatMap(([key, each]) =>
        typeof each === 'string' ? [[key.slice(0, 512), each.slice(0, 2048)]] : [],
      ),
    );
  }

  names(): readonly string[] {
    return Object.keys(this.#values);
  }
}

/** Facts that are known; null means that the document does not say. */
export function known(facts: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== null && value !== undefined),
  ) as JsonObject;
}
