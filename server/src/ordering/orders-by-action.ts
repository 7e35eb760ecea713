/**
 * Orders that nobody fills in: what takes servers and resources away at the word of whoever may do that with them, and what an action
 * decides about an order that waits.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { nextNumber } from '../store/numbers.js';
import type { Client } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { selectJobsOfOrders } from './jobs.store.js';
import { Submission, type SubmitterParts } from './order-submission.js';
import { insertOrder, lockOrder, setRefused, setSubmitted } from './orders.store.js';
import { countAlone } from './quota-book.js';
import { orderingScope } from './rights.js';
import type { ThingKey } from './thing-key.js';

export class OrdersByAction {
  readonly #parts: SubmitterParts;
  readonly #submission: Submission;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
    this.#submission = new Submission(parts);
  }

  /**
   * Takes away servers and resources of one group: an order of the caller's. It is active at once where a role gives them
   * `server.decommission` there; the owner of a thing without one orders its end as everything else, and somebody may have to approve.
   *
   * @returns numbers of the order and of its first job, where it is active
   * @throws DomainError as planning says; `conflict` (`server-in-no-group`)
   */
  async remove(
    caller: Caller,
    groupUid: number | null,
    what: { readonly servers: readonly ThingKey[]; readonly resources: readonly ThingKey[] },
  ): Promise<{ readonly order: number; readonly job: number | null }> {
    const { pool, groups, rights, planner, settings, wake } = this.#parts;
    const scope = orderingScope(caller);
    const [group] = groupUid === null ? [] : await groups.byKeys(pool, scope, [groupUid]);
    if (group === undefined) {
      throw new DomainError(
        'conflict',
        'server-in-no-group',
        'What is in no group cannot be taken away by an order',
      );
    }
    const mayAlone = await rights.may(caller, 'server.decommission', group.uid);
    const removed = await inTransaction(pool, async (client) => {
      await countAlone(client, scope);
      const planning = { group, owner: caller.username };
      const items = await planner.plan(client, caller, scope, planning, [{ kind: 'decommission', ...what }]);
      const number = await nextNumber(client, scope.tenantId, 'order');
      const values = [number, '', group.uid, scope.userId, null, scope.userId, settings.rateUnit];
      const { uid } = (await insertOrder.one(client, scope.tenantId, values))!;
      for (const item of items) await this.#submission.keep(client, scope, uid, item);
      await this.#submission.sumUp(client, scope, uid, items);
      await record(client, caller, {
        action: 'create',
        thing: 'order',
        id: String(number),
        details: { group: group.name },
      });
      const order = (await lockOrder.one(client, scope.tenantId, [uid]))!;
      if (mayAlone) {
        await setSubmitted.run(client, scope.tenantId, [uid, 'PENDING', []]);
        const planned = await this.#submission.planned(client, caller, scope, order);
        await this.#submission.activate(client, caller, scope, order, planned, scope.userId);
      } else {
        await this.#submission.submit(client, caller, scope, order);
      }
      const [job] = await selectJobsOfOrders.all(client, scope.tenantId, [[uid]]);
      return { order: number, job: job?.number ?? null };
    });
    wake.due();
    wake.changed(scope.tenantId, removed.order);
    return removed;
  }

  /**
   * What an action has decided about an order that still waits for somebody; of any other, nothing. Quotas are beyond it.
   *
   * @param caller the order's owner
   * @returns whether it had something to decide
   */
  async decide(
    caller: Caller,
    orderUid: number,
    verdict: { readonly approve: true } | { readonly deny: string },
    action: string,
  ): Promise<boolean> {
    const scope = orderingScope(caller);
    const number = await inTransaction(this.#parts.pool, (client) =>
      this.#decideOn(client, caller, scope, orderUid, verdict, action),
    );
    if (number === null) return false;
    this.#parts.wake.due();
    this.#parts.wake.changed(scope.tenantId, number);
    return true;
  }

  async #decideOn(
    client: Client,
    caller: Caller,
    scope: TenantScope,
    orderUid: number,
    verdict: { readonly approve: true } | { readonly deny: string },
    action: string,
  ): Promise<number | null> {
    const order = await lockOrder.one(client, scope.tenantId, [orderUid]);
    if (order === null || order.status !== 'PENDING' || order.heldBy.length > 0) return null;
    if ('deny' in verdict) {
      const reason = `${action}: ${verdict.deny || 'denied'}`.slice(0, 4000);
      await setRefused.run(client, scope.tenantId, [order.uid, 'DENIED', reason]);
      const details = { action };
      await record(client, caller, {
        action: 'deny-by-action',
        thing: 'order',
        id: String(order.number),
        details,
      });
      return order.number;
    }
    const items = await this.#submission.planned(client, caller, scope, order);
    await this.#submission.activate(client, caller, scope, order, items, null);
    return order.number;
  }
}
