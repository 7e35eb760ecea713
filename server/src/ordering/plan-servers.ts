/** From what is wished of servers to the servers that are to be: where, of what, how large, and called what. Pure. */
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { namesFor } from './hostnames.js';
import type { BuildFact, EnvironmentFact } from './order-facts.store.js';
import type { AskedItem, PlannedServer, Ref, ServerWish } from './order-items.js';
import { costOf, type Rate } from './rates.js';
import type { NewPassword } from './sealed-password.js';
import { cpuCount, diskGb, memoryMb } from './sizes.js';
import type { ThingKey } from './thing-key.js';
import { namedAs, type ParameterFacts, resolveParameters } from './wished-parameters.js';

export interface ServerFacts extends ParameterFacts {
  readonly group: { readonly name: string };
  /** Those that the group may use. */
  readonly environments: readonly EnvironmentFact[];
  readonly builds: readonly BuildFact[];
  readonly applications: readonly (Ref & { readonly environment: number })[];
  readonly rates: readonly Rate[];
  readonly owner: string;
}

/** What a build item says of its servers where the order says nothing. */
export interface ServerDefaults {
  readonly part: string;
  readonly hostnameTemplate: string;
  /** Only in these; null: in all of the group. */
  readonly environments: readonly number[] | null;
}

/** What of an item is kept, and what comes of it. */
export interface PlannedServers {
  readonly asked: ServerWish<Ref>;
  readonly servers: readonly PlannedServer[];
  readonly environment: EnvironmentFact;
  readonly passwords: readonly NewPassword[];
}

const MOST = 50;
const USUAL = { cpus: 1, memoryMb: 1024, diskGb: 10 };
/** Say of the server itself what it is; the others are kept with it. */
const SIZES = ['cpu_cnt', 'mem_size', 'disk_size'] as const;

/**
 * @param node name of the first node; the others of several get a number
 * @param taken names in use, in lower case; those that are given out are added
 * @throws DomainError `invalid` (`environment-unknown`, `environment-missing`, `os-build-unknown`, `application-unknown`,
 *   `quantity-invalid`, `hostname-invalid`, `size-invalid` and what `resolveParameters` throws); `conflict` (`hostname-taken`)
 */
export function planServers(
  wish: ServerWish,
  defaults: ServerDefaults,
  node: string,
  facts: ServerFacts,
  taken: Set<string>,
): PlannedServers {
  const environment = environmentOf(wish.environment, defaults, facts);
  const { own, build: named } = withoutBuild(wish.parameters);
  const osBuild = buildOf(wish.osBuild ?? named, environment, facts);
  const applications = wish.applications.map((key) => {
    const found = facts.applications.find((one) => one.environment === environment.uid && isKey(one, key));
    // What would be accepted and not installed is refused.
    throw unknown(
      found === undefined ? 'application-unknown' : 'application-unsupported',
      found === undefined
        ? `Application ${shown(key)} is not available in environment '${environment.name}'`
        : `Application '${found.name}' cannot be installed by an order: offer a blueprint with its action as a build item`,
      'applications',
    );
  });
  const quantity = quantityOf(wish.quantity);
  const resolved = resolveParameters(own, wish.preconfigurations, environment.uid, facts);
  const { values, password } = resolved;
  const size = {
    cpus: values.cpu_cnt === undefined ? USUAL.cpus : cpuCount(values.cpu_cnt, 'cpu-cnt'),
    memoryMb: values.mem_size === undefined ? USUAL.memoryMb : memoryMb(values.mem_size, 'mem-size'),
    diskGb: values.disk_size === undefined ? USUAL.diskGb : diskGb(values.disk_size, 'disk-size'),
  };
  const template = templateFor(wish, defaults);
  const names = namesFor(template, quantity, taken, {
    group: facts.group.name,
    environment: environment.name,
    owner: facts.owner,
  });
  for (const name of names) taken.add(name.toLowerCase());
  const network = values.sc_nic_0;
  const rest = Object.fromEntries(
    Object.entries(values).filter(([name]) => !(SIZES as readonly string[]).includes(namedAs(name))),
  );
  const { total } = costOf(
    {
      environment: environment.uid,
      ...size,
      osBuild: osBuild?.name ?? null,
      applications: [],
      parameters: rest,
    },
    facts.rates,
  );
  const servers = names.map((hostname, at) => ({
    node: quantity === 1 ? node : `${node}_${at + 1}`,
    part: defaults.part,
    hostname,
    environment: refOf(environment),
    account: environment.account,
    accountId: environment.accountId,
    location: environment.location,
    osBuild: osBuild === null ? null : refOf(osBuild),
    image: osBuild?.image ?? '',
    ...size,
    networks: typeof network === 'string' && network !== '' ? [network] : [],
    applications,
    parameters: rest,
    ...(password === null ? {} : { password }),
    cost: total,
  }));
  return {
    asked: {
      environment: refOf(environment),
      ...(osBuild === null || (wish.osBuild === undefined && named === undefined)
        ? {}
        : { osBuild: refOf(osBuild) }),
      ...(wish.quantity === undefined ? {} : { quantity }),
      ...(wish.hostname === undefined || wish.hostname === '' ? {} : { hostname: wish.hostname }),
      parameters: resolved.asked,
      preconfigurations: wish.preconfigurations,
      applications,
    },
    servers,
    environment,
    passwords: resolved.passwords,
  };
}

/** The name that is wished for, or the one that the build item gives. */
export function templateFor({ hostname }: Pick<ServerWish, 'hostname'>, defaults: ServerDefaults): string {
  return hostname === undefined || hostname.trim() === '' ? defaults.hostnameTemplate : hostname;
}

/** What an item that is kept asked for, to be asked again. */
export function askedAgain(item: AskedItem) {
  const key = ({ number }: Ref): ThingKey => ({ number });
  const wish = (asked: ServerWish<Ref>): ServerWish =>
    ({
      ...asked,
      ...(asked.environment === undefined ? {} : { environment: key(asked.environment) }),
      ...(asked.osBuild === undefined ? {} : { osBuild: key(asked.osBuild) }),
      applications: asked.applications.map(key),
    }) as ServerWish;
  switch (item.kind) {
    case 'deploy':
      return {
        ...item,
        offer: key(item.offer),
        parts: Object.fromEntries(Object.entries(item.parts).map(([name, part]) => [name, wish(part)])),
      };
    case 'provision':
      return { kind: item.kind, ...wish(item) };
    case 'modify':
      return {
        ...item,
        server: key(item.server),
        ...(item.environment === undefined ? {} : { environment: key(item.environment) }),
      };
    case 'decommission':
      return {
        kind: item.kind,
        ...(item.environment === undefined ? {} : { environment: key(item.environment) }),
        servers: item.servers.map(key),
        resources: item.resources.map(key),
      };
    case 'act':
      return { ...item, target: key(item.target), action: key(item.action) };
  }
}

export function refOf({ uid, number, code, name }: Ref): Ref {
  return { uid, number, code, name };
}

export function isKey(thing: Ref, key: ThingKey): boolean {
  return 'number' in key ? thing.number === key.number : thing.code === key.code;
}

export function shown(key: ThingKey): string {
  return 'number' in key ? String(key.number) : key.code;
}

function environmentOf(
  key: ThingKey | undefined,
  { environments }: ServerDefaults,
  facts: ServerFacts,
): EnvironmentFact {
  const usable = facts.environments.filter(({ uid }) => environments === null || environments.includes(uid));
  if (key === undefined) {
    if (usable.length === 1) return usable[0]!;
    throw unknown(
      'environment-missing',
      `An environment must be named: group '${facts.group.name}' has ${usable.length === 0 ? 'none that fits' : usable.map(({ name }) => `'${name}'`).join(', ')}`,
      'environment',
    );
  }
  const found = usable.find((one) => isKey(one, key));
  if (found !== undefined) return found;
  throw unknown(
    'environment-unknown',
    `Environment ${shown(key)} is not one that group '${facts.group.name}' may use here`,
    'environment',
  );
}

function buildOf(
  key: ThingKey | undefined,
  environment: EnvironmentFact,
  { builds }: ServerFacts,
): BuildFact | null {
  const there = builds.filter((one) => one.environment === environment.uid);
  if (key === undefined) return there[0] ?? null;
  const found = there.find((one) => isKey(one, key));
  if (found !== undefined) return found;
  throw unknown(
    'os-build-unknown',
    `OS build ${shown(key)} is not available in environment '${environment.name}'`,
    'os-build',
  );
}

/** Clients name the OS build among the parameters too. The dialect has made a key of it. */
function withoutBuild(parameters: JsonObject): { own: JsonObject; build: ThingKey | undefined } {
  const own: JsonObject = {};
  let build: ThingKey | undefined;
  for (const [name, value] of Object.entries(parameters)) {
    if (namedAs(name) === 'os_build' && isThingKey(value)) build = value;
    else own[name] = value;
  }
  return { own, build };
}

function isThingKey(value: Json): value is ThingKey & JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return typeof value.number === 'number' || typeof value.code === 'string';
}

function quantityOf(value: unknown): number {
  if (value === undefined || value === null || value === '') return 1;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 1 && number <= MOST) return number;
  throw unknown('quantity-invalid', `quantity must be a whole number from 1 to ${MOST}`, 'quantity');
}

function unknown(reason: string, message: string, field: string): DomainError {
  return new DomainError('invalid', reason, message, { details: { field } });
}
