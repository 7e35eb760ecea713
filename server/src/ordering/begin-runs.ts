/**
 * Begins what people have the server run, once each, whatever dies in between, and draws what follows when it has ended.
 *
 * A run is one execution: on the deployment of the resource or server that it is about, or on one that is kept for it (homes.ts). It is
 * started in the transaction that marks the run as begun and binds its job. Whoever asked acts, with rights lent for exactly this.
 *
 *   due ─► begun ─► ended, or concluding ─► ended
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import type { Callers } from '../identity/callers.js';
import type { TenantId } from '../ids.js';
import type { Executions, StartedExecution } from '../orchestration/executions.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  claimRun,
  endRun,
  lockRun,
  putOffRun,
  type RunRow,
  selectRun,
  setRunBegun,
  setRunConcluded,
} from './action-runs.store.js';
import { verdictIn } from './action-script.js';
import { outputOf } from './action-works.js';
import { hastenErrand } from './errands.store.js';
import type { Homes, Place } from './homes.js';
import { bindJobExecution, dropNews, settleJob } from './jobs.store.js';
import type { JobOutcome } from './order-state.js';
import type { OrdersByAction } from './orders-by-action.js';
import type { ServerBook } from './server-book.js';

export interface BeginRunsParts {
  readonly pool: Pool;
  readonly callers: Callers;
  readonly executions: Executions;
  readonly servers: ServerBook;
  readonly homes: Homes;
  readonly orders: Pick<OrdersByAction, 'decide'>;
  /** With what carrying out takes. */
  readonly lent: (caller: Caller) => Caller;
  /** Hints, after a commit. */
  readonly jobChanged: (tenant: TenantId, job: number) => void;
  readonly due: () => void;
  /** Ends an errand whose job did not come to an execution. */
  readonly withoutExecution: (
    tenant: TenantId,
    errand: number,
    outcome: 'FAILURE' | 'CANCELED',
    message: string,
  ) => Promise<void>;
  /** For tests: what it throws is as if the process had died there. */
  readonly beforeBegun?: ((run: number) => Promise<void>) | undefined;
}

/** Seconds. Longer than a blueprint takes to compile. */
const LEASE = 60;
const MOST_TRIES = 100;

export class BeginRuns {
  readonly #parts: BeginRunsParts;

  constructor(parts: BeginRunsParts) {
    this.#parts = parts;
  }

  /** Sees to all that wait. Any number of processes may do it at once. @returns how many were looked at */
  async all(): Promise<number> {
    for (let count = 0; ; count += 1) {
      const claimed = await claimRun.one(this.#parts.pool, [LEASE]);
      if (claimed === null) return count;
      await this.#one(claimed.tenantId, claimed.uid);
    }
  }

  /**
   * Within the transaction that settles a job: its run is over as well. Any job may be named.
   *
   * @returns what its steps have printed; null: it has no run
   */
  async ended(
    client: Client,
    tenant: TenantId,
    job: { readonly uid: number; readonly number: number },
    outcome: JobOutcome,
  ): Promise<string | null> {
    const run = await endRun.one(client, tenant, [job.uid, outcome]);
    if (run === null) return null;
    const { uid, printed } = run;
    const { tenantName, task, owner, executionId } = (await selectRun.one(client, tenant, [uid]))!;
    const scope = scopeOf(tenant, tenantName);
    const word = outcome === 'SUCCESS' ? 'ended well' : outcome === 'CANCELED' ? 'was canceled' : 'failed';
    const isOnServer = task.work.kind === 'workflow' && task.work.ofServer;
    // What a handler does is remembered where it is done.
    if (!isOnServer) {
      await this.#parts.servers.note(client, scope, {
        servers: task.servers,
        resource: task.resource,
        event: 'action',
        message: `'${task.label}' ${word} (job ${job.number})`,
        by: owner,
        execution: executionId,
      });
    }
    return outputOf(printed);
  }

  async #one(tenant: TenantId, uid: number): Promise<void> {
    const { pool } = this.#parts;
    const run = await selectRun.one(pool, tenant, [uid]);
    if (run === null) return;
    try {
      if (run.state === 'concluding') await this.#conclude(run);
      if (run.state !== 'due') return;
      if (run.cancelWanted) await this.#withoutExecution(run, 'CANCELED', 'It was canceled before it began');
      else await this.#begin(run);
    } catch (error) {
      const known = error instanceof DomainError;
      const isFinal = known && ['invalid', 'forbidden', 'not-found'].includes(error.kind);
      const hopeless =
        isFinal || (known && error.reason === 'server-not-built-here') || run.tries > MOST_TRIES;
      if (hopeless && run.state === 'concluding') await setRunConcluded.run(pool, tenant, [uid]);
      else if (hopeless) {
        const message = known ? error.message : 'Something went wrong in the server; its log says more';
        await this.#withoutExecution(run, 'FAILURE', message);
      } else await putOffRun.run(pool, tenant, [uid, Math.min(60, 2 ** Math.min(run.tries, 6))]);
      if (!known) throw error;
    }
  }

  async #begin(run: RunRow): Promise<void> {
    const { pool, executions, lent, beforeBegun = async () => {} } = this.#parts;
    const caller = lent(await this.#actor(run));
    const place = await this.#place(caller, run);
    await inTransaction(pool, async (client) => {
      if ((await lockRun.one(client, run.tenantId, [run.uid]))?.state !== 'due') return;
      const execution = await this.#start(client, caller, run, place);
      await setRunBegun.run(client, run.tenantId, [run.uid, execution.id]);
      await bindJobExecution.run(client, run.tenantId, [run.jobUid, execution.uid]);
      await beforeBegun(run.uid);
    });
    executions.wakeWorkers();
  }

  async #actor(run: RunRow): Promise<Caller> {
    return this.#parts.callers.actingAs(run.owner, run.tenantName, `job ${run.jobNumber}`, { visitor: true });
  }

  async #place(
    caller: Caller,
    run: RunRow,
  ): Promise<Omit<Place, 'node' | 'instanceId'> & { instanceId: string | null }> {
    const { pool, servers, homes } = this.#parts;
    const { task } = run;
    const scope = scopeOf(run.tenantId, run.tenantName);
    if (task.home !== null) return homes.ofAction(caller, task.home, task.label);
    if (task.resource !== null) {
      const [resource] = await servers.resourcesByUids(pool, scope, [task.resource]);
      if (resource === undefined || resource.over || resource.deploymentId === null)
        throw gone(resource?.name ?? task.label);
      return { deploymentId: resource.deploymentId, instanceId: null };
    }
    const [server] = await servers.byUids(pool, scope, task.servers.slice(0, 1));
    if (server === undefined || server.status === 'historical') throw gone(server?.name ?? task.label);
    if (server.deploymentId === null) return homes.ofServer(caller, scope, server);
    if (server.instanceId === null)
      throw new DomainError('unavailable', 'server-not-built-yet', `Server ${server.name} is not built yet`);
    return { deploymentId: server.deploymentId, instanceId: server.instanceId };
  }

  async #start(
    client: Client,
    caller: Caller,
    { uid, task }: RunRow,
    { deploymentId, instanceId }: { readonly deploymentId: string; readonly instanceId: string | null },
  ): Promise<StartedExecution> {
    const { executions } = this.#parts;
    const { work } = task;
    if (work.kind === 'steps') {
      const steps = work.steps.map(({ name }) => name);
      return executions.startAction(client, caller, { deploymentId, instance: instanceId, run: uid, steps });
    }
    const selected = work.ofServer && instanceId !== null ? { node_instance_ids: [instanceId] } : {};
    return executions.startWithin(client, caller, {
      deploymentId,
      workflow: work.workflow,
      parameters: { ...work.parameters, ...selected },
      queue: true,
    });
  }

  async #withoutExecution(run: RunRow, outcome: 'FAILURE' | 'CANCELED', message: string): Promise<void> {
    const { jobErrandUid: errand } = run;
    if (errand !== null) return this.#parts.withoutExecution(run.tenantId, errand, outcome, message);
    const job = { uid: run.jobUid, number: run.jobNumber };
    await inTransaction(this.#parts.pool, async (client) => {
      await settleJob.run(client, run.tenantId, [job.uid, outcome, '', message]);
      await dropNews.run(client, run.tenantId, [[job.uid]]);
      await this.ended(client, run.tenantId, job, outcome);
    });
    this.#parts.jobChanged(run.tenantId, job.number);
    this.#parts.due();
  }

  async #conclude(run: RunRow): Promise<void> {
    const { pool, orders, due } = this.#parts;
    if (run.triggerPoint === 'order_approval' && run.orderUid !== null && run.outcome === 'SUCCESS') {
      const verdict = verdictIn(run.found);
      if (verdict !== null)
        await orders.decide(await this.#actor(run), run.orderUid, verdict, run.task.label);
    }
    await inTransaction(pool, async (client) => {
      await setRunConcluded.run(client, run.tenantId, [run.uid]);
      if (run.errandUid !== null) await hastenErrand.run(client, run.tenantId, [run.errandUid]);
    });
    if (run.errandUid !== null) due();
  }
}

function scopeOf(tenantId: TenantId, tenantName: string): TenantScope {
  return { tenantId, tenantName, userId: 0 as TenantScope['userId'], seesPrivate: true };
}

function gone(name: string): DomainError {
  return new DomainError('not-found', 'server-over', `'${name}' is not there any more`);
}
