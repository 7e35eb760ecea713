/** The workflows that the engine runs itself, by the function a plan's workflow names. */
import { executeOperation } from './execute-operation.js';
import { install } from './install.js';
import { pull } from './pull.js';
import { reinstall } from './reinstall.js';
import { restart } from './restart.js';
import { start } from './start.js';
import { stop } from './stop.js';
import { uninstall } from './uninstall.js';
import type { BuildGraph } from './workflow.js';

export interface Workflow {
  readonly build: BuildGraph;
  /** An execution of it that failed or was cancelled may go on from its stored graph. */
  readonly resumable: boolean;
}

const WORKFLOWS: ReadonlyMap<string, Workflow> = new Map([
  ['cloudify.plugins.workflows.install', { build: install, resumable: true }],
  ['cloudify.plugins.workflows.uninstall', { build: uninstall, resumable: true }],
  ['cloudify.plugins.workflows.reinstall', { build: reinstall, resumable: true }],
  ['cloudify.plugins.workflows.execute_operation', { build: executeOperation, resumable: true }],
  ['cloudify.plugins.workflows.start', { build: start, resumable: true }],
  ['cloudify.plugins.workflows.stop', { build: stop, resumable: true }],
  ['cloudify.plugins.workflows.pull', { build: pull, resumable: true }],
  ['cloudify.plugins.workflows.restart', { build: restart, resumable: true }],
]);

/** `function` as a plan's workflow has it, e.g. `cloudify.plugins.workflows.install`. Undefined: not one of ours. */
export function workflowFor(functionName: string): Workflow | undefined {
  return WORKFLOWS.get(functionName);
}
