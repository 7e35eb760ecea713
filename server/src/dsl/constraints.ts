/** Constraints of inputs and parameters: what they may say, and whether a value keeps them. */
import { isFunction } from './functions/table.js';
import { isObject, kindOf, shown } from './json.js';
import { compilePattern } from './pattern.js';
import type { Json, JsonObject } from './plan.js';

interface Constraint {
  /** Null when the argument makes sense, else what is wrong with it. */
  argument(arg: Json): string | null;
  holds(value: Json, arg: Json): boolean;
  /** How the constraint reads in a message, after "value X of N violates constraint". */
  readonly types?: readonly string[];
}

/** Longest text a pattern is tried on. */
const LONGEST_MATCHED = 10_000;

const CONSTRAINTS: ReadonlyMap<string, Constraint> = new Map<string, Constraint>([
  ['equal', { argument: () => null, holds: (value, arg) => same(value, arg) }],
  ['greater_than', comparison((order) => order > 0)],
  ['greater_or_equal', comparison((order) => order >= 0)],
  ['less_than', comparison((order) => order < 0)],
  ['less_or_equal', comparison((order) => order <= 0)],
  [
    'in_range',
    {
      argument: (arg) =>
        Array.isArray(arg) && arg.length === 2 && arg.every(isComparable)
          ? null
          : 'must be a list of two comparable values',
      holds: (value, arg) => {
        const [low, high] = arg as [Json, Json];
        const above = orderOf(value, low);
        const below = orderOf(value, high);
        return above !== null && below !== null && above >= 0 && below <= 0;
      },
    },
  ],
  [
    'valid_values',
    {
      argument: (arg) => (Array.isArray(arg) ? null : 'must be a list'),
      holds: (value, arg) => (arg as Json[]).some((each) => same(each, value)),
    },
  ],
  ['length', sized((size, arg) => size === arg)],
  ['min_length', sized((size, arg) => size >= arg)],
  ['max_length', sized((size, arg) => size <= arg)],
  [
    'pattern',
    {
      argument: (arg) => {
        if (typeof arg !== 'string') return 'must be a regular expression';
        const pattern = compilePattern(arg);
        return 'problem' in pattern ? `must be a regular expression (${pattern.problem})` : null;
      },
      holds: (value, arg) => {
        if (typeof value !== 'string' || value.length > LONGEST_MATCHED) return false;
        const pattern = compilePattern(arg as string);
        return !('problem' in pattern) && pattern.matches(value);
      },
    },
  ],
]);

/** Filters of the object types: which objects of the system may be chosen. Checked where the objects are known. */
const OBJECT_CONSTRAINTS: ReadonlySet<string> = new Set([
  'filter_id',
  'labels',
  'tenants',
  'name_pattern',
  'deployment_id',
  'blueprint_id',
]);

/** The name of the constraint in a one-entry mapping (besides `error_message`); null when it is none. */
export function constraintName(constraint: JsonObject): string | null {
  const names = Object.keys(constraint).filter((key) => key !== 'error_message');
  return names.length === 1 ? names[0]! : null;
}

/** What is wrong with a constraint as written; null: nothing. `code` as the reference parser has it. */
export function constraintProblem(
  constraint: JsonObject,
  objectType: boolean,
): { code: number; message: string } | null {
  const name = constraintName(constraint);
  if (name === null) return { code: 212, message: 'A constraint has exactly one name' };
  const arg = constraint[name] ?? null;
  if (OBJECT_CONSTRAINTS.has(name) && objectType) return null;
  const known = CONSTRAINTS.get(name);
  if (known === undefined) {
    return {
      code: 103,
      message: `Unknown constraint '${name}' (known: ${[...CONSTRAINTS.keys()].join(', ')})`,
    };
  }
  if (isFunction(arg)) return null;
  const problem = known.argument(arg);
  return problem === null
    ? null
    : { code: 212, message: `The argument of constraint '${name}' ${problem}, got ${shown(arg)}` };
}

/** The message of the first constraint the value breaks; null when it keeps all. Values as functions pass. */
export function violation(value: Json, name: string, constraints: readonly JsonObject[]): string | null {
  for (const constraint of constraints) {
    const kind = constraintName(constraint);
    const known = kind === null ? undefined : CONSTRAINTS.get(kind);
    if (kind === null || known === undefined) continue;
    const arg = constraint[kind] ?? null;
    if (isFunction(arg) || known.argument(arg) !== null || known.holds(value, arg)) continue;
    const message = constraint.error_message;
    if (typeof message === 'string') return `Value ${shown(value)} of ${name} is invalid. ${message}`;
    return `Value ${shown(value)} of ${name} violates constraint ${kind}(${shown(arg)}).`;
  }
  return null;
}

function comparison(holds: (order: number) => boolean): Constraint {
  return {
    argument: (arg) => (isComparable(arg) ? null : 'must be a number or a string'),
    holds: (value, arg) => {
      const order = orderOf(value, arg);
      return order !== null && holds(order);
    },
  };
}

function sized(holds: (size: number, arg: number) => boolean): Constraint {
  return {
    argument: (arg) =>
      typeof arg === 'number' && Number.isInteger(arg) && arg >= 0 ? null : 'must be an integer of 0 or more',
    holds: (value, arg) => {
      const size =
        typeof value === 'string' || Array.isArray(value)
          ? value.length
          : isObject(value)
            ? Object.keys(value).length
            : null;
      return size !== null && holds(size, arg as number);
    },
  };
}

function isComparable(value: Json): boolean {
  return typeof value === 'number' || typeof value === 'string';
}

/** Negative, zero or positive; null when the two cannot be compared. */
function orderOf(left: Json, right: Json): number | null {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  return null;
}

function same(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (kindOf(left) !== kindOf(right) || typeof left !== 'object' || typeof right !== 'object') return false;
  if (left === null || right === null) return false;
  const leftKeys = Object.keys(left);
  if (leftKeys.length !== Object.keys(right).length) return false;
  return leftKeys.every(
    (key) => Object.hasOwn(right, key) && same((left as JsonObject)[key]!, (right as JsonObject)[key]!),
  );
}
