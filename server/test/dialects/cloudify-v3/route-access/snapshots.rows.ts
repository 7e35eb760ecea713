import { aSnapshot } from '../../../support/a-snapshot.js';
import type { Rows } from './rows.js';
import type { World } from './world.js';

/** About the installation: administrators alone, whatever tenant the request names. */
const ADMIN = { may: 'admin', outside: true } as const;

async function uploaded(world: World, id: string): Promise<string> {
  const body = new Uint8Array(await aSnapshot(world.server));
  await world.ask('admin', 'PUT', `/snapshots/${id}/archive`, { body });
  return id;
}

const one = (world: World) => world.once('snapshot', () => uploaded(world, 'alfa-snapshot'));

export const rows: Rows = {
  'GET /snapshots': { ...ADMIN, at: async (world) => `/snapshots?id=${await one(world)}` },
  'GET /snapshots/:id': { ...ADMIN, at: async (world) => `/snapshots/${await one(world)}` },
  'PUT /snapshots/:id': {
    ...ADMIN,
    at: (world) => `/snapshots/${world.newName()}`,
    body: () => ({ queue: true }),
  },
  'PATCH /snapshots/:id': {
    ...ADMIN,
    at: async (world) => `/snapshots/${await one(world)}`,
    body: (world) => ({ status: 'uploaded', error: world.newName() }),
  },
  'DELETE /snapshots/:id': {
    ...ADMIN,
    at: async (world) => `/snapshots/${await uploaded(world, world.newName())}`,
  },
  'GET /snapshots/:id/archive': { ...ADMIN, at: async (world) => `/snapshots/${await one(world)}/archive` },
  'GET /snapshot/:id/archive': { ...ADMIN, at: async (world) => `/snapshot/${await one(world)}/archive` },
  'PUT /snapshots/:id/archive': {
    ...ADMIN,
    at: (world) => `/snapshots/${world.newName()}/archive`,
    body: async (world) => new Uint8Array(await aSnapshot(world.server)),
  },
  // Whoever may is told that nothing may run beside it: an execution is waiting here.
  'POST /snapshots/:id/restore': {
    ...ADMIN,
    at: async (world) => `/snapshots/${await one(world)}/restore`,
    body: () => ({ force: true }),
    answers: [400],
    changes: false,
  },
  'GET /snapshot-status': { may: 'open' },
};
