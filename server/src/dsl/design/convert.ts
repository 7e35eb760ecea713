/**
 * Files of other tools become designs: Kubernetes manifests, Compose files, the older form of designs (specs: layer5.md §10.2, §10.3).
 *
 * Pure: new ids come from the caller. What a conversion cannot say in a design it names in the component's metadata
 * (`notConverted`), so that nobody takes the design for the whole.
 */
import { loadAll } from 'js-yaml';
import type { Json, JsonObject } from '../plan.js';

export type Origin = 'Design' | 'Kubernetes Manifest' | 'Docker Compose' | 'Helm Chart';

export interface Converted {
  readonly origin: Origin;
  /** Null: the text is a design already, and stays as it is. */
  readonly design: JsonObject | null;
  readonly name: string | null;
}

/** The text is none of the forms that can be read; `message` says where or why. */
export class Unreadable extends Error {}

export interface Converting {
  readonly name: string;
  readonly newId: () => string;
}

/** Values in a file, aliases followed: a small text can mean very much. */
const MOST_VALUES = 200_000;
const DESIGN_SCHEMA = 'designs.meshery.io/v1beta1';

/** @throws Unreadable */
export function convertText(text: string, converting: Converting): Converted {
  const documents = documentsOf(text).filter((document) => document !== null);
  if (documents.length === 0) throw new Unreadable('The file is empty');
  const [first] = documents;
  if (documents.length === 1 && isObject(first) && Array.isArray(first.components)) {
    return { origin: 'Design', design: null, name: textAt(first, 'name') };
  }
  if (
    documents.every(
      (document) =>
        isObject(document) && textAt(document, 'kind') !== null && textAt(document, 'apiVersion') !== null,
    )
  ) {
    const objects = (documents as JsonObject[]).flatMap(unrolled);
    return made(
      'Kubernetes Manifest',
      converting,
      objects.map((object) => ofManifest(object, converting)),
    );
  }
  if (documents.length === 1 && isObject(first) && isObject(first.services)) {
    const services = Object.entries(first.services).filter((entry): entry is [string, JsonObject] =>
      isObject(entry[1]),
    );
    if (services.length > 0 && services.every(([, service]) => typeof service.type === 'string')) {
      const converted = made(
        'Design',
        converting,
        services.map((service) => ofService(service, converting)),
      );
      return { ...converted, name: textAt(first, 'name') };
    }
    if (services.length > 0) {
      const components = services.flatMap(([name, service]) => ofCompose(name, service, converting));
      return { ...made('Docker Compose', converting, components), name: textAt(first, 'name') };
    }
  }
  throw new Unreadable('The file is neither a design nor a Kubernetes manifest nor a Compose file');
}

/** A chart stays as it is; the design says to release it. */
export function ofChart({ name, newId }: Converting): Converted {
  const chart = component(
    {
      kind: 'HelmRelease',
      version: 'helm.toolkit.fluxcd.io/v2',
      name,
      configuration: { spec: { chart: { source: 'design' } } },
    },
    newId,
  );
  return made('Helm Chart', { name, newId }, [chart]);
}

function made(origin: Origin, { name, newId }: Converting, components: readonly JsonObject[]): Converted {
  const design: JsonObject = {
    id: newId(),
    name,
    schemaVersion: DESIGN_SCHEMA,
    version: '0.0.1',
    metadata: { resolvedAliases: {} },
    components: [...components],
    relationships: [],
    preferences: { layers: {} },
  };
  return { origin, design, name: null };
}

function documentsOf(text: string): Json[] {
  let documents: unknown[];
  try {
    documents = loadAll(text) as unknown[];
  } catch (error) {
    throw new Unreadable(`The file is not YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  let left = MOST_VALUES;
  const copy = (value: unknown, depth: number): Json => {
    left -= 1;
    if (left < 0 || depth > 200) throw new Unreadable('The file holds too many values, or too deep ones');
    if (Array.isArray(value)) return value.map((each) => copy(each, depth + 1));
    if (value instanceof Date) return value.toISOString();
    if (typeof value === 'bigint') return Number(value);
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each, depth + 1)]));
    }
    return value === undefined || typeof value === 'function' || typeof value === 'symbol'
      ? null
      : (value as Json);
  };
  return documents.map((document) => copy(document ?? null, 0));
}

function unrolled(object: JsonObject): JsonObject[] {
  if (!Array.isArray(object.items) || !/List$/.test(textAt(object, 'kind') ?? '')) return [object];
  return object.items.filter(isObject).flatMap(unrolled);
}

function ofManifest(object: JsonObject, { newId }: Converting): JsonObject {
  const { apiVersion, kind, status: _, ...configuration } = object;
  const metadata = isObject(object.metadata) ? object.metadata : {};
  return component(
    {
      kind: typeof kind === 'string' ? kind : '',
      version: typeof apiVersion === 'string' ? apiVersion : '',
      name: textAt(metadata, 'name') ?? String(kind),
      configuration,
    },
    newId,
  );
}

function ofService([key, service]: [string, JsonObject], { newId }: Converting): JsonObject {
  const settings = isObject(service.settings) ? service.settings : {};
  const given = isObject(settings.metadata) ? settings.metadata : {};
  const metadata: JsonObject = { ...given };
  for (const name of ['namespace', 'labels', 'annotations'] as const) {
    const value = service[name];
    if (value !== undefined && value !== null && value !== '') metadata[name] = value;
  }
  const made = component(
    {
      kind: String(service.type),
      version: textAt(service, 'apiVersion') ?? '',
      name: key,
      configuration: { ...settings, metadata },
    },
    newId,
  );
  return Array.isArray(service.dependsOn) ? { ...made, dependsOn: service.dependsOn } : made;
}

const COMPOSE_READ = new Set([
  'image',
  'command',
  'entrypoint',
  'environment',
  'ports',
  'labels',
  'deploy',
  'container_name',
  'restart',
]);

function ofCompose(key: string, service: JsonObject, { newId }: Converting): JsonObject[] {
  const name = dnsName(key);
  const labels = { app: name };
  const ports = (Array.isArray(service.ports) ? service.ports : []).flatMap(portOf);
  const container: JsonObject = { name, image: textAt(service, 'image') ?? '' };
  const entrypoint = wordsOf(service.entrypoint);
  const command = wordsOf(service.command);
  if (entrypoint.length > 0) container.command = entrypoint;
  if (command.length > 0) container.args = command;
  const env = environmentOf(service.environment);
  if (env.length > 0) container.env = env;
  if (ports.length > 0) container.ports = ports.map(({ target }) => ({ containerPort: target }));
  const replicas =
    isObject(service.deploy) && typeof service.deploy.replicas === 'number' ? service.deploy.replicas : 1;
  const notConverted = Object.keys(service).filter((word) => !COMPOSE_READ.has(word));
  const deployment = component(
    {
      kind: 'Deployment',
      version: 'apps/v1',
      name,
      configuration: {
        metadata: { name, labels },
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [container] } },
        },
      },
      ...(notConverted.length === 0 ? {} : { notConverted }),
    },
    newId,
  );
  if (ports.length === 0) return [deployment];
  const spec = {
    selector: labels,
    ports: ports.map(({ published, target }) => ({
      name: `port-${published}`,
      port: published,
      targetPort: target,
    })),
  };
  const front = component(
    { kind: 'Service', version: 'v1', name, configuration: { metadata: { name, labels }, spec } },
    newId,
  );
  return [deployment, front];
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `{target, published}`. */
function portOf(port: Json): { published: number; target: number }[] {
  if (isObject(port)) {
    const target = Number(port.target);
    const published = Number(port.published ?? port.target);
    return isPort(target) && isPort(published) ? [{ published, target }] : [];
  }
  const parts = String(port)
    .replace(/\/(tcp|udp)$/, '')
    .split(':');
  const target = Number(parts.at(-1));
  const published = Number(parts.at(-2) ?? parts.at(-1));
  return isPort(target) && isPort(published) ? [{ published, target }] : [];
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

function environmentOf(given: Json | undefined): JsonObject[] {
  if (Array.isArray(given)) {
    return given.map(String).map((line) => {
      const at = line.indexOf('=');
      return at < 0 ? { name: line, value: '' } : { name: line.slice(0, at), value: line.slice(at + 1) };
    });
  }
  if (!isObject(given)) return [];
  return Object.entries(given).map(([name, value]) => ({ name, value: value === null ? '' : String(value) }));
}

function wordsOf(given: Json | undefined): string[] {
  if (Array.isArray(given)) return given.map(String);
  return typeof given === 'string' ? given.split(/\s+/).filter((word) => word !== '') : [];
}

interface Part {
  readonly kind: string;
  readonly version: string;
  readonly name: string;
  readonly configuration: JsonObject;
  readonly notConverted?: readonly string[];
}

/** Kinds that stand in no namespace. */
const CLUSTER_WIDE =
  /^(Namespace|Node|PersistentVolume|StorageClass|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|PriorityClass|IngressClass)$/;

function component(
  { kind, version, name, configuration, notConverted }: Part,
  newId: () => string,
): JsonObject {
  return {
    id: newId(),
    schemaVersion: 'components.meshery.io/v1beta1',
    version: 'v1.0.0',
    displayName: name,
    format: 'JSON',
    model: {
      name: 'kubernetes',
      version: 'v1.0.0',
      model: { version: 'v1.0.0' },
      registrant: { kind: 'kubernetes' },
    },
    component: { kind, version, schema: '' },
    configuration,
    metadata: {
      isAnnotation: false,
      isNamespaced: !CLUSTER_WIDE.test(kind),
      published: false,
      genealogy: '',
      ...(notConverted === undefined ? {} : { notConverted: [...notConverted] }),
    },
    styles: { position: { x: 0, y: 0 } },
  };
}

function dnsName(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 63) || 'service'
  );
}

function textAt(object: JsonObject, key: string): string | null {
  const value = object[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
