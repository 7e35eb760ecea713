/**
 * One OpenAPI 3.1 document per dialect, made from the schemas that stand on its routes.
 *
 * Nothing is written beside the code: a route without a summary, a tag without a sentence, two operations of one name
 * are errors here, so that the build breaks and not a reader. The text is the same for the same code: no times, no host
 * names, a fixed order. A plugin that does this exists; it names components by registered schemas only, and those would
 * have to be resolved by every validator too.
 */
import { STATUS_CODES } from 'node:http';
import type { FastifySchema } from 'fastify';
import type { Dialect, Operation, ReferenceDocument } from '../dialects/dialect.js';
import { Components, isObject, type Json, type JsonObject } from './components.js';
import type { Route } from './routes.js';
import { withSamples } from './samples.js';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/**
 * @param part which operations, if not all, and whether with samples
 * @throws Error that names the route which says too little of itself, or contradicts another
 */
export function openApiDocument(
  dialect: Dialect,
  routes: readonly Route[],
  version: string,
  part: Partial<ReferenceDocument> = {},
): JsonObject {
  const { api } = dialect;
  const components = new Components();
  const told = (route: Route) => part.tags === undefined || part.tags.includes(route.schema.tags?.[0] ?? '');
  const operations = routes.filter(told).map((route) => operationOf(dialect, route, components));
  const parameters = sharedParameters(operations.map(({ told }) => told));
  const paths: Record<string, Record<string, JsonObject>> = {};
  const names = new Set<Json>();
  for (const { path, method, told } of sorted(operations)) {
    if (names.has(told.operationId!)) throw new Error(`two operations are called ${told.operationId}`);
    names.add(told.operationId!);
    paths[path] = { ...paths[path], [method]: withShared(told, parameters) };
  }
  const refused = new Set(operations.flatMap(({ refusals }) => refusals));
  const error = { [api.error.mediaType]: { schema: components.schema(api.error.schema) } };
  const document: JsonObject = {
    openapi: '3.1.0',
    info: {
      title: part.title ?? dialect.title,
      version,
      description: api.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(api.tags)
      .filter(([name]) => part.tags?.includes(name) ?? true)
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: api.securitySchemes,
      parameters: Object.fromEntries([...parameters].sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: Object.fromEntries(
        Object.entries(api.refusals)
          .filter(([status]) => refused.has(Number(status)))
          .map(([, { name, description }]) => [name, { description, content: error }]),
      ),
      schemas: components.all(),
    },
  };
  return part.samples === true ? withSamples(document) : document;
}

/** The document as it is kept and served. */
export function documentText(document: JsonObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

interface Told {
  readonly path: string;
  readonly method: string;
  readonly told: JsonObject;
  readonly refusals: readonly number[];
}

function operationOf({ api }: Dialect, { method, path, schema }: Route, components: Components): Told {
  const { operationId, summary, description, tags, open = false } = schema;
  const [tag] = tags ?? [];
  if (operationId === undefined || summary === undefined || tag === undefined) {
    throw new Error(`${method} ${path} does not say what it does`);
  }
  if (!Object.hasOwn(api.tags, tag)) throw new Error(`${method} ${path} has an unknown tag ${tag}`);
  const parameters = parametersOf(path, schema, components);
  const body = bodyOf(schema, components);
  const operation: Operation = {
    method,
    path,
    tag,
    body: schema.uploads !== undefined ? 'upload' : schema.body !== undefined ? 'json' : 'none',
    hasPathParameters: path.includes(':'),
    open,
  };
  const refusals = api.refusalsOf(operation);
  const answers = answersOf(`${method} ${path}`, schema, components);
  const refused = refusals.map((status) => {
    const known = api.refusals[status];
    if (known === undefined) throw new Error(`refusals with ${status} are not described`);
    return [String(status), { $ref: `#/components/responses/${known.name}` }];
  });
  const told: JsonObject = {
    operationId: api.operationName?.(operationId, path) ?? operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: open
      ? []
      : api.security(operation).map((together) => Object.fromEntries(together.map((name) => [name, []]))),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: body }),
    responses: { ...answers, ...Object.fromEntries(refused) },
  };
  return { path: path.replace(/:(\w+)/g, '{$1}'), method: method.toLowerCase(), told, refusals };
}

function parametersOf(path: string, schema: FastifySchema, components: Components): JsonObject[] {
  const inPath = propertiesOf(schema.params);
  const inQuery = propertiesOf(schema.querystring);
  const required = new Set((schema.querystring as { required?: string[] } | undefined)?.required);
  return [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => {
      const given = inPath[name!];
      if (given === undefined) throw new Error(`${path} does not declare its parameter ${name}`);
      return parameter('path', name!, true, components.schema(given));
    }),
    ...Object.entries(inQuery).map(([name, given]) =>
      parameter('query', name, required.has(name), components.schema(given)),
    ),
  ];
}

function parameter(place: 'path' | 'query', name: string, required: boolean, schema: JsonObject): JsonObject {
  const { description, ...rest } = schema;
  return {
    name,
    in: place,
    ...(required ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  };
}

function propertiesOf(schema: unknown): Readonly<Record<string, object>> {
  return (schema as { properties?: Record<string, object> } | undefined)?.properties ?? {};
}

function bodyOf(schema: FastifySchema, components: Components): JsonObject | null {
  if (schema.uploads !== undefined) {
    const content = Object.entries(schema.uploads).map(([type, each]) => [
      type,
      { schema: components.schema(each) },
    ]);
    return { content: Object.fromEntries(content) };
  }
  if (schema.body === undefined) return null;
  const { required = [] } = schema.body as { required?: string[] };
  return {
    ...(required.length > 0 ? { required: true } : {}),
    content: { 'application/json': { schema: components.schema(schema.body as object) } },
  };
}

function answersOf(route: string, schema: FastifySchema, components: Components): JsonObject {
  const given = Object.entries((schema.response ?? {}) as Record<string, Answer>);
  if (given.length === 0) throw new Error(`${route} does not say what it answers`);
  return Object.fromEntries(
    given.map(([status, answer]) => {
      const description = answer.description ?? STATUS_CODES[status] ?? status;
      const content = contentOf(answer, components);
      return [status, { description, ...(content === null ? {} : { content }) }];
    }),
  );
}

/** A schema of JSON, or several media types; nothing at all is a schema of null. */
interface Answer {
  readonly description?: string;
  readonly type?: string;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

function contentOf(answer: Answer, components: Components): JsonObject | null {
  if (answer.type === 'null') return null;
  if (answer.content === undefined) return { 'application/json': { schema: components.schema(answer) } };
  return Object.fromEntries(
    Object.entries(answer.content).map(([type, { schema }]) => [type, { schema: components.schema(schema) }]),
  );
}

function sorted(operations: readonly Told[]): readonly Told[] {
  const rank = ({ method }: Told) => METHODS.indexOf(method);
  return [...operations].sort((a, b) => (a.path === b.path ? rank(a) - rank(b) : a.path < b.path ? -1 : 1));
}

/** Parameters that several operations have in exactly the same words, by name. */
function sharedParameters(operations: readonly JsonObject[]): Map<string, JsonObject> {
  const uses = new Map<string, Map<string, { parameter: JsonObject; count: number }>>();
  for (const each of operations.flatMap(({ parameters }) => (parameters ?? []) as readonly JsonObject[])) {
    const name = each.name as string;
    const text = JSON.stringify(each);
    const variants = uses.get(name) ?? new Map();
    variants.set(text, { parameter: each, count: (variants.get(text)?.count ?? 0) + 1 });
    uses.set(name, variants);
  }
  const shared = new Map<string, JsonObject>();
  for (const [name, variants] of uses) {
    const [most] = [...variants.values()].sort((a, b) => b.count - a.count);
    if (most !== undefined && most.count > 1) shared.set(name, most.parameter);
  }
  return shared;
}

function withShared(told: JsonObject, shared: ReadonlyMap<string, JsonObject>): JsonObject {
  if (!Array.isArray(told.parameters)) return told;
  const parameters = (told.parameters as readonly Json[]).map((each) => {
    if (!isObject(each)) return each;
    const name = each.name as string;
    const same = JSON.stringify(shared.get(name)) === JSON.stringify(each);
    return same ? { $ref: `#/components/parameters/${name}` } : each;
  });
  return { ...told, parameters };
}
