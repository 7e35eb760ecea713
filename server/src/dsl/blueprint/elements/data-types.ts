/** `data_types`: mappings with a schema of their own, to be used as types of properties and inputs. */
import { PRIMITIVE_TYPES } from '../../functions/primitives.js';
import { isFunction } from '../../functions/table.js';
import { isObject } from '../../json.js';
import type { InputDefinition, Json, JsonObject } from '../../plan.js';
import { completeValue, type DataType, type DataTypes, inheritedDefault } from '../../values.js';
import type { Entry, Section } from '../entry.js';
import { checkAncestry, lineage } from '../inheritance.js';
import { CODE } from '../report.js';
import { record, type Shape, type ShapeCheck, table, text, textOrNumber } from '../shape.js';
import { checkSchema, propertySchema, readSchemas } from './property-schema.js';

export const dataTypeShape: Shape = record({
  derived_from: { shape: text },
  properties: { shape: table(propertySchema) },
  description: { shape: text },
  version: { shape: textOrNumber },
});

/** All sound data types, flattened. Reports illegal names, broken ancestry, unknown property types and circles. */
export function readDataTypes(section: Section, longest: number, check: ShapeCheck): Map<string, DataType> {
  for (const entry of section.values()) {
    if (PRIMITIVE_TYPES.has(entry.name)) {
      check.report.error(
        entry.place,
        CODE.illegalTypeName,
        `Can't redefine the primitive data type '${entry.name}'`,
      );
    }
  }
  const sound = checkAncestry(section, 'data type', longest, check.report);
  const types = new Map<string, DataType>();
  for (const name of sound) {
    if (!PRIMITIVE_TYPES.has(name)) types.set(name, flattened(section, name, null));
  }
  const { endless, order } = reportEndless(section, types, check);
  for (const name of endless) types.delete(name);
  // Defaults that lie over inherited ones need the types they are of: what is held comes before its holder.
  for (const name of order) if (types.has(name)) types.set(name, flattened(section, name, types));
  for (const entry of section.values()) if (!entry.bundled) checkOwn(entry, types, check);
  return types;
}

function flattened(section: Section, name: string, types: DataTypes | null): DataType {
  const raw = section.get(name)!.value as JsonObject;
  const { derived_from: derivedFrom, description, version } = raw;
  return {
    properties: mergeProperties(lineage(section, name), types),
    ...(typeof derivedFrom === 'string' ? { derivedFrom } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...(version === undefined || version === null ? {} : { version: String(version) }),
  };
}

/**
 * Properties along a line of ancestors: a descendant's entry replaces the whole entry of that name. Only the default
 * of a data type lies over the inherited one, when the type stays the same. Without `types`: not even that.
 */
export function mergeProperties(
  line: readonly Entry[],
  types: DataTypes | null,
): Record<string, InputDefinition> {
  const merged: Record<string, InputDefinition> = {};
  for (const entry of line) {
    const own = readSchemas((entry.value as JsonObject).properties);
    for (const name in own) {
      const schema = own[name]!;
      const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
      merged[name] = before === undefined || types === null ? schema : overInherited(schema, before, types);
    }
  }
  return merged;
}

function overInherited(schema: InputDefinition, before: InputDefinition, types: DataTypes): InputDefinition {
  const { type } = schema;
  if (type === undefined || before.type !== type || PRIMITIVE_TYPES.has(type)) return schema;
  const fits = (value: Json | undefined) => isObject(value) && !isFunction(value);
  if (!fits(before.default) || types.get(type) === undefined) return schema;
  if (schema.default !== undefined && !fits(schema.default)) return schema;
  const merged = inheritedDefault(schema.default, before.default!, type, types);
  return merged === null ? schema : { ...schema, default: merged };
}

function checkOwn(entry: Entry, types: ReadonlyMap<string, DataType>, check: ShapeCheck): void {
  const own = readSchemas((entry.value as JsonObject).properties);
  for (const name in own) {
    checkSchema(own[name]!, name, entry.name, entry.place.at('properties', name), types, check);
  }
}

/** As a plan tells them: a property that is of a data type itself has what that one's defaults add up to. */
export function plannedDataTypes(types: ReadonlyMap<string, DataType>): JsonObject {
  const planned: Record<string, DataType> = {};
  for (const [name, type] of types) {
    const properties: Record<string, InputDefinition> = {};
    for (const [key, schema] of Object.entries(type.properties)) {
      const isNested = schema.type !== undefined && types.has(schema.type);
      const value = isNested ? completeValue(undefined, schema, key, types, { partial: true }) : undefined;
      properties[key] =
        value !== undefined && 'value' in value ? { ...schema, default: value.value } : schema;
    }
    planned[name] = { ...type, properties };
  }
  return planned as unknown as JsonObject;
}

/** Data types a value of one may hold in all: types that mention each other twice would double at every level. */
const LARGEST = 10_000;

/**
 * Data types that hold themselves (nobody could ever write such a value) or too many others. With an own stack.
 * `order`: every type behind those it holds.
 */
function reportEndless(
  section: Section,
  types: ReadonlyMap<string, DataType>,
  check: ShapeCheck,
): { endless: string[]; order: string[] } {
  const done = new Set<string>();
  const sizes = new Map<string, number>();
  const endless: string[] = [];
  const order: string[] = [];
  const uses = (name: string) =>
    Object.values(types.get(name)!.properties).flatMap(({ type }) =>
      type !== undefined && types.has(type) ? [type] : [],
    );
  for (const start of types.keys()) {
    if (done.has(start)) continue;
    const stack = [{ name: start, next: uses(start), at: 0 }];
    const open = new Set([start]);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const next = top.next[top.at++];
      if (next === undefined) {
        stack.pop();
        open.delete(top.name);
        done.add(top.name);
        order.push(top.name);
        const size = top.next.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 1);
        sizes.set(top.name, size);
        if (size > LARGEST) {
          check.report.error(
            section.get(top.name)!.place,
            null,
            `'${top.name}' nests more than ${LARGEST} data types`,
          );
          endless.push(top.name);
        }
      } else if (open.has(next)) {
        const names = stack.map((frame) => frame.name);
        const circle = [...names.slice(names.indexOf(next)), next];
        check.report.error(
          section.get(next)!.place,
          CODE.cycle,
          `Circular dependency detected: ${circle.join(' --> ')}`,
        );
        endless.push(next);
      } else if (!done.has(next)) {
        stack.push({ name: next, next: uses(next), at: 0 });
        open.add(next);
      }
    }
  }
  return { endless, order };
}
