import type { Rows } from './rows.js';

const ANYBODY = { may: 'anybody' } as const;

export const rows: Rows = {
  'GET /version': ANYBODY,
  'GET /ok': { may: 'open' },
  'GET /status': ANYBODY,
  'GET /config': ANYBODY,
  'GET /config/:name': { ...ANYBODY, at: () => '/config/rest.default_page_size' },
};
