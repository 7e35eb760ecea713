/** A run of actions as it begins to be: a job to look at, and what it is to do. */
import type { TenantScope } from '../caller.js';
import type { Client } from '../store/pool.js';
import { insertRun } from './action-runs.store.js';
import type { ActionTask } from './action-task.js';
import type { JobType } from './job-types.js';
import type { Jobs } from './jobs.js';

export interface NewRun {
  readonly type: JobType;
  readonly subject: string;
  readonly groupUid: number | null;
  readonly task: ActionTask;
}

/** A job and its run, in the transaction of whoever asks for them. */
export async function startRun(
  client: Client,
  scope: TenantScope,
  jobs: Pick<Jobs, 'start'>,
  run: NewRun & {
    readonly owner: TenantScope['userId'];
    readonly order?: number;
    readonly errand?: number;
    readonly point?: string;
  },
): Promise<{ readonly number: number }> {
  const { type, subject, groupUid, task, owner, order = null, errand = null, point = null } = run;
  const job = await jobs.start(client, scope, {
    type,
    subject,
    owner,
    groupUid,
    serverUid: task.servers.length === 1 ? task.servers[0]! : null,
    resourceUid: task.resource,
    execution: null,
  });
  await insertRun.one(client, scope.tenantId, [job.uid, JSON.stringify(task), order, errand, point]);
  return job;
}
