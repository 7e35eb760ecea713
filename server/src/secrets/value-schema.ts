/**
 * JSON Schemas that people give for the values of their secrets. Pure.
 *
 * They are checked in the server's main thread, so only what costs at most schema times value is taken: no regular
 * expressions (which can run for ever) and no references (a few of which can fan out into billions of checks).
 */
import { Check } from 'typebox/schema';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';

const LONGEST = 16_384;
const REFUSED = [
  'pattern',
  'patternProperties',
  'format',
  '$ref',
  '$dynamicRef',
  '$recursiveRef',
  'uniqueItems',
];
const TYPES: readonly unknown[] = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
/** Keywords that hold schemas by name: the names are not keywords. */
const BY_NAME = ['properties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'];
/** Keywords that hold values. */
const VALUES = ['enum', 'const', 'default', 'examples', 'required', 'dependentRequired'];

/** @throws DomainError `invalid` (`secret-schema-invalid`) */
export function requireSchema(schema: Json): asserts schema is JsonObject {
  if (!isObject(schema)) throw invalid('it must be an object');
  if (JSON.stringify(schema).length > LONGEST) throw invalid(`it is longer than ${LONGEST} characters`);
  visit(schema);
}

/** Whether `value` obeys `schema`, which `requireSchema` has passed. */
export function obeys(schema: JsonObject, value: Json): boolean {
  try {
    return Check(schema, value);
  } catch (cause) {
    throw new DomainError(
      'invalid',
      'secret-schema-invalid',
      'The schema of the secret cannot be understood',
      {
        cause,
      },
    );
  }
}

function visit(schema: Json): void {
  if (Array.isArray(schema)) {
    for (const part of schema) visit(part);
    return;
  }
  if (!isObject(schema)) return;
  for (const [keyword, part] of Object.entries(schema)) {
    if (REFUSED.includes(keyword)) throw invalid(`\`${keyword}\` is not supported`);
    if (VALUES.includes(keyword)) continue;
    // An unknown type would let every value pass.
    if (keyword === 'type' && ![part].flat().every((type) => TYPES.includes(type)))
      throw invalid(`\`type\` must be one of ${TYPES.join(', ')}, or a list of them`);
    if (BY_NAME.includes(keyword) && isObject(part)) for (const named of Object.values(part)) visit(named);
    else visit(part);
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(why: string): DomainError {
  return new DomainError(
    'invalid',
    'secret-schema-invalid',
    `The schema of the secret cannot be used: ${why}`,
  );
}
