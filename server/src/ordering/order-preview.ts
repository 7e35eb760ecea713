/** What an order would come to: planned, priced, counted and predicted, and nothing of it stored. */
import type { Caller } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { Prediction } from '../orchestration/prediction.js';
import { lent } from './carry-out.js';
import { frameOf, type NewOrder } from './order-frame.js';
import { predictBuild } from './order-prediction.js';
import { emptyOrder, type Submission, type SubmitterParts } from './order-submission.js';
import { joined } from './order-summary.js';
import { type PersonRef, selectApprovers } from './orders.store.js';
import type { PlannedItem } from './planned.js';
import { effectsOf, type QuotaEffect } from './quota-book.js';
import { toldBreach } from './quotas.js';
import { type RateUnit, sum } from './rates.js';
import { orderingScope } from './rights.js';

/** What an order would come to, without anything happening. */
export interface OrderPreview {
  readonly items: readonly PlannedItem[];
  readonly rate: number;
  readonly rateUnit: RateUnit;
  readonly summary: string;
  /** Nobody has to be asked. */
  readonly approvedByItself: boolean;
  /** Why somebody has to be asked, beside the rule that all orders are. */
  readonly heldBy: readonly string[];
  readonly quotas: readonly QuotaEffect[];
  /** Who may approve it, where somebody has to; at most a hundred. */
  readonly approvers: readonly PersonRef[];
  /** What building each of its items would do. */
  readonly graphs: readonly (Prediction & { readonly name: string })[];
}

export interface PreviewParts extends Omit<SubmitterParts, 'wake'> {
  readonly blueprints: Blueprints;
}

export async function previewOf(
  parts: PreviewParts,
  submission: Submission,
  caller: Caller,
  request: NewOrder,
): Promise<OrderPreview> {
  const { pool, planner, settings } = parts;
  const scope = orderingScope(caller);
  const { group, owner } = await frameOf(parts, caller, request);
  const planning = { group, owner: owner.username };
  const items = await planner.plan(pool, caller, scope, planning, request.items);
  if (items.length === 0) throw emptyOrder();
  const takings = await submission.takings(pool, scope, items);
  const quotas = await effectsOf(pool, scope, group.path, takings.flat());
  const heldBy = quotas.flatMap((one) => one.breaches.map(toldBreach));
  const approvedByItself = heldBy.length === 0 && submission.isApproved(caller, group.autoApproval, items);
  const graphs: (Prediction & { name: string })[] = [];
  for (const { plan } of items) {
    if (plan.kind !== 'build') continue;
    graphs.push({ ...(await predictBuild(parts, lent(caller), scope, plan, group.name)), name: plan.name });
  }
  return {
    items,
    rate: sum(items.map(({ rate }) => rate)),
    rateUnit: settings.rateUnit,
    summary: joined(items.map(({ summary }) => summary)),
    approvedByItself,
    heldBy,
    quotas,
    approvers: approvedByItself ? [] : await selectApprovers.all(pool, scope.tenantId, [group.uid]),
    graphs,
  };
}
