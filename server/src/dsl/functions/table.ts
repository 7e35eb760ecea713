/** All intrinsic functions by name, and how one is recognised in a value. */
import type { Json, JsonObject } from '../plan.js';
import type { FunctionDefinition } from './definition.js';
import { LOOKUP_FUNCTIONS } from './lookups.js';
import { TEXT_FUNCTIONS } from './texts.js';

export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  Object.entries({ ...LOOKUP_FUNCTIONS, ...TEXT_FUNCTIONS }),
);

/**
 * The function's name when the mapping is one, else null.
 *
 * A mapping of one key, or of two when the other is `type`: the type its value must have.
 */
export function functionOf(value: JsonObject): string | null {
  let name: string | null = null;
  let keys = 0;
  for (const key in value) {
    if (++keys > 2) return null;
    if (FUNCTIONS.has(key)) name = name === null ? key : null;
    else if (key !== 'type') return null;
  }
  return name !== null && (keys === 1 || typeof value.type === 'string') ? name : null;
}

export function isFunction(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && functionOf(value) !== null;
}
