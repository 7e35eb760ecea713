/** The workflows that the engine runs itself, by the function a plan's workflow names. */
import type { JsonObject } from '../../../dsl/plan.js';
import type { Task } from '../graph.js';
import type { DeploymentModel } from '../model.js';
import type { NextStep } from '../staged.js';
import { installNewAgents, validateAgents } from './agents.js';
import { checkDrift, checkStatus } from './check.js';
import { executeOperation } from './execute-operation.js';
import { heal } from './heal.js';
import { install } from './install.js';
import { pull } from './pull.js';
import { reinstall } from './reinstall.js';
import { restart } from './restart.js';
import { rollback } from './rollback.js';
import { RUN_ACTION_FUNCTION, runAction } from './run-action.js';
import { scale } from './scale.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { uninstall } from './uninstall.js';
import { uninstallRecursively } from './uninstall-recursively.js';
import { updating } from './update.js';
import { type BuildGraph, own, type Problem } from './workflow.js';

/** A workflow is planned in one piece, or stage by stage. An execution that failed or was cancelled goes on from its stored graph. */
export type Workflow = { readonly build: BuildGraph } | { readonly next: NextStep };

/** The function of executions that carry out an update of their deployment. */
export const UPDATE = 'cloudify.plugins.workflows.update';

const UNINSTALL = 'cloudify.plugins.workflows.uninstall';

const WORKFLOWS: ReadonlyMap<string, Workflow> = new Map([
  ['cloudify.plugins.workflows.install', { build: install }],
  [UNINSTALL, { build: uninstall }],
  ['cloudify.plugins.workflows.reinstall', { build: reinstall }],
  ['cloudify.plugins.workflows.execute_operation', { build: executeOperation }],
  ['cloudify.plugins.workflows.start', { build: start }],
  ['cloudify.plugins.workflows.stop', { build: stop }],
  ['cloudify.plugins.workflows.pull', { build: pull }],
  ['cloudify.plugins.workflows.restart', { build: restart }],
  ['cloudify.plugins.workflows.rollback', { build: rollback }],
  ['cloudify.plugins.workflows.check_status', { build: checkStatus }],
  ['cloudify.plugins.workflows.check_drift', { build: checkDrift }],
  ['cloudify.plugins.workflows.install_new_agents', { build: installNewAgents }],
  ['cloudify.plugins.workflows.validate_agents', { build: validateAgents }],
  ['cloudify.plugins.workflows.heal', { next: heal }],
  ['cloudify.plugins.workflows.scale', { next: scale }],
  // In no blueprint: what people have the server run for them (`executions.ts`, `startAction`).
  [RUN_ACTION_FUNCTION, { build: runAction }],
  // Not in any blueprint: an update of a deployment starts it (`deployment-updates.ts`).
  [UPDATE, { next: updating(oneOf) }],
]);

/** The tasks of a workflow that runs as a part of another. */
function oneOf(name: string, model: DeploymentModel): readonly Task[] | Problem {
  const workflow = workflowFor(name);
  if (workflow === undefined || !('build' in workflow)) {
    return { problem: `The workflow of ${name} cannot be run as a part of an update` };
  }
  const graph = workflow.build(model, {});
  return 'problem' in graph ? graph : graph.tasks;
}

/** Names that the base types of the language give two of the workflows. */
const ALIASES: Readonly<Record<string, string>> = {
  'cloudify.plugins.workflows.auto_heal_reinstall_node_subgraph': 'cloudify.plugins.workflows.heal',
  'cloudify.plugins.workflows.scale_entity': 'cloudify.plugins.workflows.scale',
};

/** `function` as a plan's workflow has it, e.g. `cloudify.plugins.workflows.install`. Undefined: not one of ours. */
export function workflowFor(functionName: string, parameters: JsonObject = {}): Workflow | undefined {
  if (functionName === UNINSTALL && own(parameters, 'recursive') === true) {
    return { next: uninstallRecursively };
  }
  return WORKFLOWS.get(functionName) ?? WORKFLOWS.get(ALIASES[functionName] ?? '');
}
