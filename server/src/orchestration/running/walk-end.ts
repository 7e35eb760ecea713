/** How a walk ends. */
import type { TaskFailure } from '../../errors.js';
import type { Task } from '../planning/graph.js';
import { outcomeOf } from '../planning/outcome.js';
import { failedFor } from './failures.js';
import type { WalkEnd } from './walk-parts.js';

/** `started`: operations that are left to whoever goes on. @throws Error when nothing is under way, and something is not done */
export function endOf(
  frontier: { readonly size: number; readonly remaining: number },
  started: number,
  failed: readonly { readonly task: Task; readonly failure: TaskFailure }[],
  { cancelling, draining }: { readonly cancelling: boolean; readonly draining: boolean },
): WalkEnd {
  const { size: total, remaining } = frontier;
  const counts = { total, done: total - remaining, started, failed: failed.length, interrupted: 0 };
  const status = outcomeOf(counts, { cancelling });
  if (status === 'running') {
    if (draining) return { kind: 'released' };
    throw new Error(`the walk has nothing left to do, and ${remaining} tasks are not done`);
  }
  return { kind: 'ended', status, error: status === 'failed' ? failedFor(failed) : '' };
}
