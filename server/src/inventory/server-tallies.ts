/** Folds the differences of `server_tallies` (migration 0052) into one sum for each kind of servers. */
import type { Pool } from '../store/pool.js';
import { deleteEmptySums, foldDifferences } from './server-tallies.store.js';

const AT_ONCE = 50_000;

/** @returns how many differences were folded */
export async function foldServerTallies(pool: Pool): Promise<number> {
  const { folded } = (await foldDifferences.one(pool, [AT_ONCE]))!;
  if (folded > 0) await deleteEmptySums.run(pool);
  return folded;
}
