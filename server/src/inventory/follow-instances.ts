/**
 * Hosts that the engine builds by other means than the inventory's handlers (scripts, plugins, a simulated cloud) are servers too:
 * every node instance of a type derived from Compute is one of the platform's own cloud account, whichever API it was
 * installed by.
 *
 * The news of instances is followed by position (docs/decisions/0020): what is written of a stretch of it and where it ended is
 * one transaction, so a stretch is done once, or again from its beginning. What is written is how instances *are*, not what
 * happened, so doing it twice comes to the same. Two who believe to be the master wait for each other at the position.
 */
import { EventFrontier, IDS_OF_A_PACK } from '../events/following.js';
import type { TenantId } from '../ids.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { CloudAccounts } from './cloud-accounts.js';
import {
  beginPosition,
  insertProjected,
  lockPosition,
  movePosition,
  selectAdrift,
  selectHosts,
  selectNamed,
  selectNew,
  selectReformed,
  selectRemoved,
  updateProjected,
  upsertProjected,
} from './follow-instances.store.js';
import { recordGone } from './server-records.js';

/** Ids of news that one turn looks at. */
const STRETCH = 2_000 * IDS_OF_A_PACK;
const BATCH = 1000;

export class InstanceFollower {
  readonly #pool: Pool;
  readonly #accounts: CloudAccounts;
  readonly #frontier: EventFrontier;

  constructor(parts: { readonly pool: Pool; readonly accounts: CloudAccounts }) {
    this.#pool = parts.pool;
    this.#accounts = parts.accounts;
    this.#frontier = new EventFrontier(parts.pool);
  }

  /** Follows what is new. Periodic work. */
  async follow(): Promise<void> {
    await this.#frontier.look();
    // Of who was appending at the first look nothing is known.
    if (this.#frontier.position === 0) await this.#frontier.look();
    for (;;) {
      const more = await inTransaction(this.#pool, (client) => this.#stretch(client));
      if (!more) return;
    }
  }

  async #stretch(client: Client): Promise<boolean> {
    const settled = this.#frontier.position;
    const kept = await lockPosition.one(client);
    if (kept === null) {
      await beginPosition.run(client, [settled]);
      await this.#everything(client);
      return false;
    }
    for (const [tenant, servers] of byTenant(await selectAdrift.all(client), ({ uid }) => uid)) {
      await recordGone(client, tenant, servers);
    }
    if (kept.position >= settled) return false;
    const until = Math.min(settled, kept.position + STRETCH);
    const named = await selectNamed.all(client, [kept.position, until]);
    for (const [tenant, ids] of byTenant(named, ({ id }) => id)) {
      for (let at = 0; at < ids.length; at += BATCH)
        await this.#project(client, tenant, ids.slice(at, at + BATCH));
    }
    const reformed = await selectReformed.all(client, [kept.position, until]);
    for (const [tenant, deployments] of byTenant(reformed, ({ id }) => id)) {
      const gone = await selectRemoved.all(client, tenant, [deployments]);
      if (gone.length > 0)
        await recordGone(
          client,
          tenant,
          gone.map(({ uid }) => uid),
        );
    }
    await movePosition.run(client, [until]);
    return until < settled;
  }

  /** What was there before anybody followed. */
  async #everything(client: Client): Promise<void> {
    let last: { tenantId: TenantId; id: string } | undefined;
    for (;;) {
      const hosts = await selectHosts.all(client, [last?.tenantId ?? 0, last?.id ?? '', BATCH]);
      for (const [tenant, ids] of byTenant(hosts, ({ id }) => id)) await this.#project(client, tenant, ids);
      if (hosts.length < BATCH) return;
      last = hosts.at(-1);
    }
  }

  async #project(client: Client, tenant: TenantId, ids: readonly string[]): Promise<void> {
    const account = await this.#accounts.platform(client, tenant);
    const fresh = (await selectNew.all(client, tenant, [ids])).map(({ id }) => id);
    if (fresh.length > 0) {
      const first = await nextNumber(client, tenant, 'server', fresh.length);
      await insertProjected.run(client, tenant, [fresh, first, account.uid]);
    }
    await upsertProjected.run(client, tenant, [ids, account.uid]);
    const now = await updateProjected.all(client, tenant, [ids, account.uid]);
    const gone = now.filter(({ status }) => status === 'historical').map(({ uid }) => uid);
    if (gone.length > 0) await recordGone(client, tenant, gone);
  }
}

function byTenant<Row extends { readonly tenantId: TenantId }, Value>(
  rows: readonly Row[],
  value: (row: Row) => Value,
): Map<TenantId, Value[]> {
  const groups = new Map<TenantId, Value[]>();
  for (const row of rows) {
    const group = groups.get(row.tenantId);
    if (group === undefined) groups.set(row.tenantId, [value(row)]);
    else group.push(value(row));
  }
  return groups;
}
