/**
 * Every route of the dialect, asked by everybody: the table is in `route-access/`, and `rows.ts` there says how to add to it.
 * A route without a row fails `coverage.test.ts`.
 */
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { obey } from './route-access/obey.js';
import { cloudifyRoutes } from './route-access/routes.js';
import { readRows } from './route-access/rows.js';
import { aWorld } from './route-access/world.js';

const server = await aServer();
const world = await aWorld(server);
const rows = await readRows();
const routes = await cloudifyRoutes(server.core);

for (const { route, root } of routes) {
  const row = rows.get(route);
  if (row === undefined) continue;
  test(`${route} under ${root || '/'} does for each what the table says`, async () => {
    await obey(world, row, route, root);
  });
}
