/** Blueprints: offers of the catalogue (specs: cloudbolt.md §5.5). */
import { Type } from 'typebox';
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { OfferField, OfferItem } from '../../ordering/offers.js';
import { callerOf } from './auth.js';
import { readItems } from './blueprint-items.js';
import { bodyOf } from './body.js';
import { notFoundHere } from './errors.js';
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
import { booleanMember, hrefsMember, hyphenated, integerMember, required, textMember } from './values.js';

interface BlueprintRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly position: number;
  readonly icon: string;
  readonly orderable: boolean;
  readonly anyGroup: boolean;
  readonly blueprint: string | null;
  readonly resourceType: number | null;
  readonly resourceTypeCode: string | null;
  readonly resourceTypeLabel: string | null;
}

export const BLUEPRINTS: Collection<OfferField, BlueprintRow> = {
  name: 'blueprints',
  tag: 'Catalogue',
  thing: 'blueprint',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    description: text('description'),
    sequence: integer('position'),
    icon: text('icon'),
    'is-orderable': boolean('orderable'),
    'any-group-can-deploy': boolean('anyGroup'),
    'create-date': time('createdAt'),
    'resource-type': relation('resource-types', 'resourceType', 'resourceTypeCode', 'resourceTypeLabel'),
    'resource-type.id': integer('resourceType'),
    'resource-type.name': text('resourceTypeName'),
    'resource-type.label': text('resourceTypeLabel'),
    'uploaded-blueprint': text('blueprint'),
  },
  reads: [
    ...(['number', 'code', 'name', 'description', 'position', 'icon', 'orderable', 'anyGroup'] as const),
    ...(['blueprint', 'resourceType', 'resourceTypeCode', 'resourceTypeLabel'] as const),
  ],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.offers.list(caller, query),
  item: blueprintItem,
};

async function blueprintItem({ core, caller, hrefs, row }: Asked<BlueprintRow>) {
  const offer = await core.offers.find(caller, { number: row.number });
  const [groups, items, type] = await Promise.all([
    core.offers.groups(caller, offer),
    core.offers.items(caller, offer),
    offer.resourceTypeUid === null ? null : core.resourceTypes.byKey(caller, offer.resourceTypeUid),
  ]);
  const typeLink =
    row.resourceType === null
      ? null
      : { number: row.resourceType, code: row.resourceTypeCode, title: row.resourceTypeLabel! };
  const built = items.filter(({ phase }) => phase === 'build');
  return {
    _links: {
      self: hrefs.link('blueprints', { ...row, title: row.name }),
      groups: groupLinks(hrefs, groups),
      'resource-type': hrefs.toOne('resource-types', typeLink),
      actions: [
        {
          export: {
            href: `${hrefs.item('blueprints', row).replace(/\/$/, '')}/export/`,
            title: `Export '${row.name}'`,
          },
        },
      ],
    },
    name: row.name,
    id: String(row.number),
    'global-id': globalId('blueprints', row),
    description: row.description,
    'is-orderable': row.orderable,
    'any-group-can-deploy': row.anyGroup,
    sequence: row.position,
    icon: row.icon,
    'uploaded-blueprint': row.blueprint,
    'build-items': built.map((item) => shownItem(item)),
    parameters: [
      ...offer.parameters.map((parameter) => shownParameter(parameter, '')),
      ...built.flatMap((item) =>
        (item.actionInputs ?? []).map((input) => shownParameter(input, `-a${item.actionNumber}`)),
      ),
    ],
    'management-actions': items.filter(({ phase }) => phase === 'manage').map((item) => shownItem(item)),
    'teardown-items': items
      .filter(({ phase }) => phase === 'teardown')
      .map((item) => shownItem(item, 'teardown_')),
    'resource-type':
      type === null ? {} : { name: type.name, label: type.label, icon: type.icon, lifecycle: type.lifecycle },
  };
}

function shownItem(item: OfferItem, prefix = ''): Record<string, unknown> {
  const { settings } = item;
  return {
    name: item.name,
    'global-id': `BDI-${item.code}`,
    type: `${prefix}${typeOf(item)}`,
    'deploy-seq': item.position,
    'show-on-order-form': item.shownOnOrderForm,
    'execute-in-parallel': item.inParallel,
    'continue-on-failure': item.continueOnFailure,
    description: item.description,
    ...(item.kind === 'server'
      ? {
          'hostname-template': settings.hostnameTemplate ?? '',
          'all-environments-enabled': settings.allEnvironments ?? true,
          'allowable-os-families': settings.osFamilies ?? [],
        }
      : {}),
    // Scaling builds servers and runs nothing else.
    ...(item.kind === 'action' ? { 'action-name': item.actionName, 'run-on-scale-up': false } : {}),
    ...(item.kind === 'offer' ? { 'blueprint-name': item.nestedName } : {}),
  };
}

const TYPES: Readonly<Record<OfferItem['kind'], string>> = {
  server: 'provserver',
  action: 'plugin',
  offer: 'blueprint',
  network: 'network',
  loadbalancer: 'loadbalancer',
};
const ACTION_TYPES: Readonly<Record<string, string>> = {
  script: 'script',
  webhook: 'webhook',
  email: 'email',
};

function typeOf({ kind, actionKind }: OfferItem): string {
  return kind === 'action' ? (ACTION_TYPES[actionKind ?? ''] ?? 'plugin') : TYPES[kind];
}

/** @param suffix inputs of actions carry the number of their action */
function shownParameter(parameter: JsonObject, suffix: string): Record<string, Json> {
  const { minimum = null, maximum = null } = (parameter.constraints ?? {}) as JsonObject;
  return {
    name: `${hyphenated(String(parameter.name))}${suffix}`,
    label: parameter.label ?? parameter.name!,
    type: parameter.type ?? 'STR',
    required: parameter.required ?? false,
    options: parameter.options ?? [],
    constraints: { minimum, maximum },
    description: parameter.description ?? '',
  };
}

const NewBlueprint = Type.Object(
  {
    name: Type.String(),
    description: Type.Optional(Type.String()),
    'is-orderable': Type.Optional(Type.Boolean()),
    'any-group-can-deploy': Type.Optional(Type.Boolean()),
    sequence: Type.Optional(Type.Integer()),
    groups: Type.Optional(Type.Array(Type.String(), { description: 'Links' })),
    'resource-type': Type.Optional(Type.String({ description: 'Name; made where it is not there' })),
    'uploaded-blueprint': Type.Optional(
      Type.String({ description: 'Id of a blueprint that was uploaded: its inputs become the parameters' }),
    ),
    'build-items': Type.Optional(Type.Array(Type.Unknown(), { description: 'As an item shows them' })),
  },
  { title: 'NewBlueprint' },
);

export function addBlueprints(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, BLUEPRINTS);

  scope.post(
    '/blueprints',
    {
      schema: {
        tags: ['Catalogue'],
        operationId: 'blueprints_create',
        summary: 'Offer something, also a blueprint that was uploaded',
        body: NewBlueprint,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const groups = await Promise.all(
        (hrefsMember(body, 'groups', ['groups']) ?? []).map((key) => core.groups.find(caller, key)),
      );
      const type = textMember(body, 'resource-type');
      const offer = await core.offers.create(
        caller,
        {
          name: required('name', textMember(body, 'name')),
          description: textMember(body, 'description') ?? '',
          orderable: booleanMember(body, 'is-orderable') ?? true,
          anyGroup: booleanMember(body, 'any-group-can-deploy') ?? false,
          position: integerMember(body, 'sequence') ?? 0,
          groups: groups.map(({ uid }) => uid),
          items: await readItems(mounting, caller, body),
          ...(type === undefined ? {} : { resourceType: { name: type } }),
        },
        textMember(body, 'uploaded-blueprint'),
      );
      const item = await itemOf(BLUEPRINTS, { core, caller, hrefs }, String(offer.number));
      return sendHal(request, reply, item, 201);
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/blueprints/:id',
    {
      schema: {
        tags: ['Catalogue'],
        operationId: 'blueprints_delete',
        summary: 'Offer it no longer',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const key = readKey('blueprints', request.params.id);
      if (key === null) throw notFoundHere();
      await core.offers.remove(callerOf(request), key);
      return reply.code(204).send();
    },
  );
}
