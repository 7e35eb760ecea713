/**
 * Makes the log bundles that were ordered: claims the execution, writes the archive, and ends both together. A worker that
 * dies is followed by another when its lease has run out, which begins anew; what the dead one wrote is swept.
 */
import { DomainError } from '../errors.js';
import type { SystemClaim, SystemExecutions } from '../orchestration/system-executions.js';
import type { Archives } from '../snapshots/archives.js';
import type { Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { failAbandonedBundles, finishBundle, selectBundleOf } from './log-bundles.store.js';
import { writeBundle } from './write.js';

export interface LogBundleWorkerParts {
  readonly pool: Pool;
  readonly archives: Archives;
  readonly executions: SystemExecutions;
  readonly signals: Signals;
  readonly name: string;
  /** For people: the name of the machine whose server log goes along. */
  readonly machine: string;
  /** Where this server writes its log; null: into no file. */
  readonly logFile: string | null;
  /** Seconds. */
  readonly lease: number;
  readonly log: {
    info(details: object, sentence: string): void;
    warn(details: object, sentence: string): void;
    error(details: object, sentence: string): void;
  };
}

const POLL_MS = 1000;
const MOST_TRIES = 3;

export interface LogBundleWorker {
  /** Gives back what it has begun; it is begun anew elsewhere. */
  stop(): Promise<void>;
}

export function startLogBundleWorker(parts: LogBundleWorkerParts): LogBundleWorker {
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  let busy = false;
  const look = () => {
    if (busy || stopping.signal.aborted) return;
    busy = true;
    working = work(parts, stopping.signal)
      .catch((error: unknown) =>
        parts.log.warn({ err: error }, 'cannot look for log bundles to make; trying again'),
      )
      .finally(() => {
        busy = false;
      });
  };
  const unsubscribe = parts.signals.subscribe((hints) => {
    if (hints.includes('work')) look();
  });
  const timer = setInterval(look, POLL_MS);
  look();
  return {
    async stop() {
      stopping.abort();
      unsubscribe();
      clearInterval(timer);
      await working;
    },
  };
}

/** Bundles whose execution ended before anybody began it. Periodic work. */
export async function settleAbandonedBundles(pool: Pool): Promise<void> {
  await failAbandonedBundles.run(pool);
}

async function work(parts: LogBundleWorkerParts, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const claim = await parts.executions.claim(parts.name, parts.lease);
    if (claim === null) return;
    await carryOut(parts, claim, stopping);
    parts.signals.send(`ended:${claim.id}`);
  }
}

async function carryOut(
  parts: LogBundleWorkerParts,
  claim: SystemClaim,
  stopping: AbortSignal,
): Promise<void> {
  const { executions, log } = parts;
  const cancelled = new AbortController();
  const beat = setInterval(
    () => {
      void executions
        .renew(claim, parts.lease)
        .then((now) => {
          if (now !== 'held') cancelled.abort();
        })
        .catch(() => {});
    },
    (parts.lease * 1000) / 3,
  );
  try {
    await make(parts, claim, AbortSignal.any([stopping, cancelled.signal]));
    log.info({ execution: claim.id }, `${claim.workflow} is done`);
  } catch (error) {
    if (stopping.aborted && !cancelled.signal.aborted) await executions.release(claim).catch(() => {});
    else await fail(parts, claim, error);
  } finally {
    clearInterval(beat);
  }
}

async function make(parts: LogBundleWorkerParts, claim: SystemClaim, signal: AbortSignal): Promise<void> {
  const { pool, archives, executions, machine, logFile } = parts;
  if (claim.tries > MOST_TRIES) {
    throw new DomainError(
      'unavailable',
      'log-bundle-given-up',
      `It was begun ${MOST_TRIES} times and never ended`,
    );
  }
  if (claim.status !== 'started' && claim.status !== 'pending') {
    throw new DomainError('conflict', 'log-bundle-given-up', 'It was cancelled');
  }
  const row = await selectBundleOf.one(pool, [claim.id]);
  if (row === null)
    throw new DomainError('conflict', 'log-bundle-given-up', 'The bundle is not wanted any more');
  const bundle = writeBundle(pool, { id: row.id, now: new Date(), machine, logFile });
  const stored = await archives.put(abortable(bundle, signal));
  let kept = 0;
  try {
    await executions.end(claim, '', async (client, status) => {
      const whole = status === 'terminated';
      kept = await finishBundle.run(client, [
        claim.id,
        whole ? 'created' : 'failed',
        whole ? null : 'It was cancelled',
        whole ? stored.uid : null,
      ]);
      if (!whole) kept = 0;
    });
  } finally {
    if (kept === 0) await archives.discard(stored.uid);
  }
}

async function fail(parts: LogBundleWorkerParts, claim: SystemClaim, error: unknown): Promise<void> {
  const { executions, log } = parts;
  const isOurs = error instanceof DomainError;
  if (!isOurs) log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off`);
  const message = isOurs ? error.message : 'Something went wrong in the server; its log says more';
  try {
    await executions.end(claim, message, async (client) => {
      await finishBundle.run(client, [claim.id, 'failed', message, null]);
    });
  } catch (trouble) {
    // Its lease runs out, and whoever takes it then ends it.
    log.error({ err: trouble, execution: claim.id }, 'a broken execution could not be ended');
  }
}

async function* abortable(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
