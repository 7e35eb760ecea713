/** The types every value can be checked against without knowing anything else. */
import { kindOf } from '../json.js';
import { compilePattern } from '../pattern.js';
import type { Json } from '../plan.js';

/** Types whose values are any text (or, as in the reference, anything): they name objects of the system. */
export const OBJECT_TYPES: ReadonlySet<string> = new Set([
  'blueprint_id',
  'deployment_id',
  'capability_value',
  'scaling_group',
  'node_id',
  'node_type',
  'node_instance',
  'secret_key',
  'operation_name',
]);

export const PRIMITIVE_TYPES: ReadonlySet<string> = new Set([
  'string',
  'integer',
  'float',
  'boolean',
  'list',
  'dict',
  'regex',
  'textarea',
  ...OBJECT_TYPES,
]);

/** First version `1_X` that has the type. */
export function primitiveSince(type: string): number {
  if (type === 'operation_name') return 5;
  return OBJECT_TYPES.has(type) ? 4 : 0;
}

/** Null when the value is of the primitive type (or the type is none); else what is wrong, without a subject. */
export function primitiveProblem(value: Json, type: string): string | null {
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? null : wrong(value, type);
    case 'float':
      return typeof value === 'number' ? null : wrong(value, type);
    case 'boolean':
      return typeof value === 'boolean' ? null : wrong(value, type);
    case 'list':
      return Array.isArray(value) ? null : wrong(value, type);
    case 'dict':
      return kindOf(value) === 'dict' ? null : wrong(value, type);
    case 'regex': {
      if (typeof value !== 'string') return wrong(value, type);
      return isRegularExpression(value) ? null : 'is not a valid regular expression';
    }
    default:
      return null;
  }
}

function wrong(value: Json, type: string): string {
  return `must be of type ${type}, but is of type ${kindOf(value)}`;
}

/** Whether a value of type `regex` is one. It may be meant for other tools, which know more than ours. */
function isRegularExpression(source: string): boolean {
  if (!('problem' in compilePattern(source))) return true;
  try {
    new RegExp(source.replaceAll('(?P<', '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>'));
    return true;
  } catch {
    return false;
  }
}
