/**
 * The end of an update of plugins: the blueprint takes its new plan and the copy goes, or nothing of the blueprint changes
 * and the copy stays only where deployments stand on it by now. In one transaction, the row locked.
 */
import type { BlueprintCopies } from '../catalog/blueprint-copies.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  closeUpdate,
  deleteOrphans,
  lockByUid,
  moveDeployments,
  type PluginsUpdateRow,
  selectAbandoned,
  selectAnyOn,
  selectUnderWay,
} from './plugins-updates.store.js';

export async function settle(
  client: Client,
  copies: BlueprintCopies,
  update: PluginsUpdateRow,
  whole: boolean,
): Promise<void> {
  const { uid, tenantId, blueprintUid, tempUid } = update;
  await closeUpdate.run(client, [uid, whole ? 'successful' : 'failed']);
  if (tempUid === null) return;
  await copies.lock(client, tenantId, tempUid);
  if (whole) {
    await copies.takeOver(client, tenantId, blueprintUid, tempUid);
    await moveDeployments.run(client, [blueprintUid, tempUid]);
  } else if ((await selectAnyOn.one(client, [tempUid])) !== null) {
    await copies.show(client, tenantId, tempUid);
    return;
  }
  await copies.drop(client, tenantId, tempUid);
}

/**
 * Updates whose execution is over, or gone, while they count as active. Those of which deployments are still being updated are
 * left for later. Those of blueprints that are gone go. Periodic work; any number of processes may do it at once.
 */
export async function settleAbandonedPluginsUpdates(pool: Pool, copies: BlueprintCopies): Promise<void> {
  for (const { uid } of await selectAbandoned.all(pool, [null])) {
    await inTransaction(pool, (client) => settleOne(client, copies, uid));
  }
  await deleteOrphans.run(pool);
}

export async function settleOne(client: Client, copies: BlueprintCopies, uid: number): Promise<void> {
  const update = await lockByUid.one(client, [uid]);
  if (update === null) return;
  const active = update.tempUid === null ? 0 : (await selectUnderWay.one(client, [update.tempUid]))!.active;
  if (active === 0) await settle(client, copies, update, false);
}
