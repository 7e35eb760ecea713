/**
 * What happens to an order between the cart and its work: planned once more, counted against quotas, approved by itself or kept for
 * somebody to approve, and made active. Each in the transaction of whoever asks.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import type { UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import type { Groups } from './groups.js';
import { type ActivationParts, activate } from './order-activation.js';
import type { ItemRequest } from './order-items.js';
import { joined } from './order-summary.js';
import {
  insertItem,
  type OrderRow,
  selectItems,
  setApproved,
  setSubmitted,
  updateContent,
  updatePlan,
} from './orders.store.js';
import type { Passwords } from './passwords.js';
import type { ItemPlanner } from './plan-items.js';
import { askedAgain } from './plan-servers.js';
import type { PlannedItem } from './planned.js';
import { countAlone, effectsOf, takingsOf } from './quota-book.js';
import { toldBreach } from './quotas.js';
import { type RateUnit, sum } from './rates.js';
import { isSuperAdmin, type Rights } from './rights.js';
import type { Happening, Triggers } from './triggers.js';

export interface OrderingSettings {
  readonly rateUnit: RateUnit;
  /** Orders of administrators of the installation are approved by themselves. */
  readonly adminsSkipApproval: boolean;
}

export interface SubmissionParts extends ActivationParts {
  readonly passwords: Passwords;
  readonly planner: ItemPlanner;
  readonly settings: OrderingSettings;
  readonly triggers: Pick<Triggers, 'fire'>;
}

/** Of whoever makes orders and moves them. */
export interface SubmitterParts extends SubmissionParts {
  readonly pool: Pool;
  readonly groups: Groups;
  readonly rights: Rights;
  /** Told after a commit that there is something to be carried out, or that an order has changed. Hints. */
  readonly wake: { due(): void; changed(tenant: TenantScope['tenantId'], number: number): void };
}

export class Submission {
  readonly #parts: SubmissionParts;

  constructor(parts: SubmissionParts) {
    this.#parts = parts;
  }

  /** A cart that is locked. @throws DomainError `invalid` (`order-empty`) and as planning says */
  async submit(client: Client, caller: Caller, scope: TenantScope, order: OrderRow): Promise<void> {
    await countAlone(client, scope);
    const items = await this.planned(client, caller, scope, order);
    if (items.length === 0) throw emptyOrder();
    const takings = (await this.takings(client, scope, items)).flat();
    const effects = await effectsOf(client, scope, order.groupPath, takings);
    const heldBy = effects.flatMap((one) => one.breaches.map(toldBreach));
    await setSubmitted.run(client, scope.tenantId, [order.uid, 'PENDING', heldBy]);
    const details = { held: heldBy };
    await record(client, caller, { action: 'submit', thing: 'order', id: String(order.number), details });
    await this.#fire(client, scope, order, 'order_submission');
    if (heldBy.length > 0) return;
    if (this.isApproved(caller, order.groupAutoApproval, items)) {
      await this.activate(client, caller, scope, order, items, null);
    } else {
      await this.#fire(client, scope, order, 'order_approval');
    }
  }

  async activate(
    client: Client,
    caller: Caller,
    scope: TenantScope,
    order: OrderRow,
    items: readonly (PlannedItem & { readonly uid: number })[],
    approver: UserId | null,
  ): Promise<void> {
    await countAlone(client, scope);
    await setApproved.run(client, scope.tenantId, [order.uid, approver]);
    const takings = await this.takings(client, scope, items);
    await activate(this.#parts, client, scope, order, items, takings);
    const action = approver === null ? 'approve-by-rule' : 'approve';
    await record(client, caller, { action, thing: 'order', id: String(order.number) });
    await this.#fire(client, scope, order, 'post_order_approval');
  }

  async #fire(client: Client, scope: TenantScope, order: OrderRow, point: Happening['point']): Promise<void> {
    const { uid, owner, groupUid } = order;
    await this.#parts.triggers.fire(client, scope, { point, owner: owner.id, groupUid, order: uid });
  }

  /** What it means now: things that it names may have changed since it was put together. */
  async planned(client: Client, caller: Caller, scope: TenantScope, order: OrderRow) {
    const kept = await selectItems.all(client, scope.tenantId, [order.uid]);
    const owner = await this.#parts.actors(order.owner.username, caller);
    const requests = kept.map(({ asked }) => askedAgain(asked) as ItemRequest);
    const items = await this.#parts.planner.plan(client, owner, scope, planningOf(order), requests);
    for (const [at, item] of items.entries()) {
      await updatePlan.run(client, scope.tenantId, [kept[at]!.uid, JSON.stringify(item.plan), item.rate]);
    }
    await this.sumUp(client, scope, order.uid, items);
    return items.map((item, at) => ({ ...item, uid: kept[at]!.uid }));
  }

  async takings(db: Client | Pool, scope: TenantScope, items: readonly PlannedItem[]) {
    const changed = items.flatMap(({ plan }) => (plan.kind === 'modify' ? [plan.server.uid] : []));
    const servers = changed.length === 0 ? [] : await this.#parts.servers.byUids(db, scope, changed);
    return items.map(({ plan, rate }) =>
      takingsOf(
        plan,
        rate,
        plan.kind === 'modify' ? (servers.find(({ uid }) => uid === plan.server.uid) ?? null) : null,
      ),
    );
  }

  isApproved(caller: Caller, groupApproves: boolean, items: readonly PlannedItem[]): boolean {
    if (groupApproves || (this.#parts.settings.adminsSkipApproval && isSuperAdmin(caller))) return true;
    const environments = items.flatMap((item) => item.environments);
    return environments.length > 0 && environments.every(({ autoApproval }) => autoApproval);
  }

  async keep(client: Client, scope: TenantScope, order: number, item: PlannedItem): Promise<void> {
    const { asked, plan, rate } = item;
    const values = [order, asked.kind, JSON.stringify(asked), JSON.stringify(plan), rate];
    await insertItem.one(client, scope.tenantId, values);
    await this.#parts.passwords.keep(client, scope.tenantId, item.passwords);
  }

  async sumUp(
    client: Client,
    scope: TenantScope,
    order: number,
    items: readonly PlannedItem[],
  ): Promise<void> {
    const rate = sum(items.map((item) => item.rate));
    const summary = joined(items.map((item) => item.summary));
    await updateContent.run(client, scope.tenantId, [order, summary, rate]);
  }
}

export function planningOf(order: OrderRow) {
  return {
    group: { uid: order.groupUid, name: order.groupName, path: order.groupPath },
    owner: order.owner.username,
  };
}

export function emptyOrder(): DomainError {
  return new DomainError('invalid', 'order-empty', 'The order has no items: there is nothing to submit', {
    details: { field: 'items' },
  });
}
