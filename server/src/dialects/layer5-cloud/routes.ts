/**
 * How routes of this dialect are declared: what they say of themselves for the published description, and a handler that gets a
 * `Call` and gives an object. Both spellings of keys are seen to outside of handlers, on the way in and on the way out.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { Authenticated } from '../../identity/callers.js';
import { type Addressed, isUuid } from '../../membership/acting-tenant.js';
import { absent, isAbsence } from './errors.js';
import type { Query } from './listing.js';
import { actingOf, authenticate, credentialOf, whereItIs, within } from './org-context.js';
import { snakeCase } from './spelling.js';

export interface Call<Body = unknown> {
  readonly core: Core;
  readonly caller: Caller;
  readonly person: Authenticated;
  /** Lists are of every organisation. */
  readonly everywhere: boolean;
  readonly query: Query;
  readonly body: Body;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** A parameter of the path as it is. */
  param(name: string): string;
  /** One that names a thing by UUID, in lower case. @throws WireError 404 */
  id(name: string, thing: string): string;
  /** The same person in another organisation. @throws DomainError `forbidden` (`tenant-forbidden`) */
  within(orgId: string): Promise<Caller>;
}

export interface Said<Body extends TSchema = TSchema> {
  readonly tag: string;
  /** What the operation is called: `designs_list`. */
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  /** Names of query parameters, in camelCase, with what they are for. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Status of success, 200 unless said otherwise. */
  readonly status?: number;
  /** What it answers; absent: nothing. */
  readonly answer?: TSchema;
  /** Answers that are no JSON. */
  readonly media?: Readonly<Record<string, string>>;
  /** The body is bytes, whatever they are called. */
  readonly upload?: string;
}

export interface Mounting {
  readonly scope: FastifyInstance;
  readonly core: Core;
}

type Method = 'get' | 'post' | 'put' | 'delete';

/** Adds a route that needs credentials. */
export function route<Body extends TSchema = TSchema>(
  { scope, core }: Mounting,
  method: Method,
  path: string,
  said: Said<Body>,
  handle: (call: Call<Static<Body>>) => Promise<unknown>,
): void {
  const config = said.upload === undefined ? {} : { layer5Body: 'raw' as const };
  const addressed = addressedBy(path);
  scope[method](path, { schema: schemaOf(path, said), config }, async (request, reply) => {
    const person = people.get(request) ?? (await authenticate(core, credentialOf(request)));
    const query = request.query as Query;
    const acting = await actingOf(request, core, person, query);
    const params = request.params as Readonly<Record<string, string>>;
    const callOf = (caller: Caller): Call<Static<Body>> => ({
      core,
      caller,
      person,
      everywhere: acting.everywhere,
      query,
      body: request.body as Static<Body>,
      request,
      reply,
      param: (name) => params[name] ?? '',
      id(name, thing) {
        const id = params[name] ?? '';
        if (!isUuid(id)) throw absent(thing, id);
        return id.toLowerCase();
      },
      within: (orgId) => within(core, person, orgId, request.id),
    });
    try {
      return answer(reply, said, await handle(callOf(acting.caller)));
    } catch (error) {
      if (addressed === undefined || reply.sent || !isAbsence(error)) throw error;
      const id = params[addressed.parameter] ?? '';
      const there = await whereItIs(request, core, acting, addressed.thing, id);
      if (there === null) throw error;
      return answer(reply, said, await handle(callOf(there)));
    }
  });
}

/** What of an organisation a path names by the first of its ids; what comes after that is looked for beside it. */
const THINGS: Readonly<Record<string, Addressed>> = {
  '/api/workspaces': 'workspace',
  '/api/environments': 'environment',
  '/api/integrations/connections': 'connection',
  '/api/integrations/connections/kubernetes': 'connection',
  '/api/pattern': 'design',
  '/api/content/patterns': 'design',
  '/api/content/patterns/upload': 'design',
  '/api/content/filters': 'design',
  '/api/content/filters/upload': 'design',
  '/api/content/views': 'design',
  '/api/events': 'event',
  '/events': 'event',
  '/api/identity/teams': 'team',
  '/api/identity/roles': 'role',
  '/api/auth/keychains': 'keychain',
  '/api/organizations/invitations': 'invitation',
  '/api/organizations/badges': 'badge',
  '/api/academy/curricula': 'curriculum',
};

function addressedBy(path: string): { readonly parameter: string; readonly thing: Addressed } | undefined {
  const [, before = '', parameter = ''] = /^([^:]*)\/:(\w+)/.exec(path) ?? [];
  const thing = THINGS[before];
  return thing === undefined ? undefined : { parameter, thing };
}

/** Adds a route that is answered to everybody. */
export function openRoute<Body extends TSchema = TSchema>(
  { scope }: Mounting,
  method: Method,
  path: string,
  said: Said<Body>,
  handle: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  const schema = { ...schemaOf(path, said), open: true };
  scope[method](path, { schema, config: { layer5Open: true } }, async (request, reply) =>
    answer(reply, said, await handle(request, reply)),
  );
}

const people = new WeakMap<FastifyRequest, Authenticated>();

/** Before the body is read: a stranger cannot make the server parse anything. */
export function requirePeople(scope: FastifyInstance, core: Core): void {
  scope.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.layer5Open === true || request.is404) return;
    people.set(request, await authenticate(core, credentialOf(request)));
  });
}

function answer(reply: FastifyReply, said: Said, told: unknown): unknown {
  if (reply.sent || told === reply) return reply;
  if (told === undefined) return reply.code(said.status ?? 204).send();
  if (reply.statusCode === 200 && said.status !== undefined) reply.code(said.status);
  return reply.send(told);
}

function schemaOf(path: string, said: Said): FastifySchema {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const { tag, name, summary, description, query, body, status = 200, answer: told, media, upload } = said;
  const response =
    media !== undefined
      ? { [status]: { description: 'The file', content: contentOf(media) } }
      : told === undefined
        ? { 204: Type.Null({ description: 'Done; there is no body' }) }
        : { [status]: told };
  return {
    tags: [tag],
    operationId: name,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(names.length === 0
      ? {}
      : { params: Type.Object(Object.fromEntries(names.map((each) => [each, parameterOf(each)]))) }),
    ...(query === undefined ? {} : { querystring: queryOf(query) }),
    ...(body === undefined ? {} : { body }),
    ...(upload === undefined
      ? {}
      : { uploads: { 'application/octet-stream': Type.String({ format: 'binary', description: upload }) } }),
    response,
  };
}

function contentOf(media: Readonly<Record<string, string>>): Record<string, { schema: TSchema }> {
  return Object.fromEntries(
    Object.entries(media).map(([type, description]) => [type, { schema: Type.String({ description }) }]),
  );
}

function parameterOf(name: string): TSchema {
  if (name === 'orgId') return Type.String({ description: 'UUID of an organization that the caller is in' });
  return /Id$|^id$/.test(name) ? Type.String({ description: 'UUID' }) : Type.String();
}

function queryOf(query: Readonly<Record<string, string>>): TObject {
  return Type.Object(
    Object.fromEntries(
      Object.entries(query).map(([name, description]) => [name, Type.Optional(Type.String({ description }))]),
    ),
  );
}

/** Parameters of every list. */
export const PAGE = {
  page: 'Number of the page, from 0 on',
  pagesize: 'Items of a page: 10 by default, 100 at most; `all`: everything. Also `pageSize`, `page_size`',
  search: 'Only those with this text in their name, in any case',
  order: '`<field> <asc|desc>`, the field in either spelling; default: `updated_at desc`',
} as const;

/** An object of an answer, with every key of several words in both spellings. */
export function entity(title: string, fields: TProperties): TObject {
  const both = Object.entries(fields).flatMap(([key, schema]) => {
    const snake = snakeCase(key);
    return snake === key ? [[key, schema] as const] : [[key, schema] as const, [snake, schema] as const];
  });
  return Type.Object(Object.fromEntries(both), { title });
}

/** A page of a list whose items are under `items`. */
export function pageSchema(title: string, items: string, item: TSchema, more: TProperties = {}): TObject {
  return entity(title, {
    page: Type.Integer(),
    pageSize: Type.Integer(),
    totalCount: Type.Integer(),
    [items]: Type.Array(item),
    ...more,
  });
}

export const Text = Type.String();
export const Id = Type.String({ format: 'uuid' });
export const MaybeId = Type.Union([Id, Type.Null()]);
export const Time = Type.String({ format: 'date-time' });
export const MaybeTime = Type.Union([Time, Type.Null()]);
export const Count = Type.Integer({ minimum: 0 });
export const Flag = Type.Boolean();
/** What belongs to clients: kept and told as it is. */
export const Opaque = Type.Object({}, { additionalProperties: true, description: "The client's own" });

/** Texts of requests. */
export const Name = Type.String({ minLength: 1, maxLength: 256, pattern: '\\S' });
export const MaybeText = Type.Optional(Type.String({ maxLength: 4096 }));
export const MaybeObject = Type.Optional(Opaque);
