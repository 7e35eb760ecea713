/**
 * Cloudify's REST API, under the two prefixes that its clients use (`version.ts` says where they differ).
 *
 * Each prefix is a scope with its own hooks, body parsers and error form. A request is authenticated before its body is
 * read, so that a stranger cannot make the server parse or keep anything.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../../core.js';
import type { Dialect } from '../dialect.js';
import { addAgents } from './agents.js';
import { API } from './api.js';
import { addAudit } from './audit.js';
import { authenticate } from './auth.js';
import { addBlueprints } from './blueprints.js';
import { acceptBodies } from './body.js';
import { addCluster, refuseAfterRemoval } from './cluster.js';
import { addDependencies } from './dependencies.js';
import { addDeploymentGroups } from './deployment-groups.js';
import { addDeploymentModifications } from './deployment-modifications.js';
import { addDeploymentUpdates } from './deployment-updates.js';
import { addDeployments } from './deployments.js';
import { badParameters, CloudifyError, type Rendered, renderError } from './errors.js';
import { addEvents } from './events.js';
import { addExecutionGroups } from './execution-groups.js';
import { addExecutionSchedules } from './execution-schedules.js';
import { addExecutions } from './executions.js';
import { addFilters } from './filters.js';
import { type KnownPaths, watchPaths } from './known-paths.js';
import { addLabelKeys } from './label-keys.js';
import { addLogBundles } from './log-bundles.js';
import { addMaintenance, obeyMaintenance } from './maintenance.js';
import { addManager, addVersion } from './manager.js';
import { addNodeInstances } from './node-instances.js';
import { addNodes } from './nodes.js';
import { addPermissions } from './permissions.js';
import { addPlugins } from './plugins.js';
import { addPluginsUpdates } from './plugins-updates.js';
import { addResourceFiles } from './resource-files.js';
import { addSearches } from './searches.js';
import { addSecrets } from './secrets.js';
import { addSecretsShare } from './secrets-share.js';
import { addSites } from './sites.js';
import { addSnapshots } from './snapshots.js';
import { addSummaries } from './summary.js';
import { addSystem } from './system.js';
import { addTaskGraphs } from './task-graphs.js';
import { addTenants } from './tenants.js';
import { addTokens } from './tokens.js';
import { addUserGroups } from './user-groups.js';
import { addUsers } from './users.js';
import { API_VERSIONS, type ApiVersion } from './version.js';

export const cloudifyV3: Dialect = {
  name: 'cloudify-v3',
  title: 'Cloudify REST v3 and v3.1',
  roots: ['/api/v3.1', '/api/v3'],
  api: API,
  refuseUrl(reply, message) {
    void sendError(reply, renderError(badParameters(message), reply.log));
  },
  async mount(app, core) {
    for (const version of API_VERSIONS) {
      await app.register(
        async (scope) => {
          await prepare(scope, core);
          addResources(scope, core, version);
        },
        { prefix: `/api/${version}` },
      );
    }
    // Clients ask for the version before they know which prefix to use.
    await app.register(
      async (scope) => {
        await prepare(scope, core);
        addVersion({ scope, core, version: 'v3.1' });
      },
      { prefix: '/api' },
    );
    await app.register(
      async (scope) => {
        await prepare(scope, core);
        addResourceFiles({ scope, core });
      },
      { prefix: '/resources' },
    );
  },
};

function addResources(scope: FastifyInstance, core: Core, version: ApiVersion): void {
  const mounting = { scope, core, version };
  addVersion(mounting);
  addManager(mounting);
  addMaintenance(mounting);
  addSystem(mounting);
  addPermissions(mounting);
  addAudit(mounting);
  addCluster(mounting);
  addTokens(mounting);
  addTenants(mounting);
  addUsers(mounting);
  addUserGroups(mounting);
  addBlueprints(mounting);
  addPlugins(mounting);
  addDeployments(mounting);
  addDeploymentUpdates(mounting);
  addDeploymentModifications(mounting);
  addNodes(mounting);
  addNodeInstances(mounting);
  addExecutions(mounting);
  addTaskGraphs(mounting);
  addAgents(mounting);
  addEvents(mounting);
  addSecrets(mounting);
  addSecretsShare(mounting);
  addSnapshots(mounting);
  addLogBundles(mounting);
  addPluginsUpdates(mounting);
  addSites(mounting);
  addDeploymentGroups(mounting);
  addExecutionGroups(mounting);
  addExecutionSchedules(mounting);
  addDependencies(mounting);
  addFilters(mounting);
  addLabelKeys(mounting);
  addSearches(mounting);
  addSummaries(mounting);
}

function notServed(request: FastifyRequest, known: KnownPaths): CloudifyError {
  const { method, url } = request;
  const path = url.split('?')[0];
  const methods = known.methodsOf(url);
  if (methods.length === 0) {
    return new CloudifyError(404, 'not_found_error', `${method} ${path} is not served here`);
  }
  const allow = methods.join(', ');
  return new CloudifyError(405, 'method_not_allowed_error', `${path} takes ${allow}, not ${method}`, {
    allow,
  });
}

function beingRestored(): CloudifyError {
  return new CloudifyError(
    503,
    'in_snapshot_restore_error',
    'A snapshot is being restored: ask again when /snapshot-status says not-running',
    { 'retry-after': '1' },
  );
}

async function prepare(scope: FastifyInstance, core: Core): Promise<void> {
  await acceptBodies(scope, { jsonBytes: core.settings.bodyBytes });
  const known = watchPaths(scope);
  scope.addHook('onRequest', async (request) => {
    if (request.url.includes('%00'))
      throw new CloudifyError(400, 'bad_parameters_error', 'A NUL character is not allowed');
    if (request.routeOptions.config.cloudifyOpen !== true) {
      // Whoever is asked for by name may be somebody else in a moment.
      if (await core.snapshots.isRestoring()) throw beingRestored();
      await authenticate(request, core);
      await obeyMaintenance(request, core);
    }
    refuseAfterRemoval(request, core);
    // Before the body is read: whatever it is, nobody waits for it.
    if (request.is404) throw notServed(request, known);
  });
  scope.setErrorHandler(async (error, request, reply) => {
    return sendError(reply, renderError(error, request.log));
  });
  // Its own, so that what no route takes still passes the hooks of this scope.
  scope.setNotFoundHandler(async (request) => {
    throw notServed(request, known);
  });
}

function sendError(reply: FastifyReply, { status, body, headers }: Rendered): FastifyReply {
  return reply.code(status).headers(headers).type('application/json').send(JSON.stringify(body));
}
