import { bundleOf, pluginYaml, wagonOf } from '../../../support/plugin-archives.js';
import { MARK, type Rows } from './rows.js';
import type { World } from './world.js';

let count = 0;

function bundle(name: string, mark = ''): Uint8Array {
  const wagon = wagonOf({ name, version: '1.0', says: { package_source: mark } });
  const yaml = pluginYaml({
    plugin: 'p',
    packageName: name,
    version: '1.0',
    more: `description: '${mark}'\n`,
  });
  return new Uint8Array(bundleOf(wagon, { 'plugin.yaml': yaml }));
}

async function make({ ask }: World): Promise<string> {
  const { json } = await ask('owner', 'POST', '/plugins', { body: bundle(`alfa-plugin-${++count}`, MARK) });
  return String(json.id);
}

const plugin = (world: World) => world.once('plugin', () => make(world));

export const rows: Rows = {
  'GET /plugins': {
    may: 'viewer',
    at: async (world) => {
      await plugin(world);
      return '/plugins';
    },
  },
  'GET /plugins/:id': { may: 'viewer', at: async (world) => `/plugins/${await plugin(world)}` },
  'GET /plugins/:id/archive': {
    may: 'viewer',
    at: async (world) => `/plugins/${await plugin(world)}/archive`,
    tells: false,
  },
  'GET /plugins/:id/yaml': { may: 'viewer', at: async (world) => `/plugins/${await plugin(world)}/yaml` },
  'POST /plugins': {
    may: 'user',
    body: (world) => bundle(world.newName()),
    neighbour: [201],
  },
  'POST /plugins/:id': {
    may: 'user',
    at: async (world) => `/plugins/${await make(world)}`,
    body: () => ({ action: 'install', managers: ['somewhere'] }),
  },
  'PUT /plugins/:id': {
    may: 'user',
    at: async (world) => `/plugins/${await make(world)}`,
    body: () => ({ state: 'installed', manager: 'somewhere' }),
  },
  'PATCH /plugins/:id': {
    may: 'user',
    at: async (world) => `/plugins/${await make(world)}`,
    body: () => ({ title: 'another' }),
  },
  'PATCH /plugins/:id/set-visibility': {
    may: 'admin',
    at: async (world) => `/plugins/${await make(world)}/set-visibility`,
    body: () => ({ visibility: 'global' }),
    neighbour: [403, 404],
    undo: (world, path) => world.ask('admin', 'DELETE', path.replace('/set-visibility', '')),
  },
  'DELETE /plugins/:id': { may: 'user', at: async (world) => `/plugins/${await make(world)}` },
};
