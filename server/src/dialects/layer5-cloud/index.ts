/**
 * Layer5 Cloud's API, as its page documents it, as Meshery's remote provider calls it, and as the published client has it.
 *
 * A file for each resource; `routes.ts` says how routes are declared, `org-context.ts` in which organisation a request acts,
 * `spelling.ts` how keys are written. The pages for people (`/login`, `/security/tokens`) are not here.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Dialect } from '../dialect.js';
import { addAcademy } from './academy.js';
import { addAccess } from './access.js';
import { API } from './api.js';
import { acceptBodies } from './bodies.js';
import { addCatalog } from './catalog.js';
import { addConnections } from './connections.js';
import { addCredentials } from './credentials.js';
import { addDesignFiles } from './design-files.js';
import { addDesigns } from './designs.js';
import { addEnvironments } from './environments.js';
import { badRequest, renderError, WireError } from './errors.js';
import { addEvents } from './events.js';
import { addHandshake } from './handshake.js';
import { addInvitations } from './invitations.js';
import { addKeychainsAndKeys } from './keychains.js';
import { addLearners } from './learners.js';
import { addOrganizations } from './organizations.js';
import { addPeople } from './people.js';
import { addPreferences } from './preferences.js';
import { requirePeople } from './routes.js';
import { addSharing } from './sharing.js';
import { addSigningIn } from './signing-in.js';
import { inBothSpellings, inCamelCase } from './spelling.js';
import { addTeams } from './teams.js';
import { addTokens } from './tokens.js';
import { addViews } from './views.js';
import { addWorkspaces } from './workspaces.js';

/** Prefixes below which nobody else answers. */
const ROOTS = [
  '/api/identity',
  '/api/users',
  '/api/organizations',
  '/api/auth',
  '/api/workspaces',
  '/api/environments',
  '/api/content',
  '/api/pattern',
  '/api/catalog',
  '/api/resource',
  '/api/integrations',
  '/api/events',
  '/api/academy',
] as const;

export const layer5Cloud: Dialect = {
  name: 'layer5-cloud',
  title: 'Layer5 Cloud',
  roots: ROOTS,
  api: API,
  reference: {
    page: '/system/api/docs',
    documents: [{ path: '/system/api/docs/openapi.json', title: 'Layer5 Cloud' }],
  },
  refuseUrl(reply, message) {
    sendError(reply, badRequest(message));
  },
  async mount(app, core) {
    const known = new Map<string, Set<string>>();
    await app.register(async (scope) => {
      scope.addHook('onRoute', ({ method, url }) => {
        const methods = known.get(url) ?? new Set();
        known.set(url, methods);
        for (const each of [method].flat()) methods.add(each);
      });
      prepare(scope, core);
      addResources(scope, core);
    });
    for (const prefix of ROOTS) {
      await app.register(
        async (scope) => {
          scope.setErrorHandler(async (error, _request, reply) => sendError(reply, error));
          scope.setNotFoundHandler(async (request) => {
            throw notServed(request.method, request.url, known);
          });
        },
        { prefix },
      );
    }
  },
};

function addResources(scope: FastifyInstance, core: Core): void {
  const mounting = { scope, core };
  addSigningIn(mounting);
  addTokens(mounting);
  addHandshake(mounting);
  addPreferences(mounting);
  addPeople(mounting);
  addOrganizations(mounting);
  addTeams(mounting);
  addAccess(mounting);
  addKeychainsAndKeys(mounting);
  addInvitations(mounting);
  addWorkspaces(mounting);
  addEnvironments(mounting);
  addConnections(mounting);
  addCredentials(mounting);
  addDesigns(mounting);
  addDesignFiles(mounting);
  addSharing(mounting);
  addCatalog(mounting);
  addViews(mounting);
  addAcademy(mounting);
  addLearners(mounting);
  addEvents(mounting);
}

function prepare(scope: FastifyInstance, core: Core): void {
  acceptBodies(scope);
  scope.addHook('onRequest', async (request) => {
    if (request.url.includes('%00')) throw badRequest('A NUL character is not allowed');
    if (await core.snapshots.isRestoring()) {
      throw new DomainError('unavailable', 'being-restored', 'A snapshot is being restored: ask again soon');
    }
  });
  requirePeople(scope, core);
  scope.addHook('preValidation', async (request) => {
    // Names of parameters as the clients write them: pagesize, orgID, user_id, userid.
    request.query = withLiveSpellings(inCamelCase(request.query) as Record<string, unknown>);
  });
  scope.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    if (httpPart !== 'body') return (value: unknown) => ({ value });
    const validator = Compile(schema);
    const { type, required = [] } = schema as { type?: string; required?: readonly string[] };
    return (given: unknown) => {
      // Nothing at all is an object without members, where none is needed.
      const value =
        (given ?? undefined) === undefined && type === 'object' && required.length === 0 ? {} : given;
      if (validator.Check(value)) return { value };
      const [first] = validator.Errors(value);
      const where = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
      return {
        error: badRequest(
          where === ''
            ? `The body ${first?.message ?? 'is not as it should be'}`
            : `${where} ${first?.message}`,
        ),
      };
    };
  });
  // Response schemas describe; what is sent was shaped where it was made.
  scope.setSerializerCompiler(() => (value) => JSON.stringify(inBothSpellings(value)));
  scope.setErrorHandler(async (error, _request, reply) => sendError(reply, error));
}

/** Written together on this wire. */
const LIVE: Readonly<Record<string, string>> = {
  pageSize: 'pagesize',
  userid: 'userId',
  workspaceid: 'workspaceId',
  orgid: 'orgId',
  isOAuth: 'isOauth',
  isoauth: 'isOauth',
};

function withLiveSpellings(query: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [Object.hasOwn(LIVE, name) ? LIVE[name] : name, value]),
  );
}

function notServed(method: string, url: string, known: ReadonlyMap<string, ReadonlySet<string>>): WireError {
  const path = url
    .replace(/[?#].*$/s, '')
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1');
  const methods = new Set<string>();
  for (const [pattern, served] of known) {
    const form = pattern
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
    if (new RegExp(`^${form.join('/')}$`).test(path)) for (const each of served) methods.add(each);
  }
  if (methods.size === 0) return new WireError(404, `${method} ${path.slice(0, 200)} is not served here`);
  const allow = [...methods].sort().join(', ');
  return new WireError(405, `${path.slice(0, 200)} takes ${allow}, not ${method}`, { headers: { allow } });
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const { status, headers, body } = renderError(error, reply.log);
  return reply
    .code(status)
    .headers(headers)
    .type('application/json')
    .serializer((value: unknown) => value as string)
    .send(JSON.stringify(inBothSpellings(body)));
}
