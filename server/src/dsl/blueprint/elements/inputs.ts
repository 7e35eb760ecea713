/** `inputs`: what a deployment may, or must, be given. */
import { constraintProblem } from '../../constraints.js';
import { OBJECT_TYPES, PRIMITIVE_TYPES } from '../../functions/primitives.js';
import { isFunction } from '../../functions/table.js';
import { hasFunction } from '../../functions.js';
import type { InputDefinition } from '../../plan.js';
import { checkValue, type DataTypes } from '../../values.js';
import { CODE } from '../report.js';
import {
  anything,
  flag,
  items,
  number,
  record,
  type Shape,
  type ShapeCheck,
  text,
  tooNew,
} from '../shape.js';
import type { Place } from '../source.js';
import { checkSchema, PROPERTY_FIELDS, readSchema } from './property-schema.js';

const constraint: Shape = (value, place, check) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    check.report.error(place, CODE.format, 'A constraint is a mapping of its name to its argument');
  } else if (Object.hasOwn(value, 'error_message') && check.minor < 5) {
    tooNew("'error_message'", 5, place.at('error_message'), check);
  }
};

const FIELDS = {
  ...PROPERTY_FIELDS,
  constraints: { shape: items(constraint) },
  required: { shape: flag },
  display_label: { shape: text, since: 3 },
  hidden: { shape: flag, since: 3 },
  display: { shape: record({ rows: { shape: number } }) },
};

export const inputShape: Shape = record(FIELDS);
/** Workflow parameters are inputs of a workflow. */
export const parameterShape: Shape = record({
  ...FIELDS,
  display: { shape: anything },
});

export function readInput(
  value: Parameters<typeof readSchema>[0],
  name: string,
  place: Place,
  dataTypes: DataTypes,
  check: ShapeCheck,
): InputDefinition {
  const input = readSchema(value);
  const { report } = check;
  checkSchema(input, name, 'inputs', place, dataTypes, check, true);
  if (input.hidden === true && input.required !== false && input.default === undefined) {
    report.error(place, CODE.hiddenInput, `Input '${name}' is hidden and required, so it needs a default`);
  }
  if (input.display !== undefined && input.type !== 'textarea') {
    report.error(
      place.at('display'),
      CODE.inputDisplay,
      `Input '${name}': 'display' is for the type textarea`,
    );
  }
  checkItemType(input, name, place, dataTypes, check);
  checkConstraints(input, name, place, dataTypes, check);
  return input;
}

export function checkItemType(
  input: InputDefinition,
  name: string,
  place: Place,
  dataTypes: DataTypes,
  check: ShapeCheck,
): void {
  if (input.itemType === undefined) return;
  if (input.type !== 'list') {
    check.report.error(
      place.at('item_type'),
      CODE.itemTypeWithoutList,
      `'${name}': 'item_type' is for the type list`,
    );
  } else if (!PRIMITIVE_TYPES.has(input.itemType) && dataTypes.get(input.itemType) === undefined) {
    check.report.error(
      place.at('item_type'),
      CODE.itemTypeUnknown,
      `'${name}': unknown item type '${input.itemType}'`,
    );
  }
}

export function checkConstraints(
  input: InputDefinition,
  name: string,
  place: Place,
  dataTypes: DataTypes,
  check: ShapeCheck,
): void {
  const { constraints } = input;
  if (constraints === undefined || constraints.length === 0) return;
  const objectType = OBJECT_TYPES.has(input.type ?? '') || OBJECT_TYPES.has(input.itemType ?? '');
  for (const [index, each] of constraints.entries()) {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) continue;
    const problem = constraintProblem(each, objectType);
    if (problem !== null)
      check.report.error(place.at('constraints', index), problem.code, `${problem.message} ('${name}')`);
  }
  if (input.default === undefined) return;
  if (isFunction(input.default) || hasFunction(input.default)) {
    const where = place.at('default');
    check.report.error(
      where,
      CODE.constraintFunction,
      `'${name}' has constraints, so its default cannot be a function`,
    );
    return;
  }
  const checked = checkValue(input.default, input, name, dataTypes, { partial: true });
  if ('message' in checked && checked.kind === 'constraint')
    check.report.error(place.at('default'), null, checked.message);
}
