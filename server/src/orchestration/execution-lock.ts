/** An execution held until the transaction ends, by whoever moves it. */
import type { TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { Client } from '../store/pool.js';
import { holdDeploymentOf } from './deployments.store.js';
import { type ExecutionHead, lockExecution } from './executions.store.js';

/** Its deployment first, as everybody who needs both: what else runs there is decided under that lock. Throws `not-found`. */
export async function lockWithDeployment(
  client: Client,
  scope: TenantScope,
  id: string,
): Promise<ExecutionHead> {
  await holdDeploymentOf.run(client, scope.tenantId, [id]);
  const execution = await lockExecution.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
  if (execution === null) throw notFound('Execution', id);
  return execution;
}

/** Nobody but the upload itself moves its execution. Throws `invalid` (`execution-action-illegal`). */
export function refuseUpload(id: string, { deploymentUid, workflow }: ExecutionHead): void {
  if (deploymentUid !== null || workflow !== 'upload_blueprint') return;
  throw new DomainError(
    'invalid',
    'execution-action-illegal',
    `Execution ${id} tells of an upload and cannot be moved: delete the blueprint with force to break it off`,
  );
}
