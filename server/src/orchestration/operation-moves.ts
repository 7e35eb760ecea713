/** Operations of an execution that nobody walks are moved by hand: rows, what newly counts as done, and events that tell it. */
import { appendEvents, type NewEvent } from '../events/events.js';
import type { TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import { decideOperations, type ExecutionHead } from './executions.store.js';
import { updateInstance } from './nodes.store.js';
import type { TaskGraph, TaskState, Told } from './planning/graph.js';

export interface OperationMove {
  readonly task: number;
  readonly to: TaskState;
  readonly reason: string | null;
  /** What a person has said of it; null: it goes with the others. */
  readonly decided: 'retry' | 'skip' | 'done' | null;
}

interface About {
  readonly tenantId: TenantId;
  readonly execution: ExecutionHead;
  readonly graph: TaskGraph;
  /** Name of the person. */
  readonly by: string;
}

const TOLD = { retry: 'is sent back', skip: 'is skipped', done: 'is taken as done' } as const;

/** `effects`: of what newly counts as done. */
export async function writeMoves(
  client: Client,
  about: About,
  moves: readonly OperationMove[],
  effects: readonly Told[],
): Promise<void> {
  const { tenantId, execution, graph, by } = about;
  // What runs again stays `waiting` and due at once: its attempts so far are history that the next one's number continues.
  const rows = moves.map(({ task, to, reason, decided }) => ({
    task,
    state: to === 'pending' ? 'waiting' : to,
    reason,
    due_at: to === 'pending' ? new Date(0).toISOString() : null,
    decided_by: decided === null ? null : by,
  }));
  await decideOperations.run(client, tenantId, [execution.uid, JSON.stringify(rows)]);
  for (const { instance, effect } of effects) {
    if (effect.kind === 'state')
      await updateInstance.run(client, tenantId, [instance, effect.state, null, null]);
  }
  const subject = { executionUid: execution.uid, deploymentUid: execution.deploymentUid };
  await appendEvents(client, tenantId, subject, [
    ...moves.flatMap((move) => toldOf(graph, move, by)),
    ...effects.flatMap(toldEffect),
  ]);
}

/** An operation in the words of a message. */
export function named(graph: TaskGraph, task: number): string {
  const { call, instance } = graph.tasks[task]!;
  return `operation ${task} (${call?.operation ?? 'marker'} on ${instance ?? 'the workflow'})`;
}

function toldOf(graph: TaskGraph, { task, decided, reason }: OperationMove, by: string): NewEvent[] {
  if (decided === null) return [];
  const { call, instance } = graph.tasks[task]!;
  return [
    {
      kind: 'event',
      type: 'workflow_event',
      message: `${named(graph, task)} ${TOLD[decided]} by ${by}${reason ? `: ${reason}` : ''}`,
      operation: call?.operation ?? '',
      ...(instance === null ? {} : whereIs(instance)),
    },
  ];
}

function toldEffect({ instance, effect }: Told): NewEvent[] {
  if (effect.kind !== 'event') return [];
  const { message } = effect;
  return instance === null
    ? [{ kind: 'event', type: 'workflow_stage', message }]
    : [{ kind: 'event', type: 'workflow_node_event', message, ...whereIs(instance) }];
}

function whereIs(instance: string): { instance: string; node: string } {
  return { instance, node: instance.replace(/_[a-z0-9]+$/, '') };
}
