/** Which moves the row of an execution and the row of an operation may make, and by whom. */
import type { ExecutionStatus } from '../../src/orchestration/execution-state.js';
import type { OperationRow } from './model-rows.js';

const BY_WORKERS: Readonly<Record<ExecutionStatus, readonly ExecutionStatus[]>> = {
  scheduled: ['pending'],
  queued: ['pending'],
  pending: ['started', 'cancelled', 'failed', 'terminated'],
  started: ['terminated', 'failed', 'cancelled'],
  cancelling: ['cancelled'],
  'force-cancelling': ['cancelled'],
  'kill-cancelling': ['cancelled'],
  terminated: [],
  failed: [],
  cancelled: [],
};

const BY_PEOPLE: Readonly<Record<ExecutionStatus, readonly ExecutionStatus[]>> = {
  scheduled: ['pending', 'cancelled'],
  queued: ['pending', 'cancelled'],
  pending: ['cancelling', 'force-cancelling', 'kill-cancelling', 'cancelled'],
  started: ['cancelling', 'force-cancelling', 'kill-cancelling'],
  cancelling: ['force-cancelling', 'kill-cancelling'],
  'force-cancelling': ['kill-cancelling'],
  'kill-cancelling': ['kill-cancelling'],
  terminated: [],
  failed: ['pending'],
  cancelled: ['pending'],
};

/** Null: it is legal. */
export function illegalStatus(from: ExecutionStatus, to: ExecutionStatus, byPerson: boolean): string | null {
  if (from === to) return null;
  return (byPerson ? BY_PEOPLE : BY_WORKERS)[from].includes(to) ? null : `${from} became ${to}`;
}

type State = OperationRow['state'];

/** From `started` to `started`: a failure was told in the same batch, or it was interrupted and may run again. */
const MOVES: Readonly<Record<State, readonly State[]>> = {
  started: ['waiting', 'succeeded', 'failed', 'interrupted', 'skipped', 'started'],
  waiting: ['started'],
  succeeded: [],
  skipped: [],
  failed: [],
  interrupted: [],
};

const DECISIONS: Readonly<Record<State, readonly State[]>> = {
  started: ['waiting', 'skipped', 'succeeded'],
  waiting: ['waiting', 'skipped', 'succeeded'],
  failed: ['waiting', 'skipped', 'succeeded'],
  interrupted: ['waiting', 'skipped', 'succeeded'],
  succeeded: [],
  skipped: [],
};

/** Null: it is legal. */
export function illegalMove(
  before: OperationRow | undefined,
  after: OperationRow,
  byPerson: boolean,
): string | null {
  if (before === undefined) {
    const first = after.state === 'started' ? 1 : 0;
    if (byPerson || !['started', 'succeeded', 'skipped'].includes(after.state))
      return `it began ${after.state}`;
    return after.attempt === first ? null : `its first attempt is ${after.attempt}`;
  }
  const moves = byPerson ? DECISIONS : MOVES;
  if (!moves[before.state].includes(after.state)) return `${before.state} became ${after.state}`;
  const attempt = before.attempt + (after.state === 'started' ? 1 : 0);
  return after.attempt === attempt ? null : `attempt ${after.attempt} after ${before.attempt}`;
}
