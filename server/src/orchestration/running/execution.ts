/** One claimed execution from claim to end: read the deployment, plan or take up the graph, walk it, write the ending. */
import { Readable } from 'node:stream';
import type { JsonObject, PlanNode } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { NewEvent } from '../../events/events.js';
import type { BlueprintUid } from '../../ids.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Pool } from '../../store/pool.js';
import { selectTypes } from '../deployments.store.js';
import type { Evaluation } from '../evaluation.js';
import { isCancelling } from '../execution-state.js';
import { selectOperations } from '../executions.store.js';
import { selectDefinitions, selectInstances, selectPropertiesById } from '../nodes.store.js';
import type { TaskGraph } from '../planning/graph.js';
import { isDone } from '../planning/graph.js';
import type { DeploymentModel } from '../planning/model.js';
import { workflowFor } from '../planning/workflows/workflow-table.js';
import { text } from './answer.js';
import type { WalkedDeployment } from './deployment.js';
import { Fenced, Ledger } from './ledger.js';
import { patiently } from './outage.js';
import type { ClaimedExecution, EndStatus } from './running.store.js';
import type { Slots } from './slots.js';
import type { TaskMemory } from './task-book.js';
import { Walk } from './walk.js';
import type { WalkSettings } from './walk-parts.js';

export interface WalkDependencies {
  readonly pool: Pool;
  readonly plugins: PluginRegistry;
  readonly slots: Slots;
  readonly settings: WalkSettings;
  readonly evaluation: Evaluation;
  /** Files of blueprints, as operations ask for them. */
  readonly blueprints: {
    file(blueprint: BlueprintUid, path: string): ReturnType<WalkedDeployment['resource']>;
  };
  /** The worker waits no longer: whatever waits for the database lets go. */
  readonly abandoned: AbortSignal;
}

/**
 * @param onWalk told the walk as soon as there is one, so that heartbeats and cancels reach it
 * @returns what became of the claim; on `released` and `fenced` the execution goes on elsewhere
 */
export async function walkExecution(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  onWalk: (walk: Walk) => void,
): Promise<'ended' | 'released' | 'fenced'> {
  const { pool, abandoned } = parts;
  const ledger = new Ledger(pool, execution, abandoned);
  try {
    if (isCancelling(execution.status) && execution.graph === null) {
      // Nothing of it has begun, and whether it could be planned at all is no matter any more.
      await end(ledger, execution, 'cancelled', '');
      return 'ended';
    }
    const model = await patiently(() => readModel(pool, execution), abandoned);
    const graph = execution.graph ?? plan(execution, model);
    if ('problem' in graph) {
      await ledger.begin(null, { total: 0, finished: 0 }, started(execution));
      await end(ledger, execution, 'failed', graph.problem);
      return 'ended';
    }
    const memory =
      execution.graph === null ? [] : await patiently(() => readMemory(pool, execution), abandoned);
    const operations = graph.tasks.filter((task) => task.call !== null);
    const done = new Set(memory.filter((row) => isDone(row.state)).map((row) => row.task));
    const finished = operations.filter((task) => done.has(task.id)).length;
    const counts = { total: operations.length, finished };
    const status = await ledger.begin(graph, counts, started(execution));

    const walk = new Walk({
      execution: { ...execution, status },
      graph,
      memory,
      deployment: walked(parts, execution, model),
      ledger,
      plugins: parts.plugins,
      slots: parts.slots,
      settings: parts.settings,
      loadProperties: (ids) => patiently(() => loadProperties(pool, execution, ids), abandoned),
    });
    onWalk(walk);
    const result = await walk.run();
    if (result.kind !== 'ended') return result.kind;
    await end(ledger, execution, result.status, result.error);
    return 'ended';
  } catch (error) {
    if (error instanceof Fenced) return 'fenced';
    throw error;
  }
}

function plan(execution: ClaimedExecution, model: DeploymentModel): TaskGraph | { problem: string } {
  const workflow = workflowFor(execution.function);
  if (workflow === undefined)
    return { problem: `Workflow ${execution.workflow} (${execution.function}) cannot be run here` };
  return workflow.build(model, execution.parameters);
}

async function readModel(pool: Pool, execution: ClaimedExecution): Promise<DeploymentModel> {
  const { tenantId, deploymentUid } = execution;
  const types = await selectTypes.one(pool, [deploymentUid]);
  if (types === null)
    throw new DomainError(
      'not-found',
      'deployment-not-found',
      `Deployment ${execution.deploymentId} is gone`,
    );
  const definitions = await selectDefinitions.all(pool, tenantId, [deploymentUid]);
  const nodes = new Map<string, PlanNode>(definitions.map(({ definition }) => [definition.name, definition]));
  const instances = await selectInstances.all(pool, tenantId, [deploymentUid]);
  return { types: types.types, nodes, instances };
}

async function readMemory(pool: Pool, execution: ClaimedExecution): Promise<TaskMemory[]> {
  const rows = await selectOperations.all(pool, execution.tenantId, [execution.uid]);
  return rows.map((row) => ({
    task: row.task,
    state: row.state,
    attempt: row.attempt,
    retries: row.retries,
    dueAt: row.dueAt,
    failure: row.failure as TaskMemory['failure'],
  }));
}

async function loadProperties(
  pool: Pool,
  execution: ClaimedExecution,
  ids: readonly string[],
): Promise<Map<string, JsonObject>> {
  const rows = await selectPropertiesById.all(pool, execution.tenantId, [execution.deploymentUid, ids]);
  return new Map(rows.map((row) => [row.id, row.properties]));
}

function walked(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  model: DeploymentModel,
): WalkedDeployment {
  const instances = new Map(model.instances.map((instance) => [instance.id, instance]));
  const counts = new Map<string, number>();
  for (const instance of model.instances) counts.set(instance.node, (counts.get(instance.node) ?? 0) + 1);
  return {
    tenant: execution.tenantName,
    id: execution.deploymentId,
    displayName: execution.deploymentDisplayName,
    blueprintId: execution.blueprintId,
    types: model.types,
    nodes: model.nodes,
    instances,
    instanceCount: (node) => counts.get(node) ?? 0,
    resource: (path) =>
      patiently(
        async () => wholeIfSmall(await parts.blueprints.file(execution.blueprintUid, path)),
        parts.abandoned,
      ),
    evaluate: (value, scope) =>
      patiently(
        () =>
          parts.evaluation.evaluate(value, {
            scope: {
              tenantId: execution.tenantId,
              tenantName: execution.tenantName,
              userId: execution.createdById,
              seesPrivate: false,
            },
            deploymentUid: execution.deploymentUid,
            ...scope,
          }),
        parts.abandoned,
      ),
  };
}

/** Bytes of a file that is read whole before it is handed out, so that an outage in the middle is waited out: scripts are small. */
const SMALL = 1024 * 1024;

async function wholeIfSmall(file: { size: number; stream: Readable }) {
  if (file.size > SMALL) return file;
  const chunks: Buffer[] = [];
  for await (const chunk of file.stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return { size: file.size, stream: Readable.from(chunks, { objectMode: false }) };
}

function started(execution: ClaimedExecution): NewEvent {
  const verb = execution.graph === null ? 'Starting' : 'Resuming';
  return event('workflow_started', `${verb} '${execution.workflow}' workflow execution${suffix(execution)}`);
}

async function end(
  ledger: Ledger,
  execution: ClaimedExecution,
  status: EndStatus,
  error: string,
): Promise<void> {
  const of = `'${execution.workflow}' workflow execution`;
  const told = {
    terminated: event('workflow_succeeded', `${of} succeeded${suffix(execution)}`),
    failed: event('workflow_failed', `${of} failed: ${error}${suffix(execution)}`),
    cancelled: event('workflow_cancelled', `${of} cancelled${suffix(execution)}`),
  };
  await ledger.end(status, error, (ended) => [told[ended]]);
}

/** After the engine itself has failed at it too often: over, so that a person may look and resume it. */
export async function giveUpExecution(
  parts: Pick<WalkDependencies, 'pool' | 'abandoned'>,
  execution: ClaimedExecution,
  error: unknown,
): Promise<void> {
  const why = `the engine could not carry it out: ${text((error as Error | null)?.message ?? error)}`;
  await end(new Ledger(parts.pool, execution, parts.abandoned), execution, 'failed', why);
}

function event(type: string, message: string): NewEvent {
  // On the same clock as the events in between, so that their times have the order they have.
  return { kind: 'event', type, message, at: new Date().toISOString() };
}

function suffix(execution: ClaimedExecution): string {
  return execution.dryRun ? ' (dry run)' : '';
}
