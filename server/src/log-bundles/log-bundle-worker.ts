/**
 * Makes the log bundles that were ordered: writes the archive, and ends execution and bundle together. One that was begun by a
 * worker that died is begun anew; what the dead one wrote is swept.
 */
import { DomainError } from '../errors.js';
import type { SystemClaim } from '../orchestration/system-executions.js';
import {
  type HeldExecution,
  type SystemWorker,
  type SystemWorkerParts,
  startSystemWorker,
} from '../orchestration/system-worker.js';
import type { Archives } from '../snapshots/archives.js';
import type { Pool } from '../store/pool.js';
import { failAbandonedBundles, finishBundle, selectBundleOf } from './log-bundles.store.js';
import { writeBundle } from './write.js';

export interface LogBundleWorkerParts extends SystemWorkerParts {
  readonly pool: Pool;
  readonly archives: Archives;
  /** For people: the name of the machine whose server log goes along. */
  readonly machine: string;
  /** Where this server writes its log; null: into no file. */
  readonly logFile: string | null;
}

const MOST_TRIES = 3;

export function startLogBundleWorker(parts: LogBundleWorkerParts): SystemWorker {
  return startSystemWorker(parts, {
    what: 'log bundles to make',
    atOnce: 1,
    carryOut: (held) => make(parts, held),
    broke: (claim, error) => fail(parts, claim, error),
  });
}

/** Bundles whose execution ended before anybody began it. Periodic work. */
export async function settleAbandonedBundles(pool: Pool): Promise<void> {
  await failAbandonedBundles.run(pool);
}

async function make(parts: LogBundleWorkerParts, { claim, out, unwanted }: HeldExecution): Promise<void> {
  const { pool, archives, executions, machine, logFile } = parts;
  if (claim.tries > MOST_TRIES) {
    throw new DomainError(
      'unavailable',
      'log-bundle-given-up',
      `It was begun ${MOST_TRIES} times and never ended`,
    );
  }
  if (unwanted.aborted) throw new DomainError('conflict', 'log-bundle-given-up', 'It was cancelled');
  const row = await selectBundleOf.one(pool, [claim.id]);
  if (row === null)
    throw new DomainError('conflict', 'log-bundle-given-up', 'The bundle is not wanted any more');
  const bundle = writeBundle(pool, { id: row.id, now: new Date(), machine, logFile });
  const stored = await archives.put(bundle, AbortSignal.any([out, unwanted]));
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
  const isOurs = error instanceof DomainError;
  if (!isOurs) parts.log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off`);
  const message = isOurs ? error.message : 'Something went wrong in the server; its log says more';
  await parts.executions.end(claim, message, async (client) => {
    await finishBundle.run(client, [claim.id, 'failed', message, null]);
  });
}
