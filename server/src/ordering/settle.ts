/**
 * Draws the consequences when an execution of jobs has ended: what each job came to, what stands and what is gone, and, when all
 * of its errands have ended, how the order ended.
 *
 * The news is a row that was written with the end of the execution (`job_news`), so it is met once at least; everything here bears being
 * done twice. A deployment that was taken down as a whole is deleted first, with what its execution has told kept by the
 * jobs, because their order is over only when it is gone.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { TaskGraphs } from '../orchestration/task-graphs.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { BeginRuns } from './begin-runs.js';
import {
  countOnDeployment,
  countUnended,
  type ErrandRow,
  selectErrand,
  setErrandEnded,
} from './errands.store.js';
import { logText } from './job-log.js';
import { progressOf } from './job-progress.js';
import { JOB_TYPES } from './job-types.js';
import { ENDS, failedServers, OUTCOMES, outputOf, partOutcome } from './job-verdicts.js';
import {
  claimNews,
  dropNews,
  instancesOf,
  type JobRow,
  keepTold,
  lastMessages,
  type NewsRow,
  putOffNews,
  selectJobByUid,
  selectJobsOfOrders,
  selectPrinted,
  selectTogether,
  selectTrouble,
  settleJob,
} from './jobs.store.js';
import type { JobOutcome } from './order-state.js';
import { outcomeOf } from './order-state.js';
import { lockOrder, setEnded } from './orders.store.js';
import { assignHolds, dropHoldsOfItem, dropHoldsOfServers, dropLooseHolds } from './quota-book.store.js';
import type { ServerBook } from './server-book.js';
import type { Triggers } from './triggers.js';

export interface SettlementParts {
  readonly pool: Pool;
  readonly deployments: Deployments;
  readonly blueprints: Blueprints;
  readonly taskGraphs: TaskGraphs;
  readonly servers: ServerBook;
  /** Who acts for an errand. */
  readonly actor: (errand: ErrandRow) => Promise<Caller>;
  readonly runs: Pick<BeginRuns, 'ended'>;
  readonly triggers: Pick<Triggers, 'fireAfter'>;
  /** Hints, after a commit. */
  readonly due: () => void;
  readonly changed: (tenant: TenantId, order: number) => void;
  readonly jobChanged: (tenant: TenantId, job: number) => void;
}

/** What jobs of an errand came to, before it is written. */
interface Verdict {
  readonly job: JobRow;
  readonly outcome: JobOutcome;
  readonly output: string;
  readonly errors: string;
}

interface End {
  readonly status: NewsRow['status'];
  readonly error: string;
}

/** Seconds: longer than a deployment takes to be deleted. */
const LEASE = 30;
const MESSAGES = 200;
const PRINTED_LINES = 1000;
const MOST_FAILURES = 50;

export class Settlement {
  readonly #parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /** Deals with all news. Any number of processes may do it at once. @returns how many */
  async all(): Promise<number> {
    const { pool } = this.#parts;
    for (let count = 0; ; count += 1) {
      const news = await claimNews.one(pool, [LEASE]);
      if (news === null) return count;
      try {
        await this.#one(news);
      } catch (error) {
        await putOffNews.run(pool, news.tenantId, [news.jobUid, 5]);
        if (!(error instanceof DomainError)) throw error;
      }
    }
  }

  /** An errand that came to its end before there was an execution. */
  async withoutExecution(
    errand: ErrandRow,
    outcome: Exclude<JobOutcome, 'WARNING'>,
    message: string,
  ): Promise<void> {
    const end: End = { status: ENDS[outcome], error: message };
    const jobs = await selectTogether.all(this.#parts.pool, errand.tenantId, [errand.uid, null]);
    const verdicts = jobs
      .filter((job) => !job.settled)
      .map(
        (job): Verdict =>
          outcome === 'SUCCESS'
            ? { job, outcome, output: message, errors: '' }
            : { job, outcome, output: '', errors: message },
      );
    await this.#write(errand, end, verdicts, []);
  }

  async #one(news: NewsRow): Promise<void> {
    const { pool } = this.#parts;
    const first = await selectJobByUid.one(pool, news.tenantId, [news.jobUid]);
    if (first === null || first.settled) {
      await dropNews.run(pool, news.tenantId, [[news.jobUid]]);
      return;
    }
    const errand =
      first.errandUid === null ? null : await selectErrand.one(pool, news.tenantId, [first.errandUid]);
    const jobs = (await selectTogether.all(pool, news.tenantId, [errand?.uid ?? null, first.uid])).filter(
      (job) => !job.settled,
    );
    const instances =
      first.executionUid === null
        ? []
        : await instancesOf.all(pool, news.tenantId, [first.executionUid, null]);
    const verdicts = await this.#verdicts(news, errand, jobs, instances);
    if (errand === null) {
      await inTransaction(pool, async (client) => this.#settle(client, news.tenantId, verdicts));
      this.#tell(news.tenantId, verdicts);
      return;
    }
    const isGone = await this.#takeAway(errand, news, jobs);
    const warned =
      isGone === null
        ? verdicts
        : verdicts.map((one) => ({ ...one, outcome: 'WARNING' as const, errors: isGone }));
    await this.#write(errand, news, warned, failedServers(errand, news, instances));
  }

  async #verdicts(
    news: NewsRow,
    errand: ErrandRow | null,
    jobs: readonly JobRow[],
    instances: readonly { readonly node: string; readonly state: string }[],
  ): Promise<Verdict[]> {
    const { pool } = this.#parts;
    const within: Verdict[] = [];
    for (const job of jobs.filter(({ parentUid }) => parentUid !== null)) {
      const outcome = partOutcome(job, news.status, instances);
      within.push(await this.#verdict(news, errand, job, outcome));
    }
    const top: Verdict[] = [];
    for (const job of jobs.filter(({ parentUid }) => parentUid === null)) {
      const parts = within.filter((one) => one.job.parentUid === job.uid);
      const alone = job.nodes !== null ? partOutcome(job, news.status, instances) : OUTCOMES[news.status];
      const outcome =
        news.status === 'terminated' && parts.some((part) => part.outcome !== 'SUCCESS') ? 'WARNING' : alone;
      const own = await this.#verdict(news, errand, job, outcome);
      const outputs = parts.map(({ output }) => output).filter((text) => text !== '');
      top.push(outputs.length === 0 ? own : { ...own, output: outputs.join('\n') });
    }
    if (top.length > 0 && errand !== null) await this.#keepTold(news.tenantId, errand, jobs, pool);
    return [...top, ...within];
  }

  async #verdict(
    news: NewsRow,
    errand: ErrandRow | null,
    job: JobRow,
    outcome: JobOutcome,
  ): Promise<Verdict> {
    const { pool } = this.#parts;
    const { executionUid, nodes } = job;
    let errors = '';
    if (outcome !== 'SUCCESS') {
      const told =
        executionUid === null ? null : await selectTrouble.one(pool, news.tenantId, [executionUid, nodes]);
      errors = outcome === 'CANCELED' ? 'It was canceled' : (told?.message ?? news.error);
    }
    if (
      outcome === 'SUCCESS' &&
      (job.type === 'orchestration_hook' || errand === null) &&
      executionUid !== null &&
      nodes !== null
    ) {
      const lines = await selectPrinted.all(pool, news.tenantId, [executionUid, nodes, PRINTED_LINES]);
      return { job, outcome, output: lines.map(({ message }) => message).join('\n'), errors };
    }
    return { job, outcome, output: outcome === 'SUCCESS' ? outputOf(job, errand) : '', errors };
  }

  /** What will be gone with the deployment is kept by the jobs. */
  async #keepTold(tenant: TenantId, errand: ErrandRow, jobs: readonly JobRow[], pool: Pool): Promise<void> {
    const goes = errand.task.kind === 'remove';
    // Whoever is not there any more sees nothing: then it is told of the whole.
    const caller = await this.#parts.actor(errand).catch(() => null);
    for (const job of jobs) {
      if (job.executionUid === null || job.messages !== null) continue;
      const messages = await lastMessages.all(pool, tenant, [job.executionUid, job.nodes, MESSAGES]);
      const log = goes
        ? await logText(pool, tenant, { executionUid: job.executionUid, nodes: job.nodes })
        : null;
      const texts = messages.map(({ message }) => message);
      const { total, completed } =
        caller === null
          ? { total: job.totalTasks, completed: job.completedTasks }
          : await progressOf(pool, this.#parts.taskGraphs, caller, tenant, job);
      await keepTold.run(pool, tenant, [job.uid, JSON.stringify(texts), log, total, completed]);
    }
  }

  /** Deletes what was taken down as a whole. @returns why it could not be; null: all is well */
  async #takeAway(errand: ErrandRow, news: NewsRow, jobs: readonly JobRow[]): Promise<string | null> {
    const { task, deploymentId, tenantId } = errand;
    if (task.kind !== 'remove' || deploymentId === null || news.status !== 'terminated' || jobs.length === 0)
      return null;
    const { deployments, blueprints, servers, pool } = this.#parts;
    if (!task.whole) {
      const scope = scopeOf(errand);
      const left = await servers.ofDeployment(pool, scope, deploymentId);
      const others = left.filter(({ uid }) => !task.servers.some((gone) => gone.uid === uid));
      if (others.length > 0) return null;
      if ((await countOnDeployment.one(pool, tenantId, [deploymentId, errand.uid]))!.count > 0) return null;
    }
    try {
      const caller = await this.#parts.actor(errand);
      const { blueprintId } = await deployments.remove(caller, deploymentId);
      // The blueprint was made for this deployment and is of no use to anything else.
      if (blueprintId === deploymentId) await blueprints.remove(caller, blueprintId);
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind === 'not-found') {
        if (error instanceof DomainError) return null;
        throw error;
      }
      // Something runs on it at this moment: it is looked at again.
      if (error.reason === 'deployment-has-active-executions') throw error;
      return task.whole ? error.message : null;
    }
    return null;
  }

  async #write(
    errand: ErrandRow,
    end: End,
    verdicts: readonly Verdict[],
    failed: readonly number[],
  ): Promise<void> {
    const { pool, changed } = this.#parts;
    const { tenantId, task } = errand;
    const scope = scopeOf(errand);
    await inTransaction(pool, async (client) => {
      await lockOrder.one(client, tenantId, [errand.orderUid]);
      await this.#settle(client, tenantId, verdicts);
      await this.#servers(client, scope, errand, end, failed);
      if (task.kind === 'modify' && end.status !== 'terminated')
        await dropHoldsOfItem.run(client, tenantId, [errand.itemUid]);
      await setErrandEnded.run(client, tenantId, [errand.uid]);
      if (end.status === 'terminated') await this.#parts.triggers.fireAfter(client, errand);
      await endOrder(client, tenantId, errand.orderUid);
    });
    changed(tenantId, errand.orderNumber);
    this.#tell(tenantId, verdicts);
  }

  async #settle(client: Client, tenant: TenantId, verdicts: readonly Verdict[]): Promise<void> {
    for (const { job, outcome, output, errors } of verdicts) {
      const printed = await this.#parts.runs.ended(client, tenant, job, outcome);
      await settleJob.run(client, tenant, [job.uid, outcome, printed ?? output, errors]);
    }
    await dropNews.run(client, tenant, [verdicts.map(({ job }) => job.uid)]);
  }

  #tell(tenant: TenantId, verdicts: readonly Verdict[]): void {
    for (const { job } of verdicts) this.#parts.jobChanged(tenant, job.number);
    this.#parts.due();
  }

  async #servers(
    client: Client,
    scope: TenantScope,
    errand: ErrandRow,
    end: End,
    failed: readonly number[],
  ): Promise<void> {
    const { servers } = this.#parts;
    const { task } = errand;
    const well = end.status === 'terminated';
    switch (task.kind) {
      case 'build': {
        const uids = task.servers.map(({ uid }) => uid);
        const gone = errand.executionUid === null && errand.state === 'due' ? uids : failed;
        const stands = uids.filter((uid) => !gone.includes(uid));
        await servers.settle(client, scope, { servers: stands, as: 'active', trouble: '' });
        await servers.settle(client, scope, { servers: gone, as: 'build-failed', trouble: end.error });
        await dropHoldsOfServers.run(client, scope.tenantId, [gone]);
        if (task.resource !== null) {
          await servers.settleResource(client, scope, task.resource, well ? 'active' : 'provision-failed');
        }
        break;
      }
      case 'modify':
        if (well && task.plan.change.parameters !== undefined) {
          await servers.setParameters(client, scope, task.server.uid, task.plan.change.parameters);
        }
        break;
      case 'remove': {
        if (!well) break;
        const uids = task.servers.map(({ uid }) => uid);
        await servers.settle(client, scope, { servers: uids, as: 'historical', trouble: '' });
        await dropHoldsOfServers.run(client, scope.tenantId, [uids]);
        if (task.resource !== null) await servers.settleResource(client, scope, task.resource, 'historical');
        break;
      }
      case 'act':
        if (task.scaled === null) break;
        await assignHolds.run(client, scope.tenantId, [errand.itemUid, task.resource, task.scaled]);
        await dropLooseHolds.run(client, scope.tenantId, [errand.itemUid]);
        break;
    }
  }
}

/** The order ends with its last errand. Its row is locked. */
async function endOrder(client: Client, tenant: TenantId, order: number): Promise<void> {
  if ((await countUnended.one(client, tenant, [order]))!.count > 0) return;
  const jobs = await selectJobsOfOrders.all(client, tenant, [[order]]);
  const top = jobs.filter(({ parentUid }) => parentUid === null);
  const status = outcomeOf(top.map((job) => job.status as JobOutcome));
  const failures = jobs
    .filter(({ errors }) => errors !== '')
    .map(({ type, subject, errors }) => `${JOB_TYPES[type]} '${subject}': ${errors}`.slice(0, 2000))
    .slice(0, MOST_FAILURES);
  await setEnded.run(client, tenant, [order, status, failures]);
}

function scopeOf(errand: ErrandRow): TenantScope {
  return {
    tenantId: errand.tenantId,
    tenantName: errand.tenantName,
    userId: errand.ownerId,
    seesPrivate: true,
  };
}
