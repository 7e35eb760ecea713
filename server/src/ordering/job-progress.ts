/** How far a job has come: operations of its execution, or of the part of it that it is about. */
import type { Caller } from '../caller.js';
import type { TenantId } from '../ids.js';
import type { TaskGraphs } from '../orchestration/task-graphs.js';
import type { Pool } from '../store/pool.js';
import { instancesOf, type JobRow } from './jobs.store.js';

export interface Progress {
  readonly total: number;
  readonly completed: number;
}

/** @param caller who may read executions */
export async function progressOf(
  pool: Pool,
  graphs: TaskGraphs,
  caller: Caller,
  tenant: TenantId,
  job: JobRow,
): Promise<Progress> {
  const whole = { total: job.totalTasks ?? 0, completed: job.completedTasks ?? 0 };
  if (job.nodes === null || job.settled || job.executionUid === null || job.executionId === null)
    return whole;
  const own = new Set(
    (await instancesOf.all(pool, tenant, [job.executionUid, job.nodes])).map(({ id }) => id),
  );
  return graphs.progress(caller, job.executionId, own);
}
