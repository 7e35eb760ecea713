/** Holds an answer against the attributes that the published document gives a resource. */
import assert from 'node:assert/strict';

/** What a value must be. A question mark: or null. */
export type Kind = 'text' | 'whole' | 'flag' | 'list' | 'dict' | 'time';
export type Attributes = Readonly<Record<string, Kind | `${Kind}?`>>;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const IS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  whole: (value) => Number.isInteger(value),
  flag: (value) => typeof value === 'boolean',
  list: (value) => Array.isArray(value),
  dict: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  time: (value) => typeof value === 'string' && TIME.test(value),
};

/** Fails unless each attribute is there and of its kind. */
export function assertTold(thing: unknown, attributes: Attributes): void {
  const found = (thing ?? {}) as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(attributes).flatMap(([name, kind]) => {
    if (!(name in found)) return [`${name} is not told`];
    const value = found[name];
    if (kind.endsWith('?') && value === null) return [];
    return IS[kind.replace('?', '') as Kind](value)
      ? []
      : [`${name} is no ${kind}: ${JSON.stringify(value)}`];
  });
  assert.deepEqual(wrong, []);
}

/** Fails unless `answer` is a list with the documented page, and gives its items. */
export function itemsOf(answer: { readonly json: unknown; readonly status: number; readonly text: string }) {
  assert.equal(answer.status, 200, answer.text);
  const { items, metadata } = answer.json as {
    items: Readonly<Record<string, unknown>>[];
    metadata: { pagination: unknown };
  };
  assert.ok(Array.isArray(items), answer.text);
  assertTold(metadata.pagination, { total: 'whole', offset: 'whole', size: 'whole' });
  return items;
}
