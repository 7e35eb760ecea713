/** A schema as rows that people read: name, type in words, what is required, allowed, assumed. Pure. */
import { isObject, type Json, type JsonObject } from '../../src/openapi/components.js';
import { listOf, membersOf, resolved, textOf } from '../../src/openapi/reading.js';

export interface Row {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly deprecated: boolean;
  readonly description: string;
  /** As JSON. */
  readonly fallback: string | null;
  /** As JSON. */
  readonly allowed: readonly string[];
  /** `1 to 100`, `at most 64 characters` */
  readonly limits: readonly string[];
  /** What is inside, asked for when somebody opens it: schemas may hold themselves. */
  readonly inside: (() => readonly Row[]) | null;
}

export function rowOf(document: JsonObject, name: string, part: Json, required: boolean): Row {
  const schema = resolved(document, part);
  const rows = () => rowsOf(document, part);
  return {
    name,
    type: typeWords(document, part),
    required,
    deprecated: schema.deprecated === true,
    description: textOf(isObject(part) ? part.description : undefined) || textOf(schema.description),
    fallback: schema.default === undefined ? null : JSON.stringify(schema.default),
    allowed: allowedOf(document, schema),
    limits: limitsOf(schema),
    inside: hasRows(document, part) ? rows : null,
  };
}

/** The members of what `part` describes: of an object, of the objects in a list, of each of several forms. */
export function rowsOf(document: JsonObject, part: Json): readonly Row[] {
  const schema = resolved(document, part);
  const forms = formsOf(document, schema);
  if (forms.length === 1) return rowsOf(document, forms[0]!);
  if (forms.length > 1) {
    return forms.map((each, at) => rowOf(document, nameOf(each) ?? `form ${at + 1}`, each, false));
  }
  const joined = listOf(schema.allOf).flatMap((each) => rowsOf(document, each));
  if (joined.length > 0) return joined;
  if (schema.items !== undefined) return rowsOf(document, schema.items);
  const required = new Set(listOf(schema.required));
  const members = membersOf(schema.properties).map(([name, each]) =>
    rowOf(document, name, each, required.has(name)),
  );
  const others = schema.additionalProperties;
  if (isObject(others)) members.push(rowOf(document, 'any name', others, false));
  return members;
}

function hasRows(document: JsonObject, part: Json, depth = 0): boolean {
  const schema = resolved(document, part);
  if (depth > 5) return false;
  if (membersOf(schema.properties).length > 0 || isObject(schema.additionalProperties)) return true;
  if (schema.items !== undefined) return hasRows(document, schema.items, depth + 1);
  return [...formsOf(document, schema), ...listOf(schema.allOf)].some((each) =>
    hasRows(document, each, depth + 1),
  );
}

/** The forms that a value may have, without nothing. */
function formsOf(document: JsonObject, schema: JsonObject): readonly Json[] {
  return [...listOf(schema.oneOf), ...listOf(schema.anyOf)].filter(
    (each) => resolved(document, each).type !== 'null',
  );
}

function nameOf(part: Json | undefined): string | null {
  return isObject(part) && typeof part.$ref === 'string' ? (part.$ref.split('/').at(-1) ?? null) : null;
}

/** `list of Deployment`, `integer or null`, `text (date-time)` */
export function typeWords(document: JsonObject, part: Json | undefined, depth = 0): string {
  const schema = resolved(document, part);
  if (depth > 4) return 'any';
  const deeper = (each: Json | undefined) => typeWords(document, each, depth + 1);
  const forms = [...listOf(schema.oneOf), ...listOf(schema.anyOf)];
  if (forms.length > 0) return unique(forms.map(deeper)).join(' or ');
  const types = unique([schema.type, ...listOf(schema.type)].filter((each) => typeof each === 'string'));
  if (types.includes('array'))
    return `list of ${schema.items === undefined ? 'anything' : deeper(schema.items)}`;
  const name = nameOf(part);
  if (name !== null && (types.length === 0 || types.includes('object'))) return name;
  if (types.length === 0) return schema.const === undefined ? 'any' : JSON.stringify(schema.const);
  const format = textOf(schema.format);
  return types.map((type) => (format !== '' && type !== 'null' ? `${type} (${format})` : type)).join(' or ');
}

function unique(words: readonly Json[]): string[] {
  return [...new Set(words.map(String))];
}

function allowedOf(document: JsonObject, schema: JsonObject): readonly string[] {
  const own = listOf(schema.enum).map((each) => JSON.stringify(each));
  if (own.length > 0) return own;
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  const forms = formsOf(document, schema).map((each) => resolved(document, each));
  if (forms.length > 0 && forms.every((each) => each.const !== undefined)) {
    return forms.map((each) => JSON.stringify(each.const));
  }
  return schema.items === undefined ? [] : allowedOf(document, resolved(document, schema.items));
}

const LIMITS: readonly (readonly [low: string, high: string, words: string])[] = [
  ['minimum', 'maximum', ''],
  ['minLength', 'maxLength', ' characters'],
  ['minItems', 'maxItems', ' items'],
];

function limitsOf(schema: JsonObject): readonly string[] {
  const ranges = LIMITS.flatMap(([low, high, words]) => {
    const [from, to] = [schema[low], schema[high]];
    if (typeof from === 'number' && typeof to === 'number') return [`${from} to ${to}${words}`];
    if (typeof from === 'number') return [`at least ${from}${words}`];
    return typeof to === 'number' ? [`at most ${to}${words}`] : [];
  });
  return typeof schema.pattern === 'string' ? [...ranges, `like ${schema.pattern}`] : ranges;
}
