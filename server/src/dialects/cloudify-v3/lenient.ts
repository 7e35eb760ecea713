/** Reading what Cloudify's clients send: booleans in many spellings, counts as text, explicit nulls meaning absent. */
import Type from 'typebox';
import { badParameters } from './errors.js';

/** A parsed query string: a key given several times is an array. */
export type Params = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A boolean as JSON, or as a text in any case: Python's client writes `True`, other places write `1`. */
export const LenientBoolean = Type.Union([Type.Boolean(), Type.String()], {
  description: 'true or false, also as a text',
});

export function booleanOf(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null || value === '') return fallback;
  if (typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw badParameters(`Invalid value for ${name}: "${String(value)}" is not a boolean`);
}

/** The last value of a parameter that should be given once. */
export function single(params: Params, name: string): string | undefined {
  const value = params[name];
  return typeof value === 'string' || value === undefined ? value : value.at(-1);
}

/** All values of a parameter that may be repeated. */
export function repeated(params: Params, name: string): readonly string[] {
  const value = params[name];
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}

export function booleanParam(params: Params, name: string, fallback: boolean): boolean {
  return booleanOf(name, single(params, name), fallback);
}

/** A count of at least 0, or `fallback` when the parameter is absent or empty. */
export function countParam(params: Params, name: string, fallback: number, most: number): number {
  const text = single(params, name);
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,15}$/.test(text)) {
    throw badParameters(`Invalid value for ${name}: "${text}" is not a whole number of at least 0`);
  }
  const count = Number(text);
  if (count > most) throw badParameters(`Invalid value for ${name}: at most ${most} is allowed`);
  return count;
}

/** The body without its top-level nulls. Nulls further down are somebody's data. */
export function withoutNulls(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** Cloudify identifiers: nothing that a URL would have to quote, at most 256 characters. */
export function checkId(name: string, value: string, options: { leadingLetter: boolean }): void {
  if (value.length === 0 || value.length > 256) {
    throw badParameters(`The \`${name}\` argument must have between 1 and 256 characters`);
  }
  if (!/^[A-Za-z0-9_.~-]+$/.test(value)) {
    throw badParameters(
      `The \`${name}\` argument contains illegal characters. Only letters, digits and the characters "-", ".", "_" and "~" are allowed`,
    );
  }
  if (options.leadingLetter && !/^[A-Za-z]/.test(value)) {
    throw badParameters(`The \`${name}\` argument must begin with a letter`);
  }
}
