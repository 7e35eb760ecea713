/**
 * Orders: what somebody wants built, changed or taken away, from the cart to its end.
 *
 * What always holds. An order is planned whole before any of it is stored (`plan-items.ts`): a request that is refused has
 * changed nothing. It becomes active in one transaction with all that must follow: servers that count, jobs that people can
 * look at, errands that a worker carries out (`carry-out.ts`). So an order never half-happens, whatever dies.
 *
 * Who may: `order.submit` in the group makes orders; the owner has them carried out and cancels them; `order.approve` approves,
 * denies and cancels what waits; administrators everything.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { Json } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { TenantId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { frameOf, type NewOrder } from './order-frame.js';
import type { AskedItem, ItemRequest } from './order-items.js';
import { type OrderPreview, previewOf } from './order-preview.js';
import { requireCart, requireMove } from './order-state.js';
import { emptyOrder, planningOf, Submission, type SubmitterParts } from './order-submission.js';
import {
  countOpen,
  deleteForgotten,
  deleteOrder,
  type ItemRow,
  insertOrder,
  lockOrder,
  type OrderField,
  type OrderRow,
  orderList,
  selectBuilt,
  selectCart,
  selectItems,
  selectOrder,
  setRefused,
} from './orders.store.js';
import { askedAgain } from './plan-servers.js';
import { countAlone } from './quota-book.js';
import { isOrderingAdmin, orderingScope } from './rights.js';
import { sealedIn, withPasswords } from './sealed-password.js';
import type { KnownResource, KnownServer } from './server-book.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { NewOrder } from './order-frame.js';
export type { ItemRow, OrderField, OrderRow } from './orders.store.js';

export interface Order extends OrderRow {
  readonly items: readonly ItemRow[];
}

export interface OrdersParts extends SubmitterParts {
  readonly blueprints: Blueprints;
}

export class Orders {
  readonly #parts: OrdersParts;
  readonly #submission: Submission;

  constructor(parts: OrdersParts) {
    this.#parts = parts;
    this.#submission = new Submission(parts);
    parts.groups.holding(async (db, scope, group) => ({
      things: 'open orders',
      count: (await countOpen.one(db, scope.tenantId, [group]))!.count,
    }));
  }

  /** The caller's own, and those of groups whose orders they see. */
  async list(caller: Caller, query: ListQuery<OrderField>): Promise<ListPage> {
    const { pool, rights } = this.#parts;
    const seen = await rights.groupsWith(caller, 'order.view');
    return listPage(pool, orderList(seen), orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async get(caller: Caller, key: ThingKey): Promise<Order> {
    const { pool } = this.#parts;
    const order = await this.#find(pool, caller, key);
    return { ...order, items: await selectItems.all(pool, orderingScope(caller).tenantId, [order.uid]) };
  }

  /** The caller's newest cart. Throws `not-found` where there is none. */
  async current(caller: Caller): Promise<Order> {
    const { tenantId, userId } = orderingScope(caller);
    const order = await selectCart.one(this.#parts.pool, tenantId, [userId]);
    if (order === null) throw notFound('Order', 'current');
    return { ...order, items: await selectItems.all(this.#parts.pool, tenantId, [order.uid]) };
  }

  /**
   * Needs `order.submit` in the group. With `submit` it is submitted in the same transaction, or not made.
   *
   * @throws DomainError `not-found`; `forbidden`; `invalid` and `conflict` as planning says; `limit` (`too-many-items`)
   */
  async create(caller: Caller, request: NewOrder): Promise<Order> {
    const { pool, planner, settings } = this.#parts;
    const scope = orderingScope(caller);
    const { group, owner, recipient } = await frameOf(this.#parts, caller, request);
    const planning = { group, owner: owner.username };
    const items = await planner.plan(pool, caller, scope, planning, request.items);
    if (request.submit && items.length === 0) throw emptyOrder();
    const made = await inTransaction(pool, async (client) => {
      if (request.submit) await countAlone(client, scope);
      const number = await nextNumber(client, scope.tenantId, 'order');
      const { name = '' } = request;
      const values = [
        number,
        name,
        group.uid,
        owner.id,
        recipient?.id ?? null,
        scope.userId,
        settings.rateUnit,
      ];
      const { uid } = (await insertOrder.one(client, scope.tenantId, values))!;
      for (const item of items) await this.#submission.keep(client, scope, uid, item);
      await this.#submission.sumUp(client, scope, uid, items);
      await record(client, caller, {
        action: 'create',
        thing: 'order',
        id: String(number),
        details: { group: group.name, items: items.length },
      });
      if (request.submit)
        await this.#submission.submit(
          client,
          caller,
          scope,
          (await lockOrder.one(client, scope.tenantId, [uid]))!,
        );
      return { number };
    });
    return this.#told(caller, scope, made);
  }

  /** What `create` with `submit` would do. Nothing is stored. Throws as `create`. */
  async preview(caller: Caller, request: NewOrder): Promise<OrderPreview> {
    return previewOf(this.#parts, this.#submission, caller, request);
  }

  /** Puts an item into a cart. For its owner and administrators. @throws DomainError as `create`; `conflict` (`order-state`) */
  async add(caller: Caller, key: ThingKey, request: ItemRequest): Promise<Order> {
    const { pool, planner } = this.#parts;
    const scope = orderingScope(caller);
    const number = await inTransaction(pool, async (client) => {
      const order = await this.#lock(client, caller, key);
      requireOwner(caller, order, 'change');
      requireCart(order.status, 'Items can be added');
      const before = await selectItems.all(client, scope.tenantId, [order.uid]);
      // Together with those that are there: one name is given once.
      const all = await planner.plan(client, caller, scope, planningOf(order), [
        ...before.map(({ asked }) => askedAgain(asked) as ItemRequest),
        request,
      ]);
      await this.#submission.keep(client, scope, order.uid, all.at(-1)!);
      await this.#submission.sumUp(client, scope, order.uid, all);
      await record(client, caller, {
        action: 'add-item',
        thing: 'order',
        id: String(order.number),
        details: { kind: request.kind },
      });
      return order.number;
    });
    return this.#told(caller, scope, { number });
  }

  /** For its owner and administrators. @throws DomainError `not-found`; `forbidden`; `conflict` (`order-state`); `invalid` (`order-empty`) and as planning says */
  async submit(caller: Caller, key: ThingKey): Promise<Order> {
    return this.#act(caller, key, async (client, scope, order) => {
      requireOwner(caller, order, 'submit');
      if (!requireMove('submit', order.status)) return;
      const { rights } = this.#parts;
      await rights.require(caller, 'order.submit', { uid: order.groupUid, name: order.groupName }, client);
      await this.#submission.submit(client, caller, scope, order);
    });
  }

  /** Needs `order.approve` in the group. @throws DomainError as `submit` */
  async approve(caller: Caller, key: ThingKey): Promise<Order> {
    return this.#act(caller, key, async (client, scope, order) => {
      await this.#requireApprover(client, caller, order);
      requireMove('approve', order.status);
      const items = await this.#submission.planned(client, caller, scope, order);
      await this.#submission.activate(client, caller, scope, order, items, scope.userId);
    });
  }

  /** Needs `order.approve` in the group. @throws DomainError `not-found`; `forbidden`; `conflict` (`order-state`) */
  async deny(caller: Caller, key: ThingKey, reason: string): Promise<Order> {
    return this.#act(caller, key, async (client, scope, order) => {
      await this.#requireApprover(client, caller, order);
      requireMove('deny', order.status);
      await setRefused.run(client, scope.tenantId, [order.uid, 'DENIED', reason.slice(0, 4000)]);
      await record(client, caller, { action: 'deny', thing: 'order', id: String(order.number) });
    });
  }

  /** For its owner, approvers and administrators. @throws DomainError `not-found`; `forbidden`; `conflict` (`order-state`) */
  async cancel(caller: Caller, key: ThingKey): Promise<Order> {
    return this.#act(caller, key, async (client, scope, order) => {
      if (!owns(caller, order)) await this.#requireApprover(client, caller, order);
      requireMove('cancel', order.status);
      await setRefused.run(client, scope.tenantId, [order.uid, 'CANCELED', order.comment]);
      await record(client, caller, { action: 'cancel', thing: 'order', id: String(order.number) });
    });
  }

  /**
   * A new cart of the caller with the same items. Needs `order.submit` in the group; where it carries a password, to be its owner.
   *
   * @throws DomainError as `create`; `forbidden` (`password-not-yours`)
   */
  async duplicate(caller: Caller, key: ThingKey): Promise<Order> {
    const order = await this.get(caller, key);
    requireMove('duplicate', order.status);
    const items = await this.#readable(caller, order);
    return this.create(caller, {
      group: { number: order.groupNumber },
      name: order.name,
      items: items.map((asked) => askedAgain(asked) as ItemRequest),
      submit: false,
    });
  }

  /** What was asked for, with passwords as they were written: each order keeps its own. */
  async #readable(caller: Caller, { owner, number, items }: Order): Promise<readonly AskedItem[]> {
    const { tenantId } = orderingScope(caller);
    const opened = new Map<string, string>();
    for (const id of items.flatMap(({ asked }) => sealedIn(asked as unknown as Json))) {
      if (owner.id !== caller.userId) throw notYours(number);
      opened.set(id, await this.#parts.passwords.open(this.#parts.pool, tenantId, id));
    }
    const plain = (asked: AskedItem) =>
      withPasswords(asked as unknown as Json, (id) => opened.get(id)!) as unknown as AskedItem;
    return items.map(({ asked }) => plain(asked));
  }

  /** Takes a cart away. For its owner and administrators. @throws DomainError `not-found`; `forbidden`; `conflict` (`order-state`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = orderingScope(caller);
    await inTransaction(this.#parts.pool, async (client) => {
      const order = await this.#lock(client, caller, key);
      requireOwner(caller, order, 'delete');
      requireCart(order.status, 'Orders can be deleted');
      const items = await selectItems.all(client, scope.tenantId, [order.uid]);
      await this.#forgetPasswords(client, scope.tenantId, items);
      await deleteOrder.run(client, scope.tenantId, [order.uid]);
      await record(client, caller, { action: 'delete', thing: 'order', id: String(order.number) });
    });
  }

  /** Takes away carts that nobody has touched for so many days. Periodic work. @returns how many */
  async forget(days: number): Promise<number> {
    return inTransaction(this.#parts.pool, async (client) => {
      const gone = await deleteForgotten.all(client, [days]);
      for (const { number, tenant, tenantId, items } of gone) {
        await this.#forgetPasswords(client, tenantId, items ?? []);
        const actor = { userId: null, username: 'server', tenant: null, requestId: 'carts' };
        await record(client, actor, {
          action: 'expire',
          thing: 'order',
          id: String(number),
          details: { tenant, days },
        });
      }
      return gone.length;
    });
  }

  /** What it has built, or is building: servers and resources, as far as they are named. For orders that the caller has found. */
  async built(
    caller: Caller,
    order: OrderRow,
  ): Promise<{ readonly servers: readonly KnownServer[]; readonly resources: readonly KnownResource[] }> {
    const { pool, servers } = this.#parts;
    const scope = orderingScope(caller);
    const errands = await selectBuilt.all(pool, scope.tenantId, [order.uid]);
    const deployments = errands.flatMap(({ deploymentId }) => (deploymentId === null ? [] : [deploymentId]));
    const uids = errands.flatMap((errand) => (errand.servers ?? []).map(({ uid }) => uid));
    return {
      servers: await servers.byUids(pool, scope, uids),
      resources: await servers.resourcesOfDeployments(pool, scope, deployments),
    };
  }

  /** Whether the caller may approve it, now: for what is offered. */
  async mayApprove(caller: Caller, order: OrderRow): Promise<boolean> {
    return this.#parts.rights.may(caller, 'order.approve', order.groupUid);
  }

  async #forgetPasswords(
    client: Client,
    tenant: TenantId,
    items: readonly Pick<ItemRow, 'asked'>[],
  ): Promise<void> {
    const asked = items.map((item) => item.asked as unknown as Json);
    await this.#parts.passwords.forget(client, tenant, asked);
  }

  async #act(
    caller: Caller,
    key: ThingKey,
    work: (client: Client, scope: TenantScope, order: OrderRow) => Promise<void>,
  ): Promise<Order> {
    const scope = orderingScope(caller);
    const { number } = await inTransaction(this.#parts.pool, async (client) => {
      const order = await this.#lock(client, caller, key);
      await work(client, scope, order);
      return order;
    });
    return this.#told(caller, scope, { number });
  }

  async #told(caller: Caller, scope: TenantScope, { number }: { readonly number: number }): Promise<Order> {
    this.#parts.wake.due();
    this.#parts.wake.changed(scope.tenantId, number);
    return this.get(caller, { number });
  }

  async #find(db: Pool | Client, caller: Caller, key: ThingKey): Promise<OrderRow> {
    const order = await selectOrder.one(db, orderingScope(caller).tenantId, [...keyValues(key)]);
    if (order !== null && (owns(caller, order) || order.recipient?.id === caller.userId)) return order;
    if (order !== null && (await this.#parts.rights.may(caller, 'order.view', order.groupUid, db)))
      return order;
    if (order !== null && (await this.#parts.rights.may(caller, 'order.approve', order.groupUid, db)))
      return order;
    throw notFound('Order', keyText(key));
  }

  async #lock(client: Client, caller: Caller, key: ThingKey): Promise<OrderRow> {
    const { uid } = await this.#find(client, caller, key);
    const order = await lockOrder.one(client, orderingScope(caller).tenantId, [uid]);
    if (order === null) throw notFound('Order', keyText(key));
    return order;
  }

  async #requireApprover(client: Client, caller: Caller, order: OrderRow): Promise<void> {
    const group = { uid: order.groupUid, name: order.groupName };
    await this.#parts.rights.require(caller, 'order.approve', group, client);
  }
}

function notYours(number: number): DomainError {
  return new DomainError(
    'forbidden',
    'password-not-yours',
    `Order ${number} carries a password that only its owner may order again: order anew, with one of your own`,
  );
}

function owns(caller: Caller, order: OrderRow): boolean {
  return order.owner.id === caller.userId || isOrderingAdmin(caller);
}

/** @throws DomainError `forbidden` (`order-not-yours`) */
function requireOwner(caller: Caller, order: OrderRow, what: string): void {
  if (owns(caller, order)) return;
  throw new DomainError(
    'forbidden',
    'order-not-yours',
    `Only its owner or an administrator may ${what} order ${order.number}`,
  );
}
