/** Servers (specs: cloudbolt.md §5.4). */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { ServerRow as KnownServer, ServerAction, ServerField } from '../../inventory/servers.js';
import { shownRate } from '../../ordering/rates.js';
import { actionLinks } from './action-links.js';
import { callerOf } from './auth.js';
import { bodyOf } from './body.js';
import { notFoundHere } from './errors.js';
import { readKey } from './hrefs.js';
import type { Query } from './listing.js';
import { integer, relation, text, time, worded } from './paths.js';
import {
  type Asked,
  addCollection,
  type Collection,
  HalPage,
  ItemParams,
  ListQuerystring,
  listOf,
  type Mounting,
  sendHal,
} from './resource.js';
import { RunJob, runAnswer } from './run-answer.js';
import { historyOf, provisionJob, RELATED_JOBS } from './server-lists.js';
import { POWER, type ServerRow, STATUS, serverDetails } from './server-words.js';
import { textMember } from './values.js';

/** What a list needs of each: an item needs all. */
const THIN: readonly ServerField[] = ['number', 'code', 'hostname'];
const WHOLE: readonly ServerField[] = [
  ...THIN,
  'status',
  'power',
  'ip',
  'privateIp',
  'mac',
  'port',
  'cpus',
  'memoryMb',
  'diskGb',
  'osFamily',
  'username',
  'hasPassword',
  'hasKey',
  'expiresOn',
  'parameters',
  'labels',
  'notes',
  'facts',
  'trouble',
  'createdAt',
  'group',
  'groupCode',
  'groupName',
  'environment',
  'environmentCode',
  'environmentName',
  'osBuild',
  'osBuildCode',
  'osBuildName',
  'account',
  'accountName',
  'accountKind',
  'owner',
  'ownerName',
  'deploymentId',
  'instanceId',
  'disks',
  'nics',
  'snapshots',
];

const PATHS: Collection<ServerField, ServerRow>['paths'] = {
  id: integer('number'),
  pk: integer('number'),
  'global-id': text('code'),
  hostname: text('hostname'),
  name: text('hostname'),
  status: worded('status', STATUS),
  'power-status': worded('power', POWER),
  ip: text('ip'),
  'private-ip': text('privateIp'),
  mac: text('mac'),
  'cpu-cnt': integer('cpus'),
  'mem-size': integer('memoryGb'),
  'disk-size': integer('diskGb'),
  'os-family': text('osFamily'),
  'os-family.name': text('osFamily'),
  notes: text('notes'),
  'date-added-to-cloudbolt': time('createdAt'),
  'add-date': time('createdAt'),
  'expiration-date': text('expiresOn'),
  group: relation('groups', 'group', 'groupCode', 'groupName'),
  'group.id': integer('group'),
  'group.name': text('groupName'),
  environment: relation('environments', 'environment', 'environmentCode', 'environmentName'),
  'environment.id': integer('environment'),
  'environment.name': text('environmentName'),
  'os-build': relation('os-builds', 'osBuild', 'osBuildCode', 'osBuildName'),
  'os-build.id': integer('osBuild'),
  'os-build.name': text('osBuildName'),
  'resource-handler': relation('resource-handlers', 'account', null, 'accountName'),
  'resource-handler.id': integer('account'),
  'resource-handler.name': text('accountName'),
  owner: relation('users', 'owner', null, 'ownerName'),
  'owner.id': integer('owner'),
  'owner.user.username': text('ownerName'),
};

export const SERVERS: Collection<ServerField, ServerRow> = {
  name: 'servers',
  tag: 'Servers',
  thing: 'server',
  paths: PATHS,
  reads: WHOLE,
  listReads: THIN,
  title: ({ hostname }) => hostname,
  thin: ({ hostname, number }) => ({ hostname, id: String(number) }),
  list: (core, caller, query) => core.servers.list(caller, query),
  item: serverItem,
};

/** Core word, name of its link, and the end of its path. */
const ACTIONS: readonly (readonly [ServerAction, string, string, string])[] = [
  ['power_on', 'power_on', 'poweron', 'Power on'],
  ['power_off', 'power_off', 'poweroff', 'Power off'],
  ['reboot', 'reboot', 'reboot', 'Reboot'],
  ['refresh', 'refresh_info', 'refresh-info', 'Refresh info of'],
  ['snapshot', 'snapshot', 'snapshot', 'Snapshot'],
];

async function serverItem({ core, caller, hrefs, row }: Asked<ServerRow>) {
  const titled = (number: number | null, code: string | null, title: string | null) =>
    number === null ? null : { number, code, title: title ?? '' };
  const known = await core.servers.get(caller, { number: row.number });
  const built = await provisionJob(core, caller, known.uid);
  const rates = await rateBreakdown(core, caller, known, row.osBuildName);
  const offered = core.servers.offered(row);
  const custom = row.status === 'historical' ? [] : await core.actionRuns.offered(caller, 'server', null);
  return {
    _links: {
      self: hrefs.link('servers', { ...row, title: row.hostname }),
      owner: hrefs.toOne('users', titled(row.owner, null, row.ownerName)),
      group: hrefs.toOne('groups', titled(row.group, row.groupCode, row.groupName)),
      environment: hrefs.toOne(
        'environments',
        titled(row.environment, row.environmentCode, row.environmentName),
      ),
      'resource-handler': hrefs.toOne('resource-handlers', titled(row.account, null, row.accountName)),
      actions: [
        ...ACTIONS.filter(([action]) => offered.includes(action)).map(([, name, path, title]) => ({
          [name]: { href: hrefs.action('servers', row, path), title: `${title} '${row.hostname}'` },
        })),
        ...actionLinks(hrefs, 'servers', { ...row, title: row.hostname }, custom),
      ],
      'provision-job': hrefs.toOne(
        'jobs',
        built === null ? null : { number: built, title: `Job id ${built}` },
      ),
      'os-build': hrefs.toOne('os-builds', titled(row.osBuild, row.osBuildCode, row.osBuildName)),
      jobs: { href: hrefs.below('servers', row, 'related-jobs'), title: `Jobs of '${row.hostname}'` },
      history: { href: hrefs.below('servers', row, 'history'), title: `History of '${row.hostname}'` },
    },
    hostname: row.hostname,
    'power-status': POWER[row.power as keyof typeof POWER],
    status: STATUS[row.status as keyof typeof STATUS],
    ...serverDetails(row, rates),
    id: String(row.number),
  };
}

/** What it costs by today's prices; a dash where there is no price, or nothing of the server any more. */
async function rateBreakdown(
  core: Mounting['core'],
  caller: Caller,
  server: KnownServer,
  osBuild: string | null,
): Promise<Record<string, string>> {
  const { environmentUid, cpus, memoryMb, diskGb, parameters, status } = server;
  const over = status === 'historical';
  const { total, hardware, software, extra } = await core.quotaBook.costOf(caller, {
    environment: environmentUid ?? 0,
    ...(over ? { cpus: 0, memoryMb: 0, diskGb: 0 } : { cpus, memoryMb, diskGb }),
    osBuild: over ? null : osBuild,
    applications: [],
    parameters: over ? {} : parameters,
  });
  const shown = (amount: number) => (amount === 0 ? '-' : shownRate(amount, core.settings.rateUnit));
  return {
    total: shown(total),
    hardware: shown(hardware),
    software: shown(software),
    extra: shown(extra),
  };
}

const Snapshot = Type.Object({ name: Type.Optional(Type.String()) }, { title: 'SnapshotRequest' });

export function addServers(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, SERVERS);

  for (const [action, , path, title] of ACTIONS) {
    scope.post<{ Params: { id: string } }>(
      `/servers/:id/actions/${path}`,
      {
        schema: {
          tags: ['Servers'],
          operationId: `servers_${path.replaceAll('-', '_')}`,
          summary: `${title} a server`,
          params: ItemParams,
          ...(action === 'snapshot' ? { body: Type.Optional(Snapshot) } : {}),
          response: { 200: RunJob },
        },
      },
      async (request, reply) => {
        const name = action === 'snapshot' ? textMember(bodyOf(request), 'name') : undefined;
        const inputs = name === undefined ? {} : { name: name.slice(0, 255) };
        const job = await core.servers.act(callerOf(request), keyOf(request.params.id), action, inputs);
        return sendHal(request, reply, runAnswer(hrefs, job.number));
      },
    );
  }

  scope.get(
    '/servers/:id/related-jobs',
    { schema: listSchema('servers_related_jobs', 'Jobs that are about a server') },
    async (request: ListRequest, reply) => {
      const caller = callerOf(request);
      const server = await core.servers.get(caller, keyOf(request.params.id));
      const path = `servers/${server.number}/related-jobs`;
      const fixed = [{ field: 'serverUid', lookup: 'exact', value: String(server.uid) }] as const;
      return sendHal(
        request,
        reply,
        await listOf(RELATED_JOBS, { core, hrefs, caller }, request.query, { fixed, path }),
      );
    },
  );

  scope.get(
    '/servers/:id/history',
    { schema: listSchema('servers_history', 'What happened to a server, the last first') },
    async (request: ListRequest, reply) => {
      const caller = callerOf(request);
      const key = keyOf(request.params.id);
      const { number } = await core.servers.get(caller, key);
      const path = `servers/${number}/history`;
      return sendHal(
        request,
        reply,
        await listOf(historyOf(key), { core, hrefs, caller }, request.query, { path }),
      );
    },
  );
}

type ListRequest = FastifyRequest<{ Params: { id: string }; Querystring: Query }>;

function listSchema(operationId: string, summary: string) {
  return {
    tags: ['Servers'] as const,
    operationId,
    summary,
    params: ItemParams,
    querystring: ListQuerystring,
    response: { 200: HalPage },
  };
}

function keyOf(id: string) {
  const key = readKey('servers', id);
  if (key === null) throw notFoundHere();
  return key;
}
