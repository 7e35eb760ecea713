/** Trouble of the database that passes: told from a refusal, and waited out. */
import { DomainError } from '../../errors.js';
import { type Clock, machineClock } from './clock.js';
import type { EngineFigures } from './engine-figures.js';

/** How an outage is waited out: on which clock, and until nobody waits any more. */
export interface Patience {
  readonly clock: Clock;
  readonly abandoned?: AbortSignal | undefined;
  /** Told of each thing that has to wait. */
  readonly figures?: EngineFigures | undefined;
}

export const PATIENCE: Patience = { clock: machineClock };

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
  // 08 connection, 53 resources, 57P shutdown, 40 serialisation and deadlock, 25006 a standby that is not promoted yet,
  // 25P03 a transaction that this process has left alone for too long.
  return /^(08|53|57P|40|25006|25P03)/.test(code);
}

/** Does `work`, which may be done twice, until the database is there for it; throws what is no outage, and at `abandoned`. */
export async function patiently<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || patience.abandoned?.aborted === true) throw error;
      await pause(attempt, patience);
    }
  }
}

/** Before the next try: longer each time, two seconds at most; over at once when nobody waits any more. */
export async function pause(attempt: number, { clock, abandoned, figures }: Patience): Promise<void> {
  if (attempt === 0) figures?.outage();
  if (abandoned?.aborted === true) return;
  const delay = Math.min(2000, 50 * 2 ** Math.min(attempt, 10));
  await new Promise<void>((resolve) => {
    const end = () => {
      callOff();
      abandoned?.removeEventListener('abort', end);
      resolve();
    };
    const callOff = clock.after(delay, end);
    abandoned?.addEventListener('abort', end);
  });
}
