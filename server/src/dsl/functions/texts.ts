/** Functions that make values of values: they look nothing up. */
import { isObject, kindOf, textOf } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import { checkList, EvaluationFailure, type FunctionDefinition } from './definition.js';

/** Characters a single evaluated text may have: doubling concats must not fill the memory. */
const LONGEST_TEXT = 4 * 1024 * 1024;

export const TEXT_FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = {
  concat: {
    since: 1,
    kind: 'hybrid',
    check: (args) => checkList('concat', args, 0),
    evaluate: (args) => joined((args as Json[]).map(textOf), ''),
  },
  merge: {
    since: 3,
    kind: 'hybrid',
    check: (args) => checkList('merge', args, 0),
    evaluate: (args) => {
      const merged: JsonObject = {};
      for (const each of args as Json[]) {
        if (!isObject(each)) throw new EvaluationFailure(`merge takes dicts only, got ${kindOf(each)}`);
        Object.assign(merged, each);
      }
      return merged;
    },
  },
  string_find: {
    since: 0,
    kind: 'hybrid',
    check: (args) => checkList('string_find', args, 2, 2),
    evaluate: (args) => {
      const [haystack, needle] = texts('string_find', args as Json[]);
      return haystack!.indexOf(needle!);
    },
  },
  string_replace: {
    since: 0,
    kind: 'hybrid',
    check: (args) => checkList('string_replace', args, 3, 4),
    evaluate: (args) => {
      const list = args as Json[];
      const [subject, old, replacement] = texts('string_replace', list.slice(0, 3));
      const count = list[3];
      if (count === undefined) return joined(subject!.split(old!), replacement!);
      if (!Number.isInteger(count)) throw new EvaluationFailure('string_replace: count must be an integer');
      return replaceSome(subject!, old!, replacement!, count as number);
    },
  },
  string_split: {
    since: 0,
    kind: 'hybrid',
    check: (args) => checkList('string_split', args, 2, 3),
    evaluate: (args) => {
      const list = args as Json[];
      const [subject, separator] = texts('string_split', list.slice(0, 2));
      if (separator === '') throw new EvaluationFailure('string_split: the separator is empty');
      const parts = subject!.split(separator!);
      const index = list[2];
      if (index === undefined) return parts;
      const at = typeof index === 'string' ? Number(index) : index;
      if (!Number.isInteger(at)) throw new EvaluationFailure('string_split: index must be an integer');
      const part = parts.at(at as number);
      if (part === undefined)
        throw new EvaluationFailure(`string_split: index ${at} is out of range (${parts.length} parts)`);
      return part;
    },
  },
  string_lower: letterCase('string_lower', (value) => value.toLowerCase()),
  string_upper: letterCase('string_upper', (value) => value.toUpperCase()),
};

function letterCase(name: string, change: (value: string) => string): FunctionDefinition {
  return {
    since: 0,
    kind: 'hybrid',
    check: () => {},
    evaluate: (args) => {
      const value = Array.isArray(args) && args.length === 1 ? args[0]! : args;
      return change(texts(name, [value])[0]!);
    },
  };
}

function texts(name: string, args: readonly Json[]): string[] {
  return args.map((arg) => {
    if (typeof arg !== 'string') throw new EvaluationFailure(`${name} takes strings, got ${kindOf(arg)}`);
    return arg;
  });
}

function replaceSome(subject: string, old: string, replacement: string, count: number): string {
  if (count < 0) return joined(subject.split(old), replacement);
  let rest = subject;
  let out = '';
  for (let done = 0; done < count; done++) {
    const at = rest.indexOf(old);
    if (at < 0 || old === '') break;
    out = bounded(out + rest.slice(0, at) + replacement);
    rest = rest.slice(at + old.length);
  }
  return bounded(out + rest);
}

/** Measured before it is made: what it is refused for is its size. */
function joined(parts: readonly string[], separator: string): string {
  const length = parts.reduce((sum, part) => sum + part.length, separator.length * (parts.length - 1));
  if (length > LONGEST_TEXT) throw tooLong();
  return parts.join(separator);
}

function bounded(value: string): string {
  if (value.length > LONGEST_TEXT) throw tooLong();
  return value;
}

function tooLong(): EvaluationFailure {
  return new EvaluationFailure(`the resulting text has more than ${LONGEST_TEXT} characters`);
}
