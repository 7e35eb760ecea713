/**
 * Executions that work on the installation as a whole: no deployment, no graph, one step of the server's own.
 *
 * They are rows like all others, so that clients watch and cancel them in the same way, and have leases and fences like
 * all others, so that one whose worker dies is begun again by another. What the step does is its room's affair.
 */

import type { Permission } from '../caller.js';
import { type Caller, scopeFor } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { appendEvents, type NewEvent } from '../events/events.js';
import { record } from '../identity/audit.js';
import { type ExecutionId, newExecutionId, type TenantId, type UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { alreadyRunning } from './execution-request.js';
import { type ExecutionStatus, isCancelling } from './execution-state.js';
import {
  claimSystem,
  endSystem,
  highestFence,
  insertEnded,
  insertSystem,
  interruptCopied,
  lockSystem,
  promoteSystem,
  raiseFences,
  releaseSystem,
  renewSystem,
  type SystemClaim,
  selectInTheWay,
  selectOwn,
  settleCopied,
} from './system-executions.store.js';

export type { SystemClaim } from './system-executions.store.js';

export interface SystemRequest {
  readonly workflow: string;
  /** Told as they are. */
  readonly parameters: JsonObject;
  readonly permission: Permission;
  /** Wait for what is in the way instead of being refused. */
  readonly queue: boolean;
  /** Nothing at all may run beside it, in no tenant. */
  readonly alone: boolean;
}

/** An execution of this installation, to be put beside those of another time. */
export interface CarriedExecution {
  readonly id: ExecutionId;
  readonly workflow: string;
  readonly parameters: JsonObject;
  readonly createdAt: Date;
  readonly startedAt: Date;
  readonly highestFence: number;
}

export class SystemExecutions {
  readonly #pool: Pool;
  readonly #workflows: readonly string[];
  readonly #work: () => void;
  readonly #together: boolean;

  /**
   * @param workflows that are claimed here, and of which one runs at a time
   * @param options `together`: they do not keep to themselves, so that many run at a time
   */
  constructor(
    pool: Pool,
    workflows: readonly string[],
    work: () => void,
    { together = false }: { readonly together?: boolean } = {},
  ) {
    this.#pool = pool;
    this.#workflows = workflows;
    this.#work = work;
    this.#together = together;
  }

  /**
   * Records the execution in the transaction of `client`; call `wake` after it.
   *
   * @throws DomainError `conflict` (`execution-already-running`)
   */
  async start(client: Client, caller: Caller, request: SystemRequest): Promise<ExecutionId> {
    const scope = scopeFor(caller, request.permission);
    await lockSystem.run(client);
    const kept = this.#together ? [] : this.#workflows;
    const other = await selectInTheWay.one(client, [kept, request.alone]);
    if (other !== null && !request.queue) throw alreadyRunning(other, 'this installation');
    const id = newExecutionId();
    const status: ExecutionStatus = other === null ? 'pending' : 'queued';
    await insertSystem.one(client, scope.tenantId, [
      id,
      request.workflow,
      status,
      JSON.stringify(request.parameters),
      scope.userId,
    ]);
    const details = { workflow: request.workflow, status };
    await record(client, caller, { action: 'start', thing: 'execution', id, details });
    return id;
  }

  /** Records one for which there was nothing to do, in the transaction of `client`: clients that wait for it find its end. */
  async note(client: Client, caller: Caller, request: Omit<SystemRequest, 'queue' | 'alone'>) {
    const scope = scopeFor(caller, request.permission);
    const id = newExecutionId();
    const { workflow, parameters } = request;
    const now = new Date();
    const row = await insertEnded.one(client, [
      scope.tenantId,
      id,
      workflow,
      JSON.stringify(parameters),
      scope.userId,
      now,
      now,
    ]);
    const subject = { executionUid: row!.uid, deploymentUid: null };
    await appendEvents(client, scope.tenantId, subject, [ending(workflow, 'terminated', '')]);
    return id;
  }

  /** For its log. */
  async tell(claim: SystemClaim, level: 'info' | 'warning', logger: string, message: string): Promise<void> {
    const subject = { executionUid: claim.uid, deploymentUid: null };
    await appendEvents(this.#pool, claim.tenantId, subject, [{ kind: 'log', level, logger, message }]);
  }

  /** Tells workers that there is something to do. */
  wake(): void {
    this.#work();
  }

  async claim(worker: string, leaseSeconds: number): Promise<SystemClaim | null> {
    await promoteSystem.run(this.#pool, [this.#workflows]);
    return claimSystem.one(this.#pool, [worker, leaseSeconds, this.#workflows]);
  }

  /** @returns whether it is still the worker's and wanted: `cancelled` when somebody asked for its end */
  async renew(claim: SystemClaim, leaseSeconds: number): Promise<'held' | 'cancelled' | 'lost'> {
    const row = await renewSystem.one(this.#pool, [claim.uid, claim.fence, leaseSeconds]);
    if (row === null) return 'lost';
    return isCancelling(row.status) ? 'cancelled' : 'held';
  }

  async release(claim: SystemClaim): Promise<void> {
    await releaseSystem.run(this.#pool, [claim.uid, claim.fence]);
  }

  /**
   * Ends it, together with what `also` writes.
   *
   * @param error empty: it went well
   * @returns the status it ended with; null where it was somebody else's, and nothing was written
   */
  async end(
    claim: SystemClaim,
    error: string,
    also: (client: Client, status: ExecutionStatus) => Promise<void>,
  ): Promise<ExecutionStatus | null> {
    return inTransaction(this.#pool, async (client) => {
      const wanted = error === '' ? 'terminated' : 'failed';
      const row = await endSystem.one(client, [claim.uid, claim.fence, wanted, error]);
      if (row === null) return null;
      const subject = { executionUid: claim.uid, deploymentUid: null };
      await appendEvents(client, claim.tenantId, subject, [ending(claim.workflow, row.status, error)]);
      await also(client, row.status);
      return row.status;
    });
  }

  /**
   * What must be known of an execution before all executions are replaced by those of another time; null: it is not the
   * worker's any more.
   */
  async carry(client: Client, claim: SystemClaim): Promise<CarriedExecution | null> {
    const own = await selectOwn.one(client, [claim.uid, claim.id, claim.fence]);
    if (own === null) return null;
    return { ...own, id: claim.id, highestFence: (await highestFence.one(client))!.fence };
  }

  /**
   * After all executions were replaced by those of another time, in the same transaction: what ran then runs no more, and
   * `carried` is there as ended well.
   *
   * @param maker the execution that made the copy, which is found running in it
   * @returns how many are failed now
   */
  async settle(
    client: Client,
    carried: CarriedExecution,
    maker: string | null,
    as: { readonly tenantId: TenantId; readonly userId: UserId },
  ): Promise<number> {
    const { failed } = (await settleCopied.one(client, [maker, carried.highestFence + 1]))!;
    await interruptCopied.run(client);
    await raiseFences.run(client, [carried.highestFence + 1]);
    const { id, workflow, parameters, createdAt, startedAt } = carried;
    const row = await insertEnded.one(client, [
      as.tenantId,
      id,
      workflow,
      JSON.stringify(parameters),
      as.userId,
      createdAt,
      startedAt,
    ]);
    const subject = { executionUid: row!.uid, deploymentUid: null };
    await appendEvents(client, as.tenantId, subject, [ending(workflow, 'terminated', '')]);
    return failed;
  }
}

function ending(workflow: string, status: ExecutionStatus, error: string): NewEvent {
  const of = `'${workflow}' workflow execution`;
  if (status === 'terminated')
    return { kind: 'event', type: 'workflow_succeeded', message: `${of} succeeded` };
  if (status === 'cancelled')
    return { kind: 'event', type: 'workflow_cancelled', message: `${of} cancelled` };
  return { kind: 'event', type: 'workflow_failed', message: `${of} failed: ${error}` };
}
