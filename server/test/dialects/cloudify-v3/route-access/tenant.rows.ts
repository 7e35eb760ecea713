import { bytesOf } from '../../../support/catalog.js';
import type { Row, Rows } from './rows.js';
import { MARK } from './rows.js';

const ARCHIVE = new Uint8Array(
  bytesOf({ 'blueprint.yaml': 'tosca_definitions_version: cloudify_dsl_1_3\n' }),
);

/** Global things are seen by others: each is gone again before the next row. */
const GLOBAL: Pick<Row, 'body' | 'neighbour' | 'undo'> = {
  body: () => ({ visibility: 'global' }),
  neighbour: [403, 404],
  undo: (world, path) => world.ask('admin', 'DELETE', path.replace('/set-visibility', '')),
};

export const rows: Rows = {
  'GET /blueprints': { may: 'viewer' },
  'GET /blueprints/:id': { may: 'viewer', at: ({ blueprint }) => `/blueprints/${blueprint}` },
  'GET /blueprints/:id/archive': {
    may: 'viewer',
    at: ({ blueprint }) => `/blueprints/${blueprint}/archive`,
    tells: false,
  },
  'GET /resources/blueprints/:tenant/:id': {
    may: 'viewer',
    at: ({ blueprint, tenant }) => `/resources/blueprints/${tenant}/${blueprint}/`,
    tells: false,
  },
  'GET /resources/blueprints/:tenant/:id/:path': {
    may: 'viewer',
    at: ({ blueprint, tenant }) => `/resources/blueprints/${tenant}/${blueprint}/blueprint.yaml`,
  },
  'PUT /blueprints/:id': {
    may: 'user',
    at: (world) => `/blueprints/${world.newName()}`,
    body: () => ARCHIVE,
    neighbour: [201],
  },
  'PUT /blueprints/:id/validate': {
    may: 'user',
    at: (world) => `/blueprints/${world.newName()}/validate`,
    body: () => ARCHIVE,
    neighbour: [204],
    changes: false,
  },
  'PATCH /blueprints/:id': {
    may: 'user',
    at: async (world) => `/blueprints/${await world.fresh.blueprint()}`,
    body: () => ({ labels: [{ a: 'b' }] }),
  },
  'PATCH /blueprints/:id/icon': {
    may: 'user',
    at: async (world) => `/blueprints/${await world.fresh.blueprint()}/icon`,
    body: () => new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  },
  'PATCH /blueprints/:id/set-visibility': {
    may: 'admin',
    at: async (world) => `/blueprints/${await world.fresh.blueprint()}/set-visibility`,
    ...GLOBAL,
  },
  'DELETE /blueprints/:id': {
    may: 'user',
    at: async (world) => `/blueprints/${await world.fresh.blueprint()}`,
  },

  'GET /deployments': { may: 'viewer' },
  'GET /deployments/:id': { may: 'viewer', at: ({ deployment }) => `/deployments/${deployment}` },
  'GET /deployments/:id/outputs': {
    may: 'viewer',
    at: ({ deployment }) => `/deployments/${deployment}/outputs`,
  },
  'GET /deployments/:id/capabilities': {
    may: 'viewer',
    at: ({ deployment }) => `/deployments/${deployment}/capabilities`,
  },
  'PUT /deployments/:id': {
    may: 'operations',
    at: (world) => `/deployments/${world.newName()}`,
    body: ({ blueprint }) => ({ blueprint_id: blueprint }),
  },
  'PATCH /deployments/:id': {
    may: 'operations',
    at: async (world) => `/deployments/${await world.fresh.deployment()}`,
    body: () => ({ labels: [{ a: 'b' }] }),
  },
  // A private one of another user: who does not see it cannot widen it.
  'PATCH /deployments/:id/set-visibility': {
    may: 'manager',
    at: async (world) => {
      const id = `alfa-private-${world.newName()}`;
      const body = { blueprint_id: world.blueprint, visibility: 'private' };
      await world.ask('owner', 'PUT', `/deployments/${id}`, { body });
      return `/deployments/${id}/set-visibility`;
    },
    body: () => ({ visibility: 'tenant' }),
    refusal: [403, 404],
  },
  'DELETE /deployments/:id': {
    may: 'operations',
    at: async (world) => `/deployments/${await world.fresh.deployment()}`,
  },
  'POST /evaluate/functions': {
    may: 'operations',
    body: ({ deployment }) => ({
      deployment_id: deployment,
      context: {},
      payload: { word: { get_input: 'word' } },
    }),
    changes: false,
    tells: true,
    neighbour: [404],
  },

  'GET /nodes': { may: 'viewer' },
  'GET /node-instances': { may: 'viewer' },
  'GET /node-instances/:id': { may: 'viewer', at: ({ nodeInstance }) => `/node-instances/${nodeInstance}` },
  'PATCH /node-instances/:id': {
    may: 'operations',
    at: ({ nodeInstance }) => `/node-instances/${nodeInstance}?force=true`,
    body: (world) => ({ version: 99, runtime_properties: { word: MARK, name: world.newName() } }),
  },

  'GET /executions': { may: 'viewer' },
  'GET /executions/:id': { may: 'viewer', at: ({ execution }) => `/executions/${execution}` },
  'POST /executions': {
    may: 'operations',
    body: async (world) => ({ deployment_id: await world.fresh.deployment(), workflow_id: 'install' }),
    neighbour: [404],
  },
  'POST /executions/:id': {
    may: 'operations',
    at: async (world) => `/executions/${await world.fresh.execution()}`,
    body: () => ({ action: 'cancel' }),
  },
  'PATCH /executions/:id': {
    may: 'operations',
    at: async (world) => `/executions/${await world.fresh.execution()}`,
    body: () => ({ status: 'started' }),
  },
  'GET /events': { may: 'viewer' },

  'GET /secrets': { may: 'viewer' },
  'GET /secrets/:key': { may: 'viewer', at: ({ secret }) => `/secrets/${secret}` },
  'PUT /secrets/:key': {
    may: 'user',
    at: (world) => `/secrets/${world.newName()}`,
    body: () => ({ value: 'x' }),
    neighbour: [200],
  },
  'PATCH /secrets/:key': {
    may: 'user',
    at: async (world) => `/secrets/${await world.fresh.secret()}`,
    body: () => ({ value: 'x' }),
  },
  'PATCH /secrets/:key/set-visibility': {
    may: 'admin',
    at: async (world) => `/secrets/${await world.fresh.secret()}/set-visibility`,
    ...GLOBAL,
  },
  'DELETE /secrets/:key': { may: 'user', at: async (world) => `/secrets/${await world.fresh.secret()}` },
};
