/** What this room asks of the safe (secrets/safe.ts), which stands on this room and is handed to it. */
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';

export interface KeptValues {
  /** Seals a value at a place, instead of the one before; commits with the transaction. */
  keep(client: Client, place: string, value: string): Promise<void>;
  /** Null: none there. */
  open(db: Queryable, place: string): Promise<string | null>;
  forget(db: Queryable, place: string): Promise<void>;
}
