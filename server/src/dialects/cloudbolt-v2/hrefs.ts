/**
 * Links as this server prints and reads them (specs: cloudbolt.md §1, §2.1, §2.4).
 *
 * Printed in one of two ways, chosen by a setting: `classic` ends items and actions without a slash and names everything by its number;
 * `modern` ends them with one and names some kinds by their Global ID. Read in both ways, relative or absolute.
 */
import { badRequest } from './errors.js';

export const ROOT = '/api/v2';
export const HREF_STYLES = ['classic', 'modern'] as const;
export type HrefStyle = (typeof HREF_STYLES)[number];

/** The prefix of Global IDs, by collection. */
export const GLOBAL_PREFIX: Readonly<Record<string, string>> = {
  groups: 'GRP',
  environments: 'ENV',
  blueprints: 'BP',
  'os-builds': 'OSB',
  applications: 'APP',
  'resource-types': 'RTY',
  'resource-handlers': 'RH',
  servers: 'SVR',
  users: 'USR',
  orders: 'ORD',
  jobs: 'JOB',
  resources: 'RSC',
  services: 'RSC',
  actions: 'OHK',
  'server-actions': 'SVA',
  'service-actions': 'RSA',
  'resource-actions': 'RSA',
  'orchestration-actions': 'HPA',
  rules: 'RUL',
  parameters: 'CF',
};

/** Collections whose items `modern` hrefs name by Global ID. */
const NAMED_GLOBALLY = new Set(['groups', 'blueprints', 'environments', 'os-builds']);

/** A thing as links name it. `code`: where it has one of its own; else its Global ID is made of its number. */
export interface Linked {
  readonly number: number;
  readonly code?: string | null;
}

export interface Link {
  readonly href: string;
  readonly title: string;
}

/** Which thing a path or a body means. */
export type WireKey = { readonly number: number } | { readonly code: string };

/** `GRP-w0qe6tkf` */
export function globalId(collection: string, { number, code }: Linked): string {
  return `${GLOBAL_PREFIX[collection]}-${code ?? number.toString(36).padStart(8, '0')}`;
}

/** Printing. */
export class Hrefs {
  readonly #style: HrefStyle;

  constructor(style: HrefStyle) {
    this.#style = style;
  }

  /** `/api/v2/groups/2`; `collection` may have slashes: `resources/service`. */
  item(collection: string, thing: Linked): string {
    const modern = this.#style === 'modern';
    const id = modern && NAMED_GLOBALLY.has(collection) ? globalId(collection, thing) : String(thing.number);
    return `${ROOT}/${collection}/${id}${modern ? '/' : ''}`;
  }

  /** `/api/v2/orders/104/actions/submit` */
  action(collection: string, thing: Linked, action: string): string {
    const item = this.item(collection, thing);
    return this.#style === 'modern' ? `${item}actions/${action}/` : `${item}/actions/${action}`;
  }

  /** Always with a slash at the end: `/api/v2/users/2/orderable-groups/`. */
  below(collection: string, thing: Linked, name: string): string {
    return `${this.item(collection, thing).replace(/\/$/, '')}/${name}/`;
  }

  link(collection: string, thing: Linked & { readonly title: string }): Link {
    return { href: this.item(collection, thing), title: thing.title };
  }

  /** A to-one relation: an empty object where there is nothing. */
  toOne(
    collection: string,
    thing: (Linked & { readonly title: string }) | null,
  ): Link | Record<string, never> {
    return thing === null ? {} : this.link(collection, thing);
  }
}

/** The part of a path that names an item; null: nothing can be called so. */
export function readKey(collection: string, text: string): WireKey | null {
  if (/^\d{1,15}$/.test(text)) return { number: Number(text) };
  const match = /^([A-Z]{2,3})-([a-z0-9]{8})$/.exec(text);
  if (match === null || match[1] !== GLOBAL_PREFIX[collection]) return null;
  return { code: match[2]! };
}

/**
 * A link in a body: relative or absolute, with or without a slash at the end, by number or Global ID; a bare id too.
 *
 * @param field how the message names it
 * @param collections which it may lead to; the first names the thing
 */
export function readHref(field: string, value: unknown, collections: readonly string[]): WireKey {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > 2000) throw noHref(field, collections);
  const path = text
    .trim()
    .replace(/^https?:\/\/[^/]*/i, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/+/g, '/')
    .replace(/\/$/, '');
  const [, collection, id] = /^(?:\/?api\/v2\/(?:(.+)\/)?)?([^/]+)$/.exec(path) ?? [];
  if (id === undefined || (collection !== undefined && !collections.includes(collection))) {
    throw noHref(field, collections);
  }
  const key = readKey(collections[0]!, id);
  if (key === null) throw noHref(field, collections);
  return key;
}

function noHref(field: string, collections: readonly string[]): Error {
  return badRequest(`Invalid value for '${field}': it should be a link as '${ROOT}/${collections[0]}/1'`);
}
