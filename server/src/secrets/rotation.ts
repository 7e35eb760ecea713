/**
 * A new master key for secrets that are there: their small keys are sealed anew, batch by batch, while everybody goes on.
 *
 * First the new key becomes the one that values are sealed under, in a transaction that waits for whoever seals at that
 * moment; from then on nothing new comes under an old key. Then each batch is a transaction of its own. A kill at any
 * point leaves every row readable by whoever has both keys, and the next run does what is left.
 */
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { placeOf } from './place.js';
import {
  holdMasterKey,
  type KeyRow,
  lockKeysNotUnder,
  lockSafeKeysNotUnder,
  masterKeysInUse,
  replaceMasterKey,
  updateKeys,
} from './secrets.store.js';
import type { Vault } from './vault.js';

const BATCH = 500;
const SERVER = { userId: null, username: 'orrery', tenant: null, requestId: 'rotate-master-key' } as const;

/** Which master key new values go under, and how many rows are under each. */
export async function masterKeysOf(
  pool: Pool,
): Promise<{ readonly pinned: string | null; readonly rows: ReadonlyMap<string, number> }> {
  const pinned = (await holdMasterKey.one(pool))?.fingerprint ?? null;
  const rows = await masterKeysInUse.all(pool);
  return { pinned, rows: new Map(rows.map((row) => [row.masterKey, row.rows])) };
}

/**
 * Puts everything under the vault's current key. May be run at any time, by any number of processes, and again.
 *
 * @param told after each batch, how many rows it moved
 * @returns how many rows were moved
 * @throws DomainError `unavailable` (`master-key-unknown`, `secret-unreadable`); what was moved stays moved
 */
export async function rotateMasterKey(
  pool: Pool,
  vault: Vault,
  told: (rows: number) => void = () => {},
): Promise<number> {
  await requireFormerKeys(pool, vault);
  await inTransaction(pool, async (client) => {
    if ((await replaceMasterKey.run(client, [vault.fingerprint])) === 0) return;
    await record(client, SERVER, { action: 'rotate', thing: 'master-key', id: vault.fingerprint });
  });
  let moved = 0;
  for (;;) {
    const rows = await inTransaction(pool, (client) => moveKeys(client, vault, vault.fingerprint));
    if (rows === 0) return moved;
    moved += rows;
    told(rows);
  }
}

/** Before anything is changed: a key that nobody can move from must not be left behind. */
async function requireFormerKeys(pool: Pool, vault: Vault): Promise<void> {
  const { pinned, rows } = await masterKeysOf(pool);
  const unknown = [...new Set([...(pinned === null ? [] : [pinned]), ...rows.keys()])].filter(
    (fingerprint) => !vault.holds(fingerprint),
  );
  if (unknown.length === 0) return;
  throw new DomainError(
    'unavailable',
    'master-key-unknown',
    `Secrets are under a master key that is not given (${unknown.join(', ')}): name it in ORRERY_FORMER_MASTER_KEYS`,
  );
}

/** One batch of rows that are not under `to` yet. @returns how many there were */
export async function moveKeys(client: Client, vault: Vault, to: string): Promise<number> {
  let rows = await lockKeysNotUnder.all(client, [to, BATCH]);
  if (rows.length === 0) rows = await lockSafeKeysNotUnder.all(client, [to, BATCH]);
  await putKeys(client, rows, (row) => vault.rewrap(row, placeOf(row.tenantId, row.key), to), to);
  return rows.length;
}

export async function putKeys(
  client: Client,
  rows: readonly KeyRow[],
  sealed: (row: KeyRow) => Buffer,
  under: string,
): Promise<void> {
  if (rows.length === 0) return;
  await updateKeys.run(client, [rows.map((row) => row.uid), rows.map(sealed), under]);
}
