/**
 * Every route of the published document for `/api/v3` is served, but for those named here. The list may only shrink: one
 * that is served now fails the test until it is taken off. And every route that is served has a row in the table of who may
 * do what, which `route-access.test.ts` holds true.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { clientOf } from './client.js';
import { cloudifyRoutes } from './route-access/routes.js';
import { readRows } from './route-access/rows.js';

const DOCUMENTED = `
GET /blueprints          PUT /blueprints/x        DELETE /blueprints/x      GET /blueprints/x/archive
GET /cluster             PUT /cluster             PATCH /cluster
GET /cluster/nodes       GET /cluster/nodes/x     PUT /cluster/nodes/x      DELETE /cluster/nodes/x
GET /deployments         PUT /deployments/x       DELETE /deployments/x
GET /events
GET /executions          GET /executions/x        POST /executions          POST /executions/x       PATCH /executions/x
GET /status              GET /version
GET /node-instances      GET /node-instances/x    PATCH /node-instances/x
GET /nodes
GET /plugins             GET /plugins/x           POST /plugins             DELETE /plugins/x        GET /plugins/x/archive
GET /secrets             GET /secrets/x           PUT /secrets/x            PATCH /secrets/x         DELETE /secrets/x
GET /snapshots           PUT /snapshots/x         DELETE /snapshots/x       POST /snapshots/x/restore
GET /snapshots/x/archive PUT /snapshots/x/archive
GET /tenants             GET /tenants/x           POST /tenants/x           DELETE /tenants/x
PUT /tenants/users       DELETE /tenants/users    PUT /tenants/user-groups  DELETE /tenants/user-groups
GET /tokens
GET /user-groups         GET /user-groups/x       POST /user-groups         DELETE /user-groups/x
PUT /user-groups/users   DELETE /user-groups/users
GET /users               GET /users/x             PUT /users                DELETE /users/x          POST /users/x
`;

const NOT_YET = `
`;

const routes = (text: string) =>
  [...text.matchAll(/([A-Z]+) (\/\S+)/g)].map(([, method, path]) => `${method} ${path}`);

const server = await aServer();
const ask = clientOf(server);

test('the routes that are not served are exactly those that are named', async () => {
  const absent: string[] = [];
  for (const route of routes(DOCUMENTED)) {
    const [method, path] = route.split(' ') as [string, string];
    const { status, text } = await ask(method, path, { version: 'v3' });
    assert.notEqual(status, 500, route);
    if (status === 404 && text.includes('is not served here')) absent.push(route);
  }
  assert.deepEqual(absent, routes(NOT_YET));
});

test('every route that is served has a row in the table of who may do what, and every row a route', async () => {
  const served = new Set((await cloudifyRoutes(server.core)).map(({ route }) => route));
  const rows = await readRows();
  assert.deepEqual(
    [...served].filter((route) => !rows.has(route)),
    [],
    'add rows to test/dialects/cloudify-v3/route-access/; rows.ts there says how',
  );
  assert.deepEqual(
    [...rows.keys()].filter((route) => !served.has(route)),
    [],
    'these rows have no route',
  );
});
