/** Trouble of the database that passes: told from a refusal, and waited out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '../../errors.js';

/** The database is away or going away, as opposed to refusing what we sent. */
export function isOutage(error: unknown): boolean {
  if (error instanceof DomainError) return error.cause !== undefined && isOutage(error.cause);
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string') {
    // The driver has no codes for these: a connection that ended under a query, or could not be had in time.
    return error instanceof Error && /connection|terminated|timeout/i.test(error.message);
  }
  // The socket's file is missing while the server starts; any other file that is missing is not our matter.
  if (code === 'ENOENT') return (error as { syscall?: unknown }).syscall === 'connect';
  if (/^(ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|EHOST|ENET)/.test(code)) return true;
  // 08 connection, 53 resources, 57P shutdown, 40 serialisation and deadlock, 25006 a standby that is not promoted yet.
  return /^(08|53|57P|40|25006)/.test(code);
}

/** Does `work`, which may be done twice, until the database is there for it; throws what is no outage, and at `abandoned`. */
export async function patiently<T>(work: () => Promise<T>, abandoned?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || abandoned?.aborted === true) throw error;
      await pause(attempt, abandoned);
    }
  }
}

/** Before the next try: longer each time, two seconds at most; over at once when nobody waits any more. */
export async function pause(attempt: number, abandoned?: AbortSignal): Promise<void> {
  const delay = Math.min(2000, 50 * 2 ** Math.min(attempt, 10));
  await sleep(delay, undefined, abandoned === undefined ? {} : { signal: abandoned }).catch(() => {});
}
