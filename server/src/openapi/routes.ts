/** Collects what a dialect's scope serves while it is mounted: the one source of its published description. */
import type { FastifyInstance, FastifySchema } from 'fastify';

export interface Route {
  /** Upper case. HEAD beside GET is not told: it follows from GET. */
  readonly method: string;
  /** As the router has it: `/api/v3.1/blueprints/:id`; `:path` where it takes everything that follows. */
  readonly path: string;
  readonly schema: FastifySchema;
}

/** The routes that are added to `scope` and to scopes below it from now on; complete once it is ready. */
export function watchRoutes(scope: FastifyInstance): readonly Route[] {
  const routes: Route[] = [];
  scope.addHook('onRoute', ({ method, url, schema }) => {
    for (const each of [method].flat()) {
      if (each !== 'HEAD')
        routes.push({ method: each, path: url.replace(/\*$/, ':path'), schema: schema ?? {} });
    }
  });
  return routes;
}
