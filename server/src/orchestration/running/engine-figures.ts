/**
 * What the engine of this process tells of itself, for operators. Counting only: nothing here is asked of the database, and an
 * operation costs an addition or two.
 */
import { Counter, Gauge, Histogram, type Metric } from 'prom-client';
import type { ClaimedExecution } from './running.store.js';

/** More plugins than this (tenants upload their own) are counted together. */
const MOST_PLUGINS = 50;
const OTHERS = 'others';
const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];

export type WalkOutcome = 'ended' | 'released' | 'fenced' | 'broken';

interface Claimed {
  /** On the clock of `performance`, as if the execution had been asked for here. */
  readonly askedAt: number;
  readonly claimedAt: number;
  readonly fresh: boolean;
}

export class EngineFigures {
  /** Of the running worker; 0 where there is none. */
  worker: { readonly executions: number; readonly operations: number } | null = null;
  readonly #claims = new Map<number, Claimed>();
  readonly #operations = new Map<string, Map<string, number>>();
  readonly #claimed = new Counter({
    name: 'orrery_executions_claimed_total',
    help: 'Executions that this worker took; begun: somebody had walked them before, and died, stopped or gave them back',
    labelNames: ['kind'],
    registers: [],
  });
  readonly #wait = new Histogram({
    name: 'orrery_execution_wait_seconds',
    help: 'From when an execution was acknowledged, or due, to when a worker took it, on the clock of the database',
    buckets: SECONDS,
    registers: [],
  });
  readonly #begin = new Histogram({
    name: 'orrery_execution_begin_seconds',
    help: 'From when a worker took an execution to when its plan was stored',
    buckets: SECONDS,
    registers: [],
  });
  readonly #start = new Histogram({
    name: 'orrery_execution_start_seconds',
    help: 'From when an execution was acknowledged, or due, to its first operation',
    buckets: SECONDS,
    registers: [],
  });
  readonly #walks = new Counter({
    name: 'orrery_walks_total',
    help: 'Walks of executions by how they ended: ended, released (given back), fenced (somebody else had it), broken (a bug)',
    labelNames: ['end'],
    registers: [],
  });
  readonly #batches = new Histogram({
    name: 'orrery_batch_seconds',
    help: 'From sending a batch to its commit, outages included',
    buckets: SECONDS,
    registers: [],
  });
  readonly #batchSizes = new Histogram({
    name: 'orrery_batch_operations',
    help: 'Starts and ends of operations in a batch',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
    registers: [],
  });
  readonly #outages = new Counter({
    name: 'orrery_database_outages_total',
    help: 'Times that something the engine wanted of the database had to wait because it was away',
    registers: [],
  });
  readonly metrics: readonly Metric[];

  constructor() {
    const figures = this;
    this.metrics = [
      this.#claimed,
      this.#wait,
      this.#begin,
      this.#start,
      this.#walks,
      this.#batches,
      this.#batchSizes,
      this.#outages,
      new Counter({
        name: 'orrery_operations_total',
        help: 'Attempts at operations by how they ended: done, again, failed, aborted',
        labelNames: ['plugin', 'outcome'],
        registers: [],
        collect() {
          this.reset();
          for (const [plugin, outcomes] of figures.#operations)
            for (const [outcome, count] of outcomes) this.inc({ plugin, outcome }, count);
        },
      }),
      new Gauge({
        name: 'orrery_worker_executions',
        help: 'Executions that this worker walks now',
        registers: [],
        collect() {
          this.set(figures.worker?.executions ?? 0);
        },
      }),
      new Gauge({
        name: 'orrery_worker_operations',
        help: 'Operations that this worker has under way now',
        registers: [],
        collect() {
          this.set(figures.worker?.operations ?? 0);
        },
      }),
    ];
  }

  claimed(executions: readonly ClaimedExecution[]): void {
    const now = performance.now();
    for (const { uid, status, fence, waited } of executions) {
      const fresh = fence === 1 && status === 'pending';
      this.#claimed.inc({ kind: status === 'pending' ? 'fresh' : 'begun' });
      this.#claims.set(uid, { claimedAt: now, askedAt: now - waited * 1000, fresh });
      if (fresh) this.#wait.observe(waited);
    }
  }

  /** Its plan is stored. */
  began(execution: ClaimedExecution): void {
    const claim = this.#claims.get(execution.uid);
    if (claim !== undefined) this.#begin.observe((performance.now() - claim.claimedAt) / 1000);
  }

  /** Operations start whose intents are durable. */
  launched(execution: ClaimedExecution): void {
    const claim = this.#claims.get(execution.uid);
    if (claim === undefined) return;
    this.#claims.delete(execution.uid);
    if (claim.fresh) this.#start.observe((performance.now() - claim.askedAt) / 1000);
  }

  ended(execution: ClaimedExecution, end: WalkOutcome): void {
    this.#claims.delete(execution.uid);
    this.#walks.inc({ end });
  }

  wrote(operations: number, seconds: number): void {
    this.#batches.observe(seconds);
    this.#batchSizes.observe(operations);
  }

  operation(plugin: string, outcome: string): void {
    const known = this.#operations.has(plugin) || this.#operations.size < MOST_PLUGINS;
    const name = known ? plugin : OTHERS;
    let outcomes = this.#operations.get(name);
    if (outcomes === undefined) {
      outcomes = new Map();
      this.#operations.set(name, outcomes);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  outage(): void {
    this.#outages.inc();
  }
}
