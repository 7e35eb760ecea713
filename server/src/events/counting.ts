/**
 * How many events there are, kept beside them (migration 0019): each statement that appends or deletes leaves a difference,
 * in its own transaction; a chore adds differences up. A count is the sums and the differences together, at one moment.
 */
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteEmptyHours,
  deleteEmptySubjects,
  deleteEmptyWeeks,
  foldDifferences,
  forgetKinds,
  forgetWeeks,
  lockSums,
  passNumbers,
  sumWeeks,
} from './counting.store.js';
import type { NewEvent } from './events.js';

/** @returns how many differences were folded */
export async function foldEventCounts(pool: Pool): Promise<number> {
  return inTransaction(pool, async (client) => {
    if ((await lockSums.one(client))?.held !== true) return 0;
    const { folded } = (await foldDifferences.one(client))!;
    if (folded > 0) {
      await deleteEmptyHours.run(client);
      await deleteEmptyWeeks.run(client);
      await deleteEmptySubjects.run(client);
    }
    return folded;
  });
}

/** After packs came back from elsewhere: numbers go on behind theirs, and what was left out is not counted. Sums of weeks are made of those of hours. */
export async function settleRestoredEvents(
  db: Queryable,
  leftOut: readonly NewEvent['kind'][],
): Promise<void> {
  await forgetKinds.run(db, [leftOut]);
  // A snapshot has none, or those with what is left out.
  await forgetWeeks.run(db);
  await sumWeeks.run(db);
  await passNumbers.run(db);
}
