/** The route table of the dialect, as it mounts itself. */
import fastify from 'fastify';
import type { Core } from '../../../../src/core.js';
import { cloudifyV3 } from '../../../../src/dialects/cloudify-v3/index.js';
import type { Dialect } from '../../../../src/dialects/dialect.js';
import { watchRoutes } from '../../../../src/openapi/routes.js';

export interface RootedRoute {
  /** `GET /blueprints/:id` */
  readonly route: string;
  /** `/api/v3`, `/api/v3.1`, `/api`, or none for a path that is outside of them. */
  readonly root: string;
}

export async function cloudifyRoutes(core: Core): Promise<readonly RootedRoute[]> {
  return routesOf(cloudifyV3, core, /^(\/api(?:\/v3\.1|\/v3)?)(\/.*)$/);
}

/** @param rooted matches the root of a path, and the rest of it */
export async function routesOf(
  dialect: Dialect,
  core: Core,
  rooted: RegExp,
): Promise<readonly RootedRoute[]> {
  const app = fastify();
  app.removeAllContentTypeParsers();
  const routes = watchRoutes(app);
  await dialect.mount(app, core);
  await app.ready();
  await app.close();
  return routes.map(({ method, path }) => {
    const [, root = '', rest = path] = rooted.exec(path) ?? [];
    return { route: `${method} ${rest}`, root };
  });
}
