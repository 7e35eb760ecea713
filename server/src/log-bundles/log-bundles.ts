/**
 * Log bundles: what this installation has logged, in one archive, for whoever is to find out what went wrong.
 *
 * This service takes orders and tells how things stand; a worker makes them (log-bundle-worker.ts). As snapshots they belong
 * to the installation: whoever may have them at all sees the same ones from every tenant.
 */
import type { Readable } from 'node:stream';
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { identityScope, requirePerson } from '../identity/permission.js';
import type { ExecutionId } from '../ids.js';
import type { SystemExecutions } from '../orchestration/system-executions.js';
import type { Archives } from '../snapshots/archives.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteBundle,
  insertBundle,
  LOG_BUNDLE_LIST,
  type LogBundleField,
  type LogBundleRow,
  type LogBundleStatus,
  lockBundle,
  selectBundle,
  setBundleStatus,
} from './log-bundles.store.js';
import { LOG_BUNDLE_WORKFLOW } from './workflows.js';

export type { LogBundleField, LogBundleStatus } from './log-bundles.store.js';

export interface LogBundlesParts {
  readonly pool: Pool;
  readonly archives: Archives;
  readonly executions: SystemExecutions;
}

export class LogBundles {
  readonly #parts: LogBundlesParts;

  constructor(parts: LogBundlesParts) {
    this.#parts = parts;
  }

  /** Needs `log-bundles.manage`, as everything here. */
  async list(caller: Caller, query: ListQuery<LogBundleField>): Promise<ListPage> {
    allow(caller);
    return listPage(this.#parts.pool, LOG_BUNDLE_LIST, identityScope(caller, 'log-bundles.manage'), query);
  }

  /**
   * Orders a bundle; it is there, `creating`, when this returns.
   *
   * @param order `queue`: after another one that is being made, instead of being refused
   * @throws DomainError `conflict` (`log-bundle-exists`, `execution-already-running`); `invalid` (`name-invalid`)
   */
  async create(
    caller: Caller,
    order: { readonly id: string; readonly queue: boolean },
  ): Promise<ExecutionId> {
    allow(caller);
    requireName('log bundle', order.id);
    const { pool, executions } = this.#parts;
    const execution = await inTransaction(pool, async (client) => {
      const id = await executions.start(client, caller, {
        workflow: LOG_BUNDLE_WORKFLOW,
        parameters: { log_bundle_id: order.id, queue: order.queue },
        permission: 'log-bundles.manage',
        queue: order.queue,
        alone: false,
      });
      const row = await insertBundle.one(client, [order.id, caller.tenant?.name ?? '', caller.username, id]);
      if (row === null) {
        throw new DomainError('conflict', 'log-bundle-exists', `Log bundle \`${order.id}\` already exists`);
      }
      await record(client, caller, { action: 'create', thing: 'log bundle', id: order.id });
      return id;
    });
    executions.wake();
    return execution;
  }

  /** The bytes of a zip. @throws DomainError `not-found`; `conflict` (`log-bundle-not-ready`) */
  async archive(caller: Caller, id: string): Promise<{ readonly size: number; readonly stream: Readable }> {
    allow(caller);
    const row = id.includes('\0') ? null : await selectBundle.one(this.#parts.pool, [id]);
    if (row === null) throw notFound('Log bundle', id);
    if (row.archive === null) {
      throw new DomainError(
        'conflict',
        'log-bundle-not-ready',
        `Log bundle \`${id}\` cannot be downloaded: its status is ${row.status}`,
        { details: { status: row.status } },
      );
    }
    const size = row.size!;
    return { size, stream: this.#parts.archives.stream({ uid: row.archive, size }) };
  }

  /** @throws DomainError `not-found`; `conflict` (`log-bundle-in-use`): it is being made */
  async remove(caller: Caller, id: string): Promise<void> {
    allow(caller);
    await inTransaction(this.#parts.pool, async (client) => {
      const row = await lock(client, id);
      if (row.status === 'creating') {
        throw new DomainError(
          'conflict',
          'log-bundle-in-use',
          `Log bundle \`${id}\` is being made: wait for it, or cancel execution ${row.executionId}`,
        );
      }
      await deleteBundle.run(client, [row.uid]);
      if (row.archive !== null) await this.#parts.archives.drop(client, row.archive);
      await record(client, caller, { action: 'delete', thing: 'log bundle', id });
    });
  }

  /**
   * A status set by hand tells what is: a making may be given up, and anything may be said again.
   *
   * @throws DomainError `not-found`; `conflict` (`log-bundle-status-illegal`)
   */
  async setStatus(
    caller: Caller,
    id: string,
    status: LogBundleStatus,
    error: string | undefined,
  ): Promise<void> {
    allow(caller);
    await inTransaction(this.#parts.pool, async (client) => {
      const row = await lock(client, id);
      if (row.status !== status && (row.status !== 'creating' || status !== 'failed')) {
        throw new DomainError(
          'conflict',
          'log-bundle-status-illegal',
          `Log bundle \`${id}\` is ${row.status} and cannot be made ${status} by hand`,
        );
      }
      await setBundleStatus.run(client, [row.uid, status, error ?? row.error]);
      await record(client, caller, { action: 'set-status', thing: 'log bundle', id, details: { status } });
    });
  }
}

function allow(caller: Caller): void {
  requirePermission(caller, 'log-bundles.manage');
  requirePerson(caller);
}

async function lock(client: Client, id: string): Promise<LogBundleRow> {
  const row = id.includes('\0') ? null : await lockBundle.one(client, [id]);
  if (row === null) throw notFound('Log bundle', id);
  return row;
}
