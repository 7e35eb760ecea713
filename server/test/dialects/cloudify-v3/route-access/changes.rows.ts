/** Deployments that change: updates and modifications. */
import { MARK, type Rows } from './rows.js';
import type { World } from './world.js';

async function update(world: World): Promise<string> {
  const body = { inputs: { word: MARK }, preview: true };
  const path = `/deployment-updates/${world.deployment}/update/initiate`;
  return String((await world.ask('owner', 'POST', path, { body })).json.id);
}

async function modification(world: World, deployment: string): Promise<string> {
  const body = {
    deployment_id: deployment,
    nodes: { 'alfa-node': { instances: 2 } },
    context: { word: MARK },
  };
  return String((await world.ask('owner', 'POST', '/deployment-modifications', { body })).json.id);
}
const anUpdate = (world: World) => world.once('update', () => update(world));
const aModification = (world: World) =>
  world.once('modification', async () => modification(world, await world.fresh.deployment()));
const aNewModification = async (world: World) => modification(world, await world.fresh.deployment());

export const rows: Rows = {
  'GET /deployment-updates': {
    may: 'viewer',
    at: async (world) => {
      await anUpdate(world);
      return '/deployment-updates';
    },
  },
  'GET /deployment-updates/:id': {
    may: 'viewer',
    at: async (world) => `/deployment-updates/${await anUpdate(world)}`,
  },
  'POST /deployment-updates/:id/update/initiate': {
    may: 'operations',
    at: async (world) => `/deployment-updates/${await world.fresh.deployment()}/update/initiate`,
    body: () => ({ inputs: { word: 'another' } }),
  },
  'POST /deployment-updates/:id/update/finalize': {
    may: 'operations',
    at: async (world) => `/deployment-updates/${await anUpdate(world)}/update/finalize`,
    changes: false,
    tells: true,
  },
  'GET /deployment-modifications': {
    may: 'viewer',
    at: async (world) => {
      await aModification(world);
      return '/deployment-modifications';
    },
  },
  'GET /deployment-modifications/:id': {
    may: 'viewer',
    at: async (world) => `/deployment-modifications/${await aModification(world)}`,
  },
  'POST /deployment-modifications': {
    may: 'operations',
    body: async (world) => ({
      deployment_id: await world.fresh.deployment(),
      nodes: { 'alfa-node': { instances: 2 } },
    }),
    neighbour: [404],
  },
  'POST /deployment-modifications/:id/finish': {
    may: 'operations',
    at: async (world) => `/deployment-modifications/${await aNewModification(world)}/finish`,
  },
  'POST /deployment-modifications/:id/rollback': {
    may: 'operations',
    at: async (world) => `/deployment-modifications/${await aNewModification(world)}/rollback`,
  },
};
