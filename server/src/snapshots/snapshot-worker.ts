/**
 * Carries out what was ordered of snapshots: claims the execution, makes or restores, and ends it together with its
 * snapshot. A worker that dies is followed by another when its lease has run out, which begins anew; what the dead one
 * wrote is in no snapshot and is swept. Some tries, and it is over.
 */
import { DomainError } from '../errors.js';
import type { SystemClaim, SystemExecutions } from '../orchestration/system-executions.js';
import type { Vault } from '../secrets/vault.js';
import { endMoment } from '../store/copy.js';
import { openPool, type Pool } from '../store/pool.js';
import type { Signals } from '../store/signals.js';
import { writeSnapshot } from './archive/write.js';
import { Archives } from './archives.js';
import { EVERYTHING } from './contents.js';
import { RESTORING } from './hints.js';
import { restoreSnapshot, withClient } from './restore.js';
import { passphrasePlace } from './snapshots.js';
import {
  deleteAbandonedRestores,
  deleteRestore,
  endUnderWay,
  failAbandoned,
  finishMaking,
  keepUnderWay,
  selectMade,
  selectRestore,
  selectSnapshotByUid,
} from './snapshots.store.js';
import { SNAPSHOT_WORKFLOW } from './workflows.js';

export interface SnapshotWorkerParts {
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly vault: Vault;
  readonly executions: SystemExecutions;
  readonly signals: Signals;
  readonly name: string;
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
/** For the dump or the replacing, for bytes, and for the sign of life. */
const CONNECTIONS = 3;

export interface SnapshotWorker {
  /** Gives back what it has begun; it is begun anew elsewhere. */
  stop(): Promise<void>;
}

export function startSnapshotWorker(parts: SnapshotWorkerParts): SnapshotWorker {
  const { signals, log } = parts;
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  let busy = false;
  const look = () => {
    if (busy || stopping.signal.aborted) return;
    busy = true;
    working = work(parts, stopping.signal)
      .catch((error: unknown) => log.warn({ err: error }, 'cannot look for snapshots to make; trying again'))
      .finally(() => {
        busy = false;
      });
  };
  const unsubscribe = signals.subscribe((hints) => {
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

/** Snapshots and restorings whose execution ended before anybody began it. Periodic work. */
export async function settleAbandoned(pool: Pool): Promise<void> {
  await failAbandoned.run(pool);
  await deleteAbandonedRestores.run(pool);
}

async function work(parts: SnapshotWorkerParts, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const claim = await parts.executions.claim(parts.name, parts.lease);
    if (claim === null) return;
    await carryOut(parts, claim, stopping);
    parts.signals.send(`ended:${claim.id}`);
  }
}

async function carryOut(
  parts: SnapshotWorkerParts,
  claim: SystemClaim,
  stopping: AbortSignal,
): Promise<void> {
  const { executions, log } = parts;
  const cancelled = new AbortController();
  const signal = AbortSignal.any([stopping, cancelled.signal]);
  const pool = openPool({
    databaseUrl: parts.databaseUrl,
    max: CONNECTIONS,
    applicationName: `orrery ${claim.workflow}`,
  });
  const isMaking = claim.workflow === SNAPSHOT_WORKFLOW;
  let locked = false;
  const beat = setInterval(() => void signOfLife().catch(() => {}), (parts.lease * 1000) / 3);
  const signOfLife = async () => {
    // On connections of its own: the process's may all be waiting for tables that are locked here.
    if (!isMaking) await keepUnderWay.run(pool, [claim.id, parts.lease]);
    // While executions are locked nobody can take it over, and the sign would wait for the end.
    if (!locked && (await executions.renew(claim, parts.lease)) !== 'held') cancelled.abort();
  };
  try {
    if (claim.tries > MOST_TRIES) {
      throw new DomainError(
        'unavailable',
        'snapshot-given-up',
        `It was begun ${MOST_TRIES} times and never ended`,
      );
    }
    if (claim.status !== 'started' && claim.status !== 'pending') {
      throw new DomainError('conflict', 'snapshot-cancelled', 'It was cancelled');
    }
    if (isMaking) await make(parts, claim, pool, signal);
    else {
      await restore(parts, claim, pool, signal, () => {
        locked = true;
      });
    }
    log.info({ execution: claim.id }, `${claim.workflow} is done`);
  } catch (error) {
    if (stopping.aborted && !cancelled.signal.aborted) await giveBack(parts, claim);
    else await fail(parts, claim, error);
  } finally {
    clearInterval(beat);
    await pool.end();
  }
}

async function make(
  parts: SnapshotWorkerParts,
  claim: SystemClaim,
  pool: Pool,
  signal: AbortSignal,
): Promise<void> {
  const row = await selectMade.one(parts.pool, [claim.id]);
  if (row === null || row.status !== 'creating') {
    throw new DomainError('conflict', 'snapshot-given-up', 'The snapshot is not wanted any more');
  }
  const archives = new Archives(pool);
  const order = {
    id: row.id,
    execution: claim.id,
    contents: row.contents ?? EVERYTHING,
    passphrase: passphraseOf(parts.vault, row.id, row),
  };
  const stored = await withClient(pool, async (client) => {
    const written = await archives.put(abortable(writeSnapshot(client, parts.vault, order), signal));
    await endMoment(client);
    return written;
  });
  const ended = await parts.executions.end(claim, '', async (client, status) => {
    const whole = status === 'terminated';
    await finishMaking.run(client, [
      claim.id,
      whole ? 'created' : 'failed',
      whole ? null : 'It was cancelled',
      whole ? stored.uid : null,
    ]);
  });
  if (ended !== 'terminated') await archives.discard(stored.uid);
}

async function restore(
  parts: SnapshotWorkerParts,
  claim: SystemClaim,
  pool: Pool,
  signal: AbortSignal,
  locked: () => void,
): Promise<void> {
  const { vault, executions, signals } = parts;
  const row = await selectRestore.one(pool, [claim.id]);
  if (row === null) throw new DomainError('conflict', 'snapshot-given-up', 'Nobody asked for it any more');
  const snapshot = (await selectSnapshotByUid.one(pool, [row.snapshot]))!;
  const archive = new Archives(pool).bytes({ uid: snapshot.archive!, size: snapshot.size! });
  await keepUnderWay.run(pool, [claim.id, parts.lease]);
  signals.send(RESTORING);
  const passphrase = passphraseOf(vault, snapshot.id, row);
  await restoreSnapshot(
    { pool, vault, executions },
    { claim, row, snapshotId: snapshot.id, archive, passphrase, signal, locked },
  );
  await deleteRestore.run(pool, [claim.id]);
}

async function giveBack({ pool, executions }: SnapshotWorkerParts, claim: SystemClaim): Promise<void> {
  // Where this fails, its lease runs out.
  await endUnderWay.run(pool, [claim.id]).catch(() => {});
  await executions.release(claim).catch(() => {});
}

async function fail(parts: SnapshotWorkerParts, claim: SystemClaim, error: unknown): Promise<void> {
  const { executions, log, pool } = parts;
  if (!(error instanceof DomainError))
    log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off`);
  const message =
    error instanceof DomainError ? error.message : 'Something went wrong in the server; its log says more';
  try {
    await endUnderWay.run(pool, [claim.id]);
    await executions.end(claim, message, async (client) => {
      await finishMaking.run(client, [claim.id, 'failed', message, null]);
      await deleteRestore.run(client, [claim.id]);
    });
  } catch (trouble) {
    // Its lease runs out, and whoever takes it then ends it.
    log.error({ err: trouble, execution: claim.id }, 'a broken execution could not be ended');
  }
}

function passphraseOf(
  vault: Vault,
  id: string,
  {
    sealed,
    sealedKey,
    masterKey,
  }: { sealed: Buffer | null; sealedKey: Buffer | null; masterKey: string | null },
): string | null {
  if (sealed === null || sealedKey === null || masterKey === null) return null;
  return vault.open({ sealed, sealedKey, masterKey }, passphrasePlace(id));
}

async function* abortable(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
