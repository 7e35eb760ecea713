/** What may be asked of a deployment: parameters checked, and whether what already runs there stands in the way. Pure. */
import type { InputDefinition, JsonObject, PlanWorkflow } from '../dsl/plan.js';
import { applyParameters } from '../dsl/values.js';
import { DomainError } from '../errors.js';
import type { ExecutionId } from '../ids.js';
import type { DeploymentHead } from './deployments.store.js';
import type { ExecutionStatus } from './execution-state.js';

export interface ExecutionRequest {
  readonly deploymentId: string;
  readonly workflow: string;
  readonly parameters?: JsonObject;
  /** Parameters that the workflow does not declare are passed on instead of refused. */
  readonly allowCustomParameters?: boolean;
  /** Start beside whatever runs on the deployment, and whatever the workflow's availability rules say. */
  readonly force?: boolean;
  /** Wait for what runs on the deployment instead of being refused. */
  readonly queue?: boolean;
  /** Also in maintenance mode. */
  readonly evenInMaintenance?: boolean;
  /** Walk the graph without touching the world. */
  readonly dryRun?: boolean;
  /** Seconds; see `ExecutionRecord`. */
  readonly waitAfterFail?: number;
}

export function withDefaults(request: ExecutionRequest, workflow: PlanWorkflow): JsonObject {
  const applied = applyParameters(
    workflow.parameters as Record<string, InputDefinition>,
    request.parameters ?? {},
    {
      allowUndeclared: request.allowCustomParameters === true,
    },
  );
  if ('values' in applied) return applied.values;
  const missing = applied.problems
    .filter((problem) => problem.kind === 'missing')
    .map((problem) => problem.name);
  const message =
    missing.length > 0
      ? `Workflow "${request.workflow}" must be provided with the following parameters to execute: ${missing.join(', ')}`
      : `Workflow "${request.workflow}": ${applied.problems.map((problem) => problem.message).join('; ')}`;
  throw new DomainError('invalid', 'execution-parameters-illegal', message, {
    details: { problems: applied.problems },
  });
}

export function startingStatus(
  request: ExecutionRequest,
  deployment: DeploymentHead,
  unfinished: readonly { id: ExecutionId; status: ExecutionStatus; workflow: string }[],
): ExecutionStatus {
  const first = unfinished[0];
  if (first === undefined || request.force === true) return 'pending';
  if (request.queue === true) return 'queued';
  throw alreadyRunning(first, `deployment ${deployment.id}`);
}

export function alreadyRunning(
  other: { id: ExecutionId; status: ExecutionStatus; workflow: string },
  where: string,
): DomainError {
  return new DomainError(
    'conflict',
    'execution-already-running',
    `Execution ${other.id} (${other.workflow}) is ${other.status} on ${where}: wait for it, cancel it, queue this one, or force it`,
    { details: { execution: other.id, status: other.status } },
  );
}

export function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
