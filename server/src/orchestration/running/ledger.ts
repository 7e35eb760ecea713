/**
 * The one way a walk writes: batches under its fence, each exactly once.
 *
 * A batch whose answer is lost (the database went away while it was on its way) is sent again under the same number. If
 * the first one was taken after all, or is being taken in this moment by a session that has not noticed that nobody
 * listens, the second writes nothing, and the execution's batch number tells why. When the fence has moved on, somebody
 * else walks this execution and `Fenced` is thrown: nothing more may be written, and nothing more may be started.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { appendEvents, eventRows, type NewEvent } from '../../events/events.js';
import { revokeExecutionTokens } from '../../identity/tokens.js';
import type { Client, Pool } from '../../store/pool.js';
import type { Queryable } from '../../store/statement.js';
import { inTransaction } from '../../store/transaction.js';
import { closeUpdate } from '../deployment-updates.store.js';
import { holdDeployment, settleDeployment } from '../deployments.store.js';
import type { ExecutionStatus } from '../execution-state.js';
import { promoteQueued } from '../executions.store.js';
import { endedInGroup } from '../group-promotion.js';
import type { TaskGraph } from '../planning/graph.js';
import { packed } from '../planning/packed.js';
import { UPDATE } from '../planning/workflows/workflow-table.js';
import { isOutage, PATIENCE, type Patience, pause } from './outage.js';
import { type Batch, safeJson } from './outbox.js';
import {
  appendToGraph,
  beginExecution,
  type ClaimedExecution,
  commitBatch,
  type EndStatus,
  endExecution,
  growExecution,
  lookExecution,
} from './running.store.js';

/** Another worker holds the execution now, or it was ended by hand, or the worker has no time left. */
export class Fenced extends Error {
  constructor() {
    super('the execution is no longer held by this worker');
    this.name = 'Fenced';
  }
}

/** Operations of the graph, and how many of them are over. */
export interface Counts {
  readonly total: number;
  readonly finished: number;
}

export interface Committed {
  /** The execution's, as the batch found it. */
  readonly status: ExecutionStatus;
  /** Runtime properties, as the batch left them, of the instances it wanted them of, where there are any; null: the answer was lost. */
  readonly properties: ReadonlyMap<string, JsonObject> | null;
}

export type Also = (client: Client) => Promise<void>;

/** Thrown in a transaction to take back what it has done so far. */
class NotTaken extends Error {}

export interface LedgerParts extends Patience {
  /** Called after each commit: there is news. */
  readonly written?: () => void;
}

export class Ledger {
  readonly #pool: Pool;
  readonly #execution: ClaimedExecution;
  readonly #patience: LedgerParts;
  /** Sent so far; those that were written come first. */
  #sent: number;
  /** The last one, while it is on its way. */
  #last: Promise<Committed> | null = null;

  /** Through an outage the ledger waits without end, unless nobody waits for it any more. */
  constructor(pool: Pool, execution: ClaimedExecution, patience: LedgerParts = PATIENCE) {
    this.#pool = pool;
    this.#execution = execution;
    this.#patience = patience;
    this.#sent = execution.batches;
  }

  /**
   * Stores the graph, when there is one and it is new, and that the execution has started; with what tells it.
   *
   * @param also what else is written in the transaction; where it throws, nothing is
   */
  async begin(
    graph: TaskGraph | null,
    counts: Counts,
    events: readonly NewEvent[],
    also?: Also,
  ): Promise<ExecutionStatus> {
    const { uid, fence, deploymentUid } = this.#execution;
    const { total, finished } = counts;
    const told = eventRows({ executionUid: uid, deploymentUid }, events);
    const text =
      graph === null || this.#execution.graph !== null ? null : safeJson(packed(graph) as unknown as Json);
    const write = async (db: Queryable, number: number) =>
      (await beginExecution.one(db, [uid, fence, text, total, finished, number, told]))?.status ?? null;
    const status = await this.#once((number) =>
      also === undefined
        ? write(this.#pool, number)
        : this.#transaction(async (client) => {
            const begun = await write(client, number);
            if (begun === null) throw new NotTaken();
            await also(client);
            return begun;
          }),
    );
    this.#patience.figures?.began(this.#execution);
    return status;
  }

  /** Stores the graph with one stage more, and what that stage changes in the deployment, in one transaction. */
  async grow(graph: TaskGraph, counts: Counts, also: Also): Promise<ExecutionStatus> {
    const { uid, fence, tenantId, deploymentUid } = this.#execution;
    const text = safeJson(packed(graph) as unknown as Json);
    return this.#once((number) =>
      this.#transaction(async (client) => {
        await holdDeployment.run(client, tenantId, [deploymentUid]);
        const { total, finished } = counts;
        const row = await growExecution.one(client, [uid, fence, text, total, finished, number]);
        if (row === null) throw new NotTaken();
        await also(client);
        return row.status;
      }),
    );
  }

  /** Stores the graph with more tasks at its end. No batch may be on its way. */
  append(graph: TaskGraph, operations: number): Promise<ExecutionStatus> {
    const { uid, fence } = this.#execution;
    const text = safeJson(packed(graph) as unknown as Json);
    return this.#once(async (number) => {
      const row = await appendToGraph.one(this.#pool, [uid, fence, text, operations, number]);
      return row?.status ?? null;
    });
  }

  /**
   * Writes a batch. Called again before the last one is written, it sends the next behind it, and is fulfilled after it: the
   * database writes them in their order, or the later one not at all, and then it is sent again.
   */
  commit(batch: Batch): Promise<Committed> {
    const before = this.#last;
    this.#sent += 1;
    const number = this.#sent;
    const mine = before === null ? this.#commit(batch, number) : this.#follow(before, batch, number);
    this.#last = mine;
    const { figures } = this.#patience;
    const sent = figures === undefined ? 0 : performance.now();
    const forget = () => {
      if (this.#last === mine) this.#last = null;
      figures?.wrote(batch.operations, (performance.now() - sent) / 1000);
    };
    mine.then(forget, forget);
    return mine;
  }

  async #commit(batch: Batch, number: number, again = false): Promise<Committed> {
    let properties: Committed['properties'] = null;
    const status = await this.#as(
      number,
      async () => {
        const row = await this.#write(batch, number);
        properties = propertiesIn(row);
        return row?.status ?? null;
      },
      again,
    );
    return { status, properties };
  }

  /** Its events are stored while the batch before it is written; then the database has it wait for its turn. */
  async #follow(before: Promise<Committed>, batch: Batch, number: number): Promise<Committed> {
    const early = this.#write(batch, number).catch((error: unknown) => {
      if (isOutage(error)) return null;
      throw error;
    });
    early.catch(() => {});
    await before;
    const row = await early;
    if (row?.status == null) return this.#commit(batch, number, true);
    this.#patience.written?.();
    return { status: row.status, properties: propertiesIn(row) };
  }

  #write(batch: Batch, number: number) {
    const { uid, fence } = this.#execution;
    return commitBatch.one(this.#pool, [uid, fence, number, ...batch.values]);
  }

  /**
   * Ends the execution: status, last events, what it means for the deployment, and whoever waited in line.
   *
   * @param wanted how the walk ended; a cancel that came since turns it into `cancelled`
   */
  async end(
    wanted: EndStatus,
    error: string,
    events: (status: EndStatus) => readonly NewEvent[],
  ): Promise<void> {
    const { uid, id, fence, tenantId, deploymentUid } = this.#execution;
    // When the answer to the commit was lost the next try finds the execution ended: nothing is left to do.
    await this.#repeatedly(() =>
      this.#transaction(async (client) => {
        await holdDeployment.run(client, tenantId, [deploymentUid]);
        const row = await endExecution.one(client, [uid, fence, wanted, error]);
        if (row === null) throw new Fenced();
        await revokeExecutionTokens(client, id);
        await appendEvents(client, tenantId, { executionUid: uid, deploymentUid }, events(row.status));
        if (this.#execution.function === UPDATE) await closeUpdate.run(client, tenantId, [uid, row.status]);
        await settleDeployment.run(client, tenantId, [deploymentUid, row.status]);
        await promoteQueued.run(client, tenantId, [deploymentUid]);
        const { group, status } = row;
        if (group !== null) await endedInGroup(client, tenantId, { uid, group, status });
        return row.status;
      }),
    );
    this.#patience.written?.();
  }

  /** Sends the next batch until it is known to be taken exactly once. */
  #once(write: (number: number) => Promise<ExecutionStatus | null>): Promise<ExecutionStatus> {
    this.#sent += 1;
    const number = this.#sent;
    return this.#as(number, () => write(number));
  }

  /** `tried`: it was sent before, and whether it was taken nobody knows. */
  async #as(
    number: number,
    write: () => Promise<ExecutionStatus | null>,
    tried = false,
  ): Promise<ExecutionStatus> {
    const status = await this.#repeatedly(async (again) => {
      const taken = await write();
      if (taken !== null) return taken;
      if (!again && !tried) throw new Fenced();
      const seen = await lookExecution.one(this.#pool, [this.#execution.uid]);
      // The batch behind it may have been taken as well.
      if (seen === null || seen.fence !== this.#execution.fence || seen.batches < number) throw new Fenced();
      return seen.status;
    });
    this.#patience.written?.();
    return status;
  }

  async #repeatedly<T>(write: (again: boolean) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      if (this.#patience.abandoned?.aborted === true) throw new Fenced();
      try {
        return await write(attempt > 0);
      } catch (error) {
        if (error instanceof Fenced || !isOutage(error)) throw error;
        await pause(attempt, this.#patience);
      }
    }
  }

  async #transaction<T>(work: Parameters<typeof inTransaction<T>>[1]): Promise<T | null> {
    try {
      return await inTransaction(this.#pool, work);
    } catch (error) {
      if (error instanceof NotTaken) return null;
      throw error;
    }
  }
}

function propertiesIn(row: { properties: Readonly<Record<string, JsonObject>> | null } | null) {
  return row?.properties ? new Map(Object.entries(row.properties)) : null;
}
