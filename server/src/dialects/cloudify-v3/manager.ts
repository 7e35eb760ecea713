/** What the manager says of itself: version, status, the settings that clients ask for. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { requirePermission } from '../../caller.js';
import type { Core } from '../../core.js';
import { sendJson } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, Switch, Word } from './described.js';
import { notFoundAs } from './errors.js';
import { Anything, Flag, MaybeText, NameParams, Text } from './fields.js';
import { booleanParam, type Params, single } from './lenient.js';
import type { Mounting } from './mounting.js';
import { pick } from './small-list.js';

/** The level of the API that is spoken; what runs behind it is told by `distribution`. */
export const VERSION = {
  edition: 'community',
  version: '7.0.5',
  build: null,
  date: null,
  commit: null,
  distribution: 'orrery',
  distro_release: null,
} as const;

export function addVersion({ scope }: Mounting): void {
  scope.get(
    '/version',
    {
      schema: describe('Manager', 'version', 'Get the version', {
        querystring: itemQuery(),
        response: { 200: Version },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      sendJson(reply, 200, pick(VERSION, request.query)),
  );
}

export function addManager({ scope, core, version }: Mounting): void {
  scope.get(
    '/ok',
    {
      schema: describe('Manager', 'ok', 'Say that the server answers', {
        open: true,
        response: { 200: { description: 'OK', content: { 'text/plain': { schema: Text } } } },
      }),
      config: { cloudifyOpen: true },
    },
    async (_, reply) => reply.type('text/plain').send('OK'),
  );

  scope.get(
    '/status',
    {
      schema: describe('Manager', 'status', 'Get the status', {
        querystring: itemQuery(
          version === 'v3' ? {} : { summary: Switch('The status alone; 500 unless OK') },
        ),
        response: { 200: version === 'v3' ? StatusV3 : Status },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      requirePermission(callerOf(request), 'status.read');
      const services = await servicesOf(core);
      if (version === 'v3') {
        return sendJson(
          reply,
          200,
          pick({ status: 'running', services: services.map(asUnit) }, request.query),
        );
      }
      return sendSummary(reply, request.query, services);
    },
  );

  scope.get(
    '/config',
    {
      schema: describe('Manager', 'config_list', 'List settings', {
        querystring: Type.Object({ scope: Word('Only those of this scope') }),
        response: {
          200: Type.Object(
            { items: Type.Array(Setting), metadata: Type.Object({}) },
            { title: 'SettingList' },
          ),
        },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      requirePermission(callerOf(request), 'settings.read');
      const asked = single(request.query, 'scope');
      const items = settingsOf(core).filter((one) => asked === undefined || one.scope === asked);
      return sendJson(reply, 200, { items, metadata: {} });
    },
  );

  scope.get<{ Params: { name: string } }>(
    '/config/:name',
    {
      schema: describe('Manager', 'config_get', 'Get a setting', {
        params: NameParams,
        response: { 200: Setting },
      }),
    },
    async (request, reply) => {
      requirePermission(callerOf(request), 'settings.read');
      const { name } = request.params;
      const found = settingsOf(core).find((one) => one.name === name || `${one.scope}.${one.name}` === name);
      if (found === undefined) throw notFoundAs('Config', name);
      return sendJson(reply, 200, found);
    },
  );
}

const Setting = Type.Object(
  {
    name: Text,
    value: Anything,
    scope: Text,
    schema: Anything,
    is_editable: Flag,
    admin_only: Flag,
    updated_at: Type.Null(),
    updater_name: Type.Null(),
  },
  { title: 'Setting' },
);

/** `_include` chooses, so nothing is required. */
const Version = Type.Partial(
  Type.Object({
    edition: Text,
    version: Text,
    build: MaybeText,
    date: MaybeText,
    commit: MaybeText,
    distribution: Text,
    distro_release: MaybeText,
  }),
  { title: 'Version' },
);
const Status = Type.Partial(
  Type.Object({
    status: Type.Union([Type.Literal('OK'), Type.Literal('Fail')]),
    services: Type.Record(
      Text,
      Type.Object(
        {
          status: Type.Union([Type.Literal('Active'), Type.Literal('Inactive')]),
          is_remote: Flag,
          extra_info: Type.Object({}),
        },
        { title: 'Service' },
      ),
    ),
  }),
  { title: 'Status' },
);
const StatusV3 = Type.Partial(
  Type.Object({
    status: Text,
    services: Type.Array(
      Type.Object(
        {
          display_name: Text,
          instances: Type.Array(
            Type.Object({
              Id: Text,
              Description: Text,
              LoadState: Text,
              ActiveState: Text,
              SubState: Text,
              MainPID: Type.Integer(),
              state: Text,
            }),
          ),
        },
        { title: 'ServiceV3' },
      ),
    ),
  }),
  { title: 'StatusV3' },
);

/** Our settings that have a name in Cloudify. They are made at start, so nothing here can be edited. */
function settingsOf(core: Core) {
  const { settings } = core;
  const MB = 1_000_000;
  const values: readonly (readonly [scope: string, name: string, value: number])[] = [
    ['rest', 'default_page_size', 1000],
    ['rest', 'blueprint_folder_max_size_mb', Math.floor(settings.archiveUnpackedBytes / MB)],
    ['rest', 'blueprint_folder_max_files', settings.archiveEntries],
    ['workflow', 'task_retries', settings.taskRetries],
    ['workflow', 'task_retry_interval', settings.taskRetryInterval],
    ['workflow', 'subgraph_retries', 0],
  ];
  return values.map(([scope, name, value]) => ({
    name,
    value,
    scope,
    schema: { type: 'number' },
    is_editable: false,
    admin_only: false,
    updated_at: null,
    updater_name: null,
  }));
}

interface Service {
  readonly name: string;
  readonly description: string;
  readonly up: boolean;
  readonly pid: number;
}

/** The parts that must run for the manager to be of use. A database that does not answer is down, not an error. */
async function servicesOf(core: Core): Promise<Service[]> {
  const database = await core.storeHealth.ping().then(
    () => true,
    () => false,
  );
  return [
    { name: 'Orrery', description: 'API and workflow engine', up: true, pid: process.pid },
    { name: 'PostgreSQL', description: 'Store', up: database, pid: 0 },
  ];
}

function asUnit({ name, description, up, pid }: Service) {
  return {
    display_name: name,
    instances: [
      {
        Id: name.toLowerCase(),
        Description: description,
        LoadState: 'loaded',
        ActiveState: up ? 'active' : 'failed',
        SubState: up ? 'running' : 'failed',
        MainPID: pid,
        state: up ? 'up' : 'down',
      },
    ],
  };
}

function sendSummary(reply: FastifyReply, params: Params, services: readonly Service[]): FastifyReply {
  const status = services.every((service) => service.up) ? 'OK' : 'Fail';
  if (booleanParam(params, 'summary', false)) return sendJson(reply, status === 'OK' ? 200 : 500, { status });
  const told = Object.fromEntries(
    services.map(({ name, up }) => [
      name,
      { status: up ? 'Active' : 'Inactive', is_remote: false, extra_info: {} },
    ]),
  );
  return sendJson(reply, 200, pick({ status, services: told }, params));
}
