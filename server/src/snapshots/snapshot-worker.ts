/**
 * Carries out what was ordered of snapshots: makes or restores, and ends execution and snapshot together. One that was begun by a
 * worker that died is begun anew; what the dead one wrote is in no snapshot and is swept. Some tries, and it is over.
 */
import { DomainError } from '../errors.js';
import type { SystemClaim } from '../orchestration/system-executions.js';
import {
  type HeldExecution,
  type SystemWorker,
  type SystemWorkerParts,
  startSystemWorker,
} from '../orchestration/system-worker.js';
import type { Vault } from '../secrets/vault.js';
import { endMoment } from '../store/copy.js';
import { openPool, type Pool } from '../store/pool.js';
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

export interface SnapshotWorkerParts extends SystemWorkerParts {
  readonly pool: Pool;
  readonly databaseUrl: string;
  readonly vault: Vault;
}

const MOST_TRIES = 3;
/** For the dump or the replacing, for bytes, and for the sign of life. */
const CONNECTIONS = 3;

export function startSnapshotWorker(parts: SnapshotWorkerParts): SystemWorker {
  return startSystemWorker(parts, {
    what: 'snapshots to make',
    atOnce: 1,
    carryOut: (held) => carryOut(parts, held),
    broke: (claim, error) => fail(parts, claim, error),
    giveBack: async (claim) => void (await endUnderWay.run(parts.pool, [claim.id])),
  });
}

/** Snapshots and restorings whose execution ended before anybody began it. Periodic work. */
export async function settleAbandoned(pool: Pool): Promise<void> {
  await failAbandoned.run(pool);
  await deleteAbandonedRestores.run(pool);
}

async function carryOut(parts: SnapshotWorkerParts, held: HeldExecution): Promise<void> {
  const { claim, unwanted } = held;
  // Its own: the process's connections may all be waiting for tables that are locked here.
  const pool = openPool({
    databaseUrl: parts.databaseUrl,
    max: CONNECTIONS,
    applicationName: `orrery ${claim.workflow}`,
  });
  const isMaking = claim.workflow === SNAPSHOT_WORKFLOW;
  if (!isMaking) held.withEachSign(async () => void (await keepUnderWay.run(pool, [claim.id, parts.lease])));
  try {
    if (claim.tries > MOST_TRIES) {
      throw new DomainError(
        'unavailable',
        'snapshot-given-up',
        `It was begun ${MOST_TRIES} times and never ended`,
      );
    }
    if (unwanted.aborted) throw new DomainError('conflict', 'snapshot-cancelled', 'It was cancelled');
    await (isMaking ? make(parts, held, pool) : restore(parts, held, pool));
  } finally {
    await pool.end();
  }
}

async function make(
  parts: SnapshotWorkerParts,
  { claim, out, unwanted }: HeldExecution,
  pool: Pool,
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
    const written = await archives.put(
      writeSnapshot(client, parts.vault, order),
      AbortSignal.any([out, unwanted]),
    );
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

async function restore(parts: SnapshotWorkerParts, held: HeldExecution, pool: Pool): Promise<void> {
  const { claim } = held;
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
    {
      ...{ claim, row, snapshotId: snapshot.id, archive, passphrase },
      signal: AbortSignal.any([held.out, held.unwanted]),
      locked: () => held.fallSilent(),
    },
  );
  await deleteRestore.run(pool, [claim.id]);
}

async function fail(parts: SnapshotWorkerParts, claim: SystemClaim, error: unknown): Promise<void> {
  const { executions, log, pool } = parts;
  const isOurs = error instanceof DomainError;
  if (!isOurs) log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off`);
  const message = isOurs ? error.message : 'Something went wrong in the server; its log says more';
  await endUnderWay.run(pool, [claim.id]);
  await executions.end(claim, message, async (client) => {
    await finishMaking.run(client, [claim.id, 'failed', message, null]);
    await deleteRestore.run(client, [claim.id]);
  });
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
