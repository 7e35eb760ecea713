/**
 * Keeps the embedded server running for as long as we do: one that dies (killed, or out of memory) is started again on
 * the same address, where everybody who waits through the outage finds it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from './launcher.js';
import { isRunning } from './process-table.js';

export interface Keeping {
  /** Told when the server was found dead and has been started again. */
  revived(): void;
  /** Told of each start that failed; it is tried again. */
  failed(error: unknown): void;
}

const LOOK_MS = 250;
const MOST_MS = 10_000;

/** @throws EmbeddedPostgresError when the first start fails */
export async function keepEmbedded(options: EmbeddedOptions, keeping: Keeping): Promise<EmbeddedPostgres> {
  let current = await startEmbedded(options);
  const stopping = new AbortController();
  const watch = (async () => {
    let wait = LOOK_MS;
    while (!stopping.signal.aborted) {
      await delay(wait, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (stopping.signal.aborted || isRunning(current.pid)) continue;
      try {
        current = await startEmbedded(options);
        wait = LOOK_MS;
        keeping.revived();
      } catch (error) {
        wait = Math.min(wait * 2, MOST_MS);
        keeping.failed(error);
      }
    }
  })();
  return {
    databaseUrl: current.databaseUrl,
    adopted: current.adopted,
    home: current.home,
    get pid() {
      return current.pid;
    },
    stop: async () => {
      stopping.abort();
      await watch;
      return current.stop();
    },
  };
}
