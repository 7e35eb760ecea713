/**
 * Requests for the routes of a published document: near enough to what is right to reach behind the first check, and
 * wrong in one place or many. Each follows from the seed and its number alone, so that any can be sent again.
 */
import { type Chance, calmed, chanceOf } from './chance.js';
import { brokenJson, garbageText, garbageValue } from './garbage.js';
import type { PublishedRoute, Schema } from './published-routes.js';

export interface FuzzRequest {
  readonly route: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** The body breaks off, and the connection with it. */
  readonly cut: boolean;
  /** Who sends it, for people who read of it. */
  readonly as: string;
}

export interface Surroundings {
  readonly routes: readonly PublishedRoute[];
  /** Names of things that are there, by the path that lists them: `blueprints`, `filters/deployments`. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  /** Headers that sign somebody in, by what they are. */
  readonly people: readonly (readonly [as: string, headers: Readonly<Record<string, string>>])[];
  /** Archives that are well made. */
  readonly archives: readonly Buffer[];
}

const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const CONTENT_TYPES = [
  'application/octet-stream',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'application/json; charset=utf-16',
  'application/json;charset',
  'APPLICATION/JSON',
  '/',
  'x',
  'application/vnd.api+json',
  'application/gzip',
];

export function requestOf(surroundings: Surroundings, seed: number, number: number): FuzzRequest {
  const any = chanceOf(seed, number);
  // Who is wrong everywhere never gets behind the first check.
  const chance = any.oneIn(3) ? calmed(any) : any;
  const route = chance.pick(surroundings.routes);
  const [as, signedIn] = chance.pick(surroundings.people);
  const method = chance.oneIn(25) ? chance.pick(METHODS) : route.method;
  const { body, type } = bodyOf(surroundings, chance, route);
  const headers: Record<string, string> = {
    ...signedIn,
    ...(type === null ? {} : { 'content-type': type }),
    ...oddHeaders(chance),
  };
  const query = queryOf(surroundings, chance, route);
  const withBody = method === 'GET' || method === 'HEAD' ? null : body;
  return {
    route: `${route.method} ${route.path}`,
    method,
    // A server that refuses a head for its length cannot know that it is one of HEAD.
    target: `${pathOf(surroundings, chance, route)}${query}`.slice(0, method === 'HEAD' ? 8000 : 100_000),
    headers,
    body: withBody,
    cut: withBody !== null && withBody.length > 1 && chance.oneIn(40),
    as,
  };
}

function pathOf({ known }: Surroundings, chance: Chance, { method, path }: PublishedRoute): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string, at: number) => {
    if (chance.oneIn(5)) return quoted(chance, garbageText(chance)) || 'x';
    if (/^P/.test(method) && chance.oneIn(3)) return `fuzz-${chance.whole(400)}`;
    const [, list = '', first = ''] = /^\/api\/[^/]+\/(([^/]+)[^{]*)\//.exec(path.slice(0, at)) ?? [];
    const names = chance.oneIn(8)
      ? [...known.values()].flat()
      : (known.get(NAMED[name] ?? list) ?? known.get(first) ?? []);
    return encodeURIComponent(names.length === 0 ? `fuzz-${chance.whole(40)}` : chance.pick(names));
  });
  if (chance.oneIn(60)) return `${filled}/${quoted(chance, garbageText(chance))}`;
  return chance.oneIn(60) ? filled.replace(/\//g, '//') : filled;
}

/** Half surrogates cannot be quoted; some are sent as they are not allowed to be. */
function quoted(chance: Chance, text: string): string {
  if (chance.oneIn(10))
    return text.replace(/[^!-~]|[?#\\ ]/g, (found) => `%${found.charCodeAt(0).toString(16)}`);
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

function queryOf(surroundings: Surroundings, chance: Chance, { query }: PublishedRoute): string {
  const parts: string[] = [];
  const many = chance.calm || chance.oneIn(3) ? 0 : chance.whole(4);
  for (let count = 0; count < many && query.length > 0; count += 1) {
    const { name, schema } = chance.pick(query);
    const value = aValue(surroundings, chance, schema, name);
    const times = chance.oneIn(6) ? chance.pick([2, 3, 60]) : 1;
    for (let time = 0; time < times; time += 1) {
      const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
      parts.push(`${name}=${quoted(chance, text.slice(0, 3000))}`);
    }
  }
  if (!chance.calm && chance.oneIn(3)) {
    const name = chance.pick(['_include', '_sort', '_size', '_offset', '_search', '_range', '_all_tenants']);
    const fields = query.map((one) => one.name).filter((one) => !one.startsWith('_'));
    const value = chance.oneIn(2) || fields.length === 0 ? garbageText(chance) : chance.pick(fields);
    parts.push(`${name}=${chance.oneIn(3) ? '-' : ''}${quoted(chance, value)}`);
  }
  if (chance.oneIn(12))
    parts.push(`${quoted(chance, garbageText(chance))}=${quoted(chance, garbageText(chance))}`);
  if (chance.oneIn(40))
    parts.push(chance.pick(['&&', '=', '%', 'a[b]=c', '_include', '__proto__=x', '%ff=%fe', 'a=%00']));
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

function oddHeaders(chance: Chance): Record<string, string> {
  switch (chance.whole(40)) {
    case 0:
      return { 'content-type': chance.pick(CONTENT_TYPES) };
    case 1:
      return { tenant: chance.pick(['nowhere', 'other', '*', '\xff\xfe', 'a'.repeat(3000), "'"]) };
    case 2:
      return {
        authorization: chance.pick(['Basic', 'Basic Og==', 'Basic !!', 'Bearer x', 'Basic /////w==', ':']),
      };
    case 3:
      return { 'authentication-token': garbageText(chance).replace(/[^ -~]/g, '') };
    case 4:
      return { 'execution-token': garbageText(chance).replace(/[^ -~]/g, '') };
    case 5:
      return { 'content-encoding': chance.pick(['gzip', 'br', 'nothing']) };
    case 6:
      return {
        'x-bypass-maintenance': 'True',
        accept: 'text/html',
        'if-none-match': '*',
        range: 'bytes=5-2',
      };
    default:
      return {};
  }
}

function bodyOf(
  surroundings: Surroundings,
  chance: Chance,
  { bodies }: PublishedRoute,
): { body: Buffer | null; type: string | null } {
  const types = Object.keys(bodies);
  if (chance.oneIn(20) || types.length === 0) {
    if (!chance.oneIn(4)) return { body: null, type: chance.oneIn(2) ? 'application/json' : null };
    return { body: Buffer.from(JSON.stringify(garbageValue(chance)) ?? ''), type: 'application/json' };
  }
  const type = chance.pick(types);
  if (type === 'application/json') {
    const value = mutated(chance, aValue(surroundings, chance, bodies[type]!, ''));
    const text = JSON.stringify(value) ?? 'null';
    const body = chance.oneIn(12) ? brokenJson(chance, text) : Buffer.from(text);
    return { body, type };
  }
  if (type === 'multipart/form-data') return formOf(surroundings, chance, bodies[type]!);
  return { body: archiveOf(surroundings, chance), type: chance.oneIn(2) ? 'application/json' : type };
}

function archiveOf({ archives }: Surroundings, chance: Chance): Buffer {
  const whole = archives.length === 0 ? Buffer.alloc(0) : chance.pick(archives);
  if (chance.calm || chance.oneIn(4)) return whole;
  if (chance.oneIn(4)) return Buffer.from(garbageText(chance));
  if (chance.oneIn(4)) return whole.subarray(0, chance.whole(whole.length + 1));
  const broken = Buffer.from(whole);
  for (let count = chance.whole(8) + 1; count > 0 && broken.length > 0; count -= 1)
    broken[chance.whole(broken.length)] = chance.whole(256);
  return broken;
}

function formOf(surroundings: Surroundings, chance: Chance, schema: Schema) {
  const edge = 'fuzzedge';
  const head = (name: string, more = '') =>
    Buffer.from(`--${edge}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`, 'latin1');
  const names = Object.keys((schema.properties as object | undefined) ?? {});
  const parts = Array.from({ length: chance.whole(4) }, () => {
    const name = names.length === 0 || chance.oneIn(6) ? 'odd' : chance.pick(names);
    const isFile = chance.oneIn(2);
    const content = isFile
      ? archiveOf(surroundings, chance)
      : Buffer.from(JSON.stringify(mutated(chance, garbageValue(chance))) ?? '');
    return Buffer.concat([head(name, isFile ? '; filename="f"' : ''), content, Buffer.from('\r\n')]);
  });
  const end = chance.oneIn(6) ? '' : `--${edge}--\r\n`;
  return {
    body: Buffer.concat([...parts, Buffer.from(end)]),
    type: `multipart/form-data; boundary=${chance.oneIn(20) ? 'other' : edge}`,
  };
}

/** Words whose values are names of things. */
const NAMED: Readonly<Record<string, string>> = {
  deployment_id: 'deployments',
  source_deployment: 'deployments',
  target_deployment: 'deployments',
  blueprint_id: 'blueprints',
  execution_id: 'executions',
  node_instance_id: 'node-instances',
  username: 'users',
  tenant_name: 'tenants',
  group_name: 'user-groups',
  deployment_group_id: 'deployment-groups',
  site_name: 'sites',
  workflow_id: 'workflows',
  filter_id: 'filters',
  cloud: 'clouds',
  user: 'users',
  org: 'organizations',
  region: 'regions',
  resource: 'resources',
  user_id: 'user numbers',
  user_resource_id: 'users',
  owner_resource_id: 'users',
  organization_service_id: 'clouds',
  resource_ids: 'clouds',
  target_resource_ids: 'clouds',
  organization_service_ids: 'clouds',
  scopes: 'clouds',
  orgId: 'organizations',
  contentOrgId: 'organizations',
  userId: 'users',
  workspaceId: 'workspaces',
  environmentId: 'environments',
  teamId: 'teams',
  designId: 'designs',
  resourceId: 'designs',
  viewId: 'views',
  connectionId: 'connections',
  credentialId: 'credentials',
  eventId: 'events',
  contentId: 'curricula',
  registrationId: 'registrations',
  tokenId: 'tokens',
  roleId: 'roles',
  keychainId: 'keychains',
  keyId: 'keys',
};

/** Texts of which only a few mean something. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  visibility: ['private', 'tenant', 'global'],
  role: ['default', 'sys_admin', 'user', 'viewer', 'operations', 'manager', 'suspended'],
  action: ['cancel', 'force-cancel', 'kill', 'resume', 'activate', 'deactivate', 'install'],
  status: ['started', 'cancelled', 'terminated', 'failed', 'created'],
  state: ['uploaded', 'invalid', 'started', 'pending', 'succeeded', 'failed', 'installed'],
  location: ['1.5, -2', '90,180'],
  operator: ['any_of', 'not_any_of', 'is_null', 'contains', 'starts_with', 'is_not_empty'],
  type: ['label', 'attribute', 'string', 'integer'],
  recurrence: ['1 days', '2 hours', '1 weeks'],
  since: ['2090-01-01T00:00:00Z', '2020-01-01 00:00:00'],
  password: ['a password for nobody'],
  access_level: ['BASIC_USER', 'ORGANIZATION_ADMIN', 'DOMAIN_VIEWER'],
  current_access_level: ['BASIC_USER'],
  new_access_level: ['ORGANIZATION_ADMIN', 'DOMAIN_ADMIN'],
  cloud_type: ['AWS', 'K8S', 'GCE'],
  cloud_type_id: ['AWS', 'K8S'],
  authentication_type: ['import', 'standard', 'internal', 'saml'],
  format: ['terraform_state', 'kubernetes'],
  selected_resource_type: ['instance', 'storagecontainer'],
  order_by: ['name', 'name DESC', 'creation_time', 'user_id'],
  organization_name: ['Other', 'Default Organization'],
  job: ['harvest:Import'],
};

/** A value of the schema, mostly; now and then anything. */
function aValue(
  surroundings: Surroundings,
  chance: Chance,
  schema: Schema,
  name: string,
  depth = 0,
): unknown {
  if (chance.oneIn(14)) return garbageValue(chance);
  const names = surroundings.known.get(NAMED[name] ?? '');
  if (names !== undefined && names.length > 0 && !chance.oneIn(5)) return chance.pick(names);
  if (MEANT[name] !== undefined && !chance.oneIn(5)) return chance.pick(MEANT[name]);
  const { enum: words, const: only, anyOf, type, properties, items, required } = schema;
  if (Array.isArray(words)) return chance.pick(words as unknown[]);
  if (only !== undefined) return only;
  if (Array.isArray(anyOf)) return aValue(surroundings, chance, chance.pick(anyOf as Schema[]), name, depth);
  switch (type) {
    case 'string':
      return chance.oneIn(5) ? garbageText(chance) : `fuzz-${chance.whole(40)}`;
    case 'integer':
    case 'number':
      return chance.oneIn(5) ? chance.pick([-1, 0, 1e9, 2 ** 53, 0.5]) : chance.whole(20);
    case 'boolean':
      return chance.pick([true, false, 'true', 'True', '1', ...(chance.calm ? [] : ['maybe'])]);
    case 'array': {
      const schemaOfItems = (items ?? {}) as Schema;
      const length = chance.whole(depth > 3 ? 1 : 4);
      return Array.from({ length }, () => aValue(surroundings, chance, schemaOfItems, name, depth + 1));
    }
    case 'object': {
      const must = new Set((required as string[] | undefined) ?? []);
      const all = Object.entries((properties ?? {}) as Record<string, Schema>);
      const chosen = all.filter(([key]) => (must.has(key) ? !chance.oneIn(15) : chance.oneIn(3)));
      return Object.fromEntries(
        chosen.map(([key, each]) => [key, aValue(surroundings, chance, each, key, depth + 1)]),
      );
    }
    default:
      return garbageValue(chance);
  }
}

/** The value, or the value with one member that is something else. */
function mutated(chance: Chance, value: unknown): unknown {
  if (!chance.oneIn(4) || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const keys = Object.keys(value);
  const key = keys.length === 0 || chance.oneIn(4) ? garbageText(chance) : chance.pick(keys);
  return { ...value, [key]: garbageValue(chance) };
}
