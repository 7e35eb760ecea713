/**
 * Snapshots: the whole installation as of one moment, in one archive, and the way back from it (docs/snapshots.md).
 *
 * This service takes orders and tells how things stand; a worker carries them out (snapshot-worker.ts). Snapshots belong to
 * the installation: whoever may have them at all sees the same ones from every tenant.
 */
import type { Readable } from 'node:stream';
import { type Caller, requirePermission } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { identityScope, requirePerson } from '../identity/permission.js';
import type { ExecutionId } from '../ids.js';
import type { Fetched } from '../net/safe-fetch.js';
import type { SystemExecutions } from '../orchestration/system-executions.js';
import type { Vault } from '../secrets/vault.js';
import { catalogTables } from '../store/copy.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { countRows } from '../store/replace.js';
import { HEARS_AGAIN, type Signals } from '../store/signals.js';
import { inTransaction } from '../store/transaction.js';
import { verifySnapshot } from './archive/read.js';
import type { Archives } from './archives.js';
import { type Contents, carried } from './contents.js';
import { RESTORED, RESTORING } from './hints.js';
import { type SnapshotSource, takeIn } from './incoming.js';
import { precious, requireNothingToLose } from './restore.js';
import { requireMove, requireWhole, type SnapshotStatus } from './snapshot-state.js';
import {
  deleteSnapshot,
  insertRestore,
  insertSnapshot,
  lockSnapshot,
  replaceArchive,
  SNAPSHOT_LIST,
  type SnapshotField,
  type SnapshotRow,
  selectRestoresOf,
  selectSnapshot,
  selectUnderWay,
  setMaker,
  setStatus,
} from './snapshots.store.js';
import { RESTORE_WORKFLOW, SNAPSHOT_WORKFLOW } from './workflows.js';

export type { Contents } from './contents.js';
export type { SnapshotSource } from './incoming.js';
export type { SnapshotStatus } from './snapshot-state.js';
export type { SnapshotField } from './snapshots.store.js';

export interface SnapshotsParts {
  readonly pool: Pool;
  readonly vault: Vault;
  readonly archives: Archives;
  readonly executions: SystemExecutions;
  readonly signals: Signals;
  /** Bytes of an archive that is sent. */
  readonly mostBytes: number;
  readonly fetch: (url: string, bounds: { maxBytes: number; timeoutMs: number }) => Promise<Fetched>;
  /** Whatever this process remembers of the store: called when it was replaced. */
  readonly forget: () => void;
}

/** How long an answer about a restoring is believed while one is known of. */
const LOOK_MS = 250;

export class Snapshots {
  readonly #parts: SnapshotsParts;
  #restoring = false;
  #lookedAt = 0;
  #looking: Promise<void> | null = null;

  constructor(parts: SnapshotsParts) {
    this.#parts = parts;
    parts.signals.subscribe((hints) => {
      if (hints.includes(RESTORED) || hints.includes(HEARS_AGAIN)) parts.forget();
      if (hints.includes(RESTORING)) this.#restoring = true;
    });
  }

  /** Needs `snapshots.manage`, as everything here. */
  async list(caller: Caller, query: ListQuery<SnapshotField>): Promise<ListPage> {
    allow(caller);
    return listPage(this.#parts.pool, SNAPSHOT_LIST, identityScope(caller, 'snapshots.manage'), query);
  }

  /**
   * Orders a snapshot; it is there, `creating`, when this returns.
   *
   * @param parameters what the execution tells of itself
   * @param passphrase that its secrets are to be under too; kept sealed, until it is made
   * @throws DomainError `conflict` (`snapshot-exists`, `execution-already-running`); `invalid` (`name-invalid`, `passphrase-short`)
   */
  async create(
    caller: Caller,
    order: {
      readonly id: string;
      readonly contents: Contents;
      readonly parameters: JsonObject;
      readonly queue: boolean;
      readonly visibility: 'private' | 'tenant' | 'global';
      readonly passphrase: string | null;
    },
  ): Promise<ExecutionId> {
    allow(caller);
    requireName('snapshot', order.id);
    const { pool, vault, executions } = this.#parts;
    const box = order.passphrase === null ? null : seal(vault, order.id, longEnough(order.passphrase));
    const execution = await inTransaction(pool, async (client) => {
      const row = await this.#insert(
        client,
        caller,
        order.id,
        order.visibility,
        'creating',
        order.contents,
        null,
      );
      const id = await executions.start(client, caller, {
        workflow: SNAPSHOT_WORKFLOW,
        parameters: order.parameters,
        permission: 'snapshots.manage',
        queue: order.queue,
        alone: false,
      });
      await setMaker.run(client, [
        row.uid,
        id,
        box?.sealed ?? null,
        box?.sealedKey ?? null,
        box?.masterKey ?? null,
      ]);
      await record(client, caller, {
        action: 'create',
        thing: 'snapshot',
        id: order.id,
        details: { ...order.contents, passphrase: box !== null },
      });
      return id;
    });
    executions.wake();
    return execution;
  }

  /**
   * Orders the installation to become what the snapshot says.
   *
   * @throws DomainError `not-found`; `conflict` (`snapshot-not-ready`, `installation-not-empty` without `force`,
   *   `execution-already-running`)
   */
  async restore(
    caller: Caller,
    id: string,
    order: {
      readonly force: boolean;
      readonly parameters: JsonObject;
      readonly passphrase: string | null;
    },
  ): Promise<ExecutionId> {
    allow(caller);
    const { pool, vault, executions, signals } = this.#parts;
    const box = order.passphrase === null ? null : seal(vault, id, order.passphrase);
    const execution = await inTransaction(pool, async (client) => {
      const row = await this.#lock(client, id);
      requireWhole(id, row.status, 'restored');
      if (!order.force) {
        const tables = precious(carried(await catalogTables.all(client)));
        requireNothingToLose(await countRows(client, tables));
      }
      const started = await executions.start(client, caller, {
        workflow: RESTORE_WORKFLOW,
        parameters: order.parameters,
        permission: 'snapshots.manage',
        queue: false,
        alone: true,
      });
      await insertRestore.run(client, [
        started,
        row.uid,
        order.force,
        caller.tenant?.name ?? '',
        caller.username,
        caller.requestId,
        box?.sealed ?? null,
        box?.sealedKey ?? null,
        box?.masterKey ?? null,
      ]);
      return started;
    });
    executions.wake();
    signals.send(RESTORING);
    return execution;
  }

  /** The bytes, always the same. @throws DomainError `not-found`; `conflict` (`snapshot-not-ready`) */
  async archive(caller: Caller, id: string): Promise<{ readonly size: number; readonly stream: Readable }> {
    allow(caller);
    const row = await this.#find(id);
    requireWhole(id, row.status, 'downloaded');
    const size = row.size!;
    return { size, stream: this.#parts.archives.stream({ uid: row.archive!, size }) };
  }

  /**
   * Takes a snapshot in. It is there when it was found whole, and not before; one of the same id that is not in use gets
   * the new archive in the place of its own.
   *
   * @throws DomainError `invalid` (`snapshot-archive-invalid`, `archive-…`, `fetch-failed`, …); `limit` (`archive-too-large`);
   *   `conflict` (`snapshot-in-use`)
   */
  async upload(
    caller: Caller,
    id: string,
    source: SnapshotSource,
    visibility: 'private' | 'tenant' | 'global' = 'tenant',
  ): Promise<void> {
    allow(caller);
    requireName('snapshot', id);
    const { archives, pool } = this.#parts;
    const stored = await takeIn(source, this.#parts);
    try {
      await verifySnapshot(archives.bytes(stored));
      await inTransaction(pool, async (client) => {
        const there = await lockSnapshot.one(client, [id]);
        if (there === null) {
          await this.#insert(client, caller, id, visibility, 'uploaded', null, stored.uid);
        } else {
          await this.#requireUnused(client, there);
          await replaceArchive.run(client, [there.uid, stored.uid]);
        }
        await record(client, caller, {
          action: 'upload',
          thing: 'snapshot',
          id,
          details: { bytes: stored.size, sha256: stored.sha256.toString('hex') },
        });
        if (there !== null && there.archive !== null) await archives.drop(client, there.archive);
      });
    } catch (error) {
      await archives.discard(stored.uid);
      throw error;
    }
  }

  /** @throws DomainError `not-found`; `conflict` (`snapshot-in-use`): it is being made or restored */
  async remove(caller: Caller, id: string): Promise<void> {
    allow(caller);
    await inTransaction(this.#parts.pool, async (client) => {
      const row = await this.#lock(client, id);
      await this.#requireUnused(client, row);
      await deleteSnapshot.run(client, [row.uid]);
      if (row.archive !== null) await this.#parts.archives.drop(client, row.archive);
      await record(client, caller, { action: 'delete', thing: 'snapshot', id });
    });
  }

  /** @throws DomainError `not-found`; `conflict` (`snapshot-status-illegal`) */
  async setStatus(
    caller: Caller,
    id: string,
    status: SnapshotStatus,
    error: string | undefined,
  ): Promise<void> {
    allow(caller);
    await inTransaction(this.#parts.pool, async (client) => {
      const row = await this.#lock(client, id);
      requireMove(id, row.status, status);
      if (row.status === 'creating' && status === 'creating') return;
      await setStatus.run(client, [row.uid, status, error ?? row.error]);
      await record(client, caller, { action: 'set-status', thing: 'snapshot', id, details: { status } });
    });
  }

  /** Whether a snapshot is being restored at this moment. Costs nothing unless one was heard of. */
  async isRestoring(): Promise<boolean> {
    if (!this.#restoring) return false;
    if (Date.now() - this.#lookedAt > LOOK_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = null;
      });
      await this.#looking;
    }
    return this.#restoring;
  }

  /** The same, asked of the store. */
  async restoringNow(): Promise<boolean> {
    return (await selectUnderWay.one(this.#parts.pool))!.underWay;
  }

  async #look(): Promise<void> {
    this.#restoring = await this.restoringNow();
    this.#lookedAt = Date.now();
  }

  async #insert(
    client: Client,
    caller: Caller,
    id: string,
    visibility: string,
    status: SnapshotStatus,
    contents: Contents | null,
    archive: number | null,
  ): Promise<{ uid: number }> {
    const row = await insertSnapshot.one(client, [
      id,
      caller.tenant?.name ?? '',
      caller.username,
      visibility,
      status,
      contents === null ? null : JSON.stringify(contents),
      archive,
    ]);
    if (row !== null) return row;
    throw new DomainError('conflict', 'snapshot-exists', `Snapshot \`${id}\` already exists`);
  }

  async #find(id: string): Promise<SnapshotRow> {
    const row = id.includes('\0') ? null : await selectSnapshot.one(this.#parts.pool, [id]);
    if (row === null) throw notFound('Snapshot', id);
    return row;
  }

  async #lock(client: Client, id: string): Promise<SnapshotRow> {
    const row = id.includes('\0') ? null : await lockSnapshot.one(client, [id]);
    if (row === null) throw notFound('Snapshot', id);
    return row;
  }

  async #requireUnused(client: Client, row: SnapshotRow): Promise<void> {
    const restored = await selectRestoresOf.one(client, [row.uid]);
    if (row.status !== 'creating' && restored === null) return;
    throw new DomainError(
      'conflict',
      'snapshot-in-use',
      `Snapshot \`${row.id}\` is being ${row.status === 'creating' ? 'made' : 'restored'}: wait for it, or cancel execution ${restored?.executionId ?? row.executionId}`,
    );
  }
}

function allow(caller: Caller): void {
  requirePermission(caller, 'snapshots.manage');
  requirePerson(caller);
}

/** Where a passphrase is kept for the worker: see secrets/vault.ts. */
export function passphrasePlace(id: string): string {
  return `snapshot\0${id}`;
}

function seal(vault: Vault, id: string, passphrase: string) {
  return vault.seal(passphrase, passphrasePlace(id));
}

function longEnough(passphrase: string): string {
  if (passphrase.length >= 12 && passphrase.length <= 1024) return passphrase;
  throw new DomainError('invalid', 'passphrase-short', 'A passphrase has 12 to 1024 characters');
}
