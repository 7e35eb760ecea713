/** What an intrinsic function is: how its arguments look, and how it comes to a value. */
import { kindOf, shown } from '../json.js';
import type { Json } from '../plan.js';

/** What a lookup answers. `undefined`: there is no such thing. `later`: it exists, but is not known yet. */
export type Found =
  | { readonly value: Json }
  | { readonly error: string }
  | { readonly later: true }
  | undefined;

/**
 * Where functions find what they speak of. Synchronous: load beforehand what `functionReferences` names.
 *
 * A lookup that is absent makes the functions that need it an error ("cannot be used here"). A node is given by
 * name, or as `SELF`, `SOURCE` or `TARGET` as the author wrote it.
 */
export interface Lookup {
  /** Value of an input. May hold functions; they are evaluated where the input is used. */
  input?(name: string): Found;
  /** A top-level property of a node. May hold functions; they are evaluated with that node as `SELF`. */
  property?(node: string, name: string): Found;
  /**
   * A runtime property (or `node_instance_id`, `node_instance_index`) of the instance that is meant. Data, never
   * evaluated. `undefined`: not set, and the node's property of that name is taken, else null.
   */
  attribute?(node: string, name: string): Found;
  /** The same of every instance of a node; `value` undefined where it is not set. */
  attributes?(
    node: string,
    name: string,
  ):
    | readonly { readonly instance: string; readonly value: Json | undefined }[]
    | { readonly error: string }
    | { readonly later: true };
  /** A secret's text. */
  secret?(name: string): Found;
  /** A capability of another deployment, evaluated. */
  capability?(deployment: string, name: string): Found;
  /** A capability of the parent deployment, evaluated. */
  environmentCapability?(name: string): Found;
  /** A capability of each deployment of a group that has it, evaluated. */
  groupCapability?(
    group: string,
    name: string,
  ):
    | readonly { readonly deployment: string; readonly value: Json }[]
    | { readonly error: string }
    | { readonly later: true };
  /** The deployment's values of a label, as a list. */
  label?(key: string): Found;
  /** `tenant name`, `deployment id|name|blueprint|owner`. */
  sys?(entity: string, property: string): Found;
  /** `ids` or `names` as a list, `count` as a number. */
  consumers?(what: string): Found;
}

/** The value is not known yet: the function stays as it is. */
export const LATER: unique symbol = Symbol('later');

/** Ends an evaluation; never leaves this folder's public functions. */
export class EvaluationFailure extends Error {
  override readonly name = 'EvaluationFailure';
  constructor(
    message: string,
    /** Numeric code of the reference parser, where it has one. */
    readonly code?: number,
  ) {
    super(message);
  }
}

/** What a function may ask for while it is evaluated. */
export interface Call {
  readonly lookup: Lookup;
  /** The node a keyword stands for in the value at hand. */
  node(name: string): string;
  /** Evaluates a value found under an input's name and walks `path` into it; undefined: nothing is there. */
  evaluateInput(value: Json, name: string, path: readonly Json[]): Json | undefined | typeof LATER;
  /** The same for a value found under a node's property: `SELF` in it is that node. */
  evaluateProperty(
    value: Json,
    node: string,
    name: string,
    path: readonly Json[],
  ): Json | undefined | typeof LATER;
}

export interface FunctionDefinition {
  /** First version `1_X` of the language that has it. */
  readonly since: number;
  /** `hybrid` is evaluated as soon as its arguments are known, `runtime` right before its value is needed. */
  readonly kind: 'hybrid' | 'runtime';
  /** Throws `EvaluationFailure` when the arguments can never be right. Nested functions stand for any value. */
  check(args: Json): void;
  /** With arguments that hold no functions any more. */
  evaluate(args: Json, call: Call): Json | typeof LATER;
}

/** The value found, or the failure. `missing` is told when there is no such thing. */
export function take(found: Found, missing: () => string): Json | typeof LATER {
  if (found === undefined) throw new EvaluationFailure(missing());
  if ('later' in found) return LATER;
  if ('error' in found) throw new EvaluationFailure(found.error);
  return found.value;
}

/** A lookup, or the failure that says it does not exist in this place. */
export function need<T>(lookup: T | undefined, name: string): T {
  if (lookup === undefined) throw new EvaluationFailure(`${name} cannot be used here`);
  return lookup;
}

/** Walks keys and indexes into a value; undefined when there is nothing there. */
export function walk(value: Json, path: readonly Json[]): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path) {
    if (Array.isArray(at)) {
      const index =
        typeof key === 'number'
          ? key
          : typeof key === 'string' && /^-?\d+$/.test(key)
            ? Number(key)
            : Number.NaN;
      if (!Number.isInteger(index)) return undefined;
      at = at[index < 0 ? at.length + index : index];
    } else if (typeof at === 'object' && at !== null) {
      const name = String(key);
      at = Object.hasOwn(at, name) ? at[name] : undefined;
    } else return undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

/** Fails unless `args` is a list of at least `least` (and at most `most`) entries. */
export function checkList(
  name: string,
  args: Json,
  least: number,
  most = Number.POSITIVE_INFINITY,
): asserts args is Json[] {
  if (!Array.isArray(args)) {
    throw new EvaluationFailure(
      `Illegal arguments passed to ${name} function. Expected: a list, got: ${kindOf(args)} ${shown(args)}`,
    );
  }
  if (args.length < least || args.length > most) {
    const wanted =
      most === least
        ? `${least}`
        : most === Number.POSITIVE_INFINITY
          ? `at least ${least}`
          : `${least} to ${most}`;
    throw new EvaluationFailure(
      `Illegal arguments passed to ${name} function. Expected ${wanted} entries, got ${args.length}`,
    );
  }
}

/** Fails unless the argument is a text; a mapping may still become one (it is a function). */
export function checkText(name: string, what: string, arg: Json | undefined): void {
  if (typeof arg === 'string' || (typeof arg === 'object' && arg !== null && !Array.isArray(arg))) return;
  throw new EvaluationFailure(
    `Illegal arguments passed to ${name} function: ${what} must be a string, got ${kindOf(arg)}`,
  );
}

export function text(name: string, what: string, arg: Json | undefined): string {
  if (typeof arg === 'string') return arg;
  if (typeof arg === 'number') return String(arg);
  throw new EvaluationFailure(
    `Illegal arguments passed to ${name} function: ${what} must be a string, got ${kindOf(arg)}`,
  );
}

/** `name` or `[name, key, index, …]`. */
export function nameAndPath(args: Json): Json[] {
  return Array.isArray(args) ? args : [args];
}
