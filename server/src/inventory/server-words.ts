/** What an operation's words mean for a server: its node's properties as a wish, what was seen as runtime properties. Pure. */
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { ServerRequest, ServerWork } from '../plugins/servers/server-keeper.js';
import type { SeenServer, ServerWish } from './handlers/handler.js';
import type { ServerRow } from './servers.store.js';

export function wishOf(server: ServerRow, request: ServerRequest): ServerWish {
  const { properties } = request;
  const networks = Array.isArray(properties.networks) ? properties.networks : [];
  return {
    uuid: server.id,
    hostname: server.hostname,
    image: text(properties.image),
    cpus: server.cpus || whole(properties.cpus, 1),
    memoryMb: server.memoryMb || whole(properties.memory_mb, 1024),
    diskGb: server.diskGb || whole(properties.disk_gb, 10),
    networks: networks.filter((one): one is string => typeof one === 'string'),
    username: text(properties.username) || null,
    password: text(properties.password) || null,
    script: text(properties.script),
    tags: { ...texts(request.tags), ...texts(properties.tags), 'orrery:deployment': request.deployment },
  };
}

/** What the node instance is to know. */
export function propertiesOf(server: ServerRow, accountName: string, seen: SeenServer): JsonObject {
  return {
    id: seen.providerId,
    server_id: server.id,
    server_number: server.number,
    hostname: seen.hostname,
    ip: seen.privateIp || seen.ip,
    private_ip: seen.privateIp,
    public_ip: seen.ip,
    port: seen.port,
    mac: seen.mac,
    state: seen.power,
    cpus: seen.cpus,
    memory_mb: seen.memoryMb,
    disk_gb: seen.disks.reduce((sum, { gb }) => sum + gb, 0),
    cloud_account: accountName,
  };
}

export function said(work: ServerWork, seen: SeenServer): string {
  const size = `${seen.cpus} CPUs, ${seen.memoryMb} MB`;
  if (work === 'build') return `${seen.hostname} was built: ${size}, ${seen.ip}`;
  if (work === 'resize') return `${seen.hostname} has ${size} now`;
  return `${work.replaceAll('_', ' ')}: ${seen.hostname} is ${seen.power}`;
}

/** A name that a host may have: of the property, else made from the instance's. */
export function hostnameOf(property: Json | undefined, instance: string): string {
  const given = text(property).trim();
  if (given !== '') return given.slice(0, 253);
  return instance.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 63);
}

/** Told apart from others of the same property by the end of the instance's id. */
export function anotherName(property: Json | undefined, instance: string): string {
  const end = instance
    .split('_')
    .at(-1)!
    .replaceAll(/[^A-Za-z0-9-]+/g, '');
  const given = text(property).trim();
  return given === '' ? hostnameOf(property, instance) : `${given.slice(0, 240)}-${end}`;
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A number from 1, also one that stands in a text; null for nothing. @throws DomainError `invalid` */
export function number(value: Json | undefined): number | null {
  if (value === undefined || value === null || value === '') return null;
  const read = Number(value);
  if (Number.isInteger(read) && read >= 1) return read;
  throw new DomainError(
    'invalid',
    'size-illegal',
    `A size must be a whole number from 1, not ${JSON.stringify(value)}`,
  );
}

export function whole(value: Json | undefined, otherwise: number): number {
  return number(value) ?? otherwise;
}

export function texts(value: Json | undefined): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, typeof each === 'string' ? each : JSON.stringify(each)]),
  );
}

export function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** The same for the same operation, however often it is tried. */
export function uuidFrom(operationId: string): string {
  const digits = digestOf(`snapshot ${operationId}`);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
