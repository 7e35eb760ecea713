/**
 * `run_action`: what somebody has the server run, one step after the other, on one instance of a deployment. It is in no blueprint
 * and is not offered: `Executions.startAction` starts it, and what a step runs is known to its plugin alone.
 */
import type { JsonObject, PlanOperation, PlanWorkflow } from '../../../dsl/plan.js';
import { GraphBuilder } from '../build.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { own, type Problem } from './workflow.js';

/** Its name, and the function that stands for it. */
export const RUN_ACTION = 'run_action';
export const RUN_ACTION_FUNCTION = 'orrery.workflows.run_action';
/** The operation of its tasks, which no node declares. */
export const ACTION_OPERATION = 'orrery.interfaces.action.run';

export const RUN_ACTION_WORKFLOW: PlanWorkflow = {
  plugin: 'orrery_actions',
  function: RUN_ACTION_FUNCTION,
  parameters: {},
  isCascading: false,
  availability: null,
};

/** What stands behind it on every node. Always here: what it runs is read from the store. */
export const ACTION_IMPLEMENTATION: PlanOperation = {
  plugin: 'orrery_actions',
  function: 'run',
  inputs: { worker_pool: 'central' },
  executor: 'central_deployment_agent',
  maxRetries: 0,
  retryInterval: null,
  timeout: null,
  timeoutRecoverable: null,
  hasFunctions: false,
  resumable: null,
};

/** Parameters: `run`, `steps` (their names, in order) and `node_instance_id` (absent: the first there is). */
export function runAction(model: DeploymentModel, parameters: JsonObject): TaskGraph | Problem {
  const run = own(parameters, 'run') ?? null;
  const steps = own(parameters, 'steps');
  if (!Array.isArray(steps) || steps.length === 0)
    return { problem: 'Parameter "steps" must be a list of names' };
  const instance = instanceOf(model, own(parameters, 'node_instance_id') ?? null);
  if (instance === null) return { problem: 'The deployment has no such node instance' };
  const builder = new GraphBuilder();
  let after: readonly number[] = [];
  for (const [step, name] of steps.entries()) {
    const call = {
      operation: ACTION_OPERATION,
      side: 'node',
      relationship: null,
      function: ACTION_IMPLEMENTATION.function,
      parameters: { run, step },
      maxRetries: 0,
    } as const;
    const told = { kind: 'event', instance: instance.id, message: `Running ${String(name)}` } as const;
    after = [builder.operation(instance.id, call, after, [told], 'fail')];
  }
  return builder.finish(RUN_ACTION);
}

function instanceOf(model: DeploymentModel, wanted: JsonObject[string]): InstanceModel | null {
  if (typeof wanted === 'string' && wanted !== '')
    return model.instances.find(({ id }) => id === wanted) ?? null;
  return [...model.instances].sort((a, b) => (a.id < b.id ? -1 : 1))[0] ?? null;
}
