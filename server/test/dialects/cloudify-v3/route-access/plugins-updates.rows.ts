import { bytesOf } from '../../../support/catalog.js';
import { bundleOf, pluginYaml, wagonOf } from '../../../support/plugin-archives.js';
import { importing } from '../a-plugin.js';
import { MARK, type Rows } from './rows.js';
import type { World } from './world.js';

/** A blueprint whose plugin has a newer version, so that there is something to update. */
async function outdated(world: World, mark = ''): Promise<string> {
  const name = world.newName();
  const upload = (version: string) => {
    const yaml = pluginYaml({ plugin: 'cool', packageName: name, version });
    const body = new Uint8Array(bundleOf(wagonOf({ name, version }), { 'plugin.yaml': yaml }));
    return world.ask('owner', 'POST', '/plugins', { body });
  };
  await upload('1.0');
  const id = `alfa${mark}${world.newName().split('-').at(-1)}`;
  const body = new Uint8Array(bytesOf({ 'blueprint.yaml': importing(`plugin:${name}`) }));
  await world.ask('owner', 'PUT', `/blueprints/${id}`, { body });
  await upload('2.0');
  return id;
}

async function update(world: World): Promise<string> {
  const path = `/plugins-updates/${await outdated(world, MARK)}/update/initiate`;
  return String((await world.ask('owner', 'POST', path, { body: { all_to_latest: true } })).json.id);
}

const anUpdate = (world: World) => world.once('plugins update', () => update(world));

export const rows: Rows = {
  'GET /plugins-updates': {
    may: 'viewer',
    at: async (world) => {
      await anUpdate(world);
      return '/plugins-updates';
    },
  },
  'GET /plugins-updates/:id': {
    may: 'viewer',
    at: async (world) => `/plugins-updates/${await anUpdate(world)}`,
  },
  'POST /plugins-updates/:id/update/initiate': {
    may: 'operations',
    at: async (world) => `/plugins-updates/${await outdated(world)}/update/initiate`,
    body: () => ({ all_to_latest: true }),
  },
  // Whoever may is told that it finalizes itself.
  'POST /plugins-updates/:id/update/finalize': {
    may: 'operations',
    at: async (world) => `/plugins-updates/${await anUpdate(world)}/update/finalize`,
    changes: false,
    answers: [400],
  },
};
