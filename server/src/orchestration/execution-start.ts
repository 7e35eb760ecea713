/** Whether an execution may start, and its row: in the caller's transaction, under the lock of the deployment. */
import type { Caller, TenantScope } from '../caller.js';
import type { PlanWorkflow } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ExecutionId, type ExecutionUid, newExecutionId } from '../ids.js';
import { requireNoMaintenance } from '../installation/maintenance.js';
import type { Client } from '../store/pool.js';
import { currentTrace } from '../traces.js';
import { refuseWhileStoodOn } from './dependencies.js';
import { type DeploymentHead, lockDeployment, selectTypes, setLatestExecution } from './deployments.store.js';
import { type ExecutionRequest, own, startingStatus, withDefaults } from './execution-request.js';
import { insertExecution, selectUnfinished } from './executions.store.js';
import { joinGroup } from './group-promotion.store.js';
import { instanceStates } from './nodes.store.js';
import { requireObjects } from './object-values.js';
import { isAvailable } from './planning/availability.js';
import { workflowFor } from './planning/workflows/workflow-table.js';
import { requireRoom } from './shares.js';

/** Of the language itself. */
const OWN_PLUGINS = new Set([
  'agent',
  'diamond',
  'script',
  'cfy_extensions',
  'default_workflows',
  'worker_installer',
  'agent_installer',
  'cloudify_system_workflows',
]);
/** What pulls the ground away from under deployments that depend on this one (cloudify-rest.md §D1). */
const SHAKING = new Set(['stop', 'uninstall', 'update', 'heal']);

export interface StartedExecution {
  readonly id: ExecutionId;
  readonly uid: ExecutionUid;
}

export interface StartOptions {
  /** The execution group it belongs to, which says when it goes on: until then it is queued. */
  readonly group?: number;
  /** Availability rules are not asked. */
  readonly available?: boolean;
  /** In the place of the deployment's own of that name. */
  readonly workflow?: PlanWorkflow;
}

/**
 * @param mostWaiting executions of a tenant that may wait, where it has no limit of its own; 0: any number
 * @throws as `Executions.start`
 */
export async function startExecution(
  client: Client,
  caller: Caller,
  scope: TenantScope,
  request: ExecutionRequest,
  mostWaiting: number,
  { group, available = false, workflow: given }: StartOptions = {},
): Promise<StartedExecution> {
  if (request.evenInMaintenance !== true) await requireNoMaintenance(client);
  await requireRoom(client, scope.tenantId, mostWaiting);
  const deployment = await lockDeployment.one(client, scope.tenantId, [
    request.deploymentId,
    scope.userId,
    scope.seesPrivate,
  ]);
  if (deployment === null) throw notFound('Deployment', request.deploymentId);
  const workflow = given ?? runnable(deployment, request.workflow);
  if (request.force !== true && !available)
    await checkAvailable(client, scope, deployment, request.workflow, workflow);
  const parameters = withDefaults(request, workflow);
  await requireObjects(client, scope, workflow.parameters, parameters, {
    here: { uid: deployment.uid, id: deployment.id },
    reason: 'execution-parameters-illegal',
    what: 'Parameter',
  });
  if (request.force !== true && SHAKING.has(request.workflow)) {
    const recursive = own(parameters, 'recursive') === true;
    await refuseWhileStoodOn(client, caller, scope, deployment, request.workflow, recursive);
  }
  const unfinished = await selectUnfinished.all(client, scope.tenantId, [deployment.uid]);
  const status = group === undefined ? startingStatus(request, deployment, unfinished) : 'queued';
  const id = newExecutionId();
  const row = await insertExecution.one(client, scope.tenantId, [
    id,
    deployment.uid,
    request.workflow,
    workflow.function,
    status,
    JSON.stringify(parameters),
    request.allowCustomParameters === true,
    request.force === true,
    request.dryRun === true,
    false,
    request.waitAfterFail ?? 600,
    deployment.visibility,
    scope.userId,
    null,
    null,
    currentTrace(),
  ]);
  const { uid } = row!;
  if (group !== undefined) await joinGroup.run(client, scope.tenantId, [uid, group]);
  if (status === 'pending') await setLatestExecution.run(client, scope.tenantId, [deployment.uid, uid]);
  await record(client, caller, {
    action: 'start',
    thing: 'execution',
    id,
    details: { deployment: deployment.id, workflow: request.workflow, status },
  });
  return { id, uid };
}

/** @throws DomainError `invalid` (`workflow-unknown`, `workflow-unsupported`) */
export function runnable(deployment: Pick<DeploymentHead, 'id' | 'workflows'>, name: string): PlanWorkflow {
  const workflow = own(deployment.workflows, name);
  if (workflow === undefined) {
    throw new DomainError(
      'invalid',
      'workflow-unknown',
      `Workflow ${name} does not exist in deployment ${deployment.id}; it has: ${Object.keys(deployment.workflows).join(', ')}`,
    );
  }
  if (workflowFor(workflow.function) === undefined && !mayBeCode(workflow)) {
    throw new DomainError(
      'invalid',
      'workflow-unsupported',
      `Workflow ${name} is implemented by ${workflow.plugin}.${workflow.function}, which this version of Orrery cannot run`,
    );
  }
  return workflow;
}

/** Of the language's own plugins there is no code but ours; whether an uploaded one has it is seen when it is run. */
function mayBeCode({ plugin }: PlanWorkflow): boolean {
  return plugin !== '' && !OWN_PLUGINS.has(plugin);
}

async function checkAvailable(
  client: Client,
  scope: TenantScope,
  deployment: DeploymentHead,
  name: string,
  workflow: PlanWorkflow,
): Promise<void> {
  if (workflow.availability === null) return;
  const states = await instanceStates.all(client, scope.tenantId, [deployment.uid]);
  const types = (await selectTypes.one(client, [deployment.uid]))!.types;
  const picture = {
    instances: new Map(states.map((row) => [row.state, row.count])),
    nodeTypes: new Set(Object.values(types.nodeTypes).flatMap((type) => type.hierarchy)),
  };
  if (isAvailable(workflow.availability, picture)) return;
  throw new DomainError(
    'invalid',
    'workflow-unavailable',
    `Workflow not available: ${name}; its rules want instances ${(workflow.availability.instancesActive ?? []).join(' or ')} active`,
  );
}
