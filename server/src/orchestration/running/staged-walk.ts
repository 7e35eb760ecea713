/**
 * Walks an execution that is planned stage by stage: plan the next one, store it with what it changes, walk it, see what
 * came of it, until nothing is left.
 *
 * Where it was killed it goes on: the stage that was stored last is taken up like any graph, and how it ends is told
 * from its stored tasks; a stage that was not stored has not begun, and is planned anew.
 */
import { DomainError } from '../../errors.js';
import { randomName } from '../../ids.js';
import type { Pool } from '../../store/pool.js';
import { writeChanges } from '../changes.js';
import { endsOfChildren, mustWait, startChildren, stopWaiting } from '../children.js';
import { beginUpdate, selectPending } from '../deployment-updates.store.js';
import type { ExecutionStatus } from '../execution-state.js';
import { countsOf } from '../modification-steps.js';
import { selectStarted } from '../modifications.store.js';
import { selectHealth } from '../nodes.store.js';
import { applied } from '../planning/changes.js';
import type { TaskGraph } from '../planning/graph.js';
import { healthOf } from '../planning/health.js';
import type { DeploymentModel } from '../planning/model.js';
import {
  endStage,
  type NextStep,
  openStage,
  pastOf,
  type Situation,
  type Step,
  withStage,
} from '../planning/staged.js';
import type { PlannedUpdate } from '../planning/update-plan.js';
import { UPDATE } from '../planning/workflows/workflow-table.js';
import { calledOff } from './called-off.js';
import type { Also, Counts, Ledger } from './ledger.js';
import { patiently } from './outage.js';
import { readModel, type WalkDependencies, walkOf } from './picture.js';
import { blueprintOf, type ClaimedExecution, type EndStatus } from './running.store.js';
import { leftIn } from './task-book.js';
import { end, started } from './telling.js';
import type { Walk } from './walk.js';
import { countsIn, fromOpenStage, NOTHING_YET, readMemory, type WalkMemory } from './walk-memory.js';
import { asSet, type WalkEnd } from './walk-parts.js';

/** Of the suffixes of new instances' ids. */
const SUFFIX_LENGTH = 6;
const NOTHING: Counts = { total: 0, finished: 0 };

type Finish = 'ended' | 'released' | 'fenced';

/** `next`: the workflow. Arguments and answer otherwise as of `walkExecution`. */
export function walkStages(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  ledger: Ledger,
  next: NextStep,
  onWalk: (walk: Walk) => void,
): Promise<Finish> {
  return new StagedWalk(parts, execution, ledger, next, onWalk).run();
}

class StagedWalk {
  readonly #parts: WalkDependencies;
  readonly #execution: ClaimedExecution;
  readonly #ledger: Ledger;
  readonly #next: NextStep;
  readonly #onWalk: (walk: Walk) => void;
  /** With the ends of all stages but an open one. */
  #graph: TaskGraph | null;
  #status: ExecutionStatus;
  /** In a dry run what the stages would have changed is changed here alone. */
  #model: DeploymentModel | null = null;
  #isBegun = false;

  constructor(
    parts: WalkDependencies,
    execution: ClaimedExecution,
    ledger: Ledger,
    next: NextStep,
    onWalk: (walk: Walk) => void,
  ) {
    this.#parts = parts;
    this.#execution = execution;
    this.#ledger = ledger;
    this.#next = next;
    this.#onWalk = onWalk;
    this.#graph = execution.graph;
    this.#status = execution.status;
  }

  async run(): Promise<Finish> {
    let graph = this.#graph === null ? await this.#plan() : await this.#takeUp(this.#graph);
    while (graph !== null) {
      if (openStage(graph)?.awaitsChildren === true && (await this.#mustWait())) return 'released';
      const result = await this.#walk(graph);
      if (result.kind !== 'ended') return result.kind;
      const isTolerated = result.status === 'failed' && openStage(graph)?.tolerant === true;
      if (result.status !== 'terminated' && !isTolerated) return this.#end(result.status, result.error);
      const left = leftIn(graph, (await this.#memory()).rest);
      this.#graph = endStage(graph, { failed: isTolerated, error: result.error, left });
      graph = await this.#plan();
    }
    return 'ended';
  }

  /** Stores the next stage and gives the graph with it; null when there is none, and the execution has ended. */
  async #plan(): Promise<TaskGraph | null> {
    const model = await this.#picture();
    if (await this.#calledOff(model)) return null;
    const step = this.#next(
      await this.#look((pool) => situationOf(pool, this.#execution, model, this.#graph)),
    );
    if (await this.#calledOff(model)) return null;
    if (step === null || 'problem' in step) {
      await (step === null ? this.#end('terminated', '') : this.#end('failed', step.problem));
      return null;
    }
    const next = withStage(this.#graph, this.#execution.workflow, step);
    const graph = this.#graph === null ? asSet(next, this.#parts.settings) : next;
    try {
      await this.#store(graph, step);
    } catch (error) {
      // What the stage was to change has changed under it: no fault of the engine's.
      if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
      await this.#end('failed', error.message);
      return null;
    }
    if (this.#execution.dryRun) this.#model = applied(model, step.changes ?? []);
    return graph;
  }

  async #calledOff(model: DeploymentModel): Promise<boolean> {
    return this.#graph === null && calledOff(this.#parts, this.#execution, this.#ledger, model);
  }

  async #store(graph: TaskGraph, { changes = [], children = false }: Step): Promise<void> {
    const execution = this.#execution;
    const counts = countsIn(graph, this.#graph === null ? NOTHING_YET : await this.#memory());
    const also: Also = async (client) => {
      if (execution.function === UPDATE) await beginUpdate.run(client, execution.tenantId, [execution.uid]);
      if (execution.dryRun) return;
      await writeChanges(client, subjectOf(execution), changes);
      if (children) await startChildren(client, execution);
      else if (this.#graph?.stages?.at(-1)?.awaitsChildren === true) await stopWaiting(client, execution);
    };
    this.#status = this.#isBegun
      ? await this.#ledger.grow(graph, counts, also)
      : await this.#ledger.begin(graph, counts, [started(execution, this.#parts.clock)], also);
    this.#isBegun = true;
  }

  /** The stage that an earlier walk has stored. */
  async #takeUp(graph: TaskGraph): Promise<TaskGraph> {
    const execution = this.#execution;
    const also: Also = async (client) => {
      if (execution.function === UPDATE) await beginUpdate.run(client, execution.tenantId, [execution.uid]);
    };
    const counts = countsIn(graph, await this.#memory());
    // Whoever has only waited for others does not begin anew.
    const told = execution.awaitsChildren ? [] : [started(execution, this.#parts.clock)];
    this.#status = await this.#ledger.begin(graph, counts, told, also);
    this.#isBegun = true;
    return graph;
  }

  /** A row waits, not a worker: the execution is claimed again when those it has started have ended. */
  #mustWait(): Promise<boolean> {
    return this.#look((pool) => mustWait(pool, this.#execution, this.#status));
  }

  async #walk(graph: TaskGraph): Promise<WalkEnd> {
    const execution = { ...this.#execution, status: this.#status };
    const memory = fromOpenStage(graph, await this.#memory());
    const model = await this.#picture();
    const blueprint = await this.#look((pool) => blueprintOf.one(pool, [execution.deploymentUid]));
    const walk = walkOf(this.#parts, execution, this.#ledger, {
      graph,
      memory,
      model,
      blueprint: blueprint ?? { uid: execution.blueprintUid, id: execution.blueprintId },
    });
    this.#onWalk(walk);
    return walk.run();
  }

  async #end(status: EndStatus, error: string): Promise<'ended'> {
    if (!this.#isBegun)
      await this.#ledger.begin(null, NOTHING, [started(this.#execution, this.#parts.clock)]);
    await end(this.#ledger, this.#execution, { status, error, clock: this.#parts.clock });
    return 'ended';
  }

  async #picture(): Promise<DeploymentModel> {
    if (this.#model !== null) return this.#model;
    const model = await this.#look((pool) => readModel(pool, this.#execution));
    if (this.#execution.dryRun) this.#model = model;
    return model;
  }

  #memory(): Promise<WalkMemory> {
    return this.#look((pool) => readMemory(pool, this.#execution));
  }

  #look<T>(work: (pool: Pool) => Promise<T>): Promise<T> {
    return patiently(() => work(this.#parts.pool), this.#parts);
  }
}

async function situationOf(
  pool: Pool,
  execution: ClaimedExecution,
  model: DeploymentModel,
  graph: TaskGraph | null,
): Promise<Situation> {
  const { tenantId, deploymentUid } = execution;
  const modification = await selectStarted.one(pool, tenantId, [deploymentUid]);
  const health = await selectHealth.all(pool, tenantId, [deploymentUid]);
  return {
    model,
    parameters: execution.parameters,
    past: pastOf(graph),
    health: new Map(health.map(({ id, properties }) => [id, healthOf(properties)])),
    multiplicities: await countsOf(pool, tenantId, deploymentUid),
    modification: modification && {
      id: modification.id,
      added: modification.change.added,
      removed: modification.change.removed,
    },
    update: execution.function === UPDATE ? await updateOf(pool, execution) : null,
    children: graph?.stages?.some((stage) => stage.awaitsChildren)
      ? await endsOfChildren(pool, execution)
      : [],
    newSuffix: () => randomName(SUFFIX_LENGTH),
  };
}

async function updateOf(pool: Pool, { tenantId, uid }: ClaimedExecution): Promise<PlannedUpdate | null> {
  const pending = await selectPending.one(pool, tenantId, [uid]);
  return pending?.plan ? { id: pending.id, plan: pending.plan, wishes: pending.wishes } : null;
}

function subjectOf(execution: ClaimedExecution) {
  const { tenantId, deploymentUid, createdById: userId, uid: executionUid } = execution;
  return { tenantId, deploymentUid, userId, executionUid };
}
