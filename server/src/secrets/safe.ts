/**
 * Values that the server itself must be able to read and nobody else may: second factors, passwords of directories, keys of
 * clouds. Sealed as secrets are (vault.ts), each bound to its place, and moved with them when the master key changes or a
 * snapshot is carried elsewhere. Whoever keeps a value here decides who may cause it to be opened; the safe asks nobody.
 */

import type { TenantId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { placeOf } from './place.js';
import { deleteKept, selectKept, upsertKept } from './safe.store.js';
import { holdMasterKey } from './secrets.store.js';
import type { Vault } from './vault.js';

/** The safe belongs to no tenant; 0 is nobody's key. */
const NOBODY = 0 as TenantId;

export class Safe {
  readonly #vault: Vault;

  constructor({ vault }: { vault: Vault }) {
    this.#vault = vault;
  }

  /**
   * Keeps a value, in place of the one before. Commits with the transaction of `client`.
   *
   * @param place names the thing that the value belongs to, with slashes: `users/7/second-factor`
   */
  async keep(client: Client, place: string, value: string): Promise<void> {
    const under = (await holdMasterKey.one(client))?.fingerprint ?? this.#vault.fingerprint;
    const { sealed, sealedKey, masterKey } = this.#vault.seal(value, placeOf(NOBODY, place), under);
    await upsertKept.run(client, [place, sealed, sealedKey, masterKey]);
  }

  /** The value; null where there is none. @throws DomainError `unavailable` (`secret-unreadable`, `master-key-unknown`) */
  async open(db: Queryable, place: string): Promise<string | null> {
    const row = await selectKept.one(db, [place]);
    return row === null ? null : this.#vault.open(row, placeOf(NOBODY, place));
  }

  async forget(db: Queryable, place: string): Promise<void> {
    await deleteKept.run(db, [place]);
  }
}
