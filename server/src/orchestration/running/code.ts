/** What a walk knows of the code of its workflow. */
import type { KeptGraphs, WorkflowRequest } from '../../plugins/workflow.js';
import type { AskedBefore, AskedTasks } from './asked-tasks.js';

export interface CodeOfWorkflow {
  /** As the blueprint names it. */
  readonly plugin: string;
  readonly before: readonly AskedBefore[];
  /** An earlier run of the code has come to an end, or was broken off. */
  readonly isResumed: boolean;
  /** As of `WorkflowRequest`. */
  readonly wasBrokenOff: boolean;
  /** Where an operation does not say. */
  readonly limits: WorkflowRequest['limits'];
}

export interface Code extends CodeOfWorkflow {
  readonly asked: AskedTasks;
  readonly graphs: KeptGraphs;
}
