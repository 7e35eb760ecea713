/** A cancel that comes while an execution is planned: nothing of it has begun, and it need not wait for the plan. */
import { isCancelling } from '../execution-state.js';
import type { DeploymentModel } from '../planning/model.js';
import type { Ledger } from './ledger.js';
import { patiently } from './outage.js';
import type { WalkDependencies } from './picture.js';
import { type ClaimedExecution, lookExecution } from './running.store.js';
import { end } from './telling.js';
import { LONG_TO_PLAN } from './walk-parts.js';

/** Ends the execution, when it has no graph yet and is being cancelled. It is only looked where planning takes long. */
export async function calledOff(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  ledger: Ledger,
  { instances }: DeploymentModel,
): Promise<boolean> {
  if (execution.graph !== null || instances.length < (parts.settings.longToPlan ?? LONG_TO_PLAN))
    return false;
  const seen = await patiently(() => lookExecution.one(parts.pool, [execution.uid]), parts);
  if (seen === null || !isCancelling(seen.status)) return false;
  await end(ledger, execution, { status: 'cancelled', error: '', clock: parts.clock });
  return true;
}
