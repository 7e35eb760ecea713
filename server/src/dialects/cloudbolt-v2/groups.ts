/** Groups (specs: cloudbolt.md §5.2, §5.7). */
import { Type } from 'typebox';
import type { GroupField } from '../../ordering/groups.js';
import { shownRate } from '../../ordering/rates.js';
import { callerOf } from './auth.js';
import { bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { globalId, type Hrefs, type Link, readKey, type WireKey } from './hrefs.js';
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
import { booleanMember, hrefMember, hrefsMember, integerMember, required, textMember } from './values.js';

interface GroupRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly type: string;
  readonly autoApproval: boolean;
  readonly inheritParameters: boolean;
  readonly expiryAction: string | null;
  readonly expiryNoticeDays: number | null;
  readonly parent: number | null;
  readonly parentCode: string | null;
  readonly parentName: string | null;
}

export const GROUPS: Collection<GroupField, GroupRow> = {
  name: 'groups',
  tag: 'Groups',
  thing: 'group',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    description: text('description'),
    type: text('type'),
    'auto-approval': boolean('autoApproval'),
    'create-date': time('createdAt'),
    parent: relation('groups', 'parent', 'parentCode', 'parentName'),
    'parent.id': integer('parent'),
    'parent.name': text('parentName'),
  },
  reads: [
    'number',
    'code',
    'name',
    'description',
    'type',
    'autoApproval',
    'inheritParameters',
    'expiryAction',
    'expiryNoticeDays',
    'parent',
    'parentCode',
    'parentName',
  ],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.groups.list(caller, query),
  item: groupItem,
};

async function groupItem({ core, caller, hrefs, row }: Asked<GroupRow>) {
  const group = await core.groups.find(caller, { number: row.number });
  const [subgroups, environments, rate] = await Promise.all([
    core.groups.subgroups(caller, group),
    core.environments.ofGroup(caller, group),
    core.groups.rate(caller, group),
  ]);
  const titled = <T extends { name: string }>(thing: T) => ({ ...thing, title: thing.name });
  const parent =
    row.parent === null ? null : { number: row.parent, code: row.parentCode, title: row.parentName! };
  return {
    _links: {
      self: hrefs.link('groups', titled(row)),
      parent: hrefs.toOne('groups', parent),
      subgroups: subgroups.map((each) => hrefs.link('groups', titled(each))),
      environments: environments.map((each) => hrefs.link('environments', titled(each))),
      'orderable-environments': {
        href: hrefs.below('groups', row, 'orderable-environments'),
        title: `Orderable Environments For '${row.name}'`,
      },
    },
    name: row.name,
    id: String(row.number),
    'global-id': globalId('groups', row),
    type: row.type,
    rate: shownRate(rate, core.settings.rateUnit),
    'auto-approval': row.autoApproval,
    description: row.description,
    'inherit-parameters': row.inheritParameters,
    // Null: as the group above says, or the settings.
    expiry: { action: row.expiryAction, 'notice-days': row.expiryNoticeDays },
  };
}

const NewGroup = Type.Object(
  {
    name: Type.String(),
    type: Type.String({
      description: 'As Organization; one that is not there is made, where an administrator asks',
    }),
    parent: Type.Optional(Type.String({ description: 'Link of a group; absent: at the top' })),
    environments: Type.Optional(Type.Array(Type.String(), { description: 'Links' })),
    'auto-approval': Type.Optional(Type.Boolean()),
    'inherit-parameters': Type.Optional(
      Type.Boolean({ description: 'What it says of parameters holds in groups below it' }),
    ),
    description: Type.Optional(Type.String()),
  },
  { title: 'NewGroup' },
);

/** A group in links. */
export function groupLinks(
  hrefs: Hrefs,
  groups: readonly { readonly number: number; readonly code: string; readonly name: string }[],
): readonly Link[] {
  return groups.map((group) => hrefs.link('groups', { ...group, title: group.name }));
}

export function addGroups(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, GROUPS);
  addOrderableBlueprints(mounting);
  addExpiry(mounting);

  scope.post(
    '/groups',
    {
      schema: {
        tags: ['Groups'],
        operationId: 'groups_create',
        summary: 'Make a group',
        body: NewGroup,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const parent = hrefMember(body, 'parent', ['groups']);
      const environments = hrefsMember(body, 'environments', ['environments']) ?? [];
      const description = textMember(body, 'description');
      const autoApproval = booleanMember(body, 'auto-approval');
      const inheritParameters = booleanMember(body, 'inherit-parameters');
      const found = await Promise.all(environments.map((key) => core.environments.find(caller, key)));
      const group = await core.groups.create(caller, {
        name: required('name', textMember(body, 'name')),
        type: required('type', textMember(body, 'type')),
        environments: found.map(({ uid }) => uid),
        ...(parent === undefined ? {} : { parent }),
        ...(description === undefined ? {} : { description }),
        ...(autoApproval === undefined ? {} : { autoApproval }),
        ...(inheritParameters === undefined ? {} : { inheritParameters }),
      });
      const item = await itemOf(GROUPS, { core, caller, hrefs }, String(group.number));
      return sendHal(request, reply, item, 201);
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/groups/:id',
    {
      schema: {
        tags: ['Groups'],
        operationId: 'groups_delete',
        summary: 'Delete a group that has nothing left',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await core.groups.remove(callerOf(request), keyOf(request.params.id));
      return reply.code(204).send();
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/groups/:id/orderable-environments',
    {
      schema: {
        tags: ['Groups'],
        operationId: 'groups_orderable_environments',
        summary: 'Where the group may order servers',
        params: ItemParams,
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const group = await core.groups.find(caller, keyOf(request.params.id));
      const environments = await core.environments.orderable(caller, group);
      const self = {
        href: hrefs.below('groups', group, 'orderable-environments'),
        title: `Orderable Environments For '${group.name}'`,
      };
      return sendHal(request, reply, orderableBody(mounting, 'environments', self, environments));
    },
  );
}

const EXPIRY_ACTIONS = ['notify', 'power-off', 'delete'] as const;

/** What is done with servers on the day they expire: ours, since the product says it in actions at its trigger points. */
function addExpiry({ scope, core, hrefs }: Mounting): void {
  scope.post<{ Params: { id: string } }>(
    '/groups/:id/expiry',
    {
      schema: {
        tags: ['Groups'],
        operationId: 'groups_set_expiry',
        summary: 'Say what becomes of its servers on the day they expire',
        params: ItemParams,
        body: Type.Object(
          {
            action: Type.Optional(
              Type.Union([...EXPIRY_ACTIONS.map((each) => Type.Literal(each)), Type.Null()], {
                description: 'Absent: as the group above says, or the settings',
              }),
            ),
            'notice-days': Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
          },
          { title: 'Expiry' },
        ),
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const given = textMember(body, 'action');
      const action = EXPIRY_ACTIONS.find((each) => each === given) ?? null;
      if (given !== undefined && action === null)
        throw badRequest(`Invalid value for 'action': it should be one of ${EXPIRY_ACTIONS.join(', ')}`);
      const noticeDays = integerMember(body, 'notice-days') ?? null;
      const { number } = await core.groups.setExpiry(caller, keyOf(request.params.id), {
        action,
        noticeDays,
      });
      return sendHal(request, reply, await itemOf(GROUPS, { core, caller, hrefs }, String(number)));
    },
  );
}

/** What a group may order; our own beside the other two. */
function addOrderableBlueprints(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  scope.get<{ Params: { id: string } }>(
    '/groups/:id/orderable-blueprints',
    {
      schema: {
        tags: ['Groups'],
        operationId: 'groups_orderable_blueprints',
        summary: 'What the group may order',
        params: ItemParams,
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const group = await core.groups.find(caller, keyOf(request.params.id));
      const self = {
        href: hrefs.below('groups', group, 'orderable-blueprints'),
        title: `Orderable Blueprints For '${group.name}'`,
      };
      const offers = await core.offers.ofGroup(caller, group);
      return sendHal(request, reply, orderableBody(mounting, 'blueprints', self, offers));
    },
  );
}

function keyOf(id: string): WireKey {
  const key = readKey('groups', id);
  if (key === null) throw notFoundHere();
  return key;
}

/** Not paged, and under both spellings: the document prints `links` and `link`, everything real the usual ones. */
export function orderableBody(
  { hrefs }: Mounting,
  collection: string,
  self: { readonly href: string; readonly title: string },
  things: readonly { readonly number: number; readonly code: string; readonly name: string }[],
): Record<string, unknown> {
  return {
    _links: { self },
    links: { self },
    total: things.length,
    count: things.length,
    _embedded: things.map((thing) => {
      const link = { self: hrefs.link(collection, { ...thing, title: thing.name }) };
      return { _links: link, link, name: thing.name, id: String(thing.number) };
    }),
  };
}
