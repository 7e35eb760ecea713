/**
 * The cluster of Cloudify 4: its state, its nodes, joining and leaving it. Both prefixes serve it.
 *
 * Cloudify's clusters were machines that copied a database to each other; here they are processes on one database, so
 * nothing has to be configured in the background, and what is answered holds already.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { ClusterNode, ClusterState } from '../../cluster/cluster.js';
import type { Core } from '../../core.js';
import { sendDeleted, sendJson, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { deletionOf, describe, itemQuery } from './described.js';
import { badParameters, CloudifyError } from './errors.js';
import { Anything, Flag, ListOf, MaybeText, NameParams, Text } from './fields.js';
import type { Params } from './lenient.js';
import { parseInclude } from './listing.js';
import type { Mounting } from './mounting.js';
import { pick, smallList, smallListQuery } from './small-list.js';

const StateSchema = Type.Partial(
  Type.Object({
    initialized: Flag,
    consul: Type.Object({ leader: MaybeText }),
    error: MaybeText,
    logs: Type.Array(Type.Object({ message: Text, timestamp: Type.Integer(), cursor: Text })),
    options: Anything,
  }),
  { title: 'ClusterState' },
);
const STATE_FIELDS = ['initialized', 'consul', 'error', 'logs', 'options'];

const NodeSchema = Type.Partial(
  Type.Object({
    name: Text,
    host_ip: MaybeText,
    master: Flag,
    online: Flag,
    initialized: Flag,
    credentials: MaybeText,
  }),
  { title: 'ClusterNode' },
);
const NODE_FIELDS = ['name', 'host_ip', 'master', 'online', 'initialized', 'credentials'];

const Start = Type.Object(
  {
    host_ip: Type.Optional(Text),
    node_name: Type.Optional(Text),
    credentials: Type.Optional(
      Type.String({ description: 'For joining: what adding the node has told; good once, for a day' }),
    ),
    join_addrs: Type.Optional(
      Type.Array(Text, { description: 'For joining: addresses of nodes; one of them must be known' }),
    ),
  },
  { title: 'ClusterStart' },
);
const NewNode = Type.Object(
  { host_ip: Type.Optional(Text), node_name: Type.Optional(Text) },
  { title: 'NewClusterNode' },
);
const Options = Type.Record(Text, Anything, { title: 'ClusterOptions' });

const MASK = '********';

export function addCluster({ scope, core, version }: Mounting): void {
  const state = { querystring: itemQuery(), response: { 200: StateSchema } };

  scope.get(
    '/cluster',
    {
      schema: describe('Cluster', 'get', 'Get the state of the cluster', {
        description: 'Tells `logs`, `error` and `options` only when `_include` names them.',
        ...state,
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const caller = callerOf(request);
      return sendState(reply, caller, request.query, await core.cluster.state(caller));
    },
  );

  scope.put<{ Body: Static<typeof Start>; Querystring: Params }>(
    '/cluster',
    {
      schema: describe('Cluster', 'start', 'Initialise the cluster, or join it', {
        description:
          'About the node of the process that is asked. With `join_addrs` it joins, and needs `credentials`.',
        body: Start,
        ...state,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { host_ip: hostIp = null, node_name: name = null, credentials, join_addrs } = request.body;
      if (!(await joins(caller, request.body))) {
        return sendState(
          reply,
          caller,
          request.query,
          await core.cluster.initialize(caller, { name, hostIp }),
        );
      }
      if (credentials === undefined) {
        throw badParameters(
          'Missing credentials in json request body: adding the node to the cluster tells them',
        );
      }
      if (join_addrs !== undefined) await checkAddresses(caller, join_addrs);
      const joined = await core.cluster.join(caller, { credentials, name, hostIp });
      return sendState(reply, caller, request.query, joined);
    },
  );

  scope.patch<{ Body: Static<typeof Options>; Querystring: Params }>(
    '/cluster',
    {
      schema: describe('Cluster', 'update', 'Set options of the cluster', {
        description: 'They are merged into those that are there and kept for extensions.',
        body: Options,
        ...state,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const updated = await core.cluster.update(caller, request.body);
      const { initialized, trouble: error } = updated;
      if (parseInclude(request.query) === null) return sendJson(reply, 200, { initialized, error });
      return sendState(reply, caller, request.query, updated);
    },
  );

  scope.get(
    '/cluster/nodes',
    {
      schema: describe('Cluster', 'nodes_list', 'List the nodes of the cluster', {
        querystring: Type.Object(smallListQuery(NODE_FIELDS)),
        response: { 200: ListOf(NodeSchema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const nodes = await core.cluster.nodes(callerOf(request));
      return sendText(reply, 200, smallList(nodes.map(told), NODE_FIELDS, request.query));
    },
  );

  scope.get<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/cluster/nodes/:name',
    {
      schema: describe('Cluster', 'nodes_get', 'Get a node of the cluster', {
        params: NameParams,
        querystring: itemQuery(),
        response: { 200: NodeSchema },
      }),
    },
    async (request, reply) => {
      const node = await core.cluster.node(callerOf(request), request.params.name);
      return sendJson(reply, 200, pick(told(node), request.query));
    },
  );

  const announce = async (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    hostIp: string | null,
  ) => {
    const { node, credentials } = await core.cluster.announce(callerOf(request), { name, hostIp });
    return sendJson(reply, 200, pick({ ...told(node), credentials }, request.query as Params));
  };
  const adding = {
    description:
      'The answer alone tells the credentials with which a process joins as this node; they are good once, for a day.',
    querystring: itemQuery(),
    body: NewNode,
    response: { 200: NodeSchema },
  };

  scope.post<{ Body: Static<typeof NewNode>; Querystring: Params }>(
    '/cluster/nodes',
    {
      schema: describe('Cluster', 'nodes_add', 'Add a node to the cluster', adding),
      config: { cloudifyBody: 'unnamed' },
    },
    async (request, reply) => {
      const { node_name, host_ip = null } = request.body;
      if (node_name === undefined) throw badParameters('Missing node_name in json request body');
      return announce(request, reply, node_name, host_ip);
    },
  );

  scope.put<{ Params: Static<typeof NameParams>; Body: Static<typeof NewNode>; Querystring: Params }>(
    '/cluster/nodes/:name',
    {
      schema: describe('Cluster', 'nodes_put', 'Add a node of this name to the cluster', {
        params: NameParams,
        ...adding,
      }),
    },
    async (request, reply) => {
      const { name } = request.params;
      const { node_name = name, host_ip = null } = request.body;
      if (node_name !== name) {
        throw badParameters(
          `The path names the node \`${name}\` and the body \`${node_name}\`: they must agree`,
        );
      }
      return announce(request, reply, name, host_ip);
    },
  );

  scope.delete<{ Params: Static<typeof NameParams>; Querystring: Params }>(
    '/cluster/nodes/:name',
    {
      schema: describe('Cluster', 'nodes_remove', 'Remove a node from the cluster', {
        description:
          'One that lives first ends or hands over what it runs, and is told until then. It cannot join again.',
        params: NameParams,
        querystring: itemQuery(),
        response: deletionOf(version, NodeSchema),
      }),
    },
    async (request, reply) => {
      const { credentials: _, ...node } = told(
        await core.cluster.remove(callerOf(request), request.params.name),
      );
      return sendDeleted(reply, version, JSON.stringify(pick(node, request.query)));
    },
  );

  /** The document lets `join_addrs` decide, its examples join by credentials alone; before there is a cluster nobody joins. */
  async function joins(caller: Caller, { credentials, join_addrs }: Static<typeof Start>): Promise<boolean> {
    if (join_addrs !== undefined) return true;
    return credentials !== undefined && (await core.cluster.state(caller)).initialized;
  }

  async function checkAddresses(caller: Caller, given: readonly string[]): Promise<void> {
    const nodes = await core.cluster.nodes(caller);
    const known = new Set(nodes.flatMap(({ hostIp, name }) => [hostIp, name]));
    if (given.some((address) => known.has(address) || known.has(address.replace(/:\d+$/, '')))) return;
    throw badParameters(`None of join_addrs (${given.join(', ')}) is a node of the cluster of this database`);
  }

  async function sendState(reply: FastifyReply, caller: Caller, params: Params, state: ClusterState) {
    const { initialized, leader, trouble, options } = state;
    const shown = initialized ? { initialized, consul: { leader } } : { initialized };
    const include = parseInclude(params);
    if (include === null) return sendJson(reply, 200, shown);
    const lines = include.includes('logs') ? await core.cluster.log(caller) : [];
    const logs = lines.map(({ id, message, microseconds }) => ({
      message,
      timestamp: microseconds,
      cursor: String(id),
    }));
    return sendJson(
      reply,
      200,
      pick({ consul: { leader }, ...shown, error: trouble, logs, options }, params, STATE_FIELDS),
    );
  }
}

/** Credentials are kept as a hash alone; of a node that is still awaited one is told that there are some. */
function told({ name, hostIp, master, online, joined, awaited }: ClusterNode): Record<string, unknown> {
  return {
    name,
    host_ip: hostIp,
    master,
    online,
    initialized: joined,
    credentials: joined || awaited ? MASK : null,
  };
}

/** A node that was taken out of the cluster answers no more: its clients are to go to another one. */
export function refuseAfterRemoval(request: FastifyRequest, core: Core): void {
  if (core.cluster.self?.standing.removed !== true) return;
  if (/\/(ok|version|status)$/.test(request.routeOptions.url ?? '')) return;
  throw new CloudifyError(
    400,
    'removed_from_cluster',
    'This node was removed from the cluster: ask another one',
  );
}
