/** `labels` (of deployments) and `blueprint_labels`: `key -> {values: [...]}`. */
import { isFunction } from '../../functions/table.js';
import { visitFunctions } from '../../functions.js';
import { isObject } from '../../json.js';
import type { Json } from '../../plan.js';
import type { Entry } from '../entry.js';
import { CODE } from '../report.js';
import { list, record, type Shape, type ShapeCheck } from '../shape.js';

export const labelShape: Shape = record({ values: { shape: list, required: true } });

/** Values are texts; a deployment's label may also be a function, but nothing that only instances know. */
export function readLabel(
  entry: Entry,
  ofBlueprint: boolean,
  check: ShapeCheck,
): { readonly values: readonly Json[] } {
  const values = isObject(entry.value) && Array.isArray(entry.value.values) ? entry.value.values : [];
  for (const [index, value] of values.entries()) {
    const place = entry.place.at('values', index);
    if (typeof value === 'string') continue;
    if (ofBlueprint || !isFunction(value)) {
      const allowed = ofBlueprint ? 'a string' : 'a string or a function';
      check.report.error(place, CODE.format, `Each value of label '${entry.name}' must be ${allowed}`);
      continue;
    }
    visitFunctions(value, (name) => {
      if (name === 'get_attribute') {
        check.report.error(
          place,
          CODE.functionNotAllowed,
          `get_attribute cannot be used in label '${entry.name}'`,
        );
      }
    });
  }
  return { values };
}
