/** Orders (specs: cloudbolt.md §6). */

import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { orderHint } from '../../ordering/awaiting.js';
import { isOver, type OrderAction } from '../../ordering/order-state.js';
import type { Order, OrderField } from '../../ordering/orders.js';
import { callerOf } from './auth.js';
import { bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { readKey, type WireKey } from './hrefs.js';
import { type Query, readAttributes, shapeOf, single, withAttributes } from './listing.js';
import { orderBody } from './order-body.js';
import { ITEM_LISTS, type ItemList, readItem, readOrder, shownItems, shownList } from './order-forms.js';
import { previewBody } from './order-preview.js';
import { integer, relation, text, time } from './paths.js';
import {
  type Asked,
  type Collection,
  HalItem,
  HalPage,
  ItemParams,
  ListQuerystring,
  listOf,
  type Mounting,
  rowOf,
  sendHal,
} from './resource.js';
import { member, readBoolean, textMember } from './values.js';

interface OrderRow {
  readonly number: number;
  readonly name: string;
  readonly status: string;
}

export const ORDERS: Collection<OrderField, OrderRow> = {
  name: 'orders',
  tag: 'Orders',
  thing: 'order',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    status: text('status'),
    summary: text('summary'),
    group: relation('groups', 'groupNumber', 'groupCode', 'groupName'),
    'group.id': integer('groupNumber'),
    'group.name': text('groupName'),
    owner: relation('users', 'ownerId', null, 'ownerName'),
    'owner.id': integer('ownerId'),
    'owner.user.username': text('ownerName'),
    'create-date': time('createdAt'),
    'submit-date': time('submittedAt'),
    'approve-date': time('approvedAt'),
    'end-date': time('endedAt'),
  },
  reads: ['number', 'name', 'status'],
  title: ({ number }) => `Order id ${number}`,
  thin: ({ name, number, status }) => ({ name, id: String(number), status }),
  list: (core, caller, query) => core.orders.list(caller, query),
  item: async ({ core, caller, hrefs, row }: Asked<OrderRow>) =>
    orderBody(core, caller, hrefs, await core.orders.get(caller, { number: row.number })),
};

const WaitQuery = Type.Object({
  wait: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 60,
      description: 'Seconds to wait for another status than the present one',
    }),
  ),
  attributes: Type.Optional(Type.String()),
});

const NewOrderBody = Type.Object(
  {
    group: Type.String({ description: 'Link' }),
    owner: Type.Optional(
      Type.String({ description: 'Link of a user; others than oneself: for super admins' }),
    ),
    recipient: Type.Optional(Type.String({ description: 'Link of the user who is to own what is built' })),
    name: Type.Optional(Type.String()),
    'submit-now': Type.Optional(Type.Union([Type.Boolean(), Type.String()])),
    items: Type.Optional(
      Type.Object(
        Object.fromEntries(
          ITEM_LISTS.map((list) => [
            list,
            Type.Optional(Type.Array(Type.Object({}, { additionalProperties: true }))),
          ]),
        ),
      ),
    ),
  },
  { title: 'NewOrder' },
);

export function addOrders(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addList(mounting);

  scope.post<{ Querystring: Query }>(
    '/orders',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'orders_create',
        summary: 'Order',
        description:
          'Everything is checked before anything is stored. With `dry-run=1` nothing is stored: the answer says what it would cost, what quotas say, who would have to approve and what would be done.',
        body: NewOrderBody,
        querystring: Type.Object({ 'dry-run': Type.Optional(Type.String()) }),
        response: { 200: HalItem, 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const order = readOrder(body);
      const dryRun = single(request.query, 'dry-run') ?? single(request.query, 'dry_run') ?? '';
      if (dryRun !== '' && readBoolean('dry-run', dryRun)) {
        return sendHal(request, reply, await previewBody(core, caller, hrefs, order));
      }
      const made = await core.orders.create(caller, order);
      const shown = await orderBody(core, caller, hrefs, made, member(body, 'submit-now') === true);
      return sendHal(request, reply, shown, 201);
    },
  );

  scope.get<{ Params: { id: string }; Querystring: Query }>(
    '/orders/:id',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'orders_get',
        summary: 'One order',
        params: ItemParams,
        querystring: WaitQuery,
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const attributes = readAttributes(ORDERS.paths, request.query);
      const order = await awaited(core, caller, keyOf(request.params.id), request);
      const row =
        attributes.length === 0
          ? {}
          : await rowOf(ORDERS, { core, caller }, request.params.id, shapeOf(ORDERS.reads, attributes));
      return sendHal(
        request,
        reply,
        withAttributes(await orderBody(core, caller, hrefs, order), attributes, row),
      );
    },
  );

  scope.delete<{ Params: { id: string } }>(
    '/orders/:id',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'orders_delete',
        summary: 'Take a cart away',
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await core.orders.remove(callerOf(request), keyOf(request.params.id));
      return reply.code(204).send();
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/orders/:id/request',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'orders_request',
        summary: 'The body that orders the same again',
        params: ItemParams,
        response: { 200: NewOrderBody },
      },
    },
    async (request, reply) => {
      const order = await core.orders.get(callerOf(request), keyOf(request.params.id));
      const group = { number: order.groupNumber, code: order.groupCode };
      const body = {
        group: hrefs.item('groups', group),
        ...(order.name === '' ? {} : { name: order.name }),
        items: shownItems(hrefs, order.items),
        'submit-now': 'true',
      };
      return reply.type('application/json').send(JSON.stringify(body));
    },
  );

  scope.get(
    '/user/current-order',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'user_current_order',
        summary: 'The newest cart of the user who asks',
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      return sendHal(request, reply, await orderBody(core, caller, hrefs, await core.orders.current(caller)));
    },
  );

  for (const list of ITEM_LISTS) addItemList(mounting, list);
  for (const action of ['submit', 'approve', 'deny', 'cancel', 'duplicate'] as const)
    addAction(mounting, action);
}

/** The list; the item has a route of its own, because it can be waited for. */
function addList({ scope, core, hrefs }: Mounting): void {
  scope.get(
    '/orders',
    {
      schema: {
        tags: ['Orders'],
        operationId: 'orders_list',
        summary: 'List of orders',
        querystring: ListQuerystring,
        response: { 200: HalPage },
      },
    },
    async (request: FastifyRequest<{ Querystring: Query }>, reply) =>
      sendHal(
        request,
        reply,
        await listOf(ORDERS, { core, hrefs, caller: callerOf(request) }, request.query),
      ),
  );
}

function addItemList({ scope, core, hrefs }: Mounting, list: ItemList): void {
  const name = list.replace('-items', '');
  scope.get<{ Params: { id: string } }>(
    `/orders/:id/${list}`,
    {
      schema: {
        tags: ['Orders'],
        operationId: `orders_${name}_items`,
        summary: `Items of an order: ${list}`,
        params: ItemParams,
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const order = await core.orders.get(callerOf(request), keyOf(request.params.id));
      const items = shownList(hrefs, list, order.items);
      const self = {
        href: hrefs.below('orders', order, list),
        title: `${list} of 'Order id ${order.number}'`,
      };
      return sendHal(request, reply, {
        _links: { self },
        total: items.length,
        count: items.length,
        _embedded: items,
      });
    },
  );
  scope.post<{ Params: { id: string } }>(
    `/orders/:id/${list}`,
    {
      schema: {
        tags: ['Orders'],
        operationId: `orders_${name}_items_add`,
        summary: `Put an item into a cart: ${list}`,
        params: ItemParams,
        body: Type.Object({}, { additionalProperties: true }),
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const order = await core.orders.add(caller, keyOf(request.params.id), readItem(list, bodyOf(request)));
      return sendHal(request, reply, await orderBody(core, caller, hrefs, order));
    },
  );
}

const SUMMARY: Readonly<Record<OrderAction, string>> = {
  submit: 'Submit a cart',
  approve: 'Approve an order that waits',
  deny: 'Deny an order that waits',
  cancel: 'Cancel an order that is not approved',
  duplicate: 'A new cart with the same items',
};

function addAction({ scope, core, hrefs }: Mounting, action: OrderAction): void {
  scope.post<{ Params: { id: string } }>(
    `/orders/:id/actions/${action}`,
    {
      schema: {
        tags: ['Orders'],
        operationId: `orders_${action}`,
        summary: SUMMARY[action],
        params: ItemParams,
        ...(action === 'deny' ? { body: Type.Object({ reason: Type.Optional(Type.String()) }) } : {}),
        response: { 200: HalItem, 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const key = keyOf(request.params.id);
      const order =
        action === 'deny'
          ? await core.orders.deny(caller, key, textMember(bodyOf(request), 'reason') ?? '')
          : await core.orders[action](caller, key);
      return sendHal(
        request,
        reply,
        await orderBody(core, caller, hrefs, order),
        action === 'duplicate' ? 201 : 200,
      );
    },
  );
}

async function awaited(
  core: Core,
  caller: Caller,
  key: WireKey,
  request: FastifyRequest<{ Querystring: Query }>,
): Promise<Order> {
  const order = await core.orders.get(caller, key);
  const seconds = waitOf(request.query);
  if (seconds === 0 || isOver(order.status)) return order;
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  return core.awaiting.until(
    orderHint(caller.tenant!.id, order.number),
    () => core.orders.get(caller, { number: order.number }),
    (now) => now.status !== order.status,
    seconds,
    gone.signal,
  );
}

/** Seconds that a request wants to wait. @throws CloudBoltError 400 */
export function waitOf(query: Query): number {
  const wait = single(query, 'wait') ?? '';
  if (wait === '') return 0;
  if (/^\d{1,2}$/.test(wait) && Number(wait) <= 60) return Number(wait);
  throw badRequest("Invalid value for 'wait': it should be a number of seconds, at most 60");
}

function keyOf(id: string): WireKey {
  const key = readKey('orders', id);
  if (key === null) throw notFoundHere();
  return key;
}
