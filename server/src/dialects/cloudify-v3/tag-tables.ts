/** Labels and tags as blueprints write them: `{key: {values: [value, …]}}`, `{key: value}`. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { badParameters } from './errors.js';

type Table = Readonly<Record<string, unknown>>;

/** Also `{key: [value, …]}` and `{key: value}`. */
export function readTagTable(name: string, given: Table): JsonObject {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const values = valuesOf(value);
      if (values === null) {
        throw badParameters(`Invalid value for ${name}: it must be like {"${key}": {"values": ["…"]}}`);
      }
      return [key, { values }];
    }),
  );
}

export function readResourceTags(given: Table): JsonObject {
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== 'string') {
      throw badParameters(`Invalid value for resource_tags: the value of "${key}" must be a text`);
    }
  }
  return given as JsonObject;
}

function valuesOf(value: unknown): Json[] | null {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? value : null;
  if (typeof value !== 'object' || value === null) return null;
  const { values } = value as { values?: unknown };
  return Array.isArray(values) ? valuesOf(values) : null;
}
