/** Environments (specs: cloudbolt.md §5.3). */
import { Type } from 'typebox';
import type { EnvironmentField, Network } from '../../ordering/environments.js';
import { shownRate } from '../../ordering/rates.js';
import { callerOf } from './auth.js';
import { type Body, bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { groupLinks } from './groups.js';
import { globalId, readKey } from './hrefs.js';
import { boolean, integer, relation, text, time } from './paths.js';
import {
  type Asked,
  addCollection,
  type Collection,
  HalItem,
  ItemParams,
  itemOf,
  type Mounting,
  sendHal,
} from './resource.js';
import { booleanMember, hrefsMember, listMember, required, textMember } from './values.js';

interface EnvironmentRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly location: string;
  readonly autoApproval: boolean;
  readonly networks: readonly Network[];
  /** Number of its resource handler. */
  readonly account: number | null;
  readonly accountName: string | null;
}

export const ENVIRONMENTS: Collection<EnvironmentField, EnvironmentRow> = {
  name: 'environments',
  tag: 'Environments',
  thing: 'environment',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    description: text('description'),
    location: text('location'),
    'auto-approval': boolean('autoApproval'),
    'create-date': time('createdAt'),
    'resource-handler': relation('resource-handlers', 'account', null, 'accountName'),
    'resource-handler.id': integer('account'),
    'resource-handler.name': text('accountName'),
  },
  reads: [
    ...(['number', 'code', 'name', 'description', 'location', 'autoApproval'] as const),
    ...(['networks', 'account', 'accountName'] as const),
  ],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.environments.list(caller, query),
  item: environmentItem,
};

async function environmentItem({ core, caller, hrefs, row }: Asked<EnvironmentRow>) {
  const environment = await core.environments.find(caller, { number: row.number });
  const [groups, osBuilds, applications, rate] = await Promise.all([
    core.environments.groups(caller, environment),
    core.environments.osBuilds(caller, environment),
    core.environments.applications(caller, environment),
    core.environments.rate(caller, environment),
  ]);
  const links = (collection: string, things: readonly { number: number; code: string; name: string }[]) =>
    things.map((thing) => hrefs.link(collection, { ...thing, title: thing.name }));
  const handler = row.account === null ? null : { number: row.account, title: row.accountName! };
  return {
    _links: {
      self: hrefs.link('environments', { ...row, title: row.name }),
      'resource-handler': hrefs.toOne('resource-handlers', handler),
      groups: groupLinks(hrefs, groups),
      'os-builds': links('os-builds', osBuilds),
      applications: links('applications', applications),
    },
    name: row.name,
    id: String(row.number),
    'global-id': globalId('environments', row),
    description: row.description,
    'auto-approval': row.autoApproval,
    auto_approval: row.autoApproval,
    rate: shownRate(rate, core.settings.rateUnit),
    location: row.location,
    networks: row.networks.map(({ name }) => name),
  };
}

const NewEnvironment = Type.Object(
  {
    name: Type.String(),
    description: Type.Optional(Type.String()),
    location: Type.Optional(Type.String({ description: 'Region or cluster, as the cloud calls it' })),
    networks: Type.Optional(Type.Array(Type.String())),
    'auto-approval': Type.Optional(Type.Boolean()),
    groups: Type.Optional(Type.Array(Type.String(), { description: 'Links' })),
    'os-builds': Type.Optional(Type.Array(Type.String(), { description: 'Links' })),
    applications: Type.Optional(Type.Array(Type.String(), { description: 'Links' })),
    'resource-handler': Type.Optional(Type.String({ description: 'Link' })),
  },
  { title: 'NewEnvironment' },
);

export function addEnvironments(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, ENVIRONMENTS);

  scope.post(
    '/environments',
    {
      schema: {
        tags: ['Environments'],
        operationId: 'environments_create',
        summary: 'Make an environment',
        body: NewEnvironment,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const keys = (name: string) => hrefsMember(body, name, [name]) ?? [];
      const uids = async (found: Promise<{ readonly uid: number }>[]) =>
        (await Promise.all(found)).map(({ uid }) => uid);
      const handler = hrefsMember(body, 'resource-handler', ['resource-handlers'])?.[0];
      const environment = await core.environments.create(caller, {
        name: required('name', textMember(body, 'name')),
        description: textMember(body, 'description') ?? '',
        location: textMember(body, 'location') ?? '',
        networks: networksOf(body),
        autoApproval: booleanMember(body, 'auto-approval') ?? false,
        groups: await uids(keys('groups').map((key) => core.groups.find(caller, key))),
        osBuilds: await uids(keys('os-builds').map((key) => core.osBuilds.find(caller, key))),
        applications: await uids(keys('applications').map((key) => core.applications.find(caller, key))),
        account: handler === undefined ? null : await accountOf(mounting, caller, handler),
      });
      const item = await itemOf(ENVIRONMENTS, { core, caller, hrefs }, String(environment.number));
      return sendHal(request, reply, item, 201);
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/environments/:id',
    {
      schema: {
        tags: ['Environments'],
        operationId: 'environments_delete',
        summary: 'Delete an environment that has nothing left',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const key = readKey('environments', request.params.id);
      if (key === null) throw notFoundHere();
      await core.environments.remove(callerOf(request), key);
      return reply.code(204).send();
    },
  );
}

/** The number of a resource handler is that of its cloud account. */
async function accountOf(
  { core }: Mounting,
  caller: Parameters<typeof core.cloudAccounts.get>[0],
  key: { readonly number: number } | { readonly code: string },
): Promise<number> {
  const number = 'number' in key ? key.number : Number.parseInt(key.code, 36);
  return (await core.cloudAccounts.get(caller, number)).uid;
}

function networksOf(body: Body): readonly Network[] {
  return (listMember(body, 'networks', 100) ?? []).map((name) => {
    if (typeof name === 'string' && name.trim() !== '' && name.length <= 256) return { id: name, name };
    throw badRequest(`Invalid value for 'networks': it should be a list of names`);
  });
}
