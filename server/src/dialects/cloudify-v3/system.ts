/**
 * What today's client asks of a manager as a machine among machines: managers, databases, brokers and how they do. Here
 * managers are the nodes of the cluster, and the one database is broker as well: its tables are the queue.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { requirePermission } from '../../caller.js';
import type { ClusterNode } from '../../cluster/cluster.js';
import type { Core } from '../../core.js';
import { sendJson, sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Bytes, Done, describe, itemQuery, Switch } from './described.js';
import { CloudifyError } from './errors.js';
import { Anything, Dict, Flag, ListOf, MaybeText, Text } from './fields.js';
import { booleanParam, type Params } from './lenient.js';
import { VERSION } from './manager.js';
import type { Mounting } from './mounting.js';
import { type Item, pick, smallList, smallListQuery } from './small-list.js';

const Manager = Type.Partial(
  Type.Object({
    id: Type.Integer(),
    hostname: Text,
    private_ip: MaybeText,
    public_ip: MaybeText,
    version: Text,
    edition: Text,
    distribution: Text,
    distro_release: MaybeText,
    fs_sync_node_id: Type.Null(),
    networks: Dict,
    ca_cert_content: Type.Null(),
  }),
  { title: 'Manager' },
);
const DbNode = Type.Partial(Type.Object({ name: Text, host: Text, is_external: Flag }), { title: 'DbNode' });
const Broker = Type.Partial(
  Type.Object({
    name: Text,
    host: Text,
    management_host: MaybeText,
    port: Type.Integer(),
    username: Type.Null(),
    password: Type.Null(),
    params: Dict,
    networks: Dict,
    ca_cert_content: Type.Null(),
    is_external: Flag,
  }),
  { title: 'Broker' },
);
const ClusterStatus = Type.Object(
  { status: Text, services: Type.Optional(Dict) },
  { title: 'ClusterStatus' },
);
const Context = Type.Partial(Type.Object({ id: Text, name: Text, context: Dict }), {
  title: 'ProviderContext',
});
const NewContext = Type.Object({ name: Text, context: Dict }, { title: 'NewProviderContext' });

export function addSystem({ scope, core }: Mounting): void {
  const list = (
    path: string,
    things: string,
    schema: typeof Manager | typeof DbNode | typeof Broker,
    read: (request: FastifyRequest) => Promise<readonly Item[]>,
  ) => {
    const fields = Object.keys(schema.properties);
    scope.get(
      path,
      {
        schema: describe('Manager', `${things}_list`, `List the ${things.replace('_', ' ')}`, {
          querystring: Type.Object(smallListQuery(fields)),
          response: { 200: ListOf(schema) },
        }),
      },
      async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
        sendText(reply, 200, smallList(await read(request), fields, request.query)),
    );
  };

  list('/managers', 'managers', Manager, async (request) =>
    (await core.cluster.nodes(callerOf(request)))
      .filter(({ joined, online }) => joined || online)
      .map(asManager),
  );
  // What workers of plugins ask for, so everybody may (cloudify.md §2.1).
  list('/db-nodes', 'db_nodes', DbNode, async (request) => {
    requirePermission(callerOf(request), 'status.read');
    return [{ name: 'postgresql', ...databaseOf(core) }].map(({ port: _, ...node }) => node);
  });
  list('/brokers', 'brokers', Broker, async (request) => {
    requirePermission(callerOf(request), 'status.read');
    const { host, port, is_external } = databaseOf(core);
    return [
      {
        name: 'postgresql',
        host,
        management_host: null,
        port,
        username: null,
        password: null,
        params: {},
        networks: { default: host },
        ca_cert_content: null,
        is_external,
      },
    ];
  });

  scope.get(
    '/cluster-status',
    {
      schema: describe('Manager', 'cluster_status', 'Get how managers, database and queue do', {
        querystring: itemQuery({ summary: Switch('The status alone; 500 when it is Fail') }),
        response: { 200: ClusterStatus },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const nodes = await core.cluster.nodes(callerOf(request));
      return sendStatus(reply, request.query, nodes, await answers(core), databaseOf(core));
    },
  );

  scope.get(
    '/provider/context',
    {
      schema: describe('Manager', 'provider_context_get', 'Get the provider context', {
        querystring: itemQuery(),
        response: { 200: Context },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const { name, context } = await core.providerContext.get(callerOf(request));
      return sendJson(reply, 200, pick({ id: 'CONTEXT', name, context }, request.query));
    },
  );

  scope.post<{ Body: Static<typeof NewContext>; Querystring: Params }>(
    '/provider/context',
    {
      schema: describe('Manager', 'provider_context_set', 'Set the provider context', {
        querystring: Type.Object({ update: Switch('Also where it was set before') }),
        body: NewContext,
        response: { 200: Type.Object({ status: Text }), 201: Type.Object({ status: Text }) },
      }),
    },
    async (request, reply) => {
      const again = booleanParam(request.query, 'update', false);
      await core.providerContext.set(callerOf(request), request.body, again);
      return sendJson(reply, again ? 200 : 201, { status: 'ok' });
    },
  );

  scope.get(
    '/license',
    {
      schema: describe('Manager', 'license_list', 'List licences: there are none, and none is needed', {
        querystring: Type.Object(smallListQuery([])),
        response: { 200: ListOf(Type.Object({}, { title: 'License' })) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      requirePermission(callerOf(request), 'status.read');
      return sendText(reply, 200, smallList([], [], request.query));
    },
  );
  scope.get(
    '/license-check',
    {
      schema: describe('Manager', 'license_check', 'Check the licence: none is needed', {
        response: { 200: Text },
      }),
    },
    async (request, reply) => {
      requirePermission(callerOf(request), 'status.read');
      return sendJson(reply, 200, 'OK');
    },
  );
  const noLicense = async (request: FastifyRequest): Promise<never> => {
    requirePermission(callerOf(request), 'cluster.manage');
    throw new CloudifyError(
      400,
      'illegal_action_error',
      'This server is free software under the licence in its LICENSE file: it needs no license key, and keeps none',
    );
  };
  scope.put(
    '/license',
    {
      schema: describe('Manager', 'license_upload', 'Upload a licence: refused, none is needed', {
        uploads: { 'application/octet-stream': Bytes },
        response: { 200: Anything },
      }),
      config: { cloudifyBody: 'raw' },
    },
    noLicense,
  );
  scope.post(
    '/license',
    {
      schema: describe(
        'Manager',
        'license_customer',
        'Name the customer of a licence: refused, none is needed',
        {
          body: Type.Object({ customer_id: Type.String() }, { title: 'LicenseCustomer' }),
          response: { 200: Anything },
        },
      ),
    },
    noLicense,
  );
  scope.delete(
    '/license',
    {
      schema: describe('Manager', 'license_delete', 'Remove the licence: there is none', {
        response: { 204: Done },
      }),
    },
    async (request) => {
      requirePermission(callerOf(request), 'cluster.manage');
      throw new CloudifyError(404, 'not_found_error', 'There is no license, and none is needed');
    },
  );
  scope.get(
    '/ldap',
    {
      schema: describe('Manager', 'ldap_status', 'Say whether users sign in through LDAP: they do not', {
        response: { 200: Text },
      }),
    },
    async (request, reply) => {
      requirePermission(callerOf(request), 'status.read');
      return sendJson(reply, 200, 'disabled');
    },
  );
  scope.post(
    '/ldap',
    {
      schema: describe('Manager', 'ldap_set', 'Have users sign in through LDAP: refused', {
        body: Type.Object({ ldap_server: Type.String() }, { title: 'LdapSettings' }),
        response: { 200: Anything },
      }),
    },
    async (request) => {
      requirePermission(callerOf(request), 'users.manage');
      throw new CloudifyError(
        400,
        'illegal_action_error',
        'Signing in through LDAP is not supported: users and their passwords are kept by this server. Nothing of the request was kept',
      );
    },
  );
  scope.get(
    '/idp',
    {
      schema: describe('Manager', 'idp', 'Get who tells who users are: this server itself', {
        response: { 200: Text },
      }),
    },
    async (request, reply) => {
      requirePermission(callerOf(request), 'status.read');
      return sendJson(reply, 200, 'local');
    },
  );
  scope.put<{ Params: { name: string }; Body: { value?: unknown } }>(
    '/config/:name',
    {
      schema: describe(
        'Manager',
        'config_set',
        'Set a setting: refused, they are set where the server starts',
        {
          params: Type.Object({ name: Text }),
          body: Type.Object({ value: Anything, force: Type.Optional(Anything) }, { title: 'SettingChange' }),
          response: { 200: Anything },
        },
      ),
    },
    async (request) => {
      requirePermission(callerOf(request), 'settings.write');
      throw new CloudifyError(
        409,
        'conflict_error',
        `${request.params.name} is not editable: settings are read when the server starts, see docs/configuration.md`,
      );
    },
  );
}

function asManager({ id, name, hostIp, processes }: ClusterNode): Item {
  const { edition, distribution, distro_release } = VERSION;
  return {
    id,
    hostname: name,
    private_ip: hostIp,
    public_ip: hostIp,
    version: processes[0]?.version ?? VERSION.version,
    edition,
    distribution,
    distro_release,
    fs_sync_node_id: null,
    networks: { default: hostIp },
    ca_cert_content: null,
  };
}

/** Where the database is: never how one signs in to it. */
function databaseOf(core: Core): { host: string; port: number; is_external: boolean } {
  const { databaseUrl } = core.settings;
  if (databaseUrl === '') return { host: '127.0.0.1', port: 5432, is_external: false };
  const { hostname, port } = new URL(databaseUrl);
  return { host: hostname, port: Number(port || 5432), is_external: true };
}

function answers(core: Core): Promise<boolean> {
  return core.storeHealth.ping().then(
    () => true,
    () => false,
  );
}

/** `Degraded`: a manager of several is away. */
function sendStatus(
  reply: FastifyReply,
  params: Params,
  nodes: readonly ClusterNode[],
  database: boolean,
  { host, is_external }: { host: string; is_external: boolean },
): FastifyReply {
  const ours = nodes.filter(({ joined, online }) => joined || online);
  const online = ours.filter((node) => node.online).length;
  const managers = online === 0 ? 'Fail' : online < ours.length ? 'Degraded' : 'OK';
  const store = database ? 'OK' : 'Fail';
  const status = managers === 'Fail' || store === 'Fail' ? 'Fail' : managers;
  if (booleanParam(params, 'summary', false)) {
    return sendJson(reply, status === 'Fail' ? 500 : 200, { status, services: {} });
  }
  const part = (name: string) => ({
    status: store,
    is_external,
    nodes: {
      postgresql: {
        status: store,
        version: null,
        public_ip: host,
        private_ip: host,
        services: { [name]: service(database) },
      },
    },
  });
  const services = {
    manager: {
      status: managers,
      is_external: false,
      nodes: Object.fromEntries(
        ours.map((node) => [
          node.name,
          {
            status: node.online ? 'OK' : 'Fail',
            version: node.processes[0]?.version ?? null,
            public_ip: node.hostIp,
            private_ip: node.hostIp,
            services: Object.fromEntries(
              node.processes.map(({ role, pid }) => [`Orrery ${role} ${pid}`, service(true)]),
            ),
          },
        ]),
      ),
    },
    db: part('PostgreSQL'),
    broker: part('Queue in PostgreSQL'),
  };
  return sendJson(reply, 200, { status, services });
}

function service(up: boolean) {
  return { status: up ? 'Active' : 'Inactive', is_remote: false, extra_info: {} };
}
