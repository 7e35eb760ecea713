import type { Row, Rows } from './rows.js';
import type { World } from './world.js';

/** The cluster has no tenant, but its state is told to those who have a role in one. */
const READ = { may: 'viewer', tells: false } as const;
const MANAGE = { may: 'admin', outside: true } as const;

async function initialized(world: World): Promise<void> {
  await world.server.pool.query(
    'update cluster set initialized_at = coalesce(initialized_at, now()), options = $1',
    ['{}'],
  );
}

async function announced(world: World): Promise<string> {
  const name = world.newName();
  await world.server.pool.query('insert into cluster_nodes (name) values ($1)', [name]);
  return `/cluster/nodes/${name}`;
}

/** Nodes come and go in tables that processes write all the time, so changes of theirs are not counted. */
const NODE: Row = { ...MANAGE, changes: 'either' };

export const rows: Rows = {
  'GET /cluster': READ,
  'GET /cluster/nodes': READ,
  'GET /cluster/nodes/:name': { ...READ, at: () => '/cluster/nodes/test-node', neighbour: [200] },
  'PUT /cluster': {
    ...NODE,
    body: async ({ server }) => {
      await server.pool.query('update cluster set initialized_at = null');
      return { node_name: 'test-node', host_ip: '127.0.0.1' };
    },
  },
  'PATCH /cluster': {
    ...NODE,
    body: async (world) => {
      await initialized(world);
      return { word: 'x' };
    },
  },
  // The database of a test counts as embedded: past the gate, that is the answer.
  'POST /cluster/nodes': { ...NODE, body: (world) => ({ node_name: world.newName() }), answers: [409] },
  'PUT /cluster/nodes/:name': {
    ...NODE,
    at: (world) => `/cluster/nodes/${world.newName()}`,
    body: () => ({ host_ip: '10.0.0.1' }),
    answers: [409],
  },
  'DELETE /cluster/nodes/:name': { ...NODE, at: announced },
};
