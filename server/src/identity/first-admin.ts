/**
 * The first administrator's way in, kept while all users are replaced by those of another time: whoever restores an
 * installation must not be shut out of it by a password that they may not know.
 */
import type { Client } from '../store/pool.js';
import { putBuiltin, selectWayIn, type WayIn } from './bootstrap.store.js';

export type { WayIn } from './bootstrap.store.js';

/** Before the users are replaced, in the same transaction. */
export async function keepFirstAdmin(client: Client): Promise<WayIn | null> {
  return selectWayIn.one(client);
}

/** Afterwards: the first administrator of those who are there now signs in as the one before did. */
export async function putFirstAdmin(client: Client, kept: WayIn | null): Promise<void> {
  if (kept !== null) await putBuiltin.run(client, [kept.passwordHash, kept.appliedPasswordHash]);
}
