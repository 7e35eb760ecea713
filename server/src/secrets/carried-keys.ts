/**
 * Secrets that leave the installation in a snapshot, and come into one: their values stay sealed as they are, and only
 * the small keys are sealed anew, so that no value is ever opened on the way.
 *
 * Under a passphrase, the keys are carried a second time, under a key of that snapshot alone: who knows the passphrase
 * reads the secrets of that moment, and neither earlier nor later ones. Without one, the keys are under the master key that
 * they were under, and whoever restores must have it.
 */
import { DomainError } from '../errors.js';
import type { Client } from '../store/pool.js';
import { placeOf } from './place.js';
import { moveKeys, putKeys } from './rotation.js';
import { holdMasterKey, masterKeysInUse, selectKeys, selectKeysAfter } from './secrets.store.js';
import type { Vault } from './vault.js';

const BATCH = 500;

export interface CarriedKey {
  readonly uid: number;
  /** Under the snapshot's own key, in base64. */
  readonly key: string;
}

/** Fingerprints of the master keys that the secrets of this moment are under. */
export async function masterKeysAt(client: Client): Promise<string[]> {
  return (await masterKeysInUse.all(client)).map((row) => row.masterKey);
}

/** Every secret's key, under `snapshotKey`. */
export async function* keysUnder(
  client: Client,
  vault: Vault,
  snapshotKey: Buffer,
): AsyncGenerator<CarriedKey> {
  for (let after = 0; ; ) {
    const rows = await selectKeysAfter.all(client, [after, BATCH]);
    if (rows.length === 0) return;
    for (const row of rows) {
      const key = vault.rewrap(row, placeOf(row.tenantId, row.key), snapshotKey).toString('base64');
      yield { uid: row.uid, key };
      after = row.uid;
    }
  }
}

/** After secrets were copied in: puts those of `carried` under this installation's master key. */
export async function adoptKeys(
  client: Client,
  vault: Vault,
  carried: AsyncIterable<CarriedKey>,
  snapshotKey: Buffer,
): Promise<void> {
  const to = await pinned(client, vault);
  let batch: CarriedKey[] = [];
  const flush = async () => {
    const keys = new Map(batch.map(({ uid, key }) => [uid, Buffer.from(key, 'base64')]));
    const rows = await selectKeys.all(client, [[...keys.keys()]]);
    await putKeys(
      client,
      rows,
      (row) => vault.adopt(keys.get(row.uid)!, placeOf(row.tenantId, row.key), snapshotKey, to),
      to,
    );
    batch = [];
  };
  for await (const one of carried) {
    batch.push(one);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
}

/**
 * After secrets were copied in: puts whatever is under another master key under this installation's.
 *
 * @throws DomainError `unavailable` (`master-key-unknown`)
 */
export async function settleKeys(client: Client, vault: Vault): Promise<void> {
  const to = await pinned(client, vault);
  while ((await moveKeys(client, vault, to)) > 0);
}

/** Before anything is changed. @throws DomainError `conflict` (`snapshot-master-key-unknown`) */
export function requireKeys(vault: Vault, masterKeys: readonly string[]): void {
  const unknown = masterKeys.filter((fingerprint) => !vault.holds(fingerprint));
  if (unknown.length === 0) return;
  throw new DomainError(
    'conflict',
    'snapshot-master-key-unknown',
    `The secrets in this snapshot are under a master key that this installation does not have (${unknown.join(', ')}): name that key in ORRERY_FORMER_MASTER_KEYS, or make the snapshot with a passphrase`,
  );
}

async function pinned(client: Client, vault: Vault): Promise<string> {
  return (await holdMasterKey.one(client))?.fingerprint ?? vault.fingerprint;
}
