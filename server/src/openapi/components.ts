/**
 * TypeBox schemas, told as an OpenAPI document tells them: a schema with a title becomes a component of that name, once,
 * however often it occurs; and what TypeBox spells at length is put shortly (`enum`, `type: [string, null]`).
 */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export class Components {
  readonly #schemas = new Map<string, JsonObject>();

  /**
   * The schema with components in the place of what has a title.
   *
   * @throws Error when two schemas that differ have the same title
   */
  schema(given: object): JsonObject {
    // Through JSON: what is no JSON Schema (TypeBox's own marks) is not part of the description.
    return this.#told(JSON.parse(JSON.stringify(given)) as JsonObject);
  }

  /** By name, in the order of the alphabet. */
  all(): JsonObject {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #told(schema: JsonObject): JsonObject {
    const { title, ...rest } = schema;
    const told = shortened(this.#inside(rest));
    if (typeof title !== 'string') return told;
    const name = title.replace(/[^A-Za-z0-9]/g, '');
    const known = this.#schemas.get(name);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(told)) {
      throw new Error(`two schemas that differ are both called ${name}`);
    }
    this.#schemas.set(name, told);
    return { $ref: `#/components/schemas/${name}` };
  }

  #inside(schema: JsonObject): JsonObject {
    return Object.fromEntries(
      Object.entries(schema).map(([key, value]) => {
        if (key === 'properties' || key === 'patternProperties') {
          const members = Object.entries(value as Record<string, JsonObject>);
          return [key, Object.fromEntries(members.map(([name, each]) => [name, this.#told(each)]))];
        }
        if (key === 'anyOf' || key === 'oneOf' || key === 'allOf') {
          return [key, (value as readonly JsonObject[]).map((each) => this.#told(each))];
        }
        if ((key === 'items' || key === 'additionalProperties') && isObject(value)) {
          return [key, this.#told(value)];
        }
        return [key, value];
      }),
    );
  }
}

function shortened(schema: JsonObject): JsonObject {
  const { patternProperties, anyOf, ...rest } = schema;
  if (isObject(patternProperties) && Object.keys(patternProperties).join() === '^.*$') {
    const values = patternProperties['^.*$'] as JsonObject;
    return { ...rest, additionalProperties: Object.keys(values).length === 0 ? true : values };
  }
  if (!Array.isArray(anyOf)) return schema;
  const members = anyOf as readonly JsonObject[];
  if (members.every((each) => typeof each.const === 'string')) {
    return { ...rest, type: 'string', enum: members.map((each) => each.const!) };
  }
  const [one, nothing] = members;
  const keys = Object.keys(one ?? {});
  const bare = keys.every((key) => ['type', 'format', 'description'].includes(key));
  if (members.length === 2 && nothing?.type === 'null' && typeof one?.type === 'string' && bare) {
    return { ...rest, ...one, type: [one.type, 'null'] };
  }
  return schema;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
