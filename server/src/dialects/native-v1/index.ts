/**
 * Orrery's own dialect, `/orrery/v1`: public, and only what none of the four vendors can say (docs/native-v1.md).
 *
 * A file for each resource. What all of them share: credentials (`caller.ts`), refusals as problem details (`problem.ts`),
 * entity tags and pages (`conditions.ts`, `cursor.ts`), requests that may be sent twice (`idempotent.ts`).
 */
import type { FastifyInstance } from 'fastify';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import type { Dialect } from '../dialect.js';
import { API } from './api.js';
import { authorityRoutes } from './authorities.js';
import { callerOf } from './caller.js';
import { decisionRoutes } from './decisions.js';
import { deploymentRoutes } from './deployments.js';
import { executionRoutes } from './executions.js';
import { limitRoutes } from './limits.js';
import { answerProblem } from './problem.js';
import { streamRoutes } from './stream.js';
import { workerRoutes } from './workers.js';

const ROOT = '/orrery/v1';

export const nativeV1: Dialect = {
  name: 'native-v1',
  title: 'Orrery v1',
  roots: [ROOT],
  api: API,
  mount: async (app, core) => {
    await app.register(async (scope) => routes(scope, core), { prefix: ROOT });
  },
};

function routes(app: FastifyInstance, core: Core): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(body as string));
    } catch {
      done(new DomainError('invalid', 'body-not-json', 'The body is not JSON'));
    }
  });
  app.setErrorHandler(answerProblem);
  app.addHook('preValidation', async (request) => {
    const { body, querystring } = request.routeOptions.schema ?? {};
    refuseUnknown('body', request.body, body);
    refuseUnknown('query', request.query, querystring);
  });
  // Response schemas describe; nothing is left out of an answer because they do not name it.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));

  streamRoutes(app, core);
  deploymentRoutes(app, core);
  executionRoutes(app, core);
  limitRoutes(app, core);
  decisionRoutes(app, core, (request) => callerOf(request, core));
  workerRoutes(app, core, (request) => callerOf(request, core));
  authorityRoutes(app, core, (request) => callerOf(request, core));
}

/** What nobody asked for would be passed over in silence. */
function refuseUnknown(where: string, given: unknown, schema: unknown): void {
  const { properties, additionalProperties } = (schema ?? {}) as {
    properties?: object;
    additionalProperties?: boolean;
  };
  if (additionalProperties !== false || typeof given !== 'object' || given === null) return;
  const known = Object.keys(properties ?? {});
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new DomainError(
    'invalid',
    'member-unknown',
    `The ${where} has no member ${unknown}; known are: ${known.join(', ') || 'none'}`,
    { details: { field: `${where}/${unknown}` } },
  );
}
