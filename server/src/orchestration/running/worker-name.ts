/**
 * A worker's name, held by an advisory lock for as long as its process lives.
 *
 * Always holds: of two processes that want a name at once, one has it; the other gets a name of its own and waits for
 * leases like a stranger. The lock ends with its connection, so after an outage of the database it is taken again.
 */
import pg from 'pg';
import type { Queryable } from '../../store/statement.js';

export interface WorkerName {
  readonly name: string;
  /**
   * The session that holds the lock: nobody else of this name lives, and what the last one left is ours to clean up, in this
   * very session. What it does late, when we are dead, is done before anybody else of the name begins. Null: there is another.
   */
  readonly session: Queryable | null;
  give(): Promise<void>;
}

const AGAIN_MS = 1000;

export async function takeName(
  settings: { readonly name: string; readonly databaseUrl: string },
  log: { warn(details: object, sentence: string): void },
): Promise<WorkerName> {
  let given = false;
  let held: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;

  async function take(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: settings.databaseUrl,
      application_name: 'orrery-worker-name',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    client.on('error', () => {});
    client.on('end', () => {
      if (held !== client) return;
      held = null;
      again();
    });
    try {
      await client.connect();
      const { rows } = await client.query<{ got: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
        [settings.name],
      );
      if (rows[0]?.got === true && !given) {
        held = client;
        return true;
      }
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    await client.end().catch(() => {});
    return false;
  }

  function again(): void {
    if (given) return;
    timer = setTimeout(async () => {
      try {
        if (await take()) return;
        log.warn({ worker: settings.name }, 'another process has taken the name of this worker');
      } catch {
        // The database is still away.
      }
      again();
    }, AGAIN_MS);
    timer.unref();
  }

  const sole = await take();
  return {
    name: sole ? settings.name : `${settings.name}#${process.pid}`,
    session: held,
    async give() {
      given = true;
      clearTimeout(timer);
      const client = held;
      held = null;
      await client?.end().catch(() => {});
    },
  };
}
