/**
 * Jobs: what people of a portal see of executions. A job is a view: its status, progress, messages and log are those of its
 * execution, or of the nodes of it that it is about, and only what it came to is written down when it is over.
 *
 * Other rooms start jobs for executions of their own with `start`.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { ExecutionUid, TenantId, UserId } from '../ids.js';
import type { Executions } from '../orchestration/executions.js';
import type { TaskGraphs } from '../orchestration/task-graphs.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { logLines } from './job-log.js';
import { type Progress, progressOf } from './job-progress.js';
import type { JobType } from './job-types.js';
import {
  bindJobExecution,
  insertJob,
  type JobField,
  type JobRow,
  jobList,
  lastMessages,
  selectJob,
  selectJobResource,
  selectJobsOfOrders,
  selectLog,
  selectSubjobs,
  wantCancel,
} from './jobs.store.js';
import { isOrderingAdmin, orderingScope, type Rights } from './rights.js';
import { keyText, type ThingKey } from './thing-key.js';

export type { JobField, JobRow, JobStatus } from './jobs.store.js';

export interface Job extends JobRow {
  readonly subjobs: readonly JobRow[];
  /** The last of what it has to tell; never empty. */
  readonly told: readonly string[];
  /** What it is about, beside servers; null: nothing with a name. */
  readonly resource: {
    readonly number: number;
    readonly code: string;
    readonly name: string;
    readonly type: string;
  } | null;
  readonly progress: Progress;
}

export interface NewJob {
  readonly type: JobType;
  /** What it works on, for people. */
  readonly subject: string;
  readonly owner: UserId;
  /** Whose members see it; null: administrators alone. */
  readonly groupUid: number | null;
  /** servers.uid */
  readonly serverUid?: number | null;
  /** services.uid */
  readonly resourceUid?: number | null;
  /** Which nodes of the execution it is about; absent: all of it. */
  readonly nodes?: readonly string[];
  /** Null: it is not there yet. */
  readonly execution: ExecutionUid | null;
}

export interface JobsParts {
  readonly pool: Pool;
  readonly rights: Rights;
  readonly executions: Executions;
  readonly taskGraphs: TaskGraphs;
  /** Whoever may cancel an execution for somebody who may cancel its job. */
  readonly deputy: (caller: Caller) => Caller;
  readonly wake: { due(): void };
}

const MESSAGES = 200;

export class Jobs {
  readonly #parts: JobsParts;

  constructor(parts: JobsParts) {
    this.#parts = parts;
  }

  /** The caller's own, and those of groups whose jobs they see. */
  async list(caller: Caller, query: ListQuery<JobField>): Promise<ListPage> {
    const { pool, rights } = this.#parts;
    const seen = await rights.groupsWith(caller, 'job.view');
    return listPage(pool, jobList(seen), orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async get(caller: Caller, key: ThingKey): Promise<Job> {
    const { pool, taskGraphs, deputy } = this.#parts;
    const job = await this.#find(caller, key);
    const { tenantId } = orderingScope(caller);
    const subjobs = await selectSubjobs.all(pool, tenantId, [job.uid]);
    const kept = job.messages ?? [];
    const told =
      kept.length > 0 || job.executionUid === null
        ? kept
        : (await lastMessages.all(pool, tenantId, [job.executionUid, job.nodes, MESSAGES])).map(
            ({ message }) => message,
          );
    const resource =
      job.resourceUid === null ? null : await selectJobResource.one(pool, tenantId, [job.resourceUid]);
    const progress = await progressOf(pool, taskGraphs, deputy(caller), tenantId, job);
    return {
      ...job,
      subjobs,
      told: told.length > 0 ? told : [WAITING[job.status] ?? job.status],
      resource,
      progress,
    };
  }

  /** Jobs of orders that the caller has found, those at the top first. */
  async ofOrders(caller: Caller, orders: readonly number[]): Promise<readonly JobRow[]> {
    return selectJobsOfOrders.all(this.#parts.pool, orderingScope(caller).tenantId, [orders]);
  }

  /** A job for an execution, in the transaction that starts it. Permissions are the caller's affair. */
  async start(
    client: Client,
    scope: TenantScope,
    job: NewJob,
  ): Promise<{ readonly number: number; readonly uid: number }> {
    const number = await nextNumber(client, scope.tenantId, 'job');
    const { type, subject, owner, groupUid, serverUid = null, resourceUid = null, nodes = null } = job;
    const values = [number, type, null, null, null, owner, groupUid, subject, nodes, serverUid, resourceUid];
    const { uid } = (await insertJob.one(client, scope.tenantId, values))!;
    if (job.execution !== null) await bindJobExecution.run(client, scope.tenantId, [uid, job.execution]);
    return { number, uid };
  }

  /**
   * Asks for an end: of its execution, or, where that has not begun, of the job alone. For its owner and administrators.
   *
   * @throws DomainError `not-found`; `forbidden` (`job-not-yours`); `conflict` (`job-over`)
   */
  async cancel(caller: Caller, key: ThingKey): Promise<Job> {
    const { pool, executions, deputy, wake } = this.#parts;
    const scope = orderingScope(caller);
    const job = await this.#find(caller, key);
    if (job.ownerId !== caller.userId && !isOrderingAdmin(caller)) {
      throw new DomainError(
        'forbidden',
        'job-not-yours',
        `Only its owner or an administrator may cancel job ${job.number}`,
      );
    }
    if (job.settled)
      throw new DomainError('conflict', 'job-over', `Job ${job.number} is over: ${job.status}`);
    if (job.parentUid !== null) {
      throw new DomainError(
        'conflict',
        'job-part',
        `Job ${job.number} is a part of job ${job.parentNumber}: cancel that one`,
      );
    }
    const waiting = await inTransaction(pool, async (client) => {
      const marked = await wantCancel.all(client, scope.tenantId, [job.uid]);
      await record(client, caller, { action: 'cancel', thing: 'job', id: String(job.number) });
      return marked.length > 0;
    });
    if (!waiting) {
      const now = await this.#find(caller, key);
      if (now.executionId !== null && !now.settled) {
        await executions.cancel(deputy(caller), now.executionId, 'cancel').catch((error: unknown) => {
          // It ended, or is being cancelled already.
          if (!(error instanceof DomainError) || error.reason !== 'execution-action-illegal') throw error;
        });
      }
    }
    wake.due();
    return this.get(caller, key);
  }

  /** Everything it has to tell, as text in chunks. Throws `not-found`. */
  async log(caller: Caller, key: ThingKey): Promise<AsyncIterable<string>> {
    const job = await this.#find(caller, key);
    const { tenantId } = orderingScope(caller);
    return this.#chunks(tenantId, job);
  }

  async *#chunks(tenant: TenantId, job: JobRow): AsyncGenerator<string> {
    const { pool } = this.#parts;
    if (job.hasLog) {
      yield (await selectLog.one(pool, tenant, [job.uid]))?.log ?? '';
    } else if (job.executionUid !== null) {
      yield* logLines(pool, tenant, { executionUid: job.executionUid, nodes: job.nodes });
    }
    if (job.errors !== '') yield `${job.errors}\n`;
  }

  async #find(caller: Caller, key: ThingKey): Promise<JobRow> {
    const { pool, rights } = this.#parts;
    const job = await selectJob.one(pool, orderingScope(caller).tenantId, [keyText(key)]);
    if (job !== null && (job.ownerId === caller.userId || isOrderingAdmin(caller))) return job;
    if (job !== null && caller.permissions.has('ordering.read')) return job;
    if (job !== null && job.groupUid !== null && (await rights.may(caller, 'job.view', job.groupUid)))
      return job;
    throw notFound('Job', keyText(key));
  }
}

const WAITING: Readonly<Record<string, string>> = {
  PENDING: 'Waiting to be picked up',
  QUEUED: 'Waiting for a worker',
  RUNNING: 'Running',
  TO_CANCEL: 'Being canceled',
};
