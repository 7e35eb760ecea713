/** The evaluator itself; see `../functions.ts` for what holds. */
import { shown } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import { type Call, EvaluationFailure, LATER, type Lookup, walk } from './definition.js';
import { primitiveProblem } from './primitives.js';
import { FUNCTIONS, functionOf, isFunction } from './table.js';

export interface Evaluation {
  readonly lookup: Lookup;
  /** Functions left in place so far. */
  left: number;
  depth: number;
  /** How deep the value at hand lies, over all nested evaluations. */
  level: number;
  readonly budget: { values: number };
  /** The node that `SELF` stands for in a value found elsewhere; null: as the lookup understands it. */
  self: string | null;
  /** Properties and inputs being evaluated, to tell a circle from deep nesting. */
  readonly open: string[];
}

const DEEPEST_FUNCTIONS = 50;
const DEEPEST_VALUE = 1000;

/** Evaluates a value; throws `EvaluationFailure`. */
export function call(value: Json, evaluation: Evaluation): Json {
  return evaluateValue(value, evaluation, 0);
}

function evaluateValue(value: Json, evaluation: Evaluation, level: number): Json {
  spend(evaluation, value);
  if (typeof value !== 'object' || value === null) return value;
  if (level > DEEPEST_VALUE)
    throw new EvaluationFailure(`a value is nested more than ${DEEPEST_VALUE} levels deep`);
  if (Array.isArray(value)) {
    let copy: Json[] | null = null;
    for (let index = 0; index < value.length; index++) {
      const before = value[index]!;
      const after = evaluateValue(before, evaluation, level + 1);
      if (after !== before) {
        copy ??= value.slice();
        copy[index] = after;
      }
    }
    return copy ?? value;
  }
  const name = functionOf(value);
  if (name !== null) return evaluateFunction(value, name, evaluation, level);
  let copy: JsonObject | null = null;
  for (const key in value) {
    const before = value[key]!;
    const after = evaluateValue(before, evaluation, level + 1);
    if (after !== before) {
      copy ??= { ...value };
      copy[key] = after;
    }
  }
  return copy ?? value;
}

/** Characters that count as one value: long texts are copied into every place that names them when a plan is stored. */
const TEXT_SHARE = 8;

function spend(evaluation: Evaluation, value: Json): void {
  evaluation.budget.values -= typeof value === 'string' ? 1 + Math.floor(value.length / TEXT_SHARE) : 1;
  if (evaluation.budget.values < 0) throw new EvaluationFailure('the evaluated values are too large');
}

function evaluateFunction(value: JsonObject, name: string, evaluation: Evaluation, level: number): Json {
  const definition = FUNCTIONS.get(name)!;
  const raw = value[name]!;
  definition.check(raw);
  enter(evaluation);
  const before = evaluation.left;
  const args = evaluateValue(raw, evaluation, level + 1);
  let result: Json | typeof LATER = LATER;
  if (evaluation.left === before) {
    definition.check(args);
    evaluation.level = level;
    result = definition.evaluate(args, callFor(evaluation));
  }
  evaluation.depth--;
  if (result === LATER) {
    evaluation.left++;
    return args === raw ? value : { ...value, [name]: args };
  }
  // What was found under a name has not been counted for this place.
  if (typeof result === 'string') spend(evaluation, result);
  const type = value.type;
  if (typeof type === 'string' && evaluation.left === before) {
    const problem = result === null ? null : primitiveProblem(result, type);
    if (problem !== null) {
      throw new EvaluationFailure(`the value of ${name} ${shown(raw)} ${problem}`);
    }
  }
  return result;
}

function callFor(evaluation: Evaluation): Call {
  return {
    lookup: evaluation.lookup,
    node: (name) => (name === 'SELF' && evaluation.self !== null ? evaluation.self : name),
    evaluateInput: (value, name, path) => within(value, path, evaluation, `input ${name}`, evaluation.self),
    evaluateProperty: (value, node, name, path) =>
      within(value, path, evaluation, `${node}.${name}`, node === 'SELF' ? evaluation.self : node),
  };
}

/**
 * Evaluates what was found under a name, in the scope of where it was found, and walks into it.
 *
 * Only what `path` leads to is evaluated, so one part of a property may speak of another part of it.
 */
function within(
  value: Json,
  path: readonly Json[],
  evaluation: Evaluation,
  name: string,
  self: string | null,
): Json | undefined | typeof LATER {
  let at: Json = value;
  let steps = 0;
  while (steps < path.length && !isFunction(at)) {
    const next = walk(at, [path[steps]!]);
    if (next === undefined) return undefined;
    at = next;
    steps++;
  }
  const rest = path.slice(steps);
  if (typeof at !== 'object' || at === null) return walk(at, rest);
  const key = [name, ...path.slice(0, steps).map(String)].join('.');
  if (evaluation.open.includes(key)) {
    const circle = [...evaluation.open.slice(evaluation.open.indexOf(key)), key].join(' --> ');
    throw new EvaluationFailure(`Circular dependency detected: ${circle}`, 100);
  }
  const scope = evaluation.self;
  const before = evaluation.left;
  evaluation.open.push(key);
  evaluation.self = self;
  const result = evaluateValue(at, evaluation, evaluation.level + 1);
  evaluation.self = scope;
  evaluation.open.pop();
  if (evaluation.left === before) return walk(result, rest);
  // Something in it is not known yet. What was asked for may be, or may lie inside of what is not.
  evaluation.left = before;
  const found = walkKnown(result, rest);
  if (found === undefined || found === LATER || !holdsFunction(found)) return found;
  // What is left may mention the SELF of another place: only the same scope can take it over.
  if (self !== scope) return LATER;
  evaluation.left++;
  return found;
}

function walkKnown(value: Json, path: readonly Json[]): Json | undefined | typeof LATER {
  let at: Json = value;
  for (const key of path) {
    if (isFunction(at)) return LATER;
    const next = walk(at, [key]);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

function holdsFunction(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return isFunction(value) || Object.values(value).some(holdsFunction);
}

function enter(evaluation: Evaluation): void {
  if (++evaluation.depth > DEEPEST_FUNCTIONS) {
    throw new EvaluationFailure(
      `The recursion limit (${DEEPEST_FUNCTIONS}) has been reached while evaluating ${evaluation.open.at(-1) ?? 'a value'}`,
    );
  }
}
