/** Which moves an order may make (cloudbolt.md §6.2), and how it ends. Pure. */
import { DomainError } from '../errors.js';

/**
 * The codes are the field's own and the same in store and wire.
 *
 *   CART ──submit──► PENDING ──approve──► ACTIVE ──► SUCCESS | WARNING | FAILURE
 *     │  └────────────(approved by itself)───▲
 *     └──cancel──► CANCELED ◄──cancel── PENDING ──deny──► DENIED
 */
export const ORDER_STATUSES = [
  'CART',
  'PENDING',
  'ACTIVE',
  'SUCCESS',
  'WARNING',
  'FAILURE',
  'CANCELED',
  'DENIED',
] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];
export type OrderAction = 'submit' | 'approve' | 'deny' | 'cancel' | 'duplicate';

/** What each job of an order has come to. */
export type JobOutcome = 'SUCCESS' | 'WARNING' | 'FAILURE' | 'CANCELED';

const FROM: Readonly<Record<OrderAction, readonly OrderStatus[]>> = {
  submit: ['CART'],
  approve: ['PENDING'],
  deny: ['PENDING'],
  cancel: ['CART', 'PENDING'],
  duplicate: ['PENDING', 'ACTIVE', 'SUCCESS', 'WARNING', 'FAILURE', 'CANCELED', 'DENIED'],
};

/** A repeated request changes nothing where the order has already gone where it leads. */
const ALREADY: Readonly<Partial<Record<OrderAction, readonly OrderStatus[]>>> = {
  submit: ['PENDING', 'ACTIVE', 'SUCCESS', 'WARNING', 'FAILURE'],
};

const DONE: Readonly<Record<OrderAction, string>> = {
  submit: 'submitted',
  approve: 'approved',
  deny: 'denied',
  cancel: 'canceled',
  duplicate: 'duplicated',
};

/** Nothing will change it any more. */
export function isOver(status: OrderStatus): boolean {
  return !['CART', 'PENDING', 'ACTIVE'].includes(status);
}

/**
 * Whether `action` has something to do.
 *
 * @returns false: it is done already, and asking again is no mistake
 * @throws DomainError `conflict` (`order-state`)
 */
export function requireMove(action: OrderAction, status: OrderStatus): boolean {
  if (FROM[action].includes(status)) return true;
  if (ALREADY[action]?.includes(status)) return false;
  const states = FROM[action].map((state) => `'${state}'`).join(' or ');
  throw new DomainError(
    'conflict',
    'order-state',
    `Only orders that are in ${states} state can be ${DONE[action]}. Current state of order is ${status}`,
    { details: { status, action } },
  );
}

/** Items are put into an order, and taken out, as long as nobody was asked for it. Throws `conflict` (`order-state`). */
export function requireCart(status: OrderStatus, what: string): void {
  if (status === 'CART') return;
  throw new DomainError(
    'conflict',
    'order-state',
    `${what} only while an order is in 'CART' state. Current state of order is ${status}`,
    { details: { status } },
  );
}

/** Actions that are offered in a state, in the order in which they are shown. */
export function offeredActions(status: OrderStatus): readonly OrderAction[] {
  if (status === 'CART') return ['submit', 'cancel'];
  if (status === 'PENDING') return ['approve', 'deny', 'cancel', 'duplicate'];
  return ['duplicate'];
}

/**
 * How an order ends, of what its jobs came to: well where all did, badly where none did anything of use, and with a
 * warning in between.
 *
 * @param jobs those at the top; what is inside them has made them what they are
 */
export function outcomeOf(jobs: readonly JobOutcome[]): 'SUCCESS' | 'WARNING' | 'FAILURE' {
  if (jobs.every((job) => job === 'SUCCESS')) return 'SUCCESS';
  if (jobs.every((job) => job === 'FAILURE' || job === 'CANCELED')) return 'FAILURE';
  return 'WARNING';
}
