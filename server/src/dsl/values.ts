/**
 * Values against their declarations: properties, inputs and workflow parameters are all checked here.
 *
 * A value is checked *and completed*: a value of a data type gets the defaults of that type's own properties.
 * A value that is an intrinsic function is never checked; nobody knows it yet.
 */
import { violation } from './constraints.js';
import { PRIMITIVE_TYPES, primitiveProblem } from './functions/primitives.js';
import { isFunction } from './functions/table.js';
import { isObject, kindOf, measure, own, shown } from './json.js';
import type { InputDefinition, Json, JsonObject, Plan } from './plan.js';
import { meant, patience } from './suggestion.js';

/** A data type, its ancestors' properties included. */
export interface DataType {
  readonly properties: Readonly<Record<string, InputDefinition>>;
  readonly derivedFrom?: string;
  readonly description?: string;
  readonly version?: string;
}
export type DataTypes = Pick<ReadonlyMap<string, DataType>, 'get'> &
  Partial<Pick<ReadonlyMap<string, DataType>, 'keys'>>;

export type ProblemKind = 'missing' | 'unknown' | 'type' | 'constraint';

export interface ValueProblem {
  /** Name of the input or parameter. */
  readonly name: string;
  /** `missing` and `unknown`: the whole input. Trouble inside of one is of kind `type` or `constraint`. */
  readonly kind: ProblemKind;
  readonly message: string;
}

export interface CheckOptions {
  /** A required property of a data type may be missing: defaults of types are completed later. */
  readonly partial?: boolean;
}

export type Checked =
  | { readonly value: Json }
  | { readonly kind: ProblemKind; readonly path: string; readonly message: string };

/** How deep data types may nest in a value. */
const DEEPEST = 100;
/** Values of inputs and parameters given by a request, functions and all. */
const DEEPEST_GIVEN = 200;
const NO_DATA_TYPES: DataTypes = new Map();

/** The data types of a plan, for `checkValue` and `applyParameters`. */
export function dataTypesOf(plan: Pick<Plan, 'dataTypes'>): DataTypes {
  return {
    get: (name) => {
      const type = own(plan.dataTypes, name);
      return isObject(type) ? (type as unknown as DataType) : undefined;
    },
  };
}

/** The value with data type defaults filled in, or the first thing wrong with it. `name` is for messages. */
export function checkValue(
  value: Json,
  definition: Pick<InputDefinition, 'type' | 'itemType' | 'constraints'>,
  name: string,
  dataTypes: DataTypes = NO_DATA_TYPES,
  options: CheckOptions = {},
): Checked {
  const checked = checkType(value, definition.type, name, dataTypes, options, 0);
  if ('message' in checked) return checked;
  const each = definition.itemType;
  if (each !== undefined && Array.isArray(checked.value)) {
    for (const [index, item] of checked.value.entries()) {
      const result = checkType(item, each, `${name}[${index}]`, dataTypes, options, 0);
      if ('message' in result) return result;
    }
  }
  const constraints = definition.constraints;
  if (constraints === undefined || constraints.length === 0 || isFunction(checked.value)) return checked;
  const subjects = each !== undefined && Array.isArray(checked.value) ? checked.value : [checked.value];
  for (const subject of subjects) {
    const broken = isFunction(subject) ? null : violation(subject, name, constraints);
    if (broken !== null) return { kind: 'constraint', path: name, message: broken };
  }
  return checked;
}

/** `under`: what lies under the value, key by key, before the defaults of the type do. */
function checkType(
  value: Json,
  type: string | undefined,
  path: string,
  dataTypes: DataTypes,
  options: CheckOptions,
  level: number,
  under?: Json,
): Checked {
  if (type === undefined || value === null || isFunction(value)) return { value };
  if (PRIMITIVE_TYPES.has(type)) {
    const problem = primitiveProblem(value, type);
    return problem === null
      ? { value }
      : { kind: 'type', path, message: `'${path}' ${problem}: ${shown(value)}` };
  }
  const dataType = dataTypes.get(type);
  if (dataType === undefined)
    return { kind: 'type', path, message: `'${path}' is of unknown type '${type}'` };
  if (level > DEEPEST) return { kind: 'type', path, message: `'${path}' nests data types too deeply` };
  if (!isObject(value)) {
    return {
      kind: 'type',
      path,
      message: `'${path}' must be of type ${type}, but is of type ${kindOf(value)}: ${shown(value)}`,
    };
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(dataType.properties, key)) continue;
    const known = Object.keys(dataType.properties);
    return {
      kind: 'unknown',
      path,
      message: `'${path}.${key}' is not a property of type ${type} (known: ${known.join(', ')})`,
    };
  }
  const below = isObject(under) && !isFunction(under) ? under : {};
  let complete: JsonObject | null = null;
  for (const [key, schema] of Object.entries(dataType.properties)) {
    const given = own(value, key);
    const at = path === '' ? key : `${path}.${key}`;
    const after = completeValue(given, schema, at, dataTypes, options, level + 1, own(below, key));
    if (after === undefined || (!('message' in after) && after.value === given)) continue;
    if ('message' in after) return after;
    complete ??= { ...value };
    complete[key] = after.value;
  }
  return { value: complete ?? value };
}

/**
 * A property's value from what was given and its schema; undefined: none, and that is fine.
 *
 * A value of a data type lies over the default of the property that holds it (or over `inherited`, if there is
 * any), and that over the defaults of the data type: property by property, as far down as there are data types.
 */
export function completeValue(
  given: Json | undefined,
  schema: InputDefinition,
  path: string,
  dataTypes: DataTypes,
  options: CheckOptions,
  level = 0,
  inherited?: Json,
): Checked | undefined {
  const fallback = inherited ?? schema.default;
  if (given !== undefined) return checkType(given, schema.type, path, dataTypes, options, level, fallback);
  if (fallback !== undefined)
    return checkType(fallback, schema.type, path, dataTypes, options, level, fallback);
  const optional = schema.required === false || options.partial === true;
  const nested = nestedDefault(schema.type, path, dataTypes, options, level);
  if (nested !== undefined) return 'message' in nested && optional ? undefined : nested;
  return optional ? undefined : { kind: 'missing', path, message: `'${path}' is required, but has no value` };
}

/** What the defaults of a data type add up to; undefined for types that are none. */
export function nestedDefault(
  type: string | undefined,
  path: string,
  dataTypes: DataTypes,
  options: CheckOptions,
  level = 0,
): Checked | undefined {
  if (type === undefined || PRIMITIVE_TYPES.has(type)) return undefined;
  if (dataTypes.get(type) === undefined || level > DEEPEST) return undefined;
  return checkType({}, type, path, dataTypes, options, level);
}

/** A default over the one an ancestor's property of the same data type has; null when they do not fit together. */
export function inheritedDefault(
  own: Json | undefined,
  inherited: Json,
  type: string,
  dataTypes: DataTypes,
): Json | null {
  const merged = checkType(own ?? {}, type, '', dataTypes, { partial: true }, 0, inherited);
  return 'message' in merged ? null : merged.value;
}

export interface ApplyOptions {
  /** Accept names the schema does not declare; they are passed on unchecked. */
  readonly allowUndeclared?: boolean;
  /** Texts given for integers, floats and booleans are turned into them. */
  readonly correctTypes?: boolean;
  readonly dataTypes?: DataTypes;
}

/**
 * The values of inputs or parameters: what is given, checked and completed, over the defaults.
 *
 * Undeclared names, missing required ones, wrong types and broken constraints are all told. An input that is not
 * required and has neither value nor default is null, as in the reference implementation.
 */
export function applyParameters(
  schema: Readonly<Record<string, InputDefinition>>,
  given: JsonObject,
  options: ApplyOptions = {},
): { values: JsonObject } | { problems: ValueProblem[] } {
  const problems: ValueProblem[] = [];
  const values: JsonObject = {};
  const extent = measure(given);
  if (extent === null || extent.depth > DEEPEST_GIVEN) {
    return { problems: [{ name: '', kind: 'type', message: 'The given values are nested too deeply' }] };
  }
  const budget = patience();
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(schema, name)) continue;
    if (options.allowUndeclared === true) values[name] = given[name]!;
    else {
      const known = Object.keys(schema);
      const list = known.length === 0 ? 'none are declared' : `declared: ${known.join(', ')}`;
      problems.push({
        name,
        kind: 'unknown',
        message: `'${name}' is not declared${meant(name, known, budget)} (${list})`,
      });
    }
  }
  for (const [name, definition] of Object.entries(schema)) {
    const raw = own(given, name);
    const value =
      raw === undefined ? undefined : options.correctTypes === true ? corrected(raw, definition.type) : raw;
    const result = effectiveValue(value, definition, name, options.dataTypes ?? NO_DATA_TYPES);
    if ('message' in result) {
      const nested = result.path !== name || result.kind === 'unknown';
      problems.push({
        name,
        kind: nested && result.kind !== 'constraint' ? 'type' : result.kind,
        message: result.message,
      });
    } else values[name] = result.value;
  }
  return problems.length > 0 ? { problems } : { values };
}

function effectiveValue(
  given: Json | undefined,
  definition: InputDefinition,
  name: string,
  dataTypes: DataTypes,
): Checked {
  const required = definition.required !== false;
  if (given === undefined) {
    if (definition.default !== undefined && (definition.default !== null || !required)) {
      return checkValue(definition.default, definition, name, dataTypes);
    }
    const nested = nestedDefault(definition.type, name, dataTypes, {});
    if (nested !== undefined && 'value' in nested && !isEmpty(nested.value)) return nested;
    if (!required || definition.default === null) return { value: null };
    return { kind: 'missing', path: name, message: `'${name}' is required, but was not given` };
  }
  if (given === null && !required) return { value: null };
  return checkValue(given, definition, name, dataTypes);
}

function isEmpty(value: Json): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

/** A text as the number or boolean its type asks for; what does not look like one stays as it is. */
function corrected(value: Json, type: string | undefined): Json {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (type === 'integer' && /^[-+]?\d+$/.test(text) && Number.isSafeInteger(Number(text)))
    return Number(text);
  if (type === 'float' && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return value;
}
