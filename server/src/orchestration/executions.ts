/**
 * Executions: started, watched, cancelled, resumed. This room decides *whether*; `running/` does the work.
 *
 * One execution at a time on a deployment: the deployment's row is locked while that is decided, so two requests at the
 * same moment cannot both win. What is acknowledged is a committed row; a worker finds it whatever dies in between.
 */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { revokeExecutionTokens } from '../identity/tokens.js';
import type { ExecutionId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { cancelHeld, leftGroup } from './cancellation.js';
import { closeUpdate } from './deployment-updates.store.js';
import { holdDeployment, settleDeployment } from './deployments.store.js';
import { lockWithDeployment, refuseUpload } from './execution-lock.js';
import type { ExecutionRequest } from './execution-request.js';
import { type StartedExecution, startExecution } from './execution-start.js';
import { type CancelKind, type ExecutionStatus, isFinal, mayBecome } from './execution-state.js';
import {
  type ExecutionField,
  type ExecutionRecord,
  executionList,
  promoteQueued,
  selectExecution,
  selectQueuedPlaces,
  selectUnfinished,
  updateStatus,
} from './executions.store.js';
import { RUN_ACTION, RUN_ACTION_WORKFLOW } from './planning/workflows/run-action.js';
import { type ResumeOptions, takeUp } from './resumption.js';

export type { ExecutionRequest } from './execution-request.js';
export type { StartedExecution } from './execution-start.js';
export type { ExecutionField, ExecutionRecord } from './executions.store.js';
export type { ResumeDecision, ResumeOptions } from './resumption.js';

/** Told after the commit that there is work, or that a running execution must look up. A hint only. */
export interface Wake {
  work(): void;
  changed(execution: ExecutionId): void;
}

export class Executions {
  readonly #pool: Pool;
  readonly #wake: Wake;
  readonly #mostWaiting: number;

  /** @param mostWaiting executions of a tenant that may wait, where it has no limit of its own; 0: any number */
  constructor(pool: Pool, wake: Wake, mostWaiting = 0) {
    this.#pool = pool;
    this.#wake = wake;
    this.#mostWaiting = mostWaiting;
  }

  /** Needs `executions.read`. */
  async list(caller: Caller, query: ListQuery<ExecutionField>): Promise<ListPage> {
    return listPage(this.#pool, executionList, scopeFor(caller, 'executions.read'), query);
  }

  /** Needs `executions.read`. Throws `not-found`. */
  async get(caller: Caller, id: string): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.read');
    const execution = await selectExecution.one(this.#pool, scope.tenantId, [
      id,
      scope.userId,
      scope.seesPrivate,
    ]);
    if (execution === null) throw notFound('Execution', id);
    return execution;
  }

  /**
   * Starts a workflow on a deployment. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`workflow-unknown`, `workflow-unavailable`, `workflow-unsupported`,
   *   `execution-parameters-illegal`); `conflict` (`execution-already-running`); `limit` (`too-many-waiting`)
   */
  async start(caller: Caller, request: ExecutionRequest): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.run');
    const { id } = await inTransaction(this.#pool, (client) =>
      startExecution(client, caller, scope, request, this.#mostWaiting),
    );
    this.#wake.work();
    return this.get(caller, id);
  }

  /**
   * One of a group, in the transaction of whoever starts the group; `wakeWorkers` is to be called after its commit.
   *
   * @throws as `start`
   */
  async startInGroup(
    client: Client,
    caller: Caller,
    request: ExecutionRequest,
    group: number,
  ): Promise<void> {
    const scope = scopeFor(caller, 'executions.run');
    await startExecution(client, caller, scope, request, this.#mostWaiting, { group });
  }

  /**
   * In the transaction of whoever asks; `wakeWorkers` is to be called after its commit.
   *
   * @throws as `start`
   */
  async startWithin(client: Client, caller: Caller, request: ExecutionRequest): Promise<StartedExecution> {
    const scope = scopeFor(caller, 'executions.run');
    return startExecution(client, caller, scope, request, this.#mostWaiting);
  }

  /**
   * Has steps that the plugin of actions knows by `run` carried out on a deployment, after what is being done to it; likewise.
   *
   * @param action `instance`: on which; null: on any
   * @throws as `start`
   */
  async startAction(
    client: Client,
    caller: Caller,
    action: {
      readonly deploymentId: string;
      readonly instance: string | null;
      readonly run: number;
      readonly steps: readonly string[];
    },
  ): Promise<StartedExecution> {
    const scope = scopeFor(caller, 'executions.run');
    const { deploymentId, instance, run, steps } = action;
    const request: ExecutionRequest = {
      deploymentId,
      workflow: RUN_ACTION,
      parameters: { run, steps: [...steps], node_instance_id: instance },
      allowCustomParameters: true,
      queue: true,
    };
    return startExecution(client, caller, scope, request, this.#mostWaiting, {
      workflow: RUN_ACTION_WORKFLOW,
    });
  }

  /** A hint that there is work, after the commit that makes it. */
  wakeWorkers(): void {
    this.#wake.work();
  }

  /**
   * Asks for an end. What a worker already runs is stopped with its whole process tree: after a pause to tidy up
   * (`cancel`, `force-cancel`) or at once (`kill`). Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`execution-action-illegal`)
   */
  async cancel(caller: Caller, id: string, kind: CancelKind): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.run');
    await inTransaction(this.#pool, async (client) => {
      const execution = await lockWithDeployment(client, scope, id);
      refuseUpload(id, execution);
      await cancelHeld(client, scope, execution, id, kind);
      await record(client, caller, {
        action: kind,
        thing: 'execution',
        id,
        details: { from: execution.status },
      });
    });
    this.#wake.changed(id as ExecutionId);
    this.#wake.work();
    return this.get(caller, id);
  }

  /**
   * Takes up an ended execution where it stopped: finished operations stay finished, the others run again from the
   * stored graph. An operation that was interrupted and may not be run again in silence needs a decision
   * (`retry`, `skip` or `done`, each with a reason), or `force`, which retries them all. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `conflict` (`execution-not-resumable`, `operation-needs-decision`,
   *   `execution-already-running`); `invalid` (`unknown-operation`); `unavailable` (`maintenance`)
   */
  async resume(caller: Caller, id: string, options: ResumeOptions = {}): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.run');
    await inTransaction(this.#pool, async (client) => {
      const execution = await lockWithDeployment(client, scope, id);
      refuseUpload(id, execution);
      await takeUp(client, caller, scope, execution, id, options);
    });
    this.#wake.work();
    return this.get(caller, id);
  }

  /**
   * Sets a status by hand, as outside workflow code does (cloudify.md §5.1). Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`execution-status-illegal`)
   */
  async updateStatus(
    caller: Caller,
    id: string,
    change: { readonly status: ExecutionStatus; readonly error?: string },
  ): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.run');
    await inTransaction(this.#pool, async (client) => {
      const execution = await lockWithDeployment(client, scope, id);
      refuseUpload(id, execution);
      if (!mayBecome(execution.status, change.status)) {
        throw new DomainError(
          'invalid',
          'execution-status-illegal',
          `Invalid relationship - can't change status from ${execution.status} to ${change.status} for execution ${id}`,
        );
      }
      await updateStatus.run(client, scope.tenantId, [execution.uid, change.status, change.error ?? '']);
      if (isFinal(change.status)) await revokeExecutionTokens(client, id as ExecutionId);
      if (isFinal(change.status) && !isFinal(execution.status) && execution.deploymentUid !== null) {
        await closeUpdate.run(client, scope.tenantId, [execution.uid, change.status]);
        await settleDeployment.run(client, scope.tenantId, [execution.deploymentUid, change.status]);
        await promoteQueued.run(client, scope.tenantId, [execution.deploymentUid]);
        await leftGroup(client, scope, execution, change.status);
      }
      await record(client, caller, {
        action: 'set-status',
        thing: 'execution',
        id,
        details: { from: execution.status, to: change.status },
      });
    });
    this.#wake.changed(id as ExecutionId);
    this.#wake.work();
    return this.get(caller, id);
  }

  /** What maintenance has kept waiting begins, where nothing else runs. For the server itself, after its end. */
  async startQueued(): Promise<void> {
    for (const { tenantId, deploymentUid } of await selectQueuedPlaces.all(this.#pool)) {
      await inTransaction(this.#pool, async (client) => {
        await holdDeployment.run(client, tenantId, [deploymentUid]);
        await promoteQueued.run(client, tenantId, [deploymentUid]);
      });
    }
    this.#wake.work();
  }

  /**
   * Tells workers once more of an execution that waits for one; what is queued is looked at again. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `invalid` (`execution-action-illegal`)
   */
  async requeue(caller: Caller, id: string): Promise<ExecutionRecord> {
    const scope = scopeFor(caller, 'executions.run');
    await inTransaction(this.#pool, async (client) => {
      const { status, deploymentUid } = await lockWithDeployment(client, scope, id);
      if (status !== 'pending' && status !== 'queued') {
        throw new DomainError(
          'invalid',
          'execution-action-illegal',
          `Can't requeue execution ${id} because it's in status ${status}`,
        );
      }
      if (deploymentUid !== null) await promoteQueued.run(client, scope.tenantId, [deploymentUid]);
    });
    this.#wake.work();
    return this.get(caller, id);
  }

  /** Whether nothing stands in the way of an execution that has not begun. Needs `executions.read`. Throws `not-found`. */
  async mayStart(caller: Caller, id: string): Promise<boolean> {
    const { status, deploymentUid, tenantId } = await this.get(caller, id);
    if (status !== 'pending' && status !== 'queued') return false;
    if (status === 'pending' || deploymentUid === null) return true;
    const [first] = await selectUnfinished.all(this.#pool, tenantId, [deploymentUid]);
    return first?.id === id;
  }
}
