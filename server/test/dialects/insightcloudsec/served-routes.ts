/** Every route that the dialect serves, with whom it says it is for. */
import fastify from 'fastify';
import type { Core } from '../../../src/core.js';
import type { UserType } from '../../../src/dialects/insightcloudsec/endpoint.js';
import { insightCloudSec } from '../../../src/dialects/insightcloudsec/index.js';

export interface ServedRoute {
  /** `POST /v2/public/cloud/:cloud/delete` */
  readonly route: string;
  /** null: needs no credentials. */
  readonly may: readonly UserType[] | null;
}

export async function servedRoutes(core: Core): Promise<ServedRoute[]> {
  const app = fastify();
  const routes: ServedRoute[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const each of [method].flat()) {
      if (each !== 'HEAD') routes.push({ route: `${each} ${url}`, may: config?.may ?? null });
    }
  });
  await app.register(async (scope) => insightCloudSec.mount(scope, core));
  await app.ready();
  await app.close();
  return routes;
}
