/**
 * The one way a walk writes: batches under its fence, each exactly once.
 *
 * A batch whose answer is lost (the database went away while it was on its way) is neither repeated blindly nor given
 * up: the execution's batch number tells whether it was taken. When the fence has moved on, somebody else walks this
 * execution and `Fenced` is thrown: nothing more may be written, and nothing more may be started.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../dsl/plan.js';
import { appendEvents, type NewEvent } from '../../events/events.js';
import type { Pool } from '../../store/pool.js';
import { inTransaction } from '../../store/transaction.js';
import { setLatestExecution, settleDeployment } from '../deployments.store.js';
import type { ExecutionStatus } from '../execution-state.js';
import { promoteQueued } from '../executions.store.js';
import type { TaskGraph } from '../planning/graph.js';
import type { Batch } from './outbox.js';
import { safeJson } from './outbox.js';
import {
  beginExecution,
  type ClaimedExecution,
  commitBatch,
  endExecution,
  lookExecution,
} from './running.store.js';

/** Another worker holds the execution now, or it was ended by hand. */
export class Fenced extends Error {
  constructor() {
    super('the execution is no longer held by this worker');
    this.name = 'Fenced';
  }
}

export class Ledger {
  readonly #pool: Pool;
  readonly #execution: ClaimedExecution;
  #batches: number;

  constructor(pool: Pool, execution: ClaimedExecution) {
    this.#pool = pool;
    this.#execution = execution;
    this.#batches = execution.batches;
  }

  /** Stores the graph, when it is new, and that the execution has started; with its first event. */
  async begin(
    graph: TaskGraph,
    counts: { total: number; finished: number },
    event: NewEvent,
  ): Promise<ExecutionStatus> {
    return this.#persistently(async () => {
      const { uid, fence, tenantId, deploymentUid } = this.#execution;
      return inTransaction(this.#pool, async (client) => {
        const row = await beginExecution.one(client, [
          uid,
          fence,
          this.#execution.graph === null ? safeJson(graph as unknown as Json) : null,
          counts.total,
          counts.finished,
        ]);
        if (row === null) return null;
        await appendEvents(client, tenantId, { executionUid: uid, deploymentUid }, [event]);
        await setLatestExecution.run(client, tenantId, [deploymentUid, uid]);
        return row.status;
      });
    });
  }

  /** @returns the execution's status as the batch found it */
  async commit(batch: Batch): Promise<ExecutionStatus> {
    return this.#persistently(async () => {
      const row = await commitBatch.one(this.#pool, [
        this.#execution.uid,
        this.#execution.fence,
        this.#batches + 1,
        batch.finished,
        batch.fresh,
        batch.moved,
        batch.instances,
        ...batch.events,
      ]);
      return row?.status ?? null;
    });
  }

  /** Ends the execution: status, last events, what it means for the deployment, and whoever waited in line. */
  async end(
    status: 'terminated' | 'failed' | 'cancelled',
    error: string,
    events: readonly NewEvent[],
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { uid, fence, tenantId, deploymentUid } = this.#execution;
        await inTransaction(this.#pool, async (client) => {
          if ((await endExecution.one(client, [uid, fence, status, error])) === null) throw new Fenced();
          await appendEvents(client, tenantId, { executionUid: uid, deploymentUid }, events);
          await settleDeployment.run(client, tenantId, [deploymentUid, status]);
          await promoteQueued.run(client, tenantId, [deploymentUid]);
        });
        return;
      } catch (error) {
        // When the answer to the commit was lost the next try finds the execution ended: nothing is left to do.
        if (error instanceof Fenced || !isOutage(error)) throw error;
        await sleep(backOff(attempt));
      }
    }
  }

  /** Repeats `write` through outages of the database until it is known to be taken exactly once. */
  async #persistently(write: () => Promise<ExecutionStatus | null>): Promise<ExecutionStatus> {
    let unsure = false;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (unsure) {
          const seen = await lookExecution.one(this.#pool, [this.#execution.uid]);
          if (seen === null || seen.fence !== this.#execution.fence) throw new Fenced();
          unsure = false;
          if (seen.batches === this.#batches + 1) {
            this.#batches += 1;
            return seen.status;
          }
        }
        const status = await write();
        if (status === null) throw new Fenced();
        this.#batches += 1;
        return status;
      } catch (error) {
        if (error instanceof Fenced || !isOutage(error)) throw error;
        unsure = true;
        await sleep(backOff(attempt));
      }
    }
  }
}

/** The database is away or going away, as opposed to refusing what we sent. */
export function isOutage(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') {
    // The driver has no codes for these: a connection that ended under a query, or could not be had in time.
    return error instanceof Error && /connection|terminated|timeout/i.test(error.message);
  }
  if (/^(ECONN|EPIPE|ENOENT|ETIMEDOUT|EAI_AGAIN|EHOST|ENET)/.test(code)) return true;
  // 08 connection, 53 resources, 57P shutdown, 40 serialisation and deadlock.
  return /^(08|53|57P|40)/.test(code);
}

function backOff(attempt: number): number {
  return Math.min(2000, 50 * 2 ** attempt);
}
