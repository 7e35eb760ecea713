/** Ids as this vendor writes them (specs: insightcloudsec.md §4). Pure. */
import { DomainError } from '../../errors.js';

/** `kind:rest`, with the colon at the end that some kinds carry. */
export const organizationId = (id: number) => `divvyorganization:${id}`;
export const userResourceId = (id: number) => `divvyuser:${id}:`;
export const groupResourceId = (id: number) => `divvyusergroup:${id}`;
export const cloudResourceId = (uid: number) => `divvyorganizationservice:${uid}`;
export const regionResourceId = (cloud: number, region: string) => `serviceregion:${cloud}:${region}:`;

/** Types whose things have no region in their ids. */
export const GLOBAL_TYPES: ReadonlySet<string> = new Set([
  'serviceuser',
  'servicegroup',
  'servicerole',
  'servicepolicy',
  'serviceaccesskey',
]);

export interface ResourceKey {
  readonly type: string;
  readonly cloud: number;
  /** Null: of a type without regions. */
  readonly region: string | null;
  readonly providerId: string;
}

export function resourceIdOf(type: string, cloud: number, region: string, providerId: string): string {
  const place = GLOBAL_TYPES.has(type) ? '' : `${region}:`;
  return `${type}:${cloud}:${place}${providerId}:`;
}

/** Null: no id of a harvested resource. */
export function readResourceId(text: string): ResourceKey | null {
  const [, type = '', cloud = '', rest = ''] = /^([a-z][a-z0-9]{0,63}):(\d{1,15}):(.+)$/s.exec(text) ?? [];
  if (type === '') return null;
  const whole = rest.endsWith(':') ? rest.slice(0, -1) : rest;
  if (GLOBAL_TYPES.has(type)) return { type, cloud: Number(cloud), region: null, providerId: whole };
  const colon = whole.indexOf(':');
  if (colon < 1 || colon === whole.length - 1) return null;
  return {
    type,
    cloud: Number(cloud),
    region: whole.slice(0, colon),
    providerId: whole.slice(colon + 1),
  };
}

/** The number of `prefix:7`, `prefix:7:`, `7` or 7; null for anything else. */
export function numberOf(prefix: string, given: unknown): number | null {
  const text = typeof given === 'number' ? String(given) : typeof given === 'string' ? given.trim() : '';
  const own = text.startsWith(`${prefix}:`) ? text.slice(prefix.length + 1).replace(/:$/, '') : text;
  return /^\d{1,15}$/.test(own) ? Number(own) : null;
}

export const cloudNumber = (given: unknown) => numberOf('divvyorganizationservice', given);
export const userNumber = (given: unknown) => numberOf('divvyuser', given);
export const organizationNumber = (given: unknown) => numberOf('divvyorganization', given);

/** An id in a path that says of nothing that it is there. */
export function unknown(thing: string, given: unknown): DomainError {
  return new DomainError(
    'not-found',
    `${thing.toLowerCase().replaceAll(' ', '-')}-not-found`,
    `${thing} "${String(given).slice(0, 300)}" was not found`,
  );
}

/** `serviceregion:8:us-east-1:` */
export function readRegionId(text: string): { readonly cloud: number; readonly region: string } | null {
  const [, cloud = '', region = ''] = /^serviceregion:(\d{1,15}):([^:]+):?$/.exec(text) ?? [];
  return cloud === '' ? null : { cloud: Number(cloud), region };
}
