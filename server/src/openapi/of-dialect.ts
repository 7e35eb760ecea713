/** A dialect's document without a server: its routes are mounted where nobody can call them. */
import fastify from 'fastify';
import type { Settings } from '../config.js';
import type { Core } from '../core.js';
import type { Dialect } from '../dialects/dialect.js';
import { documentText, openApiDocument } from './document.js';
import { watchRoutes } from './routes.js';

/** @param settings mounting reads nothing else of the core; the document does not depend on them */
export async function describeDialect(
  dialect: Dialect,
  settings: Settings,
  version: string,
): Promise<string> {
  const app = fastify();
  const routes = watchRoutes(app);
  await app.register(async (scope) => dialect.mount(scope, { settings } as Core));
  await app.ready();
  try {
    return documentText(openApiDocument(dialect, routes, version));
  } finally {
    await app.close();
  }
}
