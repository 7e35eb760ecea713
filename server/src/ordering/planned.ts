/** Items of an order as they are once planned, and what planning must know of the order. */
import type { AskedItem, ItemPlan } from './order-items.js';
import type { NewPassword } from './sealed-password.js';

export interface PlannedItem {
  readonly asked: AskedItem;
  readonly plan: ItemPlan;
  readonly rate: number;
  readonly summary: string;
  /** Environments that it is about. */
  readonly environments: readonly { readonly uid: number; readonly autoApproval: boolean }[];
  /** To be kept with it, in the same transaction. */
  readonly passwords: readonly NewPassword[];
}

/** For whom and where an order is. */
export interface PlanningOrder {
  readonly group: { readonly uid: number; readonly name: string; readonly path: readonly number[] };
  readonly owner: string;
}
