/** Transactions, and what else belongs to one that somebody further down makes. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client, Pool } from './pool.js';

/** What else belongs to a transaction that somebody further down makes. */
export interface Companion {
  /** First of all in the transaction. */
  readonly before?: (client: Client) => Promise<void>;
  /** Last of all, before the commit. */
  readonly after?: (client: Client) => Promise<void>;
}

interface Accompanied {
  readonly companion: Companion;
  isTaken: boolean;
}

const accompanied = new AsyncLocalStorage<Accompanied>();

/**
 * Whatever the first transaction within `work` does commits together with `companion`, or not at all. For what goes with a
 * change whoever makes it: that its request was seen, that its thing was as the client has seen it.
 */
export function accompany<T>(companion: Companion, work: () => Promise<T>): Promise<T> {
  const outer = untaken();
  const both: Companion = {
    before: async (client) => {
      await outer?.before?.(client);
      await companion.before?.(client);
    },
    after: async (client) => {
      await companion.after?.(client);
      await outer?.after?.(client);
    },
  };
  return accompanied.run({ companion: both, isTaken: false }, work);
}

/** The companion of the next transaction, which takes it. */
function untaken(): Companion | null {
  const held = accompanied.getStore();
  if (held === undefined || held.isTaken) return null;
  held.isTaken = true;
  return held.companion;
}

const BEGIN = `begin; set local idle_in_transaction_session_timeout = '10s'`;

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws.
 *
 * A transaction that its process leaves alone for ten seconds is rolled back: the process is frozen or cut off, and what
 * it has locked (a deployment, an execution) would keep all others waiting for as long as it is.
 */
export async function inTransaction<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const companion = untaken();
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(BEGIN);
    await companion?.before?.(client);
    const result = await work(client);
    await companion?.after?.(client);
    await client.query('commit');
    return result;
  } catch (error) {
    try {
      await client.query('rollback');
    } catch (rollbackError) {
      broken = rollbackError as Error;
    }
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Runs `work` where everything that it reads is of one moment, and nothing can be written. */
export async function inMoment<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    return await work(client);
  } finally {
    await client.query('rollback').catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  }
}
