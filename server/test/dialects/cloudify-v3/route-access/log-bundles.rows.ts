import type { Rows } from './rows.js';
import type { World } from './world.js';

/** About the installation: administrators alone, whatever tenant the request names. */
const ADMIN = { may: 'admin', outside: true } as const;

/** No worker is there: what is ordered waits, until it is given up. */
async function ordered(world: World, id: string): Promise<string> {
  await world.ask('admin', 'PUT', `/log-bundles/${id}`, { body: { queue: true } });
  return id;
}

async function givenUp(world: World): Promise<string> {
  const id = await ordered(world, world.newName());
  await world.ask('admin', 'PATCH', `/log-bundles/${id}`, { body: { status: 'failed' } });
  return id;
}

const one = (world: World) => world.once('log bundle', () => ordered(world, 'alfa-bundle'));

export const rows: Rows = {
  'GET /log-bundles': { ...ADMIN, at: async (world) => `/log-bundles?id=${await one(world)}` },
  'GET /log-bundles/:id': { ...ADMIN, at: async (world) => `/log-bundles/${await one(world)}` },
  'PUT /log-bundles/:id': {
    ...ADMIN,
    at: (world) => `/log-bundles/${world.newName()}`,
    body: () => ({ queue: true }),
  },
  'PATCH /log-bundles/:id': {
    ...ADMIN,
    at: async (world) => `/log-bundles/${await ordered(world, world.newName())}`,
    body: () => ({ status: 'failed', error: 'given up' }),
  },
  'DELETE /log-bundles/:id': { ...ADMIN, at: async (world) => `/log-bundles/${await givenUp(world)}` },
  // Whoever may is told that it is not made yet.
  'GET /log-bundles/:id/archive': {
    ...ADMIN,
    at: async (world) => `/log-bundles/${await one(world)}/archive`,
    answers: [400],
  },
};
