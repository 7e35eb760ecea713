/**
 * How a section must look: which keys, which kinds of values, since which version of the language.
 *
 * A shape only looks; it neither changes nor keeps anything. Each element of the language says its shape beside
 * its meaning (`elements/`). Null counts as absent, as in the reference parser.
 */
import { isObject, kindOf } from '../json.js';
import type { Json } from '../plan.js';
import { CODE, type Report } from './report.js';
import type { Place } from './source.js';

export interface ShapeCheck {
  readonly report: Report;
  /** Minor version of the language; `Infinity` where versions are not held against the author. */
  readonly minor: number;
}

export type Shape = (value: Json, place: Place, check: ShapeCheck) => void;

export interface Field {
  readonly shape: Shape;
  readonly required?: boolean;
  /** First version `1_X` that knows the key. */
  readonly since?: number;
}

export const anything: Shape = () => {};
export const text: Shape = leaf('string', (value) => typeof value === 'string');
/** A number stands for its text: versions and ports are often written without quotes. */
export const textOrNumber: Shape = leaf(
  'string',
  (value) => typeof value === 'string' || typeof value === 'number',
);
export const flag: Shape = leaf('boolean', (value) => typeof value === 'boolean');
export const integer: Shape = leaf('integer', (value) => Number.isInteger(value));
export const number: Shape = leaf('float', (value) => typeof value === 'number');
export const list: Shape = leaf('list', Array.isArray);
export const dict: Shape = leaf('dict', isObject);
export const dictOrList: Shape = leaf('dict', (value) => isObject(value) || Array.isArray(value));
export const scalar: Shape = leaf('string', (value) => !isObject(value) && !Array.isArray(value));

function leaf(type: string, fits: (value: Json) => boolean): Shape {
  return (value, place, { report }) => {
    if (!fits(value)) expected(type, value, place, report);
  };
}

export function expected(type: string, value: Json, place: Place, report: Report): void {
  report.error(place, CODE.format, `Expected '${type}' type but found '${kindOf(value)}' type`);
}

/** A mapping with names of the author's choice. */
export function table(of: Shape): Shape {
  return (value, place, check) => {
    if (!isObject(value)) return expected('dict', value, place, check.report);
    for (const name in value) {
      const each = value[name]!;
      if (each !== null) of(each, place.at(name), check);
    }
  };
}

export function items(of: Shape): Shape {
  return (value, place, check) => {
    if (!Array.isArray(value)) return expected('list', value, place, check.report);
    for (const [index, each] of value.entries()) of(each, place.at(index), check);
  };
}

/** A mapping whose keys the language chose. */
export function record(fields: Readonly<Record<string, Field>>): Shape {
  const known = new Map(Object.entries(fields));
  const required = [...known].filter(([, field]) => field.required === true).map(([name]) => name);
  const names = [...known.keys()].join(', ');
  return (value, place, check) => {
    if (!isObject(value)) return expected('dict', value, place, check.report);
    for (const key in value) {
      const field = known.get(key);
      if (field === undefined) {
        check.report.error(
          place.at(key),
          CODE.format,
          `'${key}' is not in schema${check.report.meant(key, known.keys())}. Valid schema values: [${names}]`,
        );
        continue;
      }
      const each = value[key]!;
      if (each === null) continue;
      if (field.since !== undefined && field.since > check.minor)
        tooNew(`'${key}'`, field.since, place.at(key), check);
      field.shape(each, place.at(key), check);
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key) || value[key] === null) {
        check.report.error(place, CODE.format, `'${key}' key is required but it is currently missing`);
      }
    }
  };
}

/** A text is the short form; a mapping goes to `long`. */
export function textOr(long: Shape): Shape {
  return (value, place, check) => {
    if (typeof value === 'string') return;
    if (isObject(value)) long(value, place, check);
    else expected('string', value, place, check.report);
  };
}

export function oneOf(...allowed: readonly string[]): Shape {
  return (value, place, check) => {
    if (typeof value !== 'string' || !allowed.includes(value)) {
      check.report.error(
        place,
        CODE.format,
        `Expected one of [${allowed.join(', ')}], found '${String(value)}'`,
      );
    }
  };
}

export function tooNew(what: string, since: number, place: Place, check: ShapeCheck): void {
  check.report.error(
    place,
    CODE.tooNew,
    `${what} is not supported in version cloudify_dsl_1_${check.minor}, it was added in cloudify_dsl_1_${since}`,
  );
}
