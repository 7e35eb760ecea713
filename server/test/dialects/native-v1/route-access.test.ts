/** Every route of the native dialect, asked by everybody; how the table is read is in `cloudify-v3/route-access/rows.ts`. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { nativeV1 } from '../../../src/dialects/native-v1/index.js';
import { aServer } from '../../support/a-server.js';
import { obey } from '../cloudify-v3/route-access/obey.js';
import { routesOf } from '../cloudify-v3/route-access/routes.js';
import type { Row, Rows } from '../cloudify-v3/route-access/rows.js';
import { aWorld, type World } from '../cloudify-v3/route-access/world.js';

/** An execution that has ended, and that nobody has planned. */
async function ended(world: World): Promise<string> {
  const id = await world.fresh.execution();
  await world.ask('owner', 'POST', `/executions/${id}`, { body: { action: 'cancel' } });
  return id;
}

/** Past the gate there is nothing to decide about: it has no operations. */
const decision = (below: string, body: object): Row => ({
  may: 'operations',
  at: async (world) => `/executions/${await ended(world)}/${below}`,
  body: () => body,
  answers: [400, 404, 409],
  changes: false,
});
const limits = {
  may: 'admin',
  outside: true,
  at: ({ tenant }: World) => `/tenants/${tenant}/limits`,
} as const;

const PROVIDER = { kind: 'oidc', settings: { issuer: 'https://id.example.com', clientId: 'orrery' } };
async function authority(world: World): Promise<string> {
  const name = `provider-${randomUUID()}`;
  await world.ask('admin', 'PUT', `/authorities/${name}`, { root: '/orrery/v1', body: PROVIDER });
  return name;
}

const rows: Rows = {
  'GET /stream': {
    may: 'viewer',
    at: ({ execution, deployment }) => `/stream?topic=execution:${execution}&topic=deployment:${deployment}`,
    neighbour: [404],
  },
  'POST /stream': {
    may: 'viewer',
    body: ({ deployment }) => ({ topics: ['tenant', `deployment:${deployment}`] }),
    neighbour: [404],
    changes: false,
    tells: true,
  },
  'GET /deployments/:id/snapshot': {
    may: 'viewer',
    at: ({ deployment }) => `/deployments/${deployment}/snapshot`,
  },
  'POST /deployments/:id/update-preview': {
    may: 'operations',
    at: ({ deployment }) => `/deployments/${deployment}/update-preview`,
    body: () => ({ inputs: { word: 'another' } }),
    changes: false,
    tells: true,
  },
  'GET /executions/:id/graph': { may: 'viewer', at: ({ execution }) => `/executions/${execution}/graph` },
  'GET /executions/:id/operations': {
    may: 'viewer',
    at: ({ execution }) => `/executions/${execution}/operations`,
    tells: false,
  },
  'POST /executions/:id/resume': {
    may: 'operations',
    at: async (world) => `/executions/${await ended(world)}/resume`,
    body: () => ({}),
  },
  'POST /executions/:id/operations/:task/retry': decision('operations/0/retry', {}),
  'POST /executions/:id/operations/:task/skip': decision('operations/0/skip', { reason: 'of the table' }),
  'POST /executions/:id/operations/:task/done': decision('operations/0/done', { reason: 'of the table' }),
  'POST /executions/:id/node-instances/:instance/retry': decision('node-instances/none/retry', {}),
  'GET /tenants/:name/limits': limits,
  'GET /workers/pools': { may: 'admin', outside: true },
  'GET /authorities': { may: 'admin', outside: true },
  'GET /authorities/:name': {
    may: 'admin',
    outside: true,
    at: async (world) => `/authorities/${await authority(world)}`,
  },
  'PUT /authorities/:name': {
    may: 'admin',
    outside: true,
    at: async (world) => `/authorities/${await authority(world)}`,
    body: () => PROVIDER,
  },
  'DELETE /authorities/:name': {
    may: 'admin',
    outside: true,
    at: async (world) => `/authorities/${await authority(world)}`,
  },
  'GET /workers/credentials': { may: 'admin', outside: true },
  'POST /workers/credentials': {
    may: 'admin',
    outside: true,
    body: (world) => ({ name: world.newName(), pools: ['pool-of-the-table'] }),
  },
  'DELETE /workers/credentials/:id': {
    may: 'admin',
    outside: true,
    at: async (world) => {
      const body = { name: world.newName(), pools: ['pool-of-the-table'] };
      const { json } = await world.ask('admin', 'POST', '/workers/credentials', { root: '/orrery/v1', body });
      return `/workers/credentials/${json.id}`;
    },
  },
  'PATCH /tenants/:name/limits': { ...limits, body: () => ({ running: 1000 }), changes: 'either' },
};

const server = await aServer();
const world = await aWorld(server);
/** Where workers ask: they have credentials of their own, and no person's are good there (`workers.test.ts`). */
const OF_WORKERS = /^\w+ \/workers\/(?!credentials|pools)/;
const routes = (await routesOf(nativeV1, server.core, /^(\/orrery\/v1)(\/.*)$/)).filter(
  ({ route }) => !OF_WORKERS.test(route),
);

test('every route has a row, and every row a route', () => {
  assert.deepEqual(routes.map(({ route }) => route).sort(), Object.keys(rows).sort());
});

for (const { route, root } of routes) {
  const row = rows[route];
  if (row === undefined) continue;
  test(`${route} does for each what the table says`, async () => {
    await obey(world, row, route, root);
  });
}
