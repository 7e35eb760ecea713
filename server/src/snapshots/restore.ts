/**
 * Restoring: the installation becomes what the snapshot says it was.
 *
 * First the archive is read to its end and found whole, of this schema, and its secrets openable. Only then is anything
 * changed, and all of it in one transaction: a kill at any moment leaves either all of the old or all of the new. What
 * stays of the old: the snapshots, the master key, the first administrator's password, and the restoring's own execution.
 *
 *   verify ─► lock ─► something to lose? ─► rules off ─► empty ─► copy in ─► settle ─► rules on (each reference checked) ─► commit
 *
 * Other processes meet locked tables meanwhile; the dialects refuse requests before they get that far.
 */
import { pipeline } from 'node:stream/promises';
import type { ArchiveBytes } from '../catalog/archive/archive.js';
import { DomainError } from '../errors.js';
import { forgetChanges } from '../events/changes.js';
import { settleRestoredEvents } from '../events/counting.js';
import { makeCountedWeeks } from '../events/retention.js';
import { record } from '../identity/audit.js';
import { keepFirstAdmin, putFirstAdmin } from '../identity/first-admin.js';
import type { SystemClaim, SystemExecutions } from '../orchestration/system-executions.js';
import { adoptKeys, type CarriedKey, requireKeys, settleKeys } from '../secrets/carried-keys.js';
import { unlockKey } from '../secrets/passphrase.js';
import type { Vault } from '../secrets/vault.js';
import { appliedMigrations, type CatalogTable, catalogTables, copyIn } from '../store/copy.js';
import type { Client, Pool } from '../store/pool.js';
import {
  advanceSequences,
  countRows,
  empty,
  lockTables,
  refreshStatistics,
  restoreRules,
  withoutRules,
} from '../store/replace.js';
import { signalWithCommit } from '../store/signals.js';
import { inTransaction } from '../store/transaction.js';
import { type Manifest, type ManifestTable, notASnapshot } from './archive/manifest.js';
import { eachFile, linesOf, verifySnapshot } from './archive/read.js';
import { BEYOND_TENANTS, carried, NOTHING_TO_LOSE } from './contents.js';
import { RESTORED } from './hints.js';
import { endUnderWay, type RestoreRow, selectOtherActive, selectSelf } from './snapshots.store.js';

export interface RestoreParts {
  /** Connections of its own: those of the process may all be waiting for the tables that are locked here. */
  readonly pool: Pool;
  readonly vault: Vault;
  readonly executions: SystemExecutions;
}

export interface RestoreOrder {
  readonly claim: SystemClaim;
  readonly row: RestoreRow;
  readonly snapshotId: string;
  readonly archive: ArchiveBytes;
  readonly passphrase: string | null;
  readonly signal: AbortSignal;
  /** From now on nobody else can use the tables, executions among them. */
  readonly locked: () => void;
}

/** @throws DomainError for whatever is wrong with the archive or the moment; nothing has happened then */
export async function restoreSnapshot(parts: RestoreParts, order: RestoreOrder): Promise<void> {
  const { pool, vault } = parts;
  const manifest = await verifySnapshot(order.archive, order.signal);
  const snapshotKey = await keyOf(vault, manifest, order.passphrase);
  const tables = carried(await catalogTables.all(pool));
  requireSchema(manifest, await appliedMigrations.all(pool), tables);
  await inTransaction(pool, (client) => replaceAll(client, parts, order, manifest, tables, snapshotKey));
  await withClient(pool, (client) => refreshStatistics(client, names(tables)));
}

async function replaceAll(
  client: Client,
  { vault, executions }: RestoreParts,
  order: RestoreOrder,
  manifest: Manifest,
  tables: readonly CatalogTable[],
  snapshotKey: Buffer | null,
): Promise<void> {
  const all = names(tables);
  const { claim, row } = order;
  order.locked();
  await lockTables(client, all);
  const own = await executions.carry(client, claim);
  if (own === null)
    throw new DomainError('conflict', 'snapshot-given-up', 'Another worker has taken the restoring over');
  const other = await selectOtherActive.one(client, [claim.uid]);
  if (other !== null) throw stillRunning(other);
  if (!row.force) requireNothingToLose(await countRows(client, precious(tables)));
  const admin = await keepFirstAdmin(client);
  const rules = await withoutRules(client, all);
  await empty(client, all);
  await copyAll(client, vault, order, manifest, snapshotKey);
  await settleRestoredEvents(client, kindsLeftOut(manifest.contents));
  if (snapshotKey === null) await settleKeys(client, vault);
  await advanceSequences(client, all);
  await restoreRules(client, all, rules);
  await forgetChanges(client);
  await putFirstAdmin(client, admin);
  const as = (await selectSelf.one(client, [row.tenantName, row.username]))!;
  const failed = await executions.settle(client, own, manifest.execution, as);
  const actor = { userId: null, username: row.username, tenant: null, requestId: row.requestId };
  await record(client, actor, {
    action: 'restore',
    thing: 'snapshot',
    id: order.snapshotId,
    details: { of: manifest.createdAt, force: row.force, failedExecutions: failed },
  });
  await endUnderWay.run(client, [claim.id]);
  order.signal.throwIfAborted();
  await signalWithCommit(client, RESTORED);
}

async function copyAll(
  client: Client,
  vault: Vault,
  order: RestoreOrder,
  manifest: Manifest,
  snapshotKey: Buffer | null,
): Promise<void> {
  const byPath = new Map(manifest.tables.map((table) => [table.path, table]));
  await eachFile(order.archive, async ({ path, content }) => {
    const table = byPath.get(path);
    // Their counters come before them, by the alphabet, and tell which partitions they are in.
    if (table?.name === 'event_packs') await makeCountedWeeks(client);
    if (table !== undefined) await copyTable(client, table, content, order.signal);
    else if (path === manifest.secrets.passphrase?.path && snapshotKey !== null)
      await adoptKeys(client, vault, linesOf<CarriedKey>(content), snapshotKey);
  });
}

function kindsLeftOut({ events, logs }: Manifest['contents']): ('event' | 'log')[] {
  return [...(events ? [] : (['event'] as const)), ...(logs ? [] : (['log'] as const))];
}

async function copyTable(
  client: Client,
  table: ManifestTable,
  content: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  const rows = copyIn(client, table.name, table.columns, table.format);
  await pipeline(content, rows, { signal });
  if (rows.rowCount !== table.rows) {
    throw notASnapshot(`${table.path} holds ${rows.rowCount} rows, and its manifest says ${table.rows}`);
  }
}

/** The key that the secrets are carried under; null: they are under master keys that this installation has. */
async function keyOf(vault: Vault, { secrets }: Manifest, passphrase: string | null): Promise<Buffer | null> {
  if (passphrase !== null && secrets.passphrase !== null)
    return unlockKey(secrets.passphrase.lock, passphrase);
  requireKeys(vault, secrets.masterKeys);
  return null;
}

/** @throws DomainError `conflict` (`snapshot-of-other-version`); `invalid` (`snapshot-archive-invalid`) */
function requireSchema(
  manifest: Manifest,
  ours: readonly { readonly number: number; readonly name: string; readonly digest: string }[],
  tables: readonly CatalogTable[],
): void {
  const same =
    manifest.schema.length === ours.length &&
    ours.every(({ digest }, index) => manifest.schema[index]!.digest === digest);
  if (!same) {
    const last = (schema: readonly { name: string }[]) => schema.at(-1)?.name ?? 'nothing';
    throw new DomainError(
      'conflict',
      'snapshot-of-other-version',
      `The snapshot is of another version of Orrery (${last(manifest.schema)}) than this one (${last(ours)}): restore it with that version, and then start this one on the same database`,
    );
  }
  const columns = new Map(tables.map((table) => [table.name, table.columns]));
  for (const table of manifest.tables) {
    const known = columns.get(table.name);
    if (known === undefined) throw notASnapshot(`a table ${table.name} is not carried in snapshots`);
    if ([...table.columns].sort().join() !== [...known].sort().join())
      throw notASnapshot(`table ${table.name} has other columns`);
  }
  const there = new Set(manifest.tables.map((table) => table.name));
  const absent = tables.find(({ name }) => !there.has(name));
  if (absent !== undefined) throw notASnapshot(`it lacks table ${absent.name}`);
}

/** Tables whose rows would be missed: those of tenants, and who and what belongs to none. */
export function precious(tables: readonly CatalogTable[]): string[] {
  const those = tables.filter(
    ({ name, columns }) => columns.includes('tenant_id') || BEYOND_TENANTS.has(name),
  );
  return names(those);
}

/** @throws DomainError `conflict` (`installation-not-empty`) */
export function requireNothingToLose(counts: ReadonlyMap<string, number>): void {
  const there = [...counts].filter(([table, count]) => {
    const harmless = NOTHING_TO_LOSE[table] ?? 0;
    return harmless !== true && count > harmless;
  });
  if (there.length === 0) return;
  const named = there.map(([table, count]) => `${table.replaceAll('_', ' ')} (${count})`).join(', ');
  throw new DomainError(
    'conflict',
    'installation-not-empty',
    `A snapshot is restored on an empty installation, and this one has ${named}: all of it would be lost. Use force where that is wanted`,
  );
}

function stillRunning(other: {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
}): DomainError {
  return new DomainError(
    'conflict',
    'execution-already-running',
    `Execution ${other.id} (${other.workflow}) is ${other.status}: nothing may run while a snapshot is restored`,
  );
}

function names(tables: readonly CatalogTable[]): string[] {
  return tables.map(({ name }) => name);
}

export async function withClient<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    return await work(client);
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}
