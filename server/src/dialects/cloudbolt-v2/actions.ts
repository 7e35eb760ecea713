/** Actions, and where they are offered (specs: cloudbolt.md §5.10). */
import { Type } from 'typebox';
import type { ActionUseField, UsedOn } from '../../ordering/action-uses.js';
import type { ActionField } from '../../ordering/actions.js';
import { callerOf } from './auth.js';
import { notFoundHere } from './errors.js';
import { globalId, type Hrefs, type Linked, readKey } from './hrefs.js';
import { boolean, integer, relation, text, time, worded } from './paths.js';
import { addCollection, type Collection, ItemParams, type Mounting } from './resource.js';

/** Kinds of actions as people read them. */
export const KINDS: Readonly<Record<string, string>> = {
  plugin: 'CloudBolt Plug-in',
  script: 'Remote Script',
  webhook: 'Webhook',
  email: 'Email',
  flow: 'External flow',
  terraform: 'Terraform Plan',
};

interface ActionRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly kind: string;
  readonly shared: boolean;
  readonly scriptFilename: string;
  readonly offers: number;
  readonly serverUses: number;
  readonly triggerUses: number;
}

export const ACTIONS: Collection<ActionField, ActionRow> = {
  name: 'actions',
  tag: 'Actions',
  thing: 'action',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    description: text('description'),
    type: worded('kind', KINDS),
    shared: boolean('shared'),
    'script-filename': text('scriptFilename'),
    'create-date': time('createdAt'),
  },
  reads: [
    ...(['number', 'code', 'name', 'description', 'kind', 'shared', 'scriptFilename'] as const),
    ...(['offers', 'serverUses', 'triggerUses'] as const),
  ],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.actions.list(caller, query),
  item: async ({ hrefs, row }) => ({
    _links: {
      self: hrefs.link('actions', { ...row, title: row.name }),
      actions: [exportLink(hrefs, 'actions', row, row.name)],
      dependents: {
        total: row.offers + row.serverUses + row.triggerUses,
        blueprints: row.offers,
        server_actions: row.serverUses,
        orchestration_actions: row.triggerUses,
      },
    },
    name: row.name,
    id: String(row.number),
    'global-id': globalId('actions', row),
    description: row.description,
    shared: row.shared,
    type: KINDS[row.kind] ?? row.kind,
    'script-filename': row.scriptFilename,
  }),
};

/** `{"export": link}`, as items list it. */
export function exportLink(hrefs: Hrefs, collection: string, thing: Linked, title: string) {
  const href = `${hrefs.item(collection, thing).replace(/\/$/, '')}/export/`;
  return { export: { href, title: `Export '${title}'` } };
}

interface UseRow {
  readonly number: number;
  readonly code: string;
  readonly label: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly requiresApproval: boolean;
  readonly synchronous: boolean;
  readonly dangerous: boolean;
  readonly position: number;
  readonly triggerPoint: string | null;
  readonly builtin: string | null;
  readonly actionName: string | null;
  readonly actionKind: string | null;
  readonly scriptFilename: string | null;
  readonly shared: boolean | null;
}

function uses(name: string, thing: string, usedOn: UsedOn): Collection<ActionUseField, UseRow> {
  const trigger = usedOn === 'trigger';
  return {
    name,
    tag: 'Actions',
    thing,
    paths: {
      id: integer('number'),
      pk: integer('number'),
      'global-id': text('code'),
      name: text('label'),
      label: text('label'),
      description: text('description'),
      enabled: boolean('enabled'),
      'requires-approval': boolean('requiresApproval'),
      'is-synchronous': boolean('synchronous'),
      dangerous: boolean('dangerous'),
      sequence: integer('position'),
      action: relation('actions', 'action', 'actionCode', 'actionName'),
      'action.id': integer('action'),
      'action.name': text('actionName'),
      ...(trigger ? { 'trigger-point': text('triggerPoint'), 'run-seq': integer('position') } : {}),
      ...(usedOn === 'resource' ? { 'resource-type.name': text('resourceType') } : {}),
    },
    reads: [
      ...(['number', 'code', 'label', 'description', 'enabled', 'requiresApproval', 'synchronous'] as const),
      ...(['dangerous', 'position', 'triggerPoint', 'builtin', 'actionName', 'actionKind'] as const),
      ...(['scriptFilename', 'shared'] as const),
    ],
    title: ({ label }) => label,
    thin: ({ label, number }) => ({ name: label, id: String(number) }),
    list: (core, caller, query) => core.actionUses.list(caller, usedOn, query),
    item: async ({ hrefs, row }) => ({
      _links: {
        self: hrefs.link(name, { ...row, title: row.label }),
        // What the server does itself is on every server.
        actions: row.builtin === null ? [exportLink(hrefs, name, row, row.label)] : [],
      },
      name: row.label,
      id: String(row.number),
      'global-id': globalId(name, row),
      description: row.description,
      shared: row.shared ?? true,
      type: KINDS[row.actionKind ?? 'plugin'],
      'script-filename': row.scriptFilename ?? '',
      ...(trigger
        ? { 'trigger-point': row.triggerPoint, enabled: row.enabled, 'run-seq': row.position }
        : {
            label: row.label,
            enabled: row.enabled,
            'requires-approval': row.requiresApproval,
            'is-synchronous': row.synchronous,
            dangerous: row.dangerous,
            sequence: row.position,
          }),
      'base-action-name': row.actionName ?? row.label,
    }),
  };
}

export const SERVER_ACTIONS = uses('server-actions', 'server action', 'server');
export const SERVICE_ACTIONS = uses('service-actions', 'service action', 'resource');
export const RESOURCE_ACTIONS = uses('resource-actions', 'resource action', 'resource');
export const ORCHESTRATION_ACTIONS = uses('orchestration-actions', 'orchestration action', 'trigger');

const USED_ON: readonly (readonly [Collection<ActionUseField, UseRow>, UsedOn])[] = [
  [SERVER_ACTIONS, 'server'],
  [SERVICE_ACTIONS, 'resource'],
  [RESOURCE_ACTIONS, 'resource'],
  [ORCHESTRATION_ACTIONS, 'trigger'],
];

export function addActions(mounting: Mounting): void {
  const { core } = mounting;
  addCollection(mounting, ACTIONS);
  addRemoval(mounting, 'actions', 'action', 'Actions', (caller, key) => core.actions.remove(caller, key));
  for (const [collection, usedOn] of USED_ON) {
    addCollection(mounting, collection);
    addRemoval(mounting, collection.name, collection.thing, 'Actions', (caller, key) =>
      core.actionUses.remove(caller, usedOn, key),
    );
  }
}

type Key = { readonly number: number } | { readonly code: string };

/** `DELETE /name/{id}/` */
export function addRemoval(
  { scope }: Mounting,
  name: string,
  thing: string,
  tag: string,
  remove: (caller: ReturnType<typeof callerOf>, key: Key) => Promise<void>,
): void {
  scope.delete<{ Params: { id: string } }>(
    `/${name}/:id`,
    {
      schema: {
        tags: [tag],
        operationId: `${name.replaceAll('-', '_')}_delete`,
        summary: `Delete ${/^[aeiou]/.test(thing) ? 'an' : 'a'} ${thing}`,
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const key = readKey(name, request.params.id);
      if (key === null) throw notFoundHere();
      await remove(callerOf(request), key);
      return reply.code(204).send();
    },
  );
}
