/** What is over: forgetting old executions, and keeping or forgetting what they told. */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import { notFound } from '../errors.js';
import {
  appendEvents,
  type Forgetting,
  forgetEvents,
  forgetEventsOfExecutions,
  type NewEvent,
} from '../events/events.js';
import { record } from '../identity/audit.js';
import { type ListFilter, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { lockDeployment } from './deployments.store.js';
import {
  deleteExecutions,
  deleteOperationsOf,
  type ExecutionField,
  executionList,
  selectDeletable,
  selectExecution,
} from './executions.store.js';

const PAGE = 1000;
/** More than that in one request would be a request that does not end. */
const MOST = 100_000;

export class ExecutionHistory {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Deletes ended executions with their operations and events, the newest `keep` of those that match excepted, and never the
   * one that made a deployment. Needs `executions.run`.
   *
   * @returns how many were deleted
   */
  async prune(caller: Caller, filters: readonly ListFilter<ExecutionField>[], keep: number): Promise<number> {
    const scope = scopeFor(caller, 'executions.run');
    const ids: string[] = [];
    for (let offset = keep; ids.length < MOST; offset += PAGE) {
      const page = await listPage(this.#pool, executionList, scope, {
        shape: { id: 'id' },
        filters: [
          ...filters,
          { field: 'tenantName', anyOf: [scope.tenantName] },
          { field: 'status', anyOf: ['terminated', 'failed', 'cancelled'] },
        ],
        sort: [{ field: 'createdAt', descending: true }],
        offset,
        size: PAGE,
      });
      const found = (JSON.parse(page.items) as { id: string }[]).map(({ id }) => id);
      ids.push(...found);
      if (found.length < PAGE) break;
    }
    let deleted = 0;
    for (let at = 0; at < ids.length; at += PAGE) {
      deleted += await this.#delete(caller, scope, ids.slice(at, at + PAGE));
    }
    return deleted;
  }

  /**
   * Appends what outside code tells of an execution. Needs `events.write`.
   *
   * @throws DomainError `not-found`
   */
  async tell(caller: Caller, execution: string, events: readonly NewEvent[]): Promise<void> {
    const scope = scopeFor(caller, 'events.write');
    const found = await selectExecution.one(this.#pool, scope.tenantId, [
      execution,
      scope.userId,
      scope.seesPrivate,
    ]);
    if (found === null || found.tenantId !== scope.tenantId) throw notFound('Execution', execution);
    const subject = { executionUid: found.uid, deploymentUid: found.deploymentUid };
    await appendEvents(this.#pool, scope.tenantId, subject, events);
  }

  /**
   * Forgets events of a deployment. Needs `events.write`.
   *
   * @returns how many there were
   * @throws DomainError `not-found`
   */
  async forget(caller: Caller, deploymentId: string, which: Forgetting): Promise<number> {
    const scope = scopeFor(caller, 'events.write');
    return inTransaction(this.#pool, async (client) => {
      const key = [deploymentId, scope.userId, scope.seesPrivate];
      const deployment = await lockDeployment.one(client, scope.tenantId, key);
      if (deployment === null) throw notFound('Deployment', deploymentId);
      const count = await forgetEvents(client, scope.tenantId, deployment.uid, which);
      await record(client, caller, {
        action: 'delete-events',
        thing: 'deployment',
        id: deploymentId,
        details: { count },
      });
      return count;
    });
  }

  async #delete(caller: Caller, scope: TenantScope, ids: readonly string[]): Promise<number> {
    return inTransaction(this.#pool, async (client) => {
      const rows = await selectDeletable.all(client, scope.tenantId, [ids]);
      const uids = rows.map(({ uid }) => uid);
      if (uids.length === 0) return 0;
      await forgetEventsOfExecutions(client, scope.tenantId, uids);
      await deleteOperationsOf.run(client, scope.tenantId, [uids]);
      await deleteExecutions.run(client, scope.tenantId, [uids]);
      await record(client, caller, {
        action: 'delete',
        thing: 'executions',
        id: String(uids.length),
        details: { first: ids[0] ?? null },
      });
      return uids.length;
    });
  }
}
