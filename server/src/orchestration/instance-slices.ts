/** Many instances stored bit by bit in one transaction, so that neither a statement nor a turn of the process grows with them. */
import { setImmediate as turn } from 'node:timers/promises';
import type { DeploymentUid, TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import { insertInstances } from './nodes.store.js';
import type { InstanceModel } from './planning/model.js';

/** Between two slices the process does what else there is to do. */
export async function storeSlices(
  client: Client,
  tenant: TenantId,
  deployment: DeploymentUid,
  slices: Iterable<readonly InstanceModel[]>,
): Promise<number> {
  let count = 0;
  let isFirst = true;
  for (const slice of slices) {
    if (!isFirst) await turn();
    isFirst = false;
    count += slice.length;
    if (slice.length > 0) await insertInstances.run(client, tenant, [deployment, JSON.stringify(slice)]);
  }
  return count;
}
