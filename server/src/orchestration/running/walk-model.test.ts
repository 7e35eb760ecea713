/**
 * Walks under every kind of bad luck at once, with fakes at the edges: a store in memory that loses requests and answers
 * and takes batches late, fences and cancels at any moment, a plugin that answers anything. After each step the laws of
 * docs/executions.md are checked against what the store has taken. 200 seeds; `ORRERY_SEED=n` runs one.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { lostConnection } from '../../../test/support/flaky-pool.js';
import { readBatch } from '../../../test/support/read-batch.js';
import type { OperationTable, PlanNode } from '../../dsl/plan.js';
import type { OperationOutcome, OperationRequest } from '../../plugins/plugin.js';
import { createRegistry } from '../../plugins/registry.js';
import type { Pool } from '../../store/pool.js';
import { type ExecutionStatus, isCancelling } from '../execution-state.js';
import { isDone, type TaskGraph, type TaskState } from '../planning/graph.js';
import type { DeploymentModel } from '../planning/model.js';
import { outcome } from '../planning/outcome.js';
import { aRandomDeployment } from '../planning/testdata/a-random-deployment.js';
import { install } from '../planning/workflows/install.js';
import { machineClock } from './clock.js';
import type { WalkedDeployment } from './deployment.js';
import { Ledger } from './ledger.js';
import type { ClaimedExecution } from './running.store.js';
import { Slots } from './slots.js';
import type { TaskMemory } from './task-book.js';
import { Walk } from './walk.js';
import type { WalkEnd } from './walk-parts.js';

const SEEDS = process.env.ORRERY_SEED
  ? [Number(process.env.ORRERY_SEED)]
  : Array.from({ length: 200 }, (_, seed) => seed + 1);

type Random = () => number;

/** A small generator with a seed (mulberry32). */
function randomFrom(seed: number): Random {
  let state = seed * 2654435761;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Row {
  task: number;
  state: Exclude<TaskState, 'pending'>;
  attempt: number;
  retries: number;
  due?: string;
}

/** What a move of a task's row may be. From `started` to `started` only where it may run again. */
const MOVES: Readonly<Record<Row['state'], readonly Row['state'][]>> = {
  started: ['waiting', 'succeeded', 'failed', 'interrupted', 'skipped', 'started'],
  waiting: ['started'],
  succeeded: [],
  skipped: [],
  failed: [],
  interrupted: [],
};

/** The execution's rows, as PostgreSQL would keep them, and every law about how they may change. */
class FakeStore {
  readonly rows = new Map<number, Row>();
  readonly intents = new Set<string>();
  status: ExecutionStatus = 'started';
  fence = 0;
  batches = 0;
  finished = 0;
  succeeded = 0;
  problem: unknown = null;

  constructor(
    readonly graph: TaskGraph,
    readonly random: Random,
    readonly mayRunAgain: (task: number) => boolean,
  ) {}

  /** The pool of one claim. */
  pool(): Pool {
    const query = async ({ name, values }: { name: string; values: unknown[] }) => {
      await this.#aWhile();
      if (this.random() < 0.04) throw lostConnection();
      if (name === 'engine_look') {
        const { fence, batches, status } = this;
        return { rows: [{ fence, batches, status }] };
      }
      assert.equal(name, 'engine_commit');
      // Sometimes the session that nobody listens to any more writes only later, when others may have tried again.
      if (this.random() < 0.03) {
        void this.#aWhile()
          .then(() => this.#commit(values))
          .catch((error: unknown) => {
            this.problem = error;
          });
        throw lostConnection();
      }
      const status = this.#commit(values);
      await this.#aWhile();
      if (this.random() < 0.04) throw lostConnection();
      // At times without the properties, as after a lost answer: then they are read apart, which may fail.
      return { rows: [{ status, properties: this.random() < 0.5 ? {} : null }] };
    };
    return { query } as unknown as Pool;
  }

  async #aWhile(): Promise<void> {
    for (let turns = Math.floor(this.random() * 4); turns > 0; turns -= 1) await turn();
  }

  #commit(values: unknown[]): ExecutionStatus | null {
    const batch = readBatch(values);
    if (batch.fence !== this.fence || batch.number !== this.batches + 1 || this.over) return null;
    this.batches += 1;
    this.finished += batch.finished;
    for (const row of batch.fresh) {
      assert.ok(!this.rows.has(row.task), `task ${row.task} is not touched for the first time`);
      this.#take({ ...row });
    }
    for (const task of batch.done) {
      const old = this.rows.get(task);
      assert.equal(old?.state, 'started', `task ${task} succeeds`);
      this.#take({ ...old, state: 'succeeded' });
    }
    for (const row of batch.moved) {
      const old = this.rows.get(row.task);
      assert.ok(old !== undefined, `task ${row.task} has no row`);
      assert.ok(MOVES[old.state].includes(row.state), `task ${row.task}: ${old.state} to ${row.state}`);
      // Between the two may be a failure that was told in the same batch, and counted.
      if (old.state === 'started' && row.state === 'started' && row.retries === old.retries) {
        assert.ok(this.mayRunAgain(row.task), `task ${row.task} may not run again in silence`);
      }
      this.#take({ ...row });
    }
    for (const { task } of batch.fresh) {
      for (const dependency of this.graph.tasks[task]!.dependsOn) {
        assert.ok(isDone(this.state(dependency)), `task ${task} begins before ${dependency} is done`);
      }
    }
    this.succeeded += batch.events.filter(({ type }) => type === 'task_succeeded').length;
    return this.status;
  }

  #take(row: Row): void {
    this.rows.set(row.task, row);
    if (row.state === 'started') this.intents.add(`${row.task} ${row.attempt}`);
  }

  get over(): boolean {
    return ['terminated', 'failed', 'cancelled'].includes(this.status);
  }

  state(task: number): TaskState {
    return this.rows.get(task)?.state ?? 'pending';
  }

  memory(): TaskMemory[] {
    return [...this.rows.values()].map((row) => ({
      ...row,
      dueAt: row.due === undefined ? null : new Date(row.due),
      failure: null,
    }));
  }
}

const failure = (retryable: boolean) => ({
  kind: 'failed' as const,
  failure: { type: 'X', message: 'bad luck', retryable, causes: [] },
});

/** Answers anything; `seen` are the attempts it was asked for. */
function unluckyPlugin(store: FakeStore, seen: Set<string>, fence: number, kindness: number) {
  const { random } = store;
  return {
    name: 'script',
    describe: () => ({ resumable: true }),
    async run({ operation, signal, log }: OperationRequest): Promise<OperationOutcome> {
      const task = Number(operation.id.split(':')[1]);
      const key = `${task} ${operation.attempt}`;
      // Not thrown: that would be one more failure of a plugin.
      if (!store.intents.has(key)) store.problem = new Error(`attempt ${key} runs without an intent`);
      if (seen.has(key)) store.problem = new Error(`attempt ${key} runs twice`);
      seen.add(key);
      if (store.fence === fence && store.state(task) !== 'started')
        store.problem = new Error(`attempt ${key} runs while the task is ${store.state(task)}`);
      for (let turns = Math.floor(random() * 6); turns > 0; turns -= 1) await turn();
      if (random() < 0.3) log('info', 'a line');
      const luck = random() + kindness;
      if (luck > 0.5) return { kind: 'done', result: random() < 0.1 ? { some: 'data' } : null };
      if (luck > 0.35) return failure(true);
      if (luck > 0.25) return { kind: 'again', after: 0, message: 'not yet' };
      if (luck > 0.2) throw new Error('thrown');
      if (luck > 0.15) return { kind: 'done', result: 1n } as unknown as OperationOutcome;
      if (luck > 0.1) return failure(false);
      if (luck > 0.05) return new Promise(() => {});
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { kind: 'aborted' };
    },
  };
}

describe('a walk', () => {
  it(`keeps its promises whatever happens (${SEEDS.length} seeds)`, { timeout: 120_000 }, async () => {
    const endings = new Map<string, number>();
    let claims = 0;
    for (let first = 0; first < SEEDS.length; first += 25) {
      await Promise.all(
        SEEDS.slice(first, first + 25).map(async (seed) => {
          try {
            const run = await live(seed);
            claims += run.claims;
            endings.set(run.status, (endings.get(run.status) ?? 0) + 1);
          } catch (error) {
            throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
          }
        }),
      );
    }
    if (SEEDS.length === 1) return;
    // The luck is such that everything happens.
    for (const status of ['terminated', 'failed', 'cancelled'])
      assert.ok((endings.get(status) ?? 0) > 10, `${status}: ${endings.get(status)}`);
    assert.ok(claims > SEEDS.length * 1.5, `${claims} claims`);
  });
});

/** The life of one execution, from its first claim to its end. */
async function live(seed: number): Promise<{ status: string; claims: number }> {
  const random = randomFrom(seed);
  const [sample] = fc.sample(aRandomDeployment, { seed, numRuns: 1 });
  const model = someFragile(sample!, random);
  const graph = install(model, {});
  assert.ok('tasks' in graph);
  const fragile = new Set(
    graph.tasks.filter(({ call }) => call !== null && isFragile(call.operation)).map(({ id }) => id),
  );
  const store = new FakeStore(graph, random, (task) => !fragile.has(task));
  const seen = new Set<string>();
  const kindness = random() < 0.5 ? 0.5 : random() * 0.4;
  const old: { walk: Walk; end: Promise<WalkEnd> }[] = [];
  let claims = 0;
  while (!store.over) {
    claims += 1;
    store.fence += 1;
    const walk = aWalk(store, model, unluckyPlugin(store, seen, store.fence, kindness));
    const end = walk.run();
    end.catch(() => {});
    // Luck runs out of ideas at last.
    const lost = claims < 12 && (await disturb(store, walk, random, end));
    if (lost) {
      old.push({ walk, end });
      continue;
    }
    // An operation that never ends is for a person to cancel.
    const impatience = setTimeout(() => {
      if (!isCancelling(store.status)) store.status = 'cancelling';
      walk.observe(store.status);
    }, 300);
    const result = await end;
    clearTimeout(impatience);
    if (result.kind === 'ended') conclude(store, result);
  }
  for (const { walk, end } of old) {
    // What a heartbeat would say to one that has not noticed yet. Even if it has come to an end, the ledger would refuse it.
    walk.fence();
    await end;
  }
  if (store.problem !== null) throw store.problem;
  return { status: store.status, claims };
}

/** Something happens to the execution while it is walked. True: it was taken from the walk, which may not know yet. */
async function disturb(
  store: FakeStore,
  walk: Walk,
  random: Random,
  end: Promise<WalkEnd>,
): Promise<boolean> {
  let over = false;
  void end
    .catch(() => {})
    .then(() => {
      over = true;
    });
  for (let turns = Math.floor(random() * 60); turns > 0 && !over; turns -= 1) await turn();
  const luck = random();
  if (over || luck > 0.8) return false;
  if (luck > 0.4) return true;
  if (luck > 0.3) {
    walk.fence();
    return true;
  }
  if (luck > 0.15) walk.release(0);
  else {
    store.status = luck > 0.1 ? 'cancelling' : luck > 0.05 ? 'force-cancelling' : 'kill-cancelling';
    if (random() < 0.5) walk.observe(store.status);
  }
  return false;
}

/** The end that the walk names is the one that the pure rule names for what is stored. */
function conclude(store: FakeStore, end: Extract<WalkEnd, { kind: 'ended' }>): void {
  const states = new Map([...store.rows].map(([task, row]) => [task, row.state]));
  assert.ok(![...states.values()].includes('started'), 'nothing is under way at the end');
  // A cancel that the walk has not seen is for `Ledger.end` to see.
  const cancelling = end.status === 'cancelled';
  if (cancelling) assert.ok(isCancelling(store.status));
  assert.equal(end.status, outcome(store.graph, states, { cancelling }));
  assert.equal(end.error === '', end.status !== 'failed');
  const done = store.graph.tasks.filter(({ id, call }) => call !== null && isDone(store.state(id)));
  assert.equal(store.finished, done.length);
  assert.equal(store.succeeded, done.filter(({ id }) => store.state(id) === 'succeeded').length);
  store.status = end.status;
}

function aWalk(store: FakeStore, model: DeploymentModel, plugin: ReturnType<typeof unluckyPlugin>): Walk {
  const execution = {
    uid: 1,
    id: 'x',
    status: store.status,
    fence: store.fence,
    batches: store.batches,
    parameters: {},
    dryRun: false,
    waitAfterFail: 0.01,
  } as unknown as ClaimedExecution;
  const instances = new Map(model.instances.map((instance) => [instance.id, instance]));
  const deployment = {
    ...{ tenant: 't', id: 'd', displayName: 'd', blueprintId: 'b' },
    ...{ types: model.types, nodes: model.nodes, instances, instanceCount: () => 1 },
  } as unknown as WalkedDeployment;
  return new Walk({
    execution,
    graph: store.graph,
    memory: store.memory(),
    deployment,
    ledger: new Ledger(store.pool(), execution),
    plugins: createRegistry([plugin]),
    slots: new Slots(() => 2),
    clock: machineClock,
    settings: { taskRetries: 3, taskRetryInterval: 0, cancelGrace: 0.02 },
    token: async () => 'token',
    loadProperties: async () => {
      if (store.random() < 0.02) throw new Error('the properties cannot be read');
      return new Map();
    },
  });
}

function isFragile(operation: string): boolean {
  return operation.endsWith('.start') || operation.endsWith('.establish');
}

/** The same deployment on hosts without agents, where `start` and `establish` may not run again in silence. */
function someFragile(model: DeploymentModel, random: Random): DeploymentModel {
  const marked = (table: OperationTable): OperationTable =>
    Object.fromEntries(
      Object.entries(table).map(([name, operation]) => [
        name,
        {
          ...operation,
          resumable: !isFragile(name),
          executor: 'central_deployment_agent' as const,
          timeout: random() < 0.5 ? 0.03 : null,
          timeoutRecoverable: random() < 0.5,
        },
      ]),
    );
  const nodes = [...model.nodes.values()].map((node): [string, PlanNode] => [
    node.name,
    {
      ...node,
      operations: marked(node.operations),
      relationships: node.relationships.map((link) => ({
        ...link,
        sourceOperations: marked(link.sourceOperations),
        targetOperations: marked(link.targetOperations),
      })),
    },
  ]);
  return { ...model, nodes: new Map(nodes) };
}
