/** `{type, default, description, required}`: how a property, an operation input or a parameter is declared. */
import { PRIMITIVE_TYPES, primitiveSince } from '../../functions/primitives.js';
import { isObject } from '../../json.js';
import type { InputDefinition, Json, JsonObject } from '../../plan.js';
import { checkValue, type DataTypes } from '../../values.js';
import { CODE } from '../report.js';
import { anything, type Field, flag, record, type Shape, type ShapeCheck, text, tooNew } from '../shape.js';
import type { Place } from '../source.js';

export const PROPERTY_FIELDS: Readonly<Record<string, Field>> = {
  type: { shape: text },
  default: { shape: anything },
  description: { shape: text },
  required: { shape: flag, since: 2 },
  item_type: { shape: text, since: 4 },
};

export const propertySchema: Shape = record(PROPERTY_FIELDS);

/** A schema as written, in our words. `emptyDefault`: a default of null is one (properties, parameters), or none (inputs). */
export function readSchema(raw: Json, emptyDefault = false): InputDefinition {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return {};
  const read: { -readonly [key in keyof InputDefinition]: InputDefinition[key] } = {};
  if (typeof raw.type === 'string') read.type = raw.type;
  const fallback = raw.default;
  if (fallback !== undefined && (fallback !== null || emptyDefault)) read.default = fallback;
  if (typeof raw.required === 'boolean') read.required = raw.required;
  if (typeof raw.description === 'string') read.description = raw.description;
  if (typeof raw.item_type === 'string') read.itemType = raw.item_type;
  if (typeof raw.display_label === 'string') read.displayLabel = raw.display_label;
  if (typeof raw.hidden === 'boolean') read.hidden = raw.hidden;
  if (typeof raw.display === 'object' && raw.display !== null) read.display = raw.display as JsonObject;
  if (Array.isArray(raw.constraints)) read.constraints = raw.constraints.filter(isObject);
  return read;
}

export function readSchemas(raw: Json | undefined): Record<string, InputDefinition> {
  const schemas: Record<string, InputDefinition> = {};
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return schemas;
  for (const name in raw) schemas[name] = readSchema(raw[name]!, true);
  return schemas;
}

/**
 * Whether the schema's type exists (103), is known in this version (102), and its default is of it (105).
 * `isWhole`: a default of a data type must have all that the type requires.
 */
export function checkSchema(
  schema: InputDefinition,
  name: string,
  owner: string,
  place: Place,
  dataTypes: DataTypes,
  check: ShapeCheck,
  isWhole = false,
): void {
  const { type } = schema;
  if (type === undefined) return;
  if (!PRIMITIVE_TYPES.has(type)) {
    if (dataTypes.get(type) === undefined) {
      check.report.error(
        place.at('type'),
        CODE.unknownType,
        `Illegal type name '${type}' of '${name}' in '${owner}'${check.report.meant(type, typeNames(dataTypes))}`,
      );
      return;
    }
  } else if (primitiveSince(type) > check.minor)
    tooNew(`type '${type}'`, primitiveSince(type), place.at('type'), check);
  if (schema.default === undefined) return;
  const checked = checkValue(schema.default, { type }, name, dataTypes, { partial: !isWhole });
  if ('message' in checked) {
    const code =
      checked.kind === 'unknown'
        ? CODE.unknownProperty
        : checked.kind === 'missing'
          ? CODE.missingValue
          : CODE.valueType;
    check.report.error(
      place.at('default'),
      code,
      `Property type validation failed in '${owner}': ${checked.message}`,
    );
  }
}

function* typeNames(dataTypes: DataTypes): Iterable<string> {
  yield* PRIMITIVE_TYPES;
  yield* dataTypes.keys?.() ?? [];
}
