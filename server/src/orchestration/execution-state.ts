/** Which moves an execution may make (cloudify.md §5.1). Pure. */

export type ExecutionStatus =
  | 'scheduled'
  | 'queued'
  | 'pending'
  | 'started'
  | 'cancelling'
  | 'force-cancelling'
  | 'kill-cancelling'
  | 'terminated'
  | 'failed'
  | 'cancelled';

/** How hard a cancel insists; each may overtake the ones before it. */
export type CancelKind = 'cancel' | 'force-cancel' | 'kill';

const FINAL: ReadonlySet<ExecutionStatus> = new Set(['terminated', 'failed', 'cancelled']);
const CANCELLING: ReadonlySet<ExecutionStatus> = new Set([
  'cancelling',
  'force-cancelling',
  'kill-cancelling',
]);

/** Over: no worker will touch it again unless somebody resumes it. */
export function isFinal(status: ExecutionStatus): boolean {
  return FINAL.has(status);
}

/** A worker has it, or will as soon as one is free. */
export function isActive(status: ExecutionStatus): boolean {
  return status === 'pending' || status === 'started' || CANCELLING.has(status);
}

export function isCancelling(status: ExecutionStatus): boolean {
  return CANCELLING.has(status);
}

/**
 * What a cancel makes of an execution; null where it cannot be cancelled so.
 *
 * One that no worker has begun ends at once; a running one is told, and ends when its worker has stopped
 * what was running. `claimed`: a worker has it, or had it.
 */
export function afterCancel(
  status: ExecutionStatus,
  kind: CancelKind,
  claimed: boolean,
): ExecutionStatus | null {
  if (isFinal(status)) return null;
  if (status === 'scheduled' || status === 'queued' || (status === 'pending' && !claimed)) return 'cancelled';
  switch (kind) {
    case 'cancel':
      return status === 'pending' || status === 'started' ? 'cancelling' : null;
    case 'force-cancel':
      return status === 'pending' || status === 'started' || status === 'cancelling'
        ? 'force-cancelling'
        : null;
    case 'kill':
      return 'kill-cancelling';
  }
}

/**
 * May a client set `to` by hand? The same status is always fine; an end is final; what is being cancelled may not
 * come back to life.
 */
export function mayBecome(from: ExecutionStatus, to: ExecutionStatus): boolean {
  if (from === to) return true;
  if (isFinal(from)) return false;
  if (from === 'cancelling')
    return !(isActive(to) || to === 'terminated') || to === 'force-cancelling' || to === 'kill-cancelling';
  if (from === 'force-cancelling' || from === 'kill-cancelling') return to === 'cancelled' || to === 'failed';
  return true;
}

/** May it be taken up again where it stopped? `started` is for one whose worker is lost for good. */
export function mayResume(status: ExecutionStatus, force: boolean): boolean {
  return status === 'failed' || status === 'cancelled' || (status === 'started' && !force);
}
