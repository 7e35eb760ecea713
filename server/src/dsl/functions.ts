/**
 * Intrinsic functions: `{get_input: name}` and its kind, wherever a value may stand.
 *
 * One evaluator serves the three times a function is met: while compiling (nothing is known; it only finds what
 * can never be right), while a plan is prepared (inputs are known) and right before an operation or an output is
 * needed (everything is known). What differs is the `Lookup`. Arguments are evaluated first; a function whose
 * value is not known yet stays in place with its arguments evaluated.
 *
 * Always holds: evaluating ends. Nested evaluations are counted (50, as in the reference), and so is every value
 * passed, because properties that mention each other twice would otherwise double at every level.
 */

import { EvaluationFailure, type Found, type Lookup, nameAndPath, walk } from './functions/definition.js';
import { call as callOf, type Evaluation } from './functions/evaluation.js';
import { functionOf } from './functions/table.js';
import type { Json } from './plan.js';

export type { Found, Lookup };
/** Walks keys and list indexes into a value; undefined when there is nothing there. */
export { walk as valueAt };

/** Whether a function stands anywhere in the value. */
export function hasFunction(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) {
    for (const each of value) if (typeof each === 'object' && each !== null && hasFunction(each)) return true;
    return false;
  }
  if (functionOf(value) !== null) return true;
  for (const key in value) {
    const each = value[key];
    if (typeof each === 'object' && each !== null && hasFunction(each)) return true;
  }
  return false;
}

/** What a value asks for, as far as it is written out. */
export interface FunctionReferences {
  readonly inputs: readonly string[];
  readonly properties: readonly (readonly [node: string, name: string])[];
  readonly attributes: readonly (readonly [node: string, name: string])[];
  /** Attributes of all instances of a node. */
  readonly allAttributes: readonly (readonly [node: string, name: string])[];
  readonly secrets: readonly string[];
  readonly capabilities: readonly (readonly [deployment: string, name: string])[];
  readonly environmentCapabilities: readonly string[];
  readonly groupCapabilities: readonly (readonly [group: string, name: string])[];
  readonly labels: readonly string[];
  readonly sys: readonly (readonly [entity: string, property: string])[];
  readonly consumers: boolean;
  /** Some argument is itself a function: what it names is known only after `evaluateKnown`. */
  readonly dynamic: boolean;
}

/** What must be loaded before `evaluate` can answer. Each thing once. */
export function functionReferences(value: Json): FunctionReferences {
  const names = new Map<string, Set<string>>();
  const pairs = new Map<string, Map<string, readonly [string, string]>>();
  let dynamic = false;
  const name = (kind: string, one: Json | undefined) => {
    if (typeof one !== 'string') {
      dynamic = true;
      return;
    }
    const set = names.get(kind) ?? new Set();
    names.set(kind, set.add(one));
  };
  const pair = (kind: string, one: Json | undefined, two: Json | undefined) => {
    if (typeof one !== 'string' || (typeof two !== 'string' && typeof two !== 'number')) {
      dynamic = true;
      return;
    }
    const map = pairs.get(kind) ?? new Map();
    pairs.set(kind, map.set(JSON.stringify([one, two]), [one, String(two)]));
  };
  visitFunctions(value, (fn, args) => {
    const list = nameAndPath(args);
    switch (fn) {
      case 'get_input':
      case 'get_secret':
      case 'get_environment_capability':
      case 'get_label':
        return name(fn, list[0]);
      case 'get_property':
      case 'get_attribute':
      case 'get_attributes_list':
      case 'get_capability':
      case 'get_sys':
        return pair(fn, list[0], list[1]);
      case 'get_attributes_dict':
        for (const each of list.slice(1)) pair('get_attributes_list', list[0], nameAndPath(each)[0]);
        return;
      case 'get_group_capability':
        for (const each of nameAndPath(list[1] ?? null)) {
          pair(fn, list[0], typeof each === 'string' ? each.replace(/^deployment_id:/, '') : each);
        }
        return;
      case 'get_consumers':
        return name(fn, list[0]);
    }
  });
  const namesOf = (kind: string) => [...(names.get(kind) ?? [])];
  const pairsOf = (kind: string) => [...(pairs.get(kind)?.values() ?? [])];
  return {
    inputs: namesOf('get_input'),
    properties: pairsOf('get_property'),
    attributes: pairsOf('get_attribute'),
    allAttributes: pairsOf('get_attributes_list'),
    secrets: namesOf('get_secret'),
    capabilities: pairsOf('get_capability'),
    environmentCapabilities: namesOf('get_environment_capability'),
    groupCapabilities: pairsOf('get_group_capability'),
    labels: namesOf('get_label'),
    sys: pairsOf('get_sys'),
    consumers: names.has('get_consumers'),
    dynamic,
  };
}

/** Calls `visit` for every function in the value, outer before inner. */
export function visitFunctions(value: Json, visit: (name: string, args: Json) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const each of value) visitFunctions(each, visit);
    return;
  }
  const name = functionOf(value);
  if (name !== null) {
    visit(name, value[name]!);
    visitFunctions(value[name]!, visit);
    return;
  }
  for (const key in value) visitFunctions(value[key]!, visit);
}

/** How much one evaluation, or several that share it, may still pass. */
export interface Budget {
  values: number;
}

export interface EvaluateOptions {
  readonly budget?: Budget;
}

/** The whole value; an error when some function in it cannot be evaluated. */
export function evaluate(
  value: Json,
  lookup: Lookup,
  options: EvaluateOptions = {},
): { value: Json } | { error: string } {
  const result = evaluateKnown(value, lookup, options);
  if ('error' in result) return { error: result.error };
  return result.left === 0 ? { value: result.value } : { error: 'a function in it cannot be evaluated here' };
}

/**
 * Evaluates what is known. Functions whose lookup answers `later` stay, with their arguments evaluated; `left`
 * counts them. A value that does not change is given back itself, not a copy.
 */
export function evaluateKnown(
  value: Json,
  lookup: Lookup,
  options: EvaluateOptions = {},
): { value: Json; left: number } | { error: string; code?: number } {
  const evaluation: Evaluation = {
    lookup,
    left: 0,
    depth: 0,
    level: 0,
    budget: options.budget ?? { values: 1_000_000 },
    self: null,
    open: [],
  };
  try {
    return { value: callOf(value, evaluation), left: evaluation.left };
  } catch (error) {
    if (!(error instanceof EvaluationFailure)) throw error;
    return error.code === undefined ? { error: error.message } : { error: error.message, code: error.code };
  }
}
