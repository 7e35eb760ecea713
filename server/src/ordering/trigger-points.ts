/** Points at which the server runs actions by itself (cloudbolt.md §7). Pure. */
import { DomainError } from '../errors.js';

export const TRIGGER_POINTS = [
  // When an order was submitted, whatever becomes of it.
  'order_submission',
  // When nobody has approved it yet: the action may, or may deny it.
  'order_approval',
  'post_order_approval',
  // Before and after what an order builds is built. The order waits for what comes before, and fails with it.
  'pre_provision',
  'post_provision',
  'pre_decom',
  'post_decom',
  // When the owner of a server is told that its day will come, and when it has come, beside what its group says.
  'pre_expire',
  'expire',
] as const;
export type TriggerPoint = (typeof TRIGGER_POINTS)[number];

/** A point by any way of writing it: `Order Approval`, `pre-provision`. @throws DomainError `invalid` (`trigger-point-unknown`) */
export function triggerPointOf(text: string): TriggerPoint {
  const wanted = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const found = TRIGGER_POINTS.find((point) => point === wanted);
  if (found !== undefined) return found;
  throw new DomainError(
    'invalid',
    'trigger-point-unknown',
    `Nothing runs at '${text.slice(0, 80)}': the points at which an action can run are ${TRIGGER_POINTS.join(', ')}`,
    { details: { field: 'trigger-point' } },
  );
}
