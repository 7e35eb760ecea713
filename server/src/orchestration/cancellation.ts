/** Ending an execution before its time, in the transaction that holds it and its deployment. */
import type { TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { appendEvents } from '../events/events.js';
import type { Client } from '../store/pool.js';
import { closeUpdate } from './deployment-updates.store.js';
import { settleDeployment } from './deployments.store.js';
import { afterCancel, type CancelKind, type ExecutionStatus, isFinal } from './execution-state.js';
import { type ExecutionHead, promoteQueued, requestCancel } from './executions.store.js';
import { endedInGroup } from './group-promotion.js';

/** Throws `invalid` (`execution-action-illegal`). */
export async function cancelHeld(
  client: Client,
  scope: TenantScope,
  execution: ExecutionHead,
  id: string,
  kind: CancelKind,
): Promise<void> {
  const next = afterCancel(execution.status, kind, execution.claimed);
  if (next === null) {
    throw new DomainError(
      'invalid',
      'execution-action-illegal',
      `Can't ${kind} execution ${id} because it's in status ${execution.status}`,
    );
  }
  await requestCancel.run(client, scope.tenantId, [execution.uid, next]);
  if (isFinal(next)) await endUnbegun(client, scope, execution);
}

/** What a worker tells and does at an end, for an execution that no worker has seen. */
async function endUnbegun(client: Client, scope: TenantScope, execution: ExecutionHead): Promise<void> {
  const { uid, deploymentUid, workflow, status } = execution;
  const message = `'${workflow}' workflow execution cancelled`;
  await appendEvents(client, scope.tenantId, { executionUid: uid, deploymentUid }, [
    { kind: 'event', type: 'workflow_cancelled', message },
  ]);
  if (deploymentUid === null) return;
  await closeUpdate.run(client, scope.tenantId, [uid, 'cancelled']);
  if (status === 'pending') await settleDeployment.run(client, scope.tenantId, [deploymentUid, 'cancelled']);
  await promoteQueued.run(client, scope.tenantId, [deploymentUid]);
  await leftGroup(client, scope, execution, 'cancelled');
}

/** An execution of a group has ended. */
export async function leftGroup(
  client: Client,
  scope: TenantScope,
  { uid, group }: ExecutionHead,
  status: ExecutionStatus,
): Promise<void> {
  if (group !== null) await endedInGroup(client, scope.tenantId, { uid, group, status });
}
