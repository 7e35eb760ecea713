/** Taking up an ended execution: what its stored operations become, and what a person has decided about them. */
import type { TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { appendEvents, type NewEvent } from '../events/events.js';
import type { Client } from '../store/pool.js';
import { decideOperations, type ExecutionHead, selectGraph, selectOperations } from './executions.store.js';
import { updateInstance } from './nodes.store.js';
import type { Effect, TaskGraph } from './planning/graph.js';
import { type Decision, resume } from './planning/resume.js';

export interface ResumeOptions {
  /** Run again also what may have done its work. */
  readonly force?: boolean;
  readonly decisions?: readonly ResumeDecision[];
  /** For administrators at work in maintenance mode. */
  readonly evenInMaintenance?: boolean;
}

/** What a person says of one operation that did not succeed: run it again, go on without it, or it was done after all. */
export interface ResumeDecision {
  /** Number of the task in the execution's graph. */
  readonly task: number;
  readonly kind: 'retry' | 'skip' | 'done';
  readonly reason: string;
}

/** Applies the pure rule of `planning/resume.ts` to the stored rows, with what newly counts as done. */
export async function resetOperations(
  client: Client,
  scope: TenantScope,
  execution: ExecutionHead,
  id: string,
  options: ResumeOptions,
): Promise<void> {
  const graph = (await selectGraph.one(client, [execution.uid]))!.graph as TaskGraph;
  const rows = await selectOperations.all(client, scope.tenantId, [execution.uid]);
  const decisions = new Map(
    (options.decisions ?? []).map((one): [number, Decision] => [
      one.task,
      one.kind === 'skip' ? { kind: 'skip', reason: one.reason } : { kind: one.kind },
    ]),
  );
  const outcome = resume(graph, new Map(rows.map((row) => [row.task, row.state])), {
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
  if (outcome.kind === 'pointless') {
    throw new DomainError(
      'invalid',
      'unknown-operation',
      `Nothing is to be decided about operation ${outcome.tasks.join(', ')} of execution ${id}`,
      { details: { execution: id, tasks: outcome.tasks } },
    );
  }
  if (outcome.changes.length === 0) return;
  const reasons = new Map((options.decisions ?? []).map((one) => [one.task, one.reason]));
  // What runs again stays `waiting` and due at once: its attempts so far are history that the next one's number continues.
  const moves = outcome.changes.map(({ task, to }) => ({
    task,
    state: to === 'pending' ? 'waiting' : to,
    reason: reasons.get(task) ?? null,
    due_at: to === 'pending' ? new Date(0).toISOString() : null,
  }));
  await decideOperations.run(client, scope.tenantId, [execution.uid, JSON.stringify(moves)]);
  await applyEffects(client, scope, execution, outcome.effects);
  const subject = { executionUid: execution.uid, deploymentUid: execution.deploymentUid };
  const told = moves.filter((move) => move.state !== 'waiting');
  await appendEvents(
    client,
    scope.tenantId,
    subject,
    told.map((move) => ({
      kind: 'event',
      type: 'workflow_event',
      message: `${named(graph, move.task)} is ${move.state === 'skipped' ? 'skipped' : 'taken as done'}: ${move.reason}`,
      operation: graph.tasks[move.task]!.call?.operation ?? '',
    })),
  );
}

async function applyEffects(
  client: Client,
  scope: TenantScope,
  execution: ExecutionHead,
  effects: readonly Effect[],
): Promise<void> {
  const subject = { executionUid: execution.uid, deploymentUid: execution.deploymentUid };
  const events: NewEvent[] = [];
  for (const effect of effects) {
    if (effect.kind === 'state')
      await updateInstance.run(client, scope.tenantId, [effect.instance, effect.state, null, null]);
    else if (effect.kind === 'event') {
      events.push({
        kind: 'event',
        type: effect.instance === null ? 'workflow_stage' : 'workflow_node_event',
        message: effect.message,
        ...(effect.instance === null
          ? {}
          : { instance: effect.instance, node: effect.instance.replace(/_[a-z0-9]+$/, '') }),
      });
    }
  }
  await appendEvents(client, scope.tenantId, subject, events);
}

function named(graph: TaskGraph, task: number): string {
  const { call, instance } = graph.tasks[task]!;
  return `operation ${task} (${call?.operation ?? 'marker'} on ${instance ?? 'the workflow'})`;
}
