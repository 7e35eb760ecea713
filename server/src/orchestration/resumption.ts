/**
 * Taking up an ended execution: what its stored operations become, and what people decide about them, one by one or all
 * at once.
 *
 * A decision is taken under the locks of the deployment and the execution, so of two people who decide at once one is the
 * first; the other is told what was decided, by whom and why. What is skipped or declared done is told as done in the same
 * transaction, with the states of instances that belong to it.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireNoMaintenance } from '../installation/maintenance.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { undoneChildren } from './children.js';
import { setLatestExecution } from './deployments.store.js';
import { lockWithDeployment, refuseUpload } from './execution-lock.js';
import { alreadyRunning } from './execution-request.js';
import { type ExecutionStatus, mayResume } from './execution-state.js';
import {
  clearDecisions,
  type ExecutionHead,
  recallOperations,
  requestResume,
  selectDecisions,
  selectExecution,
  selectGraph,
  selectUnfinished,
} from './executions.store.js';
import { promoteGroup } from './group-promotion.js';
import { holdInGroup } from './group-promotion.store.js';
import { named, type OperationMove, writeMoves } from './operation-moves.js';
import type { TaskGraph } from './planning/graph.js';
import { unpacked } from './planning/packed.js';
import { type KnownStates, statesOf } from './planning/ready.js';
import { type Decision, resume, settle, undoneOf } from './planning/resume.js';

export interface ResumeOptions {
  /** Run again also what may have done its work. */
  readonly force?: boolean;
  readonly decisions?: readonly ResumeDecision[];
  /** For administrators at work in maintenance mode. */
  readonly evenInMaintenance?: boolean;
}

export type DecisionKind = 'retry' | 'skip' | 'done';

/** What a person says of one operation that did not succeed: run it again, go on without it, or it was done after all. */
export interface ResumeDecision {
  /** Number of the task in the execution's graph. */
  readonly task: number;
  readonly kind: DecisionKind;
  readonly reason: string;
}

export interface DecisionRequest {
  /** One operation, or every one of a node instance that was begun and is not done. */
  readonly of: { readonly task: number } | { readonly instance: string };
  readonly kind: DecisionKind;
  /** Why: kept on the operation, told as an event. May be empty for `retry` alone. */
  readonly reason: string;
  /** Go on at once, if no other operation waits for a decision. */
  readonly resume: boolean;
}

export interface Decided {
  /** Numbers of the operations that were decided about. */
  readonly decided: readonly number[];
  /** Interrupted ones of which nobody has said yet what becomes of them. */
  readonly undecided: readonly number[];
  readonly status: ExecutionStatus;
}

export class Resumption {
  readonly #pool: Pool;
  readonly #wake: { work(): void };

  constructor(pool: Pool, wake: { work(): void }) {
    this.#pool = pool;
    this.#wake = wake;
  }

  /**
   * Decides about operations of an execution that has failed or was cancelled, and lets it go on unless others still wait
   * for a decision. Needs `executions.run`.
   *
   * @throws DomainError `not-found`; `conflict` (`operation-already-decided`, `execution-not-resumable`,
   *   `execution-already-running`); `invalid` (`unknown-operation`, `reason-missing`); `unavailable` (`maintenance`)
   */
  async decide(caller: Caller, id: string, request: DecisionRequest): Promise<Decided> {
    const scope = scopeFor(caller, 'executions.run');
    if (request.kind !== 'retry' && request.reason.trim() === '') {
      throw new DomainError('invalid', 'reason-missing', 'Say why: others will read it');
    }
    const decided = await inTransaction(this.#pool, async (client) => {
      const execution = await lockWithDeployment(client, scope, id);
      refuseUpload(id, execution);
      await requireNoMaintenance(client);
      if ('task' in request.of) await refuseDecided(client, caller, execution, id, [request.of.task]);
      await requireFree(client, scope, execution, id, false);
      const { moves, undecided } = await settled(client, caller, execution, id, request);
      const goesOn = request.resume && undecided.length === 0;
      if (goesOn) await takeUp(client, caller, scope, execution, id, {});
      await record(client, caller, {
        action: `${request.kind}-operation`,
        thing: 'execution',
        id,
        details: { operations: moves.map(({ task }) => task), reason: request.reason },
      });
      return { decided: moves.map(({ task }) => task), undecided };
    });
    this.#wake.work();
    const now = await selectExecution.one(this.#pool, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
    return { ...decided, status: now!.status };
  }
}

async function settled(
  client: Client,
  caller: Caller,
  execution: ExecutionHead,
  id: string,
  { of, kind, reason }: DecisionRequest,
): Promise<{ moves: readonly OperationMove[]; undecided: readonly number[] }> {
  const graph = await graphOf(client, execution);
  const subject = 'task' in of ? `operation ${of.task}` : `node instance ${of.instance}`;
  if (graph === null) throw pointless(id, subject);
  const states = await statesIn(client, caller, execution, graph);
  const tasks = 'task' in of ? [of.task] : undoneOf(graph, states, of.instance);
  if (tasks.length === 0) throw pointless(id, subject);
  const decision: Decision = kind === 'skip' ? { kind, reason } : { kind };
  const outcome = settle(graph, states, new Map(tasks.map((task) => [task, decision])));
  if (outcome.kind === 'pointless') throw pointless(id, `operation ${outcome.tasks.join(', ')}`);
  const moves = outcome.changes.map(({ task, to }) => ({ task, to, reason, decided: kind }));
  const about = { tenantId: caller.tenant!.id, execution, graph, by: caller.username };
  await writeMoves(client, about, moves, outcome.effects);
  return { moves, undecided: outcome.undecided };
}

/**
 * Lets an execution go on, in the transaction that holds it and its deployment, and those it has started and waited for.
 *
 * @throws as `Executions.resume`
 */
export async function takeUp(
  client: Client,
  caller: Caller,
  scope: TenantScope,
  execution: ExecutionHead,
  id: string,
  options: ResumeOptions,
): Promise<void> {
  if (options.evenInMaintenance !== true) await requireNoMaintenance(client);
  await requireFree(client, scope, execution, id, options.force === true);
  if (execution.status === 'started') return;
  await resetOperations(client, caller, execution, id, options);
  for (const child of await undoneChildren(client, scope.tenantId, execution.uid)) {
    const held = await lockWithDeployment(client, scope, child);
    const { force = false, evenInMaintenance = false } = options;
    await takeUp(client, caller, scope, held, child, { force, evenInMaintenance });
  }
  await clearDecisions.run(client, scope.tenantId, [execution.uid]);
  await requestResume.run(client, scope.tenantId, [execution.uid]);
  if (execution.group !== null) {
    await holdInGroup.run(client, scope.tenantId, [execution.uid]);
    await promoteGroup(client, execution.group);
  }
  if (execution.deploymentUid !== null) {
    await setLatestExecution.run(client, scope.tenantId, [execution.deploymentUid, execution.uid]);
  }
  await record(client, caller, {
    action: options.force ? 'force-resume' : 'resume',
    thing: 'execution',
    id,
    details: { decisions: (options.decisions ?? []).map((one) => ({ ...one })) },
  });
}

/** It has ended before its time, and nothing else runs on its deployment. */
async function requireFree(
  client: Client,
  scope: TenantScope,
  { status, deploymentUid }: ExecutionHead,
  id: string,
  force: boolean,
): Promise<void> {
  if (!mayResume(status, force)) {
    throw new DomainError(
      'conflict',
      'execution-not-resumable',
      `Can't resume execution ${id} because it's in status ${status}; failed and cancelled executions can be resumed`,
    );
  }
  if (status === 'started' || deploymentUid === null) return;
  const unfinished = await selectUnfinished.all(client, scope.tenantId, [deploymentUid]);
  const other = unfinished.find((one) => one.id !== id);
  if (other !== undefined) throw alreadyRunning(other, 'the deployment');
}

/** Applies the pure rule of `planning/resume.ts` to the stored rows, with what newly counts as done. */
async function resetOperations(
  client: Client,
  caller: Caller,
  execution: ExecutionHead,
  id: string,
  options: ResumeOptions,
): Promise<void> {
  const graph = await graphOf(client, execution);
  if (graph === null) return;
  const tenantId = caller.tenant!.id;
  const given = new Map((options.decisions ?? []).map((one) => [one.task, one]));
  await refuseDecided(client, caller, execution, id, [...given.keys()]);
  const decisions = new Map(
    [...given.values()].map((one): [number, Decision] => [
      one.task,
      one.kind === 'skip' ? { kind: 'skip', reason: one.reason } : { kind: one.kind },
    ]),
  );
  const outcome = resume(graph, await statesIn(client, caller, execution, graph), {
    force: options.force === true,
    decisions,
  });
  if (outcome.kind === 'undecided') {
    throw new DomainError(
      'conflict',
      'operation-needs-decision',
      `Can't resume execution ${id}: ${outcome.tasks.map((task) => named(graph, task)).join(', ')} ` +
        'was interrupted and may have done its work; say retry, skip or done for it, or force the resume',
      { details: { execution: id, tasks: outcome.tasks } },
    );
  }
  if (outcome.kind === 'pointless') throw pointless(id, `operation ${outcome.tasks.join(', ')}`);
  if (outcome.changes.length === 0) return;
  const moves = outcome.changes.map(({ task, to }) => {
    const decision = given.get(task);
    return decision === undefined
      ? { task, to, reason: null, decided: null }
      : { task, to, reason: decision.reason, decided: decision.kind };
  });
  await writeMoves(client, { tenantId, execution, graph, by: caller.username }, moves, outcome.effects);
}

async function graphOf(client: Client, execution: ExecutionHead): Promise<TaskGraph | null> {
  if (!execution.hasGraph) return null;
  return unpacked((await selectGraph.one(client, [execution.uid]))!.graph!);
}

/** Of an execution that is locked. */
async function statesIn(
  client: Client,
  caller: Caller,
  { uid }: ExecutionHead,
  graph: TaskGraph,
): Promise<KnownStates> {
  const row = await recallOperations.one(client, caller.tenant!.id, [uid]);
  return statesOf(graph.tasks.length, row!.succeeded, row!.rest);
}

/** Who decides again about what somebody else has decided is told so; who has decided may think better of a retry. */
async function refuseDecided(
  client: Client,
  caller: Caller,
  execution: ExecutionHead,
  id: string,
  tasks: readonly number[],
): Promise<void> {
  if (tasks.length === 0) return;
  const rows = await selectDecisions.all(client, caller.tenant!.id, [execution.uid, tasks]);
  const what = { waiting: 'run again', skipped: 'skipped', succeeded: 'taken as done' } as const;
  for (const { task, state, reason, decidedBy } of rows) {
    if (decidedBy === null || (state === 'waiting' && decidedBy === caller.username)) continue;
    const decided = what[state as keyof typeof what];
    if (decided === undefined) continue;
    throw new DomainError(
      'conflict',
      'operation-already-decided',
      `Operation ${task} of execution ${id} is to be ${decided}: ${decidedBy} has decided so${reason ? ` (${reason})` : ''}`,
      { details: { execution: id, task, decidedBy } },
    );
  }
}

function pointless(id: string, what: string): DomainError {
  return new DomainError(
    'invalid',
    'unknown-operation',
    `Nothing is to be decided about ${what} of execution ${id}`,
    { details: { execution: id } },
  );
}
