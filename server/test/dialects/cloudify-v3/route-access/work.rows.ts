/** Executions that are over, what they told, their graphs, and agents. */
import { MARK, type Rows } from './rows.js';
import type { World } from './world.js';

/** An execution that will never run here. */
async function waiting(world: World): Promise<string> {
  return world.fresh.execution();
}

async function graph(world: World): Promise<string> {
  const body = {
    execution_id: await waiting(world),
    name: MARK,
    operations: [{ type: 'RemoteWorkflowTask', name: MARK }],
  };
  return String((await world.ask('owner', 'POST', '/tasks_graphs/tasks_graphs', { body })).json.id);
}
const aGraph = (world: World) => world.once('graph', () => graph(world));

async function operation(world: World): Promise<string> {
  const id = `alfa-${world.newName()}`;
  const body = { graph_id: await aGraph(world), type: 'RemoteWorkflowTask' };
  await world.ask('owner', 'PUT', `/operations/${id}`, { body });
  return id;
}

async function agent(world: World): Promise<string> {
  const name = `alfa-${world.newName()}`;
  const body = { node_instance_id: world.nodeInstance, state: 'started', system: MARK };
  await world.ask('owner', 'PUT', `/agents/${name}`, { body });
  return name;
}
const anAgent = (world: World) => world.once('agent', () => agent(world));

async function told(world: World): Promise<string> {
  const deployment = await world.fresh.deployment();
  return `/events?deployment_id=${deployment}&type=cloudify_event`;
}

export const rows: Rows = {
  'DELETE /executions': {
    may: 'operations',
    at: async (world) => {
      const id = await waiting(world);
      await world.ask('owner', 'POST', `/executions/${id}`, { body: { action: 'cancel' } });
      return `/executions?id=${id}`;
    },
    body: () => ({ keep_last: 0 }),
    changes: 'either',
  },
  'GET /executions/:id/should-start': {
    may: 'viewer',
    at: ({ execution }) => `/executions/${execution}/should-start`,
    tells: false,
  },
  'POST /events': {
    may: 'operations',
    body: ({ execution }) => ({ execution_id: execution, events: [{ message: { text: MARK } }] }),
    neighbour: [404],
  },
  'DELETE /events': { may: 'operations', at: told, neighbour: [404] },

  'GET /tasks_graphs': {
    may: 'viewer',
    at: async (world) => {
      const body = { execution_id: await waiting(world), name: MARK };
      await world.once('listed graph', () => world.ask('owner', 'POST', '/tasks_graphs', { body }));
      return `/tasks_graphs?execution_id=${body.execution_id}`;
    },
    tells: false,
    neighbour: [404],
  },
  'POST /tasks_graphs': {
    may: 'operations',
    body: async (world) => ({ execution_id: await waiting(world), name: 'one' }),
    neighbour: [404],
  },
  'POST /tasks_graphs/tasks_graphs': {
    may: 'operations',
    body: async (world) => ({ execution_id: await waiting(world), name: 'one' }),
    neighbour: [404],
  },
  'PATCH /tasks_graphs/:id': {
    may: 'operations',
    at: async (world) => `/tasks_graphs/${await aGraph(world)}`,
    body: (world) => ({ state: world.newName() }),
  },
  'GET /operations': {
    may: 'viewer',
    at: async (world) => `/operations?graph_id=${await aGraph(world)}`,
    neighbour: [404],
  },
  'GET /operations/:id': {
    may: 'viewer',
    at: async (world) => `/operations/${await operation(world)}`,
  },
  'PUT /operations/:id': {
    may: 'operations',
    at: (world) => `/operations/${world.newName()}`,
    body: async (world) => ({ graph_id: await aGraph(world), type: 'RemoteWorkflowTask' }),
  },
  'PATCH /operations/:id': {
    may: 'operations',
    at: async (world) => `/operations/${await operation(world)}`,
    body: () => ({ state: 'succeeded' }),
  },
  'DELETE /operations/:id': {
    may: 'operations',
    at: async (world) => `/operations/${await operation(world)}`,
  },

  'GET /agents': {
    may: 'viewer',
    at: async (world) => {
      await anAgent(world);
      return '/agents';
    },
  },
  'GET /agents/:name': { may: 'viewer', at: async (world) => `/agents/${await anAgent(world)}` },
  'PUT /agents/:name': {
    may: 'operations',
    at: (world) => `/agents/${world.newName()}`,
    body: ({ nodeInstance }) => ({ node_instance_id: nodeInstance }),
  },
  'PATCH /agents/:name': {
    may: 'operations',
    at: async (world) => `/agents/${await agent(world)}`,
    body: () => ({ state: 'stopped' }),
  },
};
