/**
 * One entry of the route table: what a path takes, answers and who may call it, and what it does.
 *
 * The table is the only source of routes, of their published description (with the user types in words) and of the test that
 * calls every route as every user type. `may` describes; rooms enforce.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Mounting } from './mounting.js';

export type UserType = 'basic' | 'org-admin' | 'domain-viewer' | 'domain-admin';

export const EVERYBODY: readonly UserType[] = ['basic', 'org-admin', 'domain-viewer', 'domain-admin'];
/** Who reads what belongs to an organisation. */
export const READERS = EVERYBODY;
/** Who changes it. */
export const WRITERS: readonly UserType[] = ['org-admin', 'domain-admin'];
/** Who sees all organisations. */
export const DOMAIN: readonly UserType[] = ['domain-viewer', 'domain-admin'];
export const ADMINS_AND_VIEWER: readonly UserType[] = ['org-admin', 'domain-viewer', 'domain-admin'];
export const DOMAIN_ADMIN: readonly UserType[] = ['domain-admin'];

export type Method = 'GET' | 'POST' | 'DELETE';

/** A request, read. */
export interface Call<Body> {
  readonly core: Core;
  readonly caller: Caller;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly body: Body;
  readonly params: Readonly<Record<string, string>>;
}

export interface Endpoint<Body extends TSchema = TSchema> {
  readonly methods: readonly Method[];
  readonly path: string;
  /** As a function would be called; GET beside POST gets `_get` behind it. */
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** Absent: nobody needs to sign in. */
  readonly may?: readonly UserType[];
  readonly body?: Body;
  /** Its members may stand in the query as well. */
  readonly queryToo?: boolean;
  /** What parts of the path mean. */
  readonly params?: Readonly<Record<string, string>>;
  /** null: 204 and nothing. */
  readonly answer: TSchema | null;
  readonly handle: (call: Call<Static<Body>>) => unknown;
}

const NAMES: Readonly<Record<UserType, string>> = {
  basic: 'Basic User',
  'org-admin': 'Organization Admin',
  'domain-viewer': 'Domain Viewer',
  'domain-admin': 'Domain Admin',
};

/** Adds it to the scope. Generic in its body, so that a table of endpoints of different bodies stays typed. */
export function add<Body extends TSchema>(mounting: Mounting, endpoint: Endpoint<Body>): void {
  const { methods, path, answer } = endpoint;
  const { prefix } = mounting;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return;
  const read = readerOf(endpoint);
  for (const method of methods) {
    mounting.scope.route({
      method,
      url: path.slice(prefix.length),
      exposeHeadRoute: false,
      config: { open: endpoint.may === undefined, may: endpoint.may ?? null },
      schema: schemaOf(endpoint, method),
      handler: async (request, reply) => {
        const told = await endpoint.handle({
          core: mounting.core,
          get caller() {
            return mounting.callerOf(request);
          },
          request,
          reply,
          body: read(request),
          params: request.params as Record<string, string>,
        });
        if (answer === null) return reply.code(204).send();
        return reply.type('application/json').send(JSON.stringify(told ?? {}));
      },
    });
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no credentials. */
    open?: boolean;
    /** Whom the published description names. */
    may?: readonly UserType[] | null;
  }
}

function schemaOf(endpoint: Endpoint, method: Method) {
  const { name, path, tag, summary, may, body, answer, methods, params = {} } = endpoint;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, each]) => each!);
  const objectBody = body !== undefined && 'properties' in body ? body : undefined;
  const inQuery = method === 'GET' || endpoint.queryToo === true;
  return {
    operationId: methods.length > 1 && method === 'GET' ? `${name}_get` : name,
    tags: [tag] as const,
    summary,
    description: [
      endpoint.description,
      may === undefined ? 'Needs no credentials.' : `For: ${may.map((each) => NAMES[each]).join(', ')}.`,
      path.includes('/prototype/') ? 'A prototype: its form may change.' : undefined,
      method === 'GET' && body !== undefined
        ? 'The parameters may stand in a JSON body instead, GET or not.'
        : undefined,
    ]
      .filter((each) => each !== undefined)
      .join(' '),
    ...(may === undefined ? { open: true } : {}),
    ...(names.length === 0
      ? {}
      : {
          params: Type.Object(
            Object.fromEntries(
              names.map((each) => [each, Type.String({ description: params[each] ?? each })]),
            ),
          ),
        }),
    ...(inQuery && objectBody !== undefined ? { querystring: Type.Partial(objectBody as never) } : {}),
    ...(method !== 'GET' && body !== undefined ? { body } : {}),
    response: answer === null ? { 204: Type.Null({ description: 'Done' }) } : { 200: answer },
  };
}

/** Reads and checks the body: top-level nulls are absent, members nobody knows are ignored. */
function readerOf<Body extends TSchema>(endpoint: Endpoint<Body>): (request: FastifyRequest) => Static<Body> {
  const { body: schema, queryToo = false } = endpoint;
  if (schema === undefined) return () => ({}) as Static<Body>;
  const validator = Compile(schema);
  return (request) => {
    const given = withoutNulls(request.body ?? {});
    const takesQuery = queryToo || request.method === 'GET';
    const value = takesQuery && isObject(given) ? { ...readQuery(request.query as Query), ...given } : given;
    if (validator.Check(value)) return value as Static<Body>;
    throw refusal(validator.Errors(value)[0]);
  };
}

type Query = Readonly<Record<string, string | readonly string[]>>;

/** Texts that are JSON lists, objects or numbers count as those; others stay texts. */
function readQuery(query: Query): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      if (typeof value !== 'string') return [name, value];
      if (!/^\s*[[{]/.test(value)) return [name, value];
      try {
        return [name, JSON.parse(value) as unknown];
      } catch {
        throw new DomainError('invalid', 'input-invalid', `The parameter ${name} is not JSON`, {
          details: { field: name },
        });
      }
    }),
  );
}

function withoutNulls(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Found {
  readonly keyword?: string;
  readonly instancePath?: string;
  readonly message?: string;
  readonly params?: object;
}

function refusal(found: Found | undefined): DomainError {
  if (found?.keyword === 'required') {
    const { requiredProperties = [] } = (found.params ?? {}) as { requiredProperties?: readonly string[] };
    const within = fieldOf(found);
    const where = within === '' ? '' : ` in ${within}`;
    return invalid(requiredProperties[0] ?? '', `Missing ${requiredProperties.join(', ')}${where}`);
  }
  const field = fieldOf(found);
  return invalid(
    field,
    `Invalid value for ${field || 'the request body'}: ${found?.message ?? 'not understood'}`,
  );
}

function fieldOf(found: Found | undefined): string {
  return (found?.instancePath ?? '').slice(1).replaceAll('/', '.').slice(0, 200);
}

function invalid(field: string, message: string): DomainError {
  return new DomainError('invalid', 'input-invalid', message, { details: { field } });
}
