/**
 * A value that a schema describes, for people to look at. Pure. What the schema names as an example, a default or a choice is taken;
 * the rest is the plainest value of its type.
 */
import { isObject, type Json, type JsonObject } from './components.js';
import { listOf, membersOf, resolved, textOf } from './reading.js';

/** Deeper than any document of ours is told in one go; schemas that hold themselves end here. */
const DEEPEST = 6;

export type Direction = 'request' | 'response';

/** @param direction of a request only what is required is shown, or everything where nothing is */
export function exampleOf(
  document: JsonObject,
  schema: Json | undefined,
  direction: Direction,
  depth = 0,
): Json {
  const given = resolved(document, schema);
  const named = namedExample(given);
  if (named !== undefined) return named;
  if (depth >= DEEPEST) return isObject(given.properties) ? {} : null;
  const deeper = (part: Json | undefined) => exampleOf(document, part, direction, depth + 1);
  const all = listOf(given.allOf);
  if (all.length > 0) {
    return Object.fromEntries(all.map(deeper).filter(isObject).flatMap(Object.entries)) as JsonObject;
  }
  const choices = [...listOf(given.oneOf), ...listOf(given.anyOf)];
  if (choices.length > 0) {
    return deeper(choices.find((each) => resolved(document, each).type !== 'null') ?? choices[0]);
  }
  switch (typeOf(given)) {
    case 'object':
      return objectExample(given, direction, deeper);
    case 'array':
      return given.items === undefined ? [] : [deeper(given.items)];
    case 'integer':
    case 'number':
      return typeof given.minimum === 'number' ? Math.max(given.minimum, 1) : 1;
    case 'boolean':
      return true;
    case 'string':
      return stringExample(given);
    default:
      return null;
  }
}

function namedExample(schema: JsonObject): Json | undefined {
  if (schema.example !== undefined) return schema.example;
  const [first] = listOf(schema.examples);
  if (first !== undefined) return first;
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  return listOf(schema.enum)[0];
}

function typeOf(schema: JsonObject): string {
  const [type] = [schema.type, ...listOf(schema.type)].filter(
    (each) => typeof each === 'string' && each !== 'null',
  );
  if (typeof type === 'string') return type;
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return 'object';
  return schema.items === undefined ? '' : 'array';
}

function objectExample(schema: JsonObject, direction: Direction, deeper: (part: Json) => Json): Json {
  const members = membersOf(schema.properties);
  const required = new Set(listOf(schema.required));
  const shown =
    direction === 'request' && required.size > 0 ? members.filter(([name]) => required.has(name)) : members;
  if (members.length === 0 && isObject(schema.additionalProperties))
    return { name: deeper(schema.additionalProperties) };
  return Object.fromEntries(shown.map(([name, each]) => [name, deeper(each)]));
}

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00.000Z',
  date: '2026-01-31',
  uuid: '7d9f4c1e-52c8-4b0a-9a53-0d2f6e1b8c47',
  email: 'ada@example.com',
  binary: '…',
};

function stringExample(schema: JsonObject): string {
  return FORMATS[textOf(schema.format)] ?? 'string';
}
