/** A database that starts, or recovers from a crash, says so to whoever knocks. */
import { setTimeout as delay } from 'node:timers/promises';

const STARTING = '57P03';
const AGAIN_MS = 200;
/** Recovering from a crash takes as long as there is to be read again. */
const PATIENCE_MS = 60_000;

/**
 * Does `work`, again for as long as the database says that it is starting: a process that begins beside it would end
 * otherwise, and be started again, and cost the machine the time that the database needs.
 */
export async function onceStarted<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== STARTING || performance.now() > deadline) throw error;
      await delay(AGAIN_MS);
    }
  }
}
