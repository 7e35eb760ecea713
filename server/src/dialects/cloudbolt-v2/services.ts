/** Resources by type, and services, which are those of the type of that name (specs: cloudbolt.md §5.9). */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ServiceField } from '../../inventory/servers.js';
import { shownRate } from '../../ordering/rates.js';
import { actionLinks } from './action-links.js';
import { callerOf } from './auth.js';
import { wireTime } from './dates.js';
import type { Query } from './listing.js';
import { integer, relation, text, time, worded } from './paths.js';
import {
  type Asked,
  AttributesQuery,
  type Collection,
  HalItem,
  HalPage,
  ItemParams,
  itemOf,
  ListQuerystring,
  listOf,
  type Mounting,
  rowOf,
  sendHal,
} from './resource.js';
import { historyAt, RELATED_JOBS } from './server-lists.js';
import { parametersBody } from './server-words.js';

interface ServiceRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly status: string;
  readonly type: string;
  readonly typeNumber: number;
  readonly typeLabel: string;
  readonly installedAt: string | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly offer: number | null;
  readonly offerCode: string | null;
  readonly offerName: string | null;
  readonly group: number | null;
  readonly groupCode: string | null;
  readonly groupName: string | null;
  readonly owner: number | null;
  readonly ownerName: string | null;
  readonly deploymentId: string | null;
  readonly rate: number;
  readonly servers: readonly {
    readonly number: number;
    readonly code: string;
    readonly hostname: string;
    readonly node: string | null;
  }[];
}

const STATUS = {
  provisioning: 'Provisioning',
  active: 'Active',
  'provision-failed': 'Provision Failed',
  historical: 'Historical',
} as const;

const ONLY_SERVICES = 'service';

/** @param path where it is served: `services`, or `resources/<type>` */
export function resourcesAt(path: string, type: string): Collection<ServiceField, ServiceRow> {
  return {
    name: path,
    keyName: 'services',
    tag: 'Servers',
    thing: 'resource',
    paths: {
      id: integer('number'),
      pk: integer('number'),
      'global-id': text('code'),
      name: text('name'),
      status: worded('status', STATUS),
      lifecycle: worded('status', STATUS),
      'install-date': time('installedAt'),
      group: relation('groups', 'group', 'groupCode', 'groupName'),
      'group.name': text('groupName'),
      blueprint: relation('blueprints', 'offer', 'offerCode', 'offerName'),
      'blueprint.name': text('offerName'),
      owner: relation('users', 'owner', null, 'ownerName'),
      'owner.user.username': text('ownerName'),
    },
    reads: [
      'number',
      'code',
      'name',
      'status',
      'type',
      'typeNumber',
      'typeLabel',
      'installedAt',
      'parameters',
      'offer',
      'offerCode',
      'offerName',
      'group',
      'groupCode',
      'groupName',
      'owner',
      'ownerName',
      'deploymentId',
      'rate',
      'servers',
    ],
    listReads: ['number', 'code', 'name', 'status'],
    title: ({ name }) => name,
    thin: ({ name, number, status }) => ({
      name,
      id: String(number),
      status: STATUS[status as keyof typeof STATUS],
    }),
    list: (core, caller, query) =>
      core.servers.services(caller, {
        ...query,
        filters: [...query.filters, { field: 'type', anyOf: [type] }],
      }),
    item: (asked) => serviceItem(path, asked),
  };
}

async function serviceItem(path: string, { core, caller, hrefs, row }: Asked<ServiceRow>) {
  const offered =
    row.status === 'historical' ? [] : await core.actionRuns.offered(caller, 'resource', row.type);
  const below = `resources/${row.type}`;
  const titled = (number: number | null, code: string | null, title: string | null) =>
    number === null ? null : { number, code, title: title ?? '' };
  return {
    _links: {
      self: hrefs.link(path, { ...row, title: row.name }),
      blueprint: hrefs.toOne('blueprints', titled(row.offer, row.offerCode, row.offerName)),
      owner: hrefs.toOne('users', titled(row.owner, null, row.ownerName)),
      group: hrefs.toOne('groups', titled(row.group, row.groupCode, row.groupName)),
      'resource-type': hrefs.link('resource-types', { number: row.typeNumber, title: row.typeLabel }),
      servers: row.servers.map((server) => ({
        ...hrefs.link('servers', { ...server, title: server.hostname }),
        tier: server.node ?? '',
      })),
      actions: actionLinks(hrefs, path, { ...row, title: row.name }, offered),
      jobs: { href: hrefs.below(below, row, 'related-jobs'), title: `Jobs of '${row.name}'` },
      history: { href: hrefs.below(below, row, 'history'), title: `History of '${row.name}'` },
    },
    name: row.name,
    id: String(row.number),
    status: STATUS[row.status as keyof typeof STATUS],
    'install-date': wireTime(row.installedAt),
    parameters: parametersBody(row.parameters),
    rate: shownRate(row.rate, core.settings.rateUnit),
    deployment: row.deploymentId,
  };
}

const TypeParams = Type.Object({ type: Type.String({ description: 'Name of a resource type' }) });
const TypedItemParams = Type.Object({ ...TypeParams.properties, ...ItemParams.properties });

export function addServices(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  const listSchema = (operationId: string, summary: string) => ({
    tags: ['Servers'] as const,
    operationId,
    summary,
    querystring: ListQuerystring,
    response: { 200: HalPage },
  });
  const itemSchema = (operationId: string, summary: string) => ({
    tags: ['Servers'] as const,
    operationId,
    summary,
    querystring: Type.Object(AttributesQuery),
    response: { 200: HalItem },
  });

  scope.get(
    '/services',
    { schema: listSchema('services_list', 'List of services') },
    async (request: FastifyRequest<{ Querystring: Query }>, reply) => {
      const asking = { core, hrefs, caller: callerOf(request) };
      return sendHal(
        request,
        reply,
        await listOf(resourcesAt('services', ONLY_SERVICES), asking, request.query),
      );
    },
  );

  scope.get(
    '/services/:id',
    { schema: { ...itemSchema('services_get', 'One service'), params: ItemParams } },
    async (request: FastifyRequest<{ Params: { id: string }; Querystring: Query }>, reply) => {
      const asking = { core, hrefs, caller: callerOf(request) };
      const { id } = request.params;
      return sendHal(
        request,
        reply,
        await itemOf(resourcesAt('services', ONLY_SERVICES), asking, id, request.query),
      );
    },
  );

  scope.get(
    '/resources/:type',
    { schema: { ...listSchema('resources_list', 'Resources of a type'), params: TypeParams } },
    async (request: FastifyRequest<{ Params: { type: string }; Querystring: Query }>, reply) => {
      const asking = { core, hrefs, caller: callerOf(request) };
      const { type } = request.params;
      return sendHal(
        request,
        reply,
        await listOf(resourcesAt(`resources/${type}`, type), asking, request.query),
      );
    },
  );

  scope.get(
    '/resources/:type/:id',
    { schema: { ...itemSchema('resources_get', 'One resource'), params: TypedItemParams } },
    async (request: FastifyRequest<{ Params: { type: string; id: string }; Querystring: Query }>, reply) => {
      const asking = { core, hrefs, caller: callerOf(request) };
      const { type, id } = request.params;
      return sendHal(
        request,
        reply,
        await itemOf(resourcesAt(`resources/${type}`, type), asking, id, request.query),
      );
    },
  );

  const belowSchema = (operationId: string, summary: string) => ({
    ...listSchema(operationId, summary),
    params: TypedItemParams,
  });
  type Below = FastifyRequest<{ Params: { type: string; id: string }; Querystring: Query }>;
  /** The resource that the path names, as far as the caller sees it. */
  const found = async (request: Below) => {
    const asking = { core, hrefs, caller: callerOf(request) };
    const { type, id } = request.params;
    const { number } = await rowOf(resourcesAt(`resources/${type}`, type), asking, id);
    return { asking, number, path: `resources/${type}/${number}` };
  };

  scope.get(
    '/resources/:type/:id/related-jobs',
    { schema: belowSchema('resources_related_jobs', 'Jobs that are about a resource') },
    async (request: Below, reply) => {
      const { asking, number, path } = await found(request);
      const value = String(await core.servers.serviceUid(asking.caller, number));
      const fixed = [{ field: 'resourceUid', lookup: 'exact', value }] as const;
      const options = { fixed, path: `${path}/related-jobs` };
      return sendHal(request, reply, await listOf(RELATED_JOBS, asking, request.query, options));
    },
  );

  scope.get(
    '/resources/:type/:id/history',
    { schema: belowSchema('resources_history', 'What happened to a resource, the last first') },
    async (request: Below, reply) => {
      const { asking, number, path } = await found(request);
      const history = historyAt(`${path}/history`, (_core, caller, query) =>
        core.servers.serviceHistory(caller, number, query),
      );
      return sendHal(request, reply, await listOf(history, asking, request.query));
    },
  );
}
