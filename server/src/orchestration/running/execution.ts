/** One claimed execution from claim to end: read the deployment, plan or take up the graph, walk it, write the ending. */
import type { JsonObject, PlanNode } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { NewEvent } from '../../events/events.js';
import type { BlueprintUid } from '../../ids.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Pool } from '../../store/pool.js';
import { selectTypes } from '../deployments.store.js';
import type { Evaluation } from '../evaluation.js';
import { selectOperations } from '../executions.store.js';
import { selectDefinitions, selectInstances, selectPropertiesById } from '../nodes.store.js';
import type { TaskGraph } from '../planning/graph.js';
import { isDone } from '../planning/graph.js';
import type { DeploymentModel } from '../planning/model.js';
import { workflowFor } from '../planning/workflows/workflow-table.js';
import type { WalkedDeployment } from './deployment.js';
import { Fenced, Ledger } from './ledger.js';
import type { ClaimedExecution } from './running.store.js';
import type { Slots } from './slots.js';
import type { TaskMemory } from './task-book.js';
import { Walk, type WalkSettings } from './walk.js';

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
  const ledger = new Ledger(parts.pool, execution);
  try {
    const model = await readModel(parts.pool, execution);
    const graph = execution.graph ?? plan(execution, model);
    if ('problem' in graph) {
      await ledger.begin(EMPTY, { total: 0, finished: 0 }, started(execution));
      await end(ledger, execution, 'failed', graph.problem);
      return 'ended';
    }
    const memory = execution.graph === null ? [] : await readMemory(parts.pool, execution);
    const operations = graph.tasks.filter((task) => task.call !== null);
    const done = new Set(memory.filter((row) => isDone(row.state)).map((row) => row.task));
    const finished = operations.filter((task) => done.has(task.id)).length;
    await ledger.begin(graph, { total: operations.length, finished }, started(execution));

    const walk = new Walk({
      execution,
      graph,
      memory,
      deployment: walked(parts, execution, model),
      ledger,
      plugins: parts.plugins,
      slots: parts.slots,
      settings: parts.settings,
      loadProperties: (ids) => loadProperties(parts.pool, execution, ids),
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

const EMPTY: TaskGraph = { workflow: '', tasks: [] };

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
    resource: (path) => parts.blueprints.file(execution.blueprintUid, path),
    evaluate: (value, scope) =>
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
  };
}

function started(execution: ClaimedExecution): NewEvent {
  const verb = execution.graph === null ? 'Starting' : 'Resuming';
  return event('workflow_started', `${verb} '${execution.workflow}' workflow execution${suffix(execution)}`);
}

async function end(
  ledger: Ledger,
  execution: ClaimedExecution,
  status: 'terminated' | 'failed' | 'cancelled',
  error: string,
): Promise<void> {
  const of = `'${execution.workflow}' workflow execution`;
  const told = {
    terminated: event('workflow_succeeded', `${of} succeeded${suffix(execution)}`),
    failed: event('workflow_failed', `${of} failed: ${error}${suffix(execution)}`),
    cancelled: event('workflow_cancelled', `${of} cancelled${suffix(execution)}`),
  };
  await ledger.end(status, error, [told[status]]);
}

function event(type: string, message: string): NewEvent {
  return { kind: 'event', type, message };
}

function suffix(execution: ClaimedExecution): string {
  return execution.dryRun ? ' (dry run)' : '';
}
