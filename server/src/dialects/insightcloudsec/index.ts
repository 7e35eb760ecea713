/**
 * The InsightCloudSec API (formerly DivvyCloud), under `/v2` and `/v3`, and its bare `/client_version`.
 *
 * A file for each resource, each a table of endpoints (endpoint.ts). What all share: how bodies and answers travel
 * (transport.ts), who calls (door.ts), refusals (errors.ts), lists (listing.ts), ids (ids.ts). Governance (insights, packs, bots,
 * exemptions, IaC scans) is not served: its paths are unknown here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Dialect } from '../dialect.js';
import { API } from './api.js';
import { addAuthenticationServers } from './authentication-servers.js';
import { addBadges } from './badges.js';
import { addClouds } from './clouds.js';
import { admit, visitorOf } from './door.js';
import { renderError } from './errors.js';
import { addHarvests } from './harvests.js';
import { addKeys } from './keys.js';
import { watchPaths } from './known-paths.js';
import type { Mounting } from './mounting.js';
import { addOrganizations } from './organizations.js';
import { addRegions } from './regions.js';
import { addResources } from './resources.js';
import { addSecondFactor } from './second-factor.js';
import { addSession } from './session.js';
import { addStrategies } from './strategies.js';
import { addSystem } from './system.js';
import { acceptAnything, sendBare } from './transport.js';
import { addUsers } from './users.js';

export const insightCloudSec: Dialect = {
  name: 'insightcloudsec',
  title: 'InsightCloudSec',
  roots: ['/v2', '/v3'],
  api: API,
  reference: {
    page: '/docs/insightcloudsec/',
    documents: [
      {
        path: '/docs/insightcloudsec/openapi/v1.json',
        title: 'InsightCloudSec v1: identity and system',
        tags: ['Session', 'Users', 'Keys', 'Second factor', 'Organizations', 'System'],
        samples: true,
      },
      {
        path: '/docs/insightcloudsec/openapi/v2.json',
        title: 'InsightCloudSec v2: cloud accounts',
        tags: ['Clouds', 'Harvesting', 'Badges'],
        samples: true,
      },
      {
        path: '/docs/insightcloudsec/openapi/v3.json',
        title: 'InsightCloudSec v3: what was found in them',
        tags: ['Resources'],
        samples: true,
      },
    ],
  },
  refuseUrl: (reply, message) =>
    sendBare(reply, 400, { error_message: message, error_type: 'invalid_input' }),
  mount: async (app, core) => {
    // A scope for each prefix, so that what no route takes still meets this dialect's form of errors.
    for (const prefix of ['/v2', '/v3', '/client_version']) {
      await app.register(
        async (scope) => {
          prepare(scope, core);
          addAll({ scope, core, prefix, callerOf: (request) => visitorOf(request).caller });
        },
        { prefix },
      );
    }
  },
};

function addAll(mounting: Mounting): void {
  addSession(mounting);
  addUsers(mounting);
  addKeys(mounting);
  addAuthenticationServers(mounting);
  addSecondFactor(mounting);
  addOrganizations(mounting);
  addClouds(mounting);
  addRegions(mounting);
  addHarvests(mounting);
  addStrategies(mounting);
  addBadges(mounting);
  addResources(mounting);
  addSystem(mounting);
}

function prepare(scope: FastifyInstance, core: Core): void {
  const known = watchPaths(scope);
  acceptAnything(scope, { bytes: core.settings.bodyBytes });
  // Bodies are checked by their endpoints; schemas on routes describe.
  scope.setValidatorCompiler(() => () => true);
  scope.setSerializerCompiler(() => (value) => JSON.stringify(value));
  scope.setErrorHandler((error, request, reply) => answer(error, request, reply));
  scope.setNotFoundHandler(async (request) => {
    throw notServed(request, known.methodsOf(request.url));
  });
  scope.addHook('onRequest', async (request) => {
    if (request.is404) throw notServed(request, known.methodsOf(request.url));
    if (request.url.includes('%00')) {
      throw new DomainError('invalid', 'input-invalid', 'A NUL character is not allowed');
    }
    const { open, may } = request.routeOptions.config;
    if (await core.snapshots.isRestoring()) {
      throw new DomainError('unavailable', 'being-restored', 'A snapshot is being restored: ask again soon');
    }
    if (open !== true) await admit(request, core, may ?? []);
  });
}

async function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { status, body, headers } = renderError(error, request.log);
  return reply.code(status).headers(headers).type('application/json').send(JSON.stringify(body));
}

function notServed(request: FastifyRequest, methods: readonly string[]): DomainError {
  const path = request.url.split('?')[0]!.slice(0, 300);
  if (methods.length === 0) {
    return new DomainError('not-found', 'route-unknown', `${request.method} ${path} is not served here`);
  }
  const allow = methods.join(', ');
  return new DomainError('invalid', 'method-not-allowed', `${path} takes ${allow}, not ${request.method}`, {
    details: { allow },
  });
}
