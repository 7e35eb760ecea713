/** What may be done with a snapshot in which status. Pure. */
import { DomainError } from '../errors.js';

export type SnapshotStatus = 'creating' | 'created' | 'failed' | 'uploaded';
export const SNAPSHOT_STATUSES: readonly SnapshotStatus[] = ['creating', 'created', 'failed', 'uploaded'];

/** Whether there are bytes to be had. */
export function isWhole(status: SnapshotStatus): boolean {
  return status === 'created' || status === 'uploaded';
}

/** @throws DomainError `conflict` (`snapshot-not-ready`) */
export function requireWhole(id: string, status: SnapshotStatus, to: 'downloaded' | 'restored'): void {
  if (isWhole(status)) return;
  throw new DomainError(
    'conflict',
    'snapshot-not-ready',
    `Snapshot \`${id}\` cannot be ${to}: its status is ${status}`,
    { details: { status } },
  );
}

/**
 * A status set by hand tells what is: a making may be given up, and anything may be said again.
 *
 * @throws DomainError `conflict` (`snapshot-status-illegal`)
 */
export function requireMove(id: string, from: SnapshotStatus, to: SnapshotStatus): void {
  if (from === to || (from === 'creating' && to === 'failed')) return;
  throw new DomainError(
    'conflict',
    'snapshot-status-illegal',
    `Snapshot \`${id}\` is ${from} and cannot be made ${to} by hand`,
  );
}
