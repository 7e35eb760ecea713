/**
 * The password that a server is to have for its first login: one for each, sealed in the safe. It is opened when the server's
 * handler sets it, by nobody else, and goes when the server is recorded as gone (server-records.ts).
 */
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { SafeForAccounts } from './cloud-accounts.js';

export class ServerPasswords {
  readonly #safe: SafeForAccounts;

  constructor(safe: SafeForAccounts) {
    this.#safe = safe;
  }

  /** Instead of the one before. Commits with the transaction of `client`. */
  keep(client: Client, server: number, password: string): Promise<void> {
    return this.#safe.keep(client, placeOf(server), password);
  }

  /** One more of the same kind is to have the same. */
  async copy(client: Client, from: number, to: number): Promise<void> {
    const password = await this.open(client, from);
    if (password !== null) await this.keep(client, to, password);
  }

  /** Null: it is to have none. */
  open(db: Queryable, server: number): Promise<string | null> {
    return this.#safe.open(db, placeOf(server));
  }
}

/** As server-passwords.store.ts has it. @param server servers.uid, which is never given twice */
function placeOf(server: number): string {
  return `servers/${server}/password`;
}
