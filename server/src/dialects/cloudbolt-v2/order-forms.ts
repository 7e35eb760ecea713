/** Items of orders as CloudBolt's clients write and read them (specs: cloudbolt.md §6.4). */
import type { JsonObject } from '../../dsl/plan.js';
import type { UserId } from '../../ids.js';
import type { AskedItem, ItemPlan, ItemRequest, Ref, ServerWish } from '../../ordering/order-items.js';
import type { NewOrder } from '../../ordering/orders.js';
import { MASKED, withPasswords } from '../../ordering/sealed-password.js';
import type { Body } from './body.js';
import { badRequest } from './errors.js';
import { type Hrefs, type Link, readHref, type WireKey } from './hrefs.js';
import {
  booleanMember,
  hrefMember,
  hyphenated,
  listMember,
  member,
  objectMember,
  required,
  sameName,
  textMember,
} from './values.js';

/** Kinds of items, as their lists in an order are called. */
export const ITEM_LISTS = ['deploy-items', 'prov-items', 'mod-items', 'decom-items', 'action-items'] as const;
export type ItemList = (typeof ITEM_LISTS)[number];

const PART = 'build-item-';
const MOST_ITEMS = 100;

/** Also an order as it is printed: its group stands among the links then. */
export function readOrder(body: Body): NewOrder {
  const links = objectMember(body, '_links') ?? {};
  const linked = objectMember(links, 'group')?.href;
  const group =
    hrefMember(body, 'group', ['groups']) ??
    (linked === undefined ? undefined : readHref('group', linked, ['groups']));
  const owner = userOf(hrefMember(body, 'owner', ['users']), 'owner');
  const recipient = userOf(hrefMember(body, 'recipient', ['users']), 'recipient');
  const name = textMember(body, 'name');
  if (name !== undefined && name.length > 256)
    throw badRequest("Invalid value for 'name': at most 256 characters");
  return {
    group: required('group', group),
    ...(owner === undefined ? {} : { owner }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(name === undefined ? {} : { name }),
    items: readItems(objectMember(body, 'items')),
    submit: booleanMember(body, 'submit-now') ?? false,
  };
}

function userOf(key: WireKey | undefined, field: string): UserId | undefined {
  if (key === undefined) return undefined;
  const id = 'number' in key ? key.number : Number.parseInt(key.code, 36);
  if (!Number.isSafeInteger(id)) throw badRequest(`Invalid value for '${field}': there is no such user`);
  return id as UserId;
}

/** All items of an order's `items`, whatever their kinds. */
export function readItems(items: Body | undefined): ItemRequest[] {
  if (items === undefined) return [];
  const unknown = Object.keys(items).find(
    (name) => !ITEM_LISTS.some((list) => sameName(list) === sameName(name)),
  );
  if (unknown !== undefined) {
    throw badRequest(
      `Invalid value for 'items': '${unknown.slice(0, 80)}' is none of ${ITEM_LISTS.join(', ')}`,
    );
  }
  return ITEM_LISTS.flatMap((list) =>
    (listMember(items, list, MOST_ITEMS) ?? []).map((item) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) {
        throw badRequest(`Invalid value for '${list}': each item should be an object`);
      }
      return readItem(list, item as Body);
    }),
  );
}

/** One item, as it is posted to its list. */
export function readItem(list: ItemList, body: Body): ItemRequest {
  switch (list) {
    case 'deploy-items':
      return readDeploy(body);
    case 'prov-items':
      return { kind: 'provision', ...readWish(body, 'prov-items') };
    case 'mod-items':
      return readChange(body);
    case 'decom-items':
      return readRemoval(body);
    case 'action-items':
      return readAct(body);
  }
}

function readDeploy(body: Body): ItemRequest {
  const parts: [string, ServerWish][] = [];
  for (const [key, value] of Object.entries(objectMember(body, 'blueprint-items-arguments') ?? {})) {
    if (!key.startsWith(PART)) {
      throw badRequest(
        `Invalid value for 'blueprint-items-arguments': '${key.slice(0, 80)}' should be ${PART} and the name of a build item`,
      );
    }
    if (value === null) continue;
    if (typeof value !== 'object' || Array.isArray(value))
      throw badRequest(`Invalid value for '${key}': it should be an object`);
    parts.push([key.slice(PART.length), readWish(value as Body, key)]);
  }
  return {
    kind: 'deploy',
    offer: required('blueprint', hrefMember(body, 'blueprint', ['blueprints'])),
    name: textMember(body, 'resource-name') ?? textMember(body, 'service-name') ?? '',
    parameters: readParameters(body, 'resource-parameters'),
    parts: Object.fromEntries(parts),
  };
}

function readWish(body: Body, where: string): ServerWish {
  const environment = hrefMember(body, 'environment', ['environments']);
  const osBuild = hrefMember(body, 'os-build', ['os-builds']);
  const attributes = objectMember(body, 'attributes') ?? {};
  const quantity = member(attributes, 'quantity');
  const hostname = textMember(attributes, 'hostname') ?? textMember(body, 'hostname');
  const parameters = readParameters(body, 'parameters');
  const named = Object.keys(parameters).find((name) => sameName(name) === 'os_build');
  if (named !== undefined) {
    parameters[named] = { ...readHref(`${where}/os_build`, parameters[named], ['os-builds']) };
  }
  return {
    ...(environment === undefined ? {} : { environment }),
    ...(osBuild === undefined ? {} : { osBuild }),
    ...(quantity === undefined ? {} : { quantity }),
    ...(hostname === undefined ? {} : { hostname }),
    parameters,
    preconfigurations: readParameters(body, 'preconfigurations'),
    applications: readLinks(body, 'applications', ['applications']),
  };
}

function readChange(body: Body): ItemRequest {
  const environment = hrefMember(body, 'environment', ['environments']);
  const disk = textMember(body, 'disk-uuid');
  return {
    kind: 'modify',
    server: required('server', hrefMember(body, 'server', ['servers'])),
    ...(environment === undefined ? {} : { environment }),
    parameters: readParameters(body, 'parameters'),
    ...(disk === undefined ? {} : { disk }),
  };
}

function readRemoval(body: Body): ItemRequest {
  const environment = hrefMember(body, 'environment', ['environments']);
  return {
    kind: 'decommission',
    ...(environment === undefined ? {} : { environment }),
    servers: readLinks(body, 'servers', ['servers']),
    resources: [...readLinks(body, 'services', ['services']), ...readLinks(body, 'resources', ['services'])],
  };
}

/** Ours: an action on `server` or on `resource`. */
function readAct(body: Body): ItemRequest {
  const server = hrefMember(body, 'server', ['servers']);
  const [resource] = readLinks(body, 'resource', ['services']);
  if ((server === undefined) === (resource === undefined))
    throw badRequest("Name either a 'server' or a 'resource' of 'action-items'");
  const on = server === undefined ? 'resource' : 'server';
  const collections = on === 'server' ? ['server-actions'] : ['resource-actions', 'service-actions'];
  return {
    kind: 'act',
    on,
    target: (server ?? resource)!,
    action: required('action', hrefMember(body, 'action', collections)),
    inputs: readParameters(body, 'parameters'),
  };
}

/** Names as the client writes them -> values: scalars, or lists of them. */
function readParameters(body: Body, name: string): JsonObject {
  const parameters = objectMember(body, name) ?? {};
  for (const [key, value] of Object.entries(parameters)) {
    const values = Array.isArray(value) ? value : [value];
    if (values.length <= 1000 && values.every((one) => one === null || typeof one !== 'object')) continue;
    throw badRequest(
      `Invalid value for '${key.slice(0, 80)}': it should be a text, a number, true, false, or a list of them`,
    );
  }
  return { ...parameters } as JsonObject;
}

/** Links, bare or as orders print them: `{"href": …, "title": …}`. Resources are named by their type as well. */
function readLinks(body: Body, name: string, collections: readonly string[]): WireKey[] {
  const value = member(body, name);
  if (value === undefined) return [];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 1000) throw badRequest(`Invalid value for '${name}': at most 1000 links`);
  return list.map((one) => {
    const href = typeof one === 'object' && one !== null ? (one as { href?: unknown }).href : one;
    const plain =
      typeof href === 'string' ? href.replace(/\/resources\/[A-Za-z0-9_-]+\//, '/services/') : href;
    return readHref(name, plain, collections);
  });
}

/** The items of an order by list, ready to be sent again; lists without items are left out. */
export function shownItems(
  hrefs: Hrefs,
  items: readonly { readonly asked: AskedItem; readonly plan: ItemPlan }[],
): Record<string, unknown[]> {
  const lists: Record<string, unknown[]> = {};
  for (const { asked, plan } of items) {
    const list = LIST_OF[asked.kind];
    const own = lists[list] ?? [];
    lists[list] = own;
    own.push(shownItem(hrefs, asked, plan));
  }
  return lists;
}

/** Items of one list. */
export function shownList(
  hrefs: Hrefs,
  list: ItemList,
  items: readonly { readonly asked: AskedItem; readonly plan: ItemPlan }[],
): unknown[] {
  return shownItems(hrefs, items)[list] ?? [];
}

const LIST_OF: Readonly<Record<AskedItem['kind'], ItemList>> = {
  deploy: 'deploy-items',
  provision: 'prov-items',
  modify: 'mod-items',
  decommission: 'decom-items',
  act: 'action-items',
};

function shownItem(hrefs: Hrefs, asked: AskedItem, plan: ItemPlan): Record<string, unknown> {
  switch (asked.kind) {
    case 'deploy': {
      const name = asked.name === '' && plan.kind === 'build' ? plan.name : asked.name;
      return {
        blueprint: hrefs.item('blueprints', asked.offer),
        'blueprint-items-arguments': Object.fromEntries(
          Object.entries(asked.parts).map(([part, wish]) => [`${PART}${part}`, shownWish(hrefs, wish)]),
        ),
        'resource-name': name,
        'service-name': name,
        'resource-parameters': hyphens(asked.parameters),
      };
    }
    case 'provision':
      return shownWish(hrefs, asked);
    case 'modify':
      return {
        ...environment(hrefs, asked.environment),
        server: hrefs.item('servers', asked.server),
        delta: plan.kind === 'modify' ? plan.delta : {},
        parameters: hyphens(asked.parameters),
        ...(asked.disk === undefined ? {} : { 'disk-uuid': asked.disk }),
      };
    case 'decommission':
      return {
        ...environment(hrefs, asked.environment),
        servers: asked.servers.map((server) => titled(hrefs, 'servers', server)),
        ...(asked.resources.length === 0
          ? {}
          : { services: asked.resources.map((resource) => titled(hrefs, 'services', resource)) }),
      };
    case 'act': {
      const { on, target, action, inputs } = asked;
      return {
        [on]: hrefs.item(on === 'server' ? 'servers' : 'services', target),
        action: hrefs.item(on === 'server' ? 'server-actions' : 'resource-actions', action),
        parameters: hyphens(inputs),
      };
    }
  }
}

function shownWish(hrefs: Hrefs, wish: ServerWish<Ref>): Record<string, unknown> {
  const attributes = {
    ...(wish.quantity === undefined ? {} : { quantity: wish.quantity }),
    ...(wish.hostname === undefined ? {} : { hostname: wish.hostname }),
  };
  return {
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...environment(hrefs, wish.environment),
    ...(wish.osBuild === undefined ? {} : { 'os-build': hrefs.item('os-builds', wish.osBuild) }),
    parameters: hyphens(wish.parameters),
    ...(Object.keys(wish.preconfigurations).length === 0
      ? {}
      : { preconfigurations: hyphens(wish.preconfigurations) }),
    ...(wish.applications.length === 0
      ? {}
      : { applications: wish.applications.map((application) => hrefs.item('applications', application)) }),
  };
}

function environment(hrefs: Hrefs, ref: Ref | undefined): { environment?: string } {
  return ref === undefined ? {} : { environment: hrefs.item('environments', ref) };
}

function titled(hrefs: Hrefs, collection: string, thing: Ref): Link {
  return hrefs.link(collection, { ...thing, title: thing.name });
}

/** Names hyphenated, passwords masked. */
function hyphens(values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(withPasswords(values, () => MASKED)).map(([name, value]) => [hyphenated(name), value]),
  );
}
