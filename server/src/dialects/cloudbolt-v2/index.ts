/**
 * CloudBolt's API v2 (specs: seeds/cloudbolt-api-v2.txt, cloudbolt.md): self-service as HAL.
 *
 * A file for each resource, most of them a declaration (resource.ts). README.md says what is where and how to add one.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../../core.js';
import type { Dialect } from '../dialect.js';
import { addActionRoutes } from './action-routes.js';
import { addActions } from './actions.js';
import { API } from './api.js';
import { authenticate } from './auth.js';
import { addBlueprints } from './blueprints.js';
import { acceptBodies } from './body.js';
import { addBuildingBlocks } from './building-blocks.js';
import { addEnvironments } from './environments.js';
import { badRequest, CloudBoltError, notFoundHere, type Rendered, renderError } from './errors.js';
import { addExportable } from './exportable.js';
import { addGroups } from './groups.js';
import { Hrefs, ROOT } from './hrefs.js';
import { addJobs } from './jobs.js';
import { type KnownPaths, watchPaths } from './known-paths.js';
import { addOrders } from './orders.js';
import { addParameters } from './parameters.js';
import { addQuotas } from './quotas.js';
import type { Mounting } from './resource.js';
import { addResourceHandlers } from './resource-handlers.js';
import { addResourceTypes } from './resource-types.js';
import { addRoot } from './root.js';
import { addRules } from './rules.js';
import { addServers } from './servers.js';
import { addServices } from './services.js';
import { addTokenAuth } from './token.js';
import { addUsers } from './users.js';

export const cloudboltV2: Dialect = {
  name: 'cloudbolt-v2',
  title: 'CloudBolt API v2',
  roots: [ROOT],
  api: API,
  refuseUrl(reply, message) {
    void sendError(reply, renderError(badRequest(message), reply.log));
  },
  async mount(app, core) {
    await app.register(
      async (scope) => {
        prepare(scope, core);
        await addResources({ scope, core, hrefs: new Hrefs(core.settings.cloudboltHrefStyle) });
      },
      { prefix: ROOT },
    );
    // Where a client without a version begins.
    await app.register(
      async (scope) => {
        prepare(scope, core, { alone: false });
        addRoot({ scope }, 'root_above');
      },
      { prefix: '/api' },
    );
  },
};

async function addResources(mounting: Mounting): Promise<void> {
  addRoot(mounting);
  addTokenAuth(mounting);
  addUsers(mounting);
  addGroups(mounting);
  addEnvironments(mounting);
  addBuildingBlocks(mounting);
  addBlueprints(mounting);
  addResourceTypes(mounting);
  addActions(mounting);
  addRules(mounting);
  addServers(mounting);
  addServices(mounting);
  addActionRoutes(mounting);
  addResourceHandlers(mounting);
  await addExportable(mounting);
  addOrders(mounting);
  addQuotas(mounting);
  addParameters(mounting);
  addJobs(mounting);
}

/** @param options `alone`: no other dialect has a prefix in common, whose unknown paths would be answered here */
function prepare(scope: FastifyInstance, core: Core, { alone = true } = {}): void {
  acceptBodies(scope, core.settings.bodyBytes);
  const known = watchPaths(scope);
  scope.addHook('onRequest', async (request) => {
    if (request.url.includes('%00')) throw badRequest('A NUL character is not allowed');
    if (request.routeOptions.config.cloudboltOpen !== true) await authenticate(request, core);
    // Before the body is read: whatever it is, nobody waits for it.
    if (request.is404) throw notServed(request, known);
  });
  scope.setErrorHandler(async (error, request, reply) => sendError(reply, renderError(error, request.log)));
  if (!alone) return;
  // Its own, so that what no route takes still passes the hooks of this scope.
  scope.setNotFoundHandler(async (request) => {
    throw notServed(request, known);
  });
}

function notServed(request: FastifyRequest, known: KnownPaths): CloudBoltError {
  const methods = known.methodsOf(request.url);
  if (methods.length === 0) return notFoundHere();
  return new CloudBoltError(405, `Method "${request.method}" not allowed.`, {
    headers: { allow: methods.join(', ') },
  });
}

function sendError(reply: FastifyReply, { status, body, headers }: Rendered): FastifyReply {
  return reply.code(status).headers(headers).type('application/json').send(JSON.stringify(body));
}
