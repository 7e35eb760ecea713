/**
 * Looking at all servers of an account where they are: what is not known is imported, what is known is brought up to date, what has
 * vanished is historical. An execution for each account, one at a time, with a job to watch it by.
 */
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import type { ExecutionUid, TenantId } from '../ids.js';
import type { SystemClaim, SystemExecutions } from '../orchestration/system-executions.js';
import {
  type HeldExecution,
  type SystemWorker,
  type SystemWorkerParts,
  startSystemWorker,
} from '../orchestration/system-worker.js';
import { managingScope } from '../ordering/rights.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { Answer, SeenServer } from './handlers/handler.js';
import type { ServerHandlers } from './server-handlers.js';
import { recordGone, recordSeen, remember } from './server-records.js';
import {
  endAbandonedSyncs,
  endSync,
  insertSync,
  selectExecutionUid,
  selectSync,
  selectSyncable,
} from './server-syncs.store.js';
import type { JobsForServers } from './servers.js';
import { insertServer, type ServerRow, selectServersByUid, selectServersOfAccount } from './servers.store.js';
import { setFound } from './services.store.js';

export const SYNC_WORKFLOW = 'synchronize_servers';
/** Of one process at a time: each waits for a cloud. */
const AT_ONCE = 4;
const MOST_TRIES = 3;

export interface ServerSyncsParts {
  readonly pool: Pool;
  readonly handlers: ServerHandlers;
  readonly executions: SystemExecutions;
  readonly jobs: JobsForServers;
}

export interface SyncReport {
  readonly imported: number;
  readonly updated: number;
  readonly vanished: number;
}

export class ServerSyncs {
  readonly #parts: ServerSyncsParts;

  constructor(parts: ServerSyncsParts) {
    this.#parts = parts;
  }

  /** The executions that carry syncs out, for whoever starts a worker. */
  get executions(): SystemExecutions {
    return this.#parts.executions;
  }

  /**
   * Begins a look at each of `accounts` (null: at all in which servers can be built), or at none. Needs `ordering.manage`.
   *
   * @returns numbers of the jobs, in the order of the accounts
   * @throws DomainError `not-found`; `conflict` (`sync-running`); `invalid` (`no-server-handler`)
   */
  async start(caller: Caller, accounts: readonly number[] | null): Promise<readonly number[]> {
    const { pool, handlers, executions, jobs } = this.#parts;
    const scope = managingScope(caller);
    const found = await selectSyncable.all(pool, scope.tenantId, [handlers.kinds, accounts]);
    for (const account of accounts ?? []) {
      // Says what is wrong with one that is not among them.
      if (!found.some(({ uid }) => uid === account)) await handlers.handsFor(pool, scope.tenantId, account);
    }
    const numbers = await inTransaction(pool, async (client) => {
      const started: number[] = [];
      for (const { uid, name } of found) {
        const id = await executions.start(client, lent(caller), {
          workflow: SYNC_WORKFLOW,
          parameters: { cloud_account: name },
          permission: 'cloud-accounts.write',
          queue: true,
          alone: false,
        });
        if ((await insertSync.one(client, scope.tenantId, [uid, id])) === null) {
          throw new DomainError(
            'conflict',
            'sync-running',
            `A synchronization job for resource handler '${name}' is already running.`,
          );
        }
        const execution = (await selectExecutionUid.one(client, scope.tenantId, [id]))!.uid as ExecutionUid;
        const job = await jobs.start(client, scope, {
          type: 'syncvms',
          subject: name,
          owner: caller.userId,
          groupUid: null,
          execution,
        });
        started.push(job.number);
      }
      return started;
    });
    executions.wake();
    return numbers;
  }

  /** Syncs whose execution is over without their knowing. Periodic work. */
  async settleAbandoned(): Promise<void> {
    await endAbandonedSyncs.run(this.#parts.pool);
  }

  /** @internal Carries one out and ends it. */
  async carryOut({ claim, out, unwanted }: HeldExecution): Promise<void> {
    const { pool, executions, handlers } = this.#parts;
    if (claim.tries > MOST_TRIES) throw givenUp(`It was begun ${MOST_TRIES} times and never ended`);
    if (unwanted.aborted) throw givenUp('It was cancelled');
    const sync = await selectSync.one(pool, claim.tenantId, [claim.id]);
    if (sync === null) throw givenUp('The cloud account is not there any more');
    const { hands, account } = await handlers.handsFor(pool, claim.tenantId, sync.accountUid);
    const lines: string[] = [];
    const answer = await hands.list({
      operationId: claim.id,
      signal: AbortSignal.any([out, unwanted]),
      log: (message) => void lines.push(message),
    });
    if (answer.kind !== 'done') throw givenUp(wordsOf(answer));
    const report = await inTransaction(pool, (client) =>
      this.#record(client, claim.tenantId, account.uid, answer.value),
    );
    const { imported, updated, vanished } = report;
    await executions.tell(
      claim,
      'info',
      'synchronize_servers',
      `${account.name}: ${imported} imported, ${updated} updated, ${vanished} vanished`,
    );
    await executions.end(claim, '', async (client) => {
      await endSync.run(client, claim.tenantId, [claim.id, imported, updated, vanished]);
    });
  }

  /** @internal It broke off. */
  async broke(claim: SystemClaim, error: unknown): Promise<void> {
    const ours = error instanceof DomainError;
    const message = ours ? error.message : 'Something went wrong in the server; its log says more';
    await this.#parts.executions.end(claim, message, async (client) => {
      await endSync.run(client, claim.tenantId, [claim.id, 0, 0, 0]);
    });
  }

  async #record(
    client: Client,
    tenant: TenantId,
    accountUid: number,
    seen: readonly SeenServer[],
  ): Promise<SyncReport> {
    const known = await selectServersOfAccount.all(client, tenant, [accountUid]);
    const byId = new Map(known.map((server) => [server.id, server]));
    const byProvider = new Map(known.map((server) => [server.providerId, server]));
    const found = new Set<number>();
    let imported = 0;
    for (const one of seen) {
      const before = (one.uuid === null ? undefined : byId.get(one.uuid)) ?? byProvider.get(one.providerId);
      const server = before ?? (await this.#import(client, tenant, accountUid, one));
      if (before === undefined) imported += 1;
      found.add(server.uid);
      await recordSeen(client, tenant, { accountUid, server, seen: one, status: null, tags: {} });
    }
    const vanished = known.filter((server) => !found.has(server.uid) && isMissed(server));
    for (const { uid, hostname } of vanished) {
      const message = `${hostname} was not found any more`;
      await remember(client, tenant, uid, { event: 'vanished', message, by: null, execution: null });
    }
    if (vanished.length > 0)
      await recordGone(
        client,
        tenant,
        vanished.map(({ uid }) => uid),
      );
    return { imported, updated: found.size - imported, vanished: vanished.length };
  }

  async #import(client: Client, tenant: TenantId, accountUid: number, seen: SeenServer): Promise<ServerRow> {
    const number = await nextNumber(client, tenant, 'server');
    const sizes = [seen.cpus, seen.memoryMb, seen.disks.reduce((sum, { gb }) => sum + gb, 0)];
    const nobody = [null, null, null, null, null, null, null];
    const values = [
      number,
      seen.hostname || seen.providerId,
      accountUid,
      ...nobody,
      ...sizes,
      '{}',
      'active',
      null,
      null,
    ];
    const { uid } = (await insertServer.one(client, tenant, values))!;
    await setFound.run(client, tenant, [uid, true]);
    const message = `${seen.hostname} was found`;
    await remember(client, tenant, uid, { event: 'imported', message, by: null, execution: null });
    return (await selectServersByUid.one(client, tenant, [[uid]]))!;
  }
}

export function startServerSyncWorker(
  parts: Omit<SystemWorkerParts, 'executions'> & { readonly syncs: ServerSyncs },
): SystemWorker {
  const { syncs, ...rest } = parts;
  return startSystemWorker(
    { ...rest, executions: syncs.executions },
    {
      what: 'servers to look at',
      atOnce: AT_ONCE,
      carryOut: (held) => syncs.carryOut(held),
      broke: async (claim, error) => {
        if (!(error instanceof DomainError))
          parts.log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off`);
        await syncs.broke(claim, error);
      },
    },
  );
}

/** Something was there of it, and nothing else is about to say what became of it. */
function isMissed({ status, providerId }: ServerRow): boolean {
  return providerId !== null && (status === 'active' || status === 'changing');
}

/** Whoever administers self-service may have its accounts looked at. */
function lent(caller: Caller): Caller {
  return { ...caller, permissions: new Set([...caller.permissions, 'cloud-accounts.write']) };
}

function wordsOf(answer: Exclude<Answer<unknown>, { kind: 'done' }>): string {
  return answer.kind === 'aborted' ? 'It was cancelled' : answer.message;
}

function givenUp(message: string): DomainError {
  return new DomainError('conflict', 'sync-given-up', message);
}
