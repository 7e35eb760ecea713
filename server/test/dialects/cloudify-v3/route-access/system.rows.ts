import type { Rows } from './rows.js';

const ANYBODY = { may: 'anybody' } as const;
const ADMIN = { may: 'admin', outside: true } as const;
/** About the installation, told to those with a role in the tenant. */
const READ = { may: 'viewer', tells: false } as const;

export const rows: Rows = {
  'GET /managers': READ,
  'GET /cluster-status': READ,
  'GET /db-nodes': ANYBODY,
  'GET /brokers': ANYBODY,
  'GET /license': ANYBODY,
  'GET /license-check': ANYBODY,
  // Past the gate they are refused: there is nothing of the kind here.
  'PUT /license': { ...ADMIN, body: () => new Uint8Array([1]), answers: [400], changes: false },
  'POST /license': { ...ADMIN, body: () => ({ customer_id: 'one' }), answers: [400], changes: false },
  'DELETE /license': { ...ADMIN, answers: [404], changes: false },
  'GET /ldap': ANYBODY,
  'POST /ldap': {
    ...ADMIN,
    body: () => ({ ldap_server: 'ldap://127.0.0.1' }),
    answers: [400],
    changes: false,
  },
  'GET /idp': ANYBODY,
  'GET /provider/context': ANYBODY,
  'POST /provider/context': {
    ...ADMIN,
    at: () => '/provider/context?update=true',
    body: (world) => ({ name: world.newName(), context: { cloudify: {} } }),
  },
  // Past the gate it is refused: settings are read when the server starts.
  'PUT /config/:name': {
    may: 'manager',
    outside: true,
    at: () => '/config/task_retries',
    body: () => ({ value: 1 }),
    answers: [409],
  },
  'GET /permissions': ADMIN,
  'GET /permissions/:role': { ...ADMIN, at: () => '/permissions/viewer' },
  // Past the gate they are refused: roles are fixed.
  'PUT /permissions/:role/:permission': {
    ...ADMIN,
    at: () => '/permissions/viewer/secret_create',
    answers: [400],
  },
  'DELETE /permissions/:role/:permission': {
    ...ADMIN,
    at: () => '/permissions/viewer/secret_get',
    answers: [400],
  },
  'GET /audit': ADMIN,
  // Over before it begins: the answer ends at once.
  'GET /audit/stream': { ...ADMIN, at: () => '/audit/stream?before=2001-01-01T00:00:00Z' },
  'DELETE /audit': { ...ADMIN, at: () => '/audit?before=2001-01-01T00:00:00Z' },
};
