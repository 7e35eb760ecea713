import type { Row, Rows } from './rows.js';
import type { World } from './world.js';

const RULES = [{ key: 'alfa', values: [], operator: 'is_not_null', type: 'label' }];

async function site(world: World): Promise<string> {
  const name = `alfa-site-${world.newName()}`;
  await world.ask('owner', 'PUT', `/sites/${name}`, { body: { location: '1,2' } });
  return name;
}

async function filter(world: World, collection: string): Promise<string> {
  const id = `alfa-filter-${world.newName()}`;
  await world.ask('owner', 'PUT', `/filters/${collection}/${id}`, { body: { filter_rules: RULES } });
  return id;
}

const theSite = (world: World) => world.once('site', () => site(world));

function filtersOf(collection: 'blueprints' | 'deployments'): Record<string, Row> {
  const path = `/filters/${collection}`;
  return {
    [`GET ${path}`]: {
      may: 'viewer',
      at: async (world) => {
        await world.once(path, () => filter(world, collection));
        return path;
      },
    },
    [`GET ${path}/:id`]: {
      may: 'viewer',
      at: async (world) => `${path}/${await world.once(path, () => filter(world, collection))}`,
    },
    [`PUT ${path}/:id`]: {
      may: 'operations',
      at: (world) => `${path}/${world.newName()}`,
      body: () => ({ filter_rules: [] }),
      neighbour: [200],
    },
    [`PATCH ${path}/:id`]: {
      may: 'operations',
      at: async (world) => `${path}/${await filter(world, collection)}`,
      body: () => ({ filter_rules: RULES }),
    },
    [`DELETE ${path}/:id`]: {
      may: 'operations',
      at: async (world) => `${path}/${await filter(world, collection)}`,
    },
  };
}

/** A list in the form of a search: it changes nothing and tells what the list tells. */
const SEARCH: Row = { may: 'viewer', body: () => ({}), changes: false, tells: true };

async function group(world: World): Promise<string> {
  const id = `alfa-group-${world.newName()}`;
  const body = { deployment_ids: [await world.fresh.deployment()] };
  await world.ask('owner', 'PUT', `/deployment-groups/${id}`, { body });
  return id;
}

async function executionGroup(world: World): Promise<string> {
  const body = { deployment_group_id: await group(world), workflow_id: 'install', concurrency: 0 };
  return String((await world.ask('owner', 'POST', '/execution-groups', { body })).json.id);
}

const theGroup = (world: World) => world.once('group', () => group(world));
const theExecutionGroup = (world: World) => world.once('execution group', () => executionGroup(world));

/** Path and query of a new one. */
async function schedule(world: World): Promise<string> {
  const at = `/execution-schedules/alfa-${world.newName()}?deployment_id=${world.deployment}`;
  await world.ask('owner', 'PUT', at, { body: { workflow_id: 'install', since: '2099-01-01', count: 1 } });
  return at;
}

const theSchedule = (world: World) => world.once('schedule', () => schedule(world));

const DEPENDENCIES = '/deployments/inter-deployment-dependencies';

const dependency = async (world: World) => ({
  dependency_creator: `alfa-creator-${world.newName()}`,
  source_deployment: await world.fresh.deployment(),
  target_deployment: world.deployment,
});

export const rows: Rows = {
  'GET /execution-schedules': {
    may: 'viewer',
    at: async (world) => {
      await theSchedule(world);
      return '/execution-schedules';
    },
  },
  'GET /execution-schedules/:id': { may: 'viewer', at: theSchedule },
  'PUT /execution-schedules/:id': {
    may: 'operations',
    at: (world) => `/execution-schedules/${world.newName()}?deployment_id=${world.deployment}`,
    body: () => ({ workflow_id: 'install', since: '2099-01-01', count: 1 }),
  },
  'PATCH /execution-schedules/:id': { may: 'operations', at: schedule, body: () => ({ slip: 7 }) },
  'DELETE /execution-schedules/:id': { may: 'operations', at: schedule },
  'GET /summary/execution_schedules': {
    may: 'viewer',
    at: async (world) => {
      await theSchedule(world);
      return '/summary/execution_schedules?_target_field=deployment_id';
    },
  },
  'GET /deployment-groups': {
    may: 'viewer',
    at: async (world) => {
      await theGroup(world);
      return '/deployment-groups';
    },
  },
  'GET /deployment-groups/:id': {
    may: 'viewer',
    at: async (world) => `/deployment-groups/${await theGroup(world)}`,
  },
  'PUT /deployment-groups/:id': {
    may: 'operations',
    at: (world) => `/deployment-groups/${world.newName()}`,
    body: () => ({ description: 'new' }),
    neighbour: [200],
  },
  'PATCH /deployment-groups/:id': {
    may: 'operations',
    at: async (world) => `/deployment-groups/${await group(world)}`,
    body: ({ deployment }) => ({ add: { deployment_ids: [deployment] } }),
  },
  'DELETE /deployment-groups/:id': {
    may: 'operations',
    at: async (world) => `/deployment-groups/${await group(world)}`,
  },
  'GET /execution-groups': {
    may: 'viewer',
    at: async (world) => {
      await theExecutionGroup(world);
      return '/execution-groups';
    },
  },
  'GET /execution-groups/:id': {
    may: 'viewer',
    at: async (world) => `/execution-groups/${await theExecutionGroup(world)}`,
  },
  'POST /execution-groups': {
    may: 'operations',
    body: async (world) => ({ deployment_group_id: await group(world), workflow_id: 'install' }),
    neighbour: [404],
  },
  'POST /execution-groups/:id': {
    may: 'operations',
    at: async (world) => `/execution-groups/${await executionGroup(world)}`,
    body: () => ({ action: 'cancel' }),
  },
  'PATCH /execution-groups/:id': {
    may: 'operations',
    at: async (world) => `/execution-groups/${await executionGroup(world)}`,
    body: () => ({ concurrency: 1 }),
  },
  [`GET ${DEPENDENCIES}`]: {
    may: 'viewer',
    at: async (world) => {
      await world.once('dependency', async () =>
        world.ask('owner', 'PUT', DEPENDENCIES, { body: await dependency(world) }),
      );
      return DEPENDENCIES;
    },
  },
  [`PUT ${DEPENDENCIES}`]: { may: 'operations', body: dependency, neighbour: [404] },
  [`POST ${DEPENDENCIES}`]: {
    may: 'operations',
    body: async (world) => {
      const { source_deployment, ...one } = await dependency(world);
      return { source_deployment_id: source_deployment, inter_deployment_dependencies: [one] };
    },
    neighbour: [404],
  },
  'PUT /deployments/:id/inter-deployment-dependencies': {
    may: 'operations',
    at: async (world) => `/deployments/${await world.fresh.deployment()}/inter-deployment-dependencies`,
    body: () => ({ inter_deployment_dependencies: [{ dependency_creator: 'x' }] }),
  },
  [`DELETE ${DEPENDENCIES}`]: {
    may: 'operations',
    body: async (world) => {
      const body = await dependency(world);
      await world.ask('owner', 'PUT', DEPENDENCIES, { body });
      return body;
    },
    neighbour: [404],
  },

  'GET /sites': {
    may: 'viewer',
    at: async (world) => {
      await theSite(world);
      return '/sites';
    },
  },
  'GET /sites/:name': { may: 'viewer', at: async (world) => `/sites/${await theSite(world)}` },
  'PUT /sites/:name': {
    may: 'user',
    at: (world) => `/sites/${world.newName()}`,
    body: () => ({ location: '1,2' }),
    neighbour: [200],
  },
  'POST /sites/:name': {
    may: 'user',
    at: async (world) => `/sites/${await site(world)}`,
    body: () => ({ location: '3,4' }),
  },
  'DELETE /sites/:name': { may: 'user', at: async (world) => `/sites/${await site(world)}` },
  'POST /deployments/:id/set-site': {
    may: 'operations',
    at: async (world) => `/deployments/${await world.fresh.deployment()}/set-site`,
    body: async (world) => ({ site_name: await theSite(world) }),
  },

  ...filtersOf('blueprints'),
  ...filtersOf('deployments'),

  'GET /labels/deployments': { may: 'viewer' },
  'GET /labels/deployments/:key': { may: 'viewer', at: () => '/labels/deployments/alfa', neighbour: [200] },
  'GET /labels/blueprints': { may: 'viewer', tells: false },
  'GET /labels/blueprints/:key': {
    may: 'viewer',
    at: () => '/labels/blueprints/alfa',
    neighbour: [200],
    tells: false,
  },

  'POST /searches/deployments': SEARCH,
  'POST /searches/blueprints': SEARCH,
  'POST /searches/nodes': SEARCH,
  'POST /searches/node-types': SEARCH,
  'POST /searches/node-instances': SEARCH,
  'POST /searches/secrets': SEARCH,
  'POST /searches/workflows': { ...SEARCH, tells: false },
  'POST /searches/capabilities': {
    ...SEARCH,
    body: ({ deployment }) => ({ constraints: { deployment_id: deployment } }),
    neighbour: [404],
  },
  'POST /searches/scaling-groups': {
    ...SEARCH,
    body: ({ deployment }) => ({ constraints: { deployment_id: deployment } }),
    tells: false,
    neighbour: [404],
  },
  'GET /workflows': { may: 'viewer', tells: false },
  'GET /summary/deployments': { may: 'viewer', at: () => '/summary/deployments?_target_field=blueprint_id' },
  'GET /summary/blueprints': { may: 'viewer', at: () => '/summary/blueprints?_target_field=tenant_name' },
  'GET /summary/nodes': { may: 'viewer', at: () => '/summary/nodes?_target_field=deployment_id' },
  'GET /summary/node_instances': {
    may: 'viewer',
    at: () => '/summary/node_instances?_target_field=node_id',
  },
  'GET /summary/executions': { may: 'viewer', at: () => '/summary/executions?_target_field=deployment_id' },
};
