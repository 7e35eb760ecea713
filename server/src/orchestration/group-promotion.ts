/**
 * When the executions of a group go on: as many at once as the group allows, each on a deployment where nothing else runs.
 *
 * An execution of a group waits as `queued` until somebody here lets it go: whoever starts the group, whoever ends one of its
 * executions, and a chore for what these could not see. The group's row is locked meanwhile, so that two ends at the same
 * moment do not let go one too many. Deployments are locked only where nobody else holds them: nobody waits in a circle.
 */
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  groupsWaiting,
  nextInGroup,
  promoteInGroup,
  roomInGroup,
  sortOutcome,
} from './group-promotion.store.js';

/** @returns how many go on */
export async function promoteGroup(client: Client, group: number): Promise<number> {
  const found = await roomInGroup.one(client, [group]);
  if (found === null || found.room <= 0) return 0;
  const next = await nextInGroup.all(client, found.tenantId, [group, found.room]);
  if (next.length === 0) return 0;
  const promoted = await promoteInGroup.all(client, found.tenantId, [next.map((one) => one.uid)]);
  return promoted.length;
}

/** What the end of one of its executions means for a group. */
export async function endedInGroup(
  client: Client,
  tenant: TenantId,
  execution: { readonly uid: number; readonly group: number; readonly status: string },
): Promise<void> {
  await sortOutcome.run(client, tenant, [execution.uid, execution.status]);
  await promoteGroup(client, execution.group);
}

/** Periodic work; any number of processes may do it at once. @returns how many executions go on */
export async function promoteWaitingGroups(pool: Pool): Promise<number> {
  let count = 0;
  for (const { uid } of await groupsWaiting.all(pool)) {
    count += await inTransaction(pool, (client) => promoteGroup(client, uid));
  }
  return count;
}
