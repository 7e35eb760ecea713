/**
 * What an answer offers to a person who follows links: links, actions, embedded things, pages, and the rest as properties. Pure.
 *
 * HAL as it is met: links under `_links`, `links` or `link`; a relation to many as a list; a relation to nothing as `{}`; actions as a list of
 * objects with one key each; embedded things as a list or by name; a root that is names and paths and nothing else.
 */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export interface Link {
  readonly rel: string;
  readonly href: string;
  readonly title: string;
  /** Names of what is to be filled in: `/x/{id}{?q}` -> id, q. */
  readonly variables: readonly string[];
}

export interface Shape {
  readonly links: readonly Link[];
  /** Not GET. */
  readonly actions: readonly Link[];
  readonly properties: readonly (readonly [name: string, value: Json])[];
  readonly embedded: readonly { readonly rel: string; readonly items: readonly Json[] }[];
  readonly pages: Pages | null;
}

export interface Pages {
  readonly number: number;
  readonly of: number;
  readonly total: number;
  readonly count: number;
  readonly next: string | null;
  readonly previous: string | null;
}

const LINK_MEMBERS = ['_links', 'links', 'link'];

export function shapeOf(body: Json): Shape {
  if (Array.isArray(body)) return { ...EMPTY, embedded: [{ rel: 'items', items: body }] };
  if (!isObject(body)) return EMPTY;
  const root = rootLinks(body);
  if (root !== null) return { ...EMPTY, links: root };
  const holders = LINK_MEMBERS.map((name) => body[name]).filter(isObject);
  const all = once(
    holders
      .flatMap((holder) => Object.entries(holder).filter(([rel]) => rel !== 'actions'))
      .flatMap(([rel, each]) => linksOf(rel, each)),
  );
  const actions = once(holders.flatMap((holder) => linksOf('', holder.actions)));
  const self = all.find(({ rel }) => rel === 'self');
  return {
    links: all.filter(({ rel }) => rel !== 'next' && rel !== 'previous'),
    actions,
    properties: Object.entries(body).filter(([name]) => !LINK_MEMBERS.includes(name) && name !== '_embedded'),
    embedded: embeddedOf(body._embedded),
    pages: pagesOf(body, all, self?.title ?? ''),
  };
}

const EMPTY: Shape = { links: [], actions: [], properties: [], embedded: [], pages: null };

/** Names and paths and nothing else: a plain way to tell where everything is. */
function rootLinks(body: JsonObject): readonly Link[] | null {
  const entries = Object.entries(body);
  const paths = entries.every(([, value]) => typeof value === 'string' && value.startsWith('/'));
  return entries.length > 0 && paths ? entries.map(([rel, href]) => linkTo(rel, String(href), rel)) : null;
}

/** One link, several, or several objects whose one key is the relation. */
function linksOf(rel: string, value: Json | undefined): readonly Link[] {
  if (typeof value === 'string') return value === '' ? [] : [linkTo(rel, value, '')];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap((each) => linksOf(rel, each));
  if (!isObject(value)) return [];
  if (typeof value.href === 'string')
    return [linkTo(rel, value.href, typeof value.title === 'string' ? value.title : '')];
  return Object.entries(value).flatMap(([name, each]) =>
    isObject(each) || Array.isArray(each) || typeof each === 'string' ? linksOf(name, each) : [],
  );
}

function linkTo(rel: string, href: string, title: string): Link {
  const variables = [...href.matchAll(/\{[?&]?([^{}]+)\}/g)].flatMap(([, names]) => names!.split(','));
  return { rel, href, title, variables };
}

/** The same link is told under two members by some answers. */
function once(links: readonly Link[]): readonly Link[] {
  const seen = new Set<string>();
  return links.filter(({ rel, href }) => !seen.has(`${rel} ${href}`) && seen.add(`${rel} ${href}`));
}

function embeddedOf(value: Json | undefined): Shape['embedded'] {
  if (Array.isArray(value)) return [{ rel: 'items', items: value }];
  if (!isObject(value)) return [];
  return Object.entries(value).map(([rel, each]) => ({ rel, items: Array.isArray(each) ? each : [each] }));
}

function pagesOf(body: JsonObject, links: readonly Link[], title: string): Pages | null {
  if (typeof body.total !== 'number' || typeof body.count !== 'number') return null;
  const [, number = '1', of = '1'] = /Page (\d+) of (\d+)/.exec(title) ?? [];
  const href = (wanted: string) => links.find(({ rel }) => rel === wanted)?.href ?? null;
  return {
    number: Number(number),
    of: Number(of),
    total: body.total,
    count: body.count,
    next: href('next'),
    previous: href('previous'),
  };
}

/** The link of a thing in a list to the thing itself. */
export function selfOf(item: Json): Link | null {
  if (!isObject(item)) return null;
  const { links } = shapeOf({ ...item, total: null });
  return links.find(({ rel }) => rel === 'self') ?? null;
}

/** A link with its variables filled in. */
export function filled(href: string, values: Readonly<Record<string, string>>): string {
  return href.replace(/\{([?&]?)([^{}]+)\}/g, (_, sign: string, names: string) => {
    const given = names.split(',').filter((name) => (values[name] ?? '') !== '');
    if (sign === '') return given.map((name) => encodeURIComponent(values[name]!)).join(',');
    const pairs = given.map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(values[name]!)}`);
    return pairs.length === 0 ? '' : `${sign}${pairs.join('&')}`;
  });
}

/**
 * The path that a link of an answer leads to, if it stays within the API; null: it leads elsewhere and is not followed, since with it would go
 * the caller's credentials.
 */
export function within(root: string, href: string): string | null {
  if (!/^\/(?![/\\])/.test(href) || /[\\\p{Cc}]/u.test(href)) return null;
  const [path = ''] = href.split(/[?#]/);
  if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) return null;
  const base = root.replace(/\/+$/, '');
  return path === base || path.startsWith(`${base}/`) ? href.replace(/#.*$/s, '') : null;
}

const SECRET = /passw|secret|token|private[-_]?key|credential/i;

/** The same, with what is called like a secret covered. */
export function covered(value: Json, name = ''): Json {
  if (typeof value === 'string')
    return SECRET.test(name) && value !== '' && !value.startsWith('/') ? '••••••••' : value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((each) => covered(each, name));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, covered(each, key)]));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
