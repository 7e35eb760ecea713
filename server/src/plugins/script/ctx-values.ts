/**
 * The things `ctx` can reach, and the walk from the words of a command to one of them.
 *
 * Source: specs of the `ctx` proxy protocol. Left to right: a word that names an attribute (dashes for underscores)
 * descends; on a mapping the next word is a dotted path, read when it is the last word and written when one more
 * follows; a callable takes the remaining words, a trailing mapping being its named arguments.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';

/** An error as Python programs know it; `type` is what their `except` names. */
export class CtxError extends Error {
  constructor(
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

/** Thrown to end the script: `ctx abort-operation` and `ctx retry-operation`. */
export class StopOperation extends Error {}

/** Answers the words of one command; throws `CtxError` or `StopOperation`. */
export type CtxHandler = (args: readonly Json[]) => Promise<Json>;

export type CtxFunction = (args: readonly Json[], named: JsonObject) => CtxThing | Promise<CtxThing>;

export class CtxObject {
  constructor(
    readonly name: string,
    /** Own properties only; each is asked for when a word names it. */
    readonly attributes: Readonly<Record<string, () => CtxThing | Promise<CtxThing>>>,
  ) {}
}

export class CtxCallable {
  constructor(readonly call: CtxFunction) {}
}

/** A mapping that scripts may read and, where `changed` is given, write. */
export class CtxMapping {
  constructor(
    readonly data: JsonObject,
    /** Called after each change; null: read only. */
    readonly changed: (() => void) | null,
    /** Throws when something may not be written. */
    readonly check: (value: Json) => void = () => {},
  ) {}
}

export type CtxThing = Json | CtxObject | CtxCallable | CtxMapping;

export async function walk(root: CtxObject, words: readonly Json[]): Promise<Json> {
  let current: CtxThing = root;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    const attribute = attributeOf(current, word);
    if (attribute !== undefined) {
      current = await attribute();
      continue;
    }
    if (current instanceof CtxCallable) {
      current = await call(current, words.slice(index));
      break;
    }
    const mapping = asMapping(current);
    if (mapping === null) {
      throw new CtxError('RuntimeError', `${show(word)} cannot be processed in ${JSON.stringify(words)}`);
    }
    if (index + 2 < words.length) {
      throw new CtxError('RuntimeError', 'Illegal argument while accessing dict');
    }
    if (typeof word !== 'string') throw new CtxError('RuntimeError', `illegal path: ${show(word)}`);
    current = readOrWrite(mapping, word, words[index + 1]);
    break;
  }
  if (current instanceof CtxCallable) current = await current.call([], {});
  return asJson(current);
}

function asJson(thing: CtxThing): Json {
  if (thing instanceof CtxMapping) return thing.data;
  if (thing instanceof CtxObject || thing instanceof CtxCallable) {
    const name = thing instanceof CtxObject ? thing.name : 'function';
    throw new CtxError('TypeError', `Object of type ${name} is not JSON serializable`);
  }
  return thing;
}

function attributeOf(thing: CtxThing, word: Json): (() => CtxThing | Promise<CtxThing>) | undefined {
  if (typeof word !== 'string') return undefined;
  const name = word.replaceAll('-', '_');
  if (thing instanceof CtxObject) {
    return Object.hasOwn(thing.attributes, name) ? thing.attributes[name] : undefined;
  }
  const mapping = asMapping(thing);
  if (mapping === null || !Object.hasOwn(MAPPING_METHODS, name)) return undefined;
  return () => new CtxCallable((args) => MAPPING_METHODS[name]!(mapping, args));
}

function asMapping(thing: CtxThing): CtxMapping | null {
  if (thing instanceof CtxMapping) return thing;
  return isMapping(thing) ? new CtxMapping(thing, null) : null;
}

function call(callable: CtxCallable, words: readonly Json[]): CtxThing | Promise<CtxThing> {
  const last = words[words.length - 1]!;
  return isMapping(last) ? callable.call(words.slice(0, -1), last) : callable.call(words, {});
}

/** Positional and named arguments by parameter, in Python's way: too many, unknown or given twice is an error. */
export function bind(parameters: readonly string[], args: readonly Json[], named: JsonObject): JsonObject {
  if (args.length > parameters.length) {
    throw new CtxError('TypeError', `takes ${parameters.length} arguments but ${args.length} were given`);
  }
  const bound: JsonObject = {};
  args.forEach((value, index) => {
    bound[parameters[index]!] = value;
  });
  for (const [name, value] of Object.entries(named)) {
    if (!parameters.includes(name)) throw new CtxError('TypeError', `got an unexpected argument "${name}"`);
    if (Object.hasOwn(bound, name)) throw new CtxError('TypeError', `got two values for argument "${name}"`);
    bound[name] = value;
  }
  return bound;
}

// A runtime property called like one of these is not reachable by its bare name; it never was in this protocol.
const MAPPING_METHODS: Readonly<Record<string, (mapping: CtxMapping, args: readonly Json[]) => Json>> = {
  keys: (mapping) => Object.keys(mapping.data),
  values: (mapping) => Object.values(mapping.data),
  items: (mapping) => Object.entries(mapping.data),
  copy: (mapping) => mapping.data,
  get: (mapping, [key, otherwise]) => own(mapping.data, keyOf(key)) ?? otherwise ?? null,
  pop(mapping, [key, otherwise]) {
    const name = keyOf(key);
    const value = own(mapping.data, name);
    if (value === undefined) {
      if (otherwise !== undefined) return otherwise;
      throw new CtxError('KeyError', `'${name}'`);
    }
    writable(mapping);
    delete mapping.data[name];
    mapping.changed?.();
    return value;
  },
  setdefault(mapping, [key, value]) {
    const name = keyOf(key);
    const present = own(mapping.data, name);
    if (present !== undefined) return present;
    writable(mapping);
    mapping.check({ [name]: value ?? null });
    assign(mapping.data, name, value ?? null);
    mapping.changed?.();
    return value ?? null;
  },
  clear(mapping) {
    writable(mapping);
    for (const name of Object.keys(mapping.data)) delete mapping.data[name];
    mapping.changed?.();
    return null;
  },
};

function readOrWrite(mapping: CtxMapping, path: string, value: Json | undefined): CtxThing {
  if (value === undefined) return readPath(mapping.data, path);
  writable(mapping);
  mapping.check({ [path]: value });
  writePath(mapping.data, path, value);
  mapping.changed?.();
  return null;
}

/** `a.b[0].c` in a mapping; throws `illegal path` when something on the way is missing. */
export function readPath(data: JsonObject, path: string): Json {
  let value: Json = data;
  for (const step of stepsOf(path)) {
    const next: Json | undefined =
      typeof step === 'number'
        ? Array.isArray(value)
          ? value.at(step)
          : undefined
        : isMapping(value)
          ? own(value, step)
          : undefined;
    if (next === undefined) throw new CtxError('RuntimeError', `illegal path: ${path}`);
    value = next;
  }
  return value;
}

/** Writes at a dotted path, making the mappings that are missing on the way. */
export function writePath(data: JsonObject, path: string, value: Json): void {
  const steps = stepsOf(path);
  const last = steps.pop();
  if (typeof last !== 'string') throw new CtxError('RuntimeError', `illegal path: ${path}`);
  let holder: Json = data;
  for (const step of steps) {
    if (typeof step === 'number') {
      const item: Json | undefined = Array.isArray(holder) ? holder.at(step) : undefined;
      if (item === undefined) throw new CtxError('RuntimeError', `illegal path: ${path}`);
      holder = item;
      continue;
    }
    if (!isMapping(holder)) throw new CtxError('RuntimeError', `illegal path: ${path}`);
    const next: Json | undefined = own(holder, step);
    if (next === undefined) {
      const made: JsonObject = {};
      assign(holder, step, made);
      holder = made;
    } else {
      holder = next;
    }
  }
  if (!isMapping(holder)) throw new CtxError('RuntimeError', `illegal path: ${path}`);
  assign(holder, last, value);
}

function stepsOf(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const part of path.split('.')) {
    const match = /^([^[\]]*)((?:\[-?\d+\])*)$/.exec(part);
    if (match === null || (match[1] === '' && match[2] === '')) {
      throw new CtxError('RuntimeError', `illegal path: ${path}`);
    }
    if (match[1] !== '') steps.push(match[1]!);
    for (const index of match[2]!.matchAll(/-?\d+/g)) steps.push(Number(index[0]));
  }
  return steps;
}

/** Defined, not assigned: `__proto__` is a name like any other here. */
function assign(data: JsonObject, name: string, value: Json): void {
  Object.defineProperty(data, name, { value, writable: true, enumerable: true, configurable: true });
}

function own(data: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(data, name) ? data[name] : undefined;
}

function keyOf(key: Json | undefined): string {
  if (typeof key !== 'string') throw new CtxError('TypeError', 'a key must be a string');
  return key;
}

function writable(mapping: CtxMapping): void {
  if (mapping.changed === null) {
    throw new CtxError('NonRecoverableError', 'Cannot override read only properties');
  }
}

export function isMapping(value: CtxThing | undefined): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof CtxObject || value instanceof CtxCallable || value instanceof CtxMapping)
  );
}

function show(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
