/**
 * Carries out what operations of node instances ask of servers (plugins/servers/): finds or makes the server's row, asks the
 * handler of its cloud account, and writes down what came of it before the operation is told.
 *
 * Always holds: the row, and with it the uuid that the handler builds under, is committed before the handler is asked; and
 * what the handler said is committed before the operation ends. A worker that dies in between is followed by one that finds
 * the row, asks the same again, and is told the same.
 */
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type {
  ServerAnswer,
  ServerKeeper,
  ServerRequest,
  ServerWork,
} from '../plugins/servers/server-keeper.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  type Answer,
  type Call,
  NOT_SUPPORTED,
  type SeenServer,
  type ServerRef,
} from './handlers/handler.js';
import { type ChangeParts, changeServer, type ServerAtWork, withKeptPassword } from './server-change.js';
import type { ServerHandlers } from './server-handlers.js';
import { deleteSnapshot, insertSnapshot, selectSnapshot } from './server-parts.store.js';
import { type Happening, recordGone, recordSeen, remember } from './server-records.js';
import type { ServerState } from './server-state.js';
import {
  anotherName,
  hostnameOf,
  propertiesOf,
  said,
  text,
  texts,
  uuidFrom,
  whole,
  wishOf,
} from './server-words.js';
import {
  claimRegistered,
  insertServer,
  type ServerRow,
  selectAccountFor,
  selectInstanceFacts,
  selectServerOfInstance,
  selectServersByUid,
  selectSibling,
  setServerStatus,
  tenantByName,
} from './servers.store.js';
import { setFound } from './services.store.js';

interface Work extends ServerAtWork {
  readonly accountUid: number;
  readonly accountName: string;
}

/** What a server is while the work goes on; absent: as it is. */
const DURING: Readonly<Partial<Record<ServerWork, ServerState>>> = {
  build: 'building',
  resize: 'changing',
  remove: 'ending',
};
/** Of a server that is not there: nothing to do. */
const FINE_WITHOUT: ReadonlySet<ServerWork> = new Set(['remove', 'power_off', 'stop', 'delete_snapshot']);

export class ServerWorks implements ServerKeeper {
  readonly #parts: ChangeParts;
  readonly #pool: Pool;
  readonly #handlers: ServerHandlers;

  constructor(parts: ChangeParts & { readonly handlers: ServerHandlers }) {
    this.#parts = parts;
    this.#pool = parts.pool;
    this.#handlers = parts.handlers;
  }

  async perform(request: ServerRequest): Promise<ServerAnswer> {
    try {
      const tenant = (await tenantByName.one(this.#pool, [request.tenant]))?.id;
      if (tenant === undefined) return refusal(`there is no tenant ${request.tenant}`);
      const server = await this.#serverOf(tenant, request);
      if (server === null) {
        return FINE_WITHOUT.has(request.work)
          ? { kind: 'done', properties: null }
          : refusal(`node instance ${request.instance} has no server`);
      }
      const work = await this.#prepare(tenant, server, request);
      try {
        return await this.#carryOut(work);
      } catch (error) {
        if (error instanceof DomainError) return await this.#unfinished(work, troubleOf(error));
        throw error;
      }
    } catch (error) {
      if (error instanceof DomainError) return troubleOf(error);
      throw error;
    }
  }

  /** The row of the instance's server; where it is to be built, made when there is none. */
  async #serverOf(tenant: TenantId, request: ServerRequest): Promise<ServerRow | null> {
    const known = await selectServerOfInstance.one(this.#pool, tenant, [request.instance]);
    if (known !== null || request.work !== 'build') return known;
    return inTransaction(this.#pool, async (client) => {
      const facts = await selectInstanceFacts.one(client, tenant, [request.instance]);
      if (facts === null) return null;
      const { deploymentUid, node } = facts;
      const claimed = await claimRegistered.one(client, tenant, [deploymentUid, node, request.instance]);
      const uid =
        claimed?.uid ?? (await this.#insert(client, tenant, request, facts.creatorId, deploymentUid));
      return selectServersByUid.one(client, tenant, [[uid]]);
    });
  }

  async #insert(
    client: Client,
    tenant: TenantId,
    { node, instance, properties }: ServerRequest,
    creator: number | null,
    deploymentUid: number,
  ): Promise<number> {
    const sibling = await selectSibling.one(client, tenant, [deploymentUid, node]);
    const row = await insertServer.one(client, tenant, [
      await nextNumber(client, tenant, 'server'),
      // One more of those that are there has a name of its own.
      sibling === null
        ? hostnameOf(properties.hostname, instance)
        : anotherName(properties.hostname, instance),
      null,
      sibling?.groupUid ?? null,
      sibling?.environmentUid ?? null,
      sibling?.osBuildUid ?? null,
      sibling?.ownerId ?? creator,
      deploymentUid,
      node,
      instance,
      whole(properties.cpus, 1),
      whole(properties.memory_mb, 1024),
      whole(properties.disk_gb, 10),
      '{}',
      'building',
      sibling?.expiresOn ?? null,
      sibling?.serviceUid ?? null,
    ]);
    if (sibling !== null) await this.#parts.passwords.copy(client, sibling.uid, row!.uid);
    return row!.uid;
  }

  async #prepare(tenant: TenantId, server: ServerRow, request: ServerRequest): Promise<Work> {
    const accountUid = server.accountUid ?? (await this.#accountFor(tenant, request));
    const { account, hands } = await this.#handlers.handsFor(this.#pool, tenant, accountUid);
    const call: Call = {
      operationId: request.operationId,
      signal: request.signal,
      log: (message) => request.log(message),
    };
    const during = DURING[request.work];
    if (during !== undefined) await setServerStatus.run(this.#pool, tenant, [[server.uid], during, '']);
    return { tenant, server, accountUid, accountName: account.name, hands, call, request };
  }

  async #accountFor(tenant: TenantId, { properties }: ServerRequest): Promise<number> {
    const named = text(properties.cloud_account);
    const account = await selectAccountFor.one(this.#pool, tenant, [named]);
    if (account !== null) return account.uid;
    throw new DomainError(
      'invalid',
      'cloud-account-unknown',
      named === ''
        ? 'The tenant has no cloud account of kind local: create one, or name another in the property cloud_account'
        : `The tenant has no cloud account ${named}`,
    );
  }

  async #carryOut(work: Work): Promise<ServerAnswer> {
    const { id, found, providerId } = work.server;
    const ref: ServerRef = { uuid: found ? null : id, providerId };
    const { hands, call, request } = work;
    switch (request.work) {
      case 'build':
        return this.#build(work, ref);
      case 'power_on':
        return this.#seeing(work, await hands.power(ref, 'on', call), 'power');
      case 'power_off':
        return this.#seeing(work, await hands.power(ref, 'off', call), 'power');
      case 'stop':
        return this.#stop(work, ref);
      case 'suspend':
        return this.#seeing(work, await hands.power(ref, 'suspended', call), 'power');
      case 'reboot':
        return this.#seeing(work, await hands.reboot(ref, call), 'power');
      case 'resize':
        return this.#seeing(work, await changeServer(this.#parts, work, ref), 'changed', 'active');
      case 'refresh':
        return this.#refresh(work, await hands.describe(ref, call));
      case 'snapshot':
        return this.#snapshot(work, ref);
      case 'revert_snapshot':
      case 'delete_snapshot':
        return this.#withSnapshot(work, ref);
      case 'remove':
        return this.#remove(work, await hands.remove(ref, call));
    }
  }

  async #seeing(
    work: Work,
    answer: Answer<SeenServer>,
    event: string,
    status: ServerState | null = null,
  ): Promise<ServerAnswer> {
    if (answer.kind !== 'done') return this.#unfinished(work, answer);
    const seen = answer.value;
    await this.#write(work, { event, message: said(work.request.work, seen) }, (client) =>
      recordSeen(client, work.tenant, {
        accountUid: work.accountUid,
        server: work.server,
        seen,
        status,
        tags: texts(work.request.tags),
      }),
    );
    return { kind: 'done', properties: propertiesOf(work.server, work.accountName, seen) };
  }

  /** One that somebody else built is there, and only looked at; where it is gone, ours takes its place. */
  async #build(work: Work, ref: ServerRef): Promise<ServerAnswer> {
    const { tenant, server, hands, call, request } = work;
    if (server.found) {
      const there = await hands.describe(ref, call);
      if (there.kind !== 'done') return this.#unfinished(work, there);
      if (there.value !== null)
        return this.#seeing(work, { kind: 'done', value: there.value }, 'built', 'active');
      await setFound.run(this.#pool, tenant, [server.uid, false]);
    }
    const built = await hands.build(wishOf(server, request), call);
    return this.#seeing(work, await withKeptPassword(this.#parts, work, ref, built), 'built', 'active');
  }

  async #stop(work: Work, ref: ServerRef): Promise<ServerAnswer> {
    const answer = await work.hands.power(ref, 'off', work.call);
    if (answer.kind !== 'failed' || answer.type !== NOT_SUPPORTED) return this.#seeing(work, answer, 'power');
    work.call.log(answer.message);
    return { kind: 'done', properties: work.request.runtimeProperties };
  }

  async #refresh(work: Work, answer: Answer<SeenServer | null>): Promise<ServerAnswer> {
    if (answer.kind !== 'done') return this.#unfinished(work, answer);
    const { value } = answer;
    if (value !== null) return this.#seeing(work, { kind: 'done', value }, 'refreshed');
    const message = `${work.server.hostname} is not there any more`;
    await this.#write(work, { event: 'vanished', message }, (client) =>
      recordGone(client, work.tenant, [work.server.uid]),
    );
    work.request.log(message);
    return { kind: 'done', properties: { server_id: work.server.id, state: 'gone' } };
  }

  async #remove(work: Work, answer: Answer<null>): Promise<ServerAnswer> {
    if (answer.kind !== 'done') return this.#unfinished(work, answer);
    await this.#write(work, { event: 'ended', message: `${work.server.hostname} was deleted` }, (client) =>
      recordGone(client, work.tenant, [work.server.uid]),
    );
    return { kind: 'done', properties: null };
  }

  async #snapshot(work: Work, ref: ServerRef): Promise<ServerAnswer> {
    const { request, tenant, server } = work;
    const id = uuidFrom(request.operationId);
    const name = text(request.inputs.name) || `Snapshot of ${server.hostname}`;
    const answer = await work.hands.snapshot(ref, { id, name }, work.call);
    if (answer.kind !== 'done') return this.#unfinished(work, answer);
    const { providerId, bytes } = answer.value;
    await this.#write(work, { event: 'snapshot', message: `Snapshot "${name}" was taken` }, (client) =>
      insertSnapshot.run(client, tenant, [server.uid, id, providerId, name, bytes, request.creator]),
    );
    return { kind: 'done', properties: { ...request.runtimeProperties, snapshot: id } };
  }

  async #withSnapshot(work: Work, ref: ServerRef): Promise<ServerAnswer> {
    const { request, tenant, server } = work;
    const isDeleted = request.work === 'delete_snapshot';
    const kept = await selectSnapshot.one(this.#pool, tenant, [server.uid, text(request.inputs.snapshot)]);
    if (kept === null && isDeleted) return { kind: 'done', properties: request.runtimeProperties };
    if (kept === null) return refusal('the server has no such snapshot');
    if (!isDeleted) return this.#seeing(work, await work.hands.revert(ref, kept, work.call), 'reverted');
    const answer = await work.hands.deleteSnapshot(ref, kept, work.call);
    if (answer.kind !== 'done') return this.#unfinished(work, answer);
    const message = `Snapshot "${kept.name}" was deleted`;
    await this.#write(work, { event: 'snapshot', message }, (client) =>
      deleteSnapshot.run(client, tenant, [server.uid, kept.id]),
    );
    return { kind: 'done', properties: request.runtimeProperties };
  }

  /** What is not done (yet), as the operation is to be told; a server that could not be built says why. */
  async #unfinished(
    { tenant, server, request }: Work,
    answer: Exclude<Answer<never>, { kind: 'done' }>,
  ): Promise<ServerAnswer> {
    if (answer.kind !== 'failed') return answer;
    const over = answer.retryable ? null : AFTER_FAILURE[request.work];
    const status = over ?? DURING[request.work] ?? server.status;
    await inTransaction(this.#pool, async (client) => {
      await setServerStatus.run(client, tenant, [[server.uid], status, answer.message.slice(0, 1000)]);
      if (answer.retryable) return;
      await remember(client, tenant, server.uid, happening(request, 'failed', answer.message));
    });
    return answer;
  }

  async #write(
    { tenant, server, request }: Work,
    { event, message }: Pick<Happening, 'event' | 'message'>,
    also: (client: Client) => Promise<unknown>,
  ): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      await also(client);
      // Looking changes nothing that is worth remembering.
      if (event !== 'refreshed')
        await remember(client, tenant, server.uid, happening(request, event, message));
    });
  }
}

/** What a server is after work that no retry repairs; absent: as it was. */
const AFTER_FAILURE: Readonly<Partial<Record<ServerWork, ServerState>>> = {
  build: 'build-failed',
  resize: 'active',
  remove: 'active',
};

function happening({ creator, execution }: ServerRequest, event: string, message: string): Happening {
  return { event, message, by: creator, execution };
}

function troubleOf(error: DomainError): Exclude<Answer<never>, { kind: 'done' }> {
  const retryable = error.kind === 'unavailable';
  return { kind: 'failed', retryable, type: 'OperationError', message: error.message };
}

function refusal(message: string): ServerAnswer {
  return { kind: 'failed', retryable: false, type: 'NonRecoverableError', message };
}
