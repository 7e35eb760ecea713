import type { Rows } from './rows.js';
import type { World } from './world.js';

const end = (world: World) => world.askAs('admin', 'POST', '/maintenance/deactivate');

export const rows: Rows = {
  'GET /maintenance': { may: 'anybody' },
  'POST /maintenance/activate': { may: 'admin', outside: true, undo: end },
  'POST /maintenance/deactivate': {
    may: 'admin',
    outside: true,
    // A path is asked for once before those who may not and once before each who may.
    at: async (world) => {
      await world.server.pool.query(
        `update maintenance set requested_at = now(), requested_by = 'alfa-owner', activated_at = null`,
      );
      return '/maintenance/deactivate';
    },
    undo: end,
  },
};
