/**
 * What changes without an event, noted in the transaction of the change: executions and deployments that come, move and go,
 * instances that are added, removed, related otherwise or changed by hand. Triggers note most of it (migration 0020). What
 * the engine does to instances and operations always comes with events and is not noted a second time.
 */
import type { DeploymentUid, TenantId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import {
  type ChangeRow,
  forgetAllChanges,
  insertInstanceChange,
  selectChanges,
  selectSwept,
  sweepChanges,
} from './changes.store.js';

export type { ChangeRow } from './changes.store.js';

/** From above `after` up to `until`, in the order of ids, which is one with that of events. */
export async function changesAfter(
  db: Queryable,
  tenants: readonly TenantId[],
  after: number,
  until: number,
  most: number,
): Promise<ChangeRow[]> {
  return selectChanges.all(db, [after, until, tenants, most]);
}

/** Who has not been told everything up to this id has missed changes that are swept. */
export async function changesSweptUpTo(db: Queryable): Promise<number> {
  return (await selectSwept.one(db))!.upTo;
}

/** Notes, in the transaction of the change, that an instance was changed by hand. */
export async function noteInstanceChange(
  db: Queryable,
  tenant: TenantId,
  deployment: DeploymentUid,
  instance: string,
): Promise<void> {
  await insertInstanceChange.run(db, tenant, [deployment, instance]);
}

/** Removes what nobody can ask for any more. For the chores. @returns how many rows */
export async function sweepOldChanges(pool: Pool): Promise<number> {
  return (await sweepChanges.one(pool))!.swept;
}

/** In the transaction that replaces the whole installation: whoever follows a stream has to begin anew. */
export async function forgetChanges(db: Queryable): Promise<void> {
  await forgetAllChanges.run(db);
}
