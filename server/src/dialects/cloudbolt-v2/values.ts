/** Members of bodies, read as CloudBolt's clients write them (specs: cloudbolt.md §2.1). */
import type { Body } from './body.js';
import { badRequest } from './errors.js';
import { readHref, type WireKey } from './hrefs.js';

/** Hyphens and underscores are the same, in names of members and of parameters. */
export function sameName(name: string): string {
  return name.replaceAll('-', '_');
}

/** As names of parameters are printed. */
export function hyphenated(name: string): string {
  return name.replaceAll('_', '-');
}

/** A member under either spelling; undefined where it is absent, null, an empty text or an empty object. */
export function member(body: Body, name: string): unknown {
  const found = Object.entries(body).find(([key]) => sameName(key) === sameName(name))?.[1];
  return isAbsent(found) ? undefined : found;
}

function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value as object).length === 0;
}

/** @throws CloudBoltError 400 naming the member */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw badRequest(`Missing required field '${name}'`);
  return value;
}

export function textMember(body: Body, name: string): string | undefined {
  const value = member(body, name);
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw badRequest(`Invalid value for '${name}': it should be a text`);
}

/** JSON booleans, 0 and 1, and texts of them in any case. */
export function booleanMember(body: Body, name: string): boolean | undefined {
  const value = member(body, name);
  return value === undefined ? undefined : readBoolean(name, value);
}

export function readBoolean(name: string, value: unknown): boolean {
  const text = plainText(value).trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw badRequest(`Invalid value for '${name}': it should be true or false`);
}

export function integerMember(body: Body, name: string): number | undefined {
  const value = member(body, name);
  if (value === undefined) return undefined;
  const text = plainText(value).trim();
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw badRequest(`Invalid value for '${name}': it should be a whole number`);
}

/** An object has no text of its own: what its `toString` does is the sender's idea. */
function plainText(value: unknown): string {
  return typeof value === 'object' ? '' : String(value);
}

export function hrefMember(body: Body, name: string, collections: readonly string[]): WireKey | undefined {
  const value = member(body, name);
  return value === undefined ? undefined : readHref(name, value, collections);
}

/** A list of links; one alone counts as a list of one. */
export function hrefsMember(
  body: Body,
  name: string,
  collections: readonly string[],
): readonly WireKey[] | undefined {
  const value = member(body, name);
  if (value === undefined) return undefined;
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 1000) throw badRequest(`Invalid value for '${name}': at most 1000 links`);
  return list.map((each) => readHref(name, each, collections));
}

export function objectMember(body: Body, name: string): Body | undefined {
  const value = member(body, name);
  if (value === undefined) return undefined;
  if (typeof value === 'object' && !Array.isArray(value)) return value as Body;
  throw badRequest(`Invalid value for '${name}': it should be an object`);
}

export function listMember(body: Body, name: string, most = 1000): readonly unknown[] | undefined {
  const value = member(body, name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw badRequest(`Invalid value for '${name}': it should be a list`);
  if (value.length > most) throw badRequest(`Invalid value for '${name}': at most ${most} items`);
  return value;
}
