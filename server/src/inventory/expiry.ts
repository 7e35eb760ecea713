/**
 * Servers whose day has come: their owners are told before, and then what the group says is done: nothing more, power off, or a deletion.
 *
 * Actions of the points `pre_expire` and `expire` run beside it, in the name of the owner.
 *
 * A deletion is an order as anybody's, so that where somebody must approve, somebody does. Each day of a server is handled once: the
 * row that says so commits with the execution or the order that is begun, so that whatever dies in between, there is one of them or none.
 */
import type { TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import type { Callers } from '../identity/callers.js';
import type { Orders } from '../ordering/orders.js';
import type { Triggers } from '../ordering/triggers.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany, inTransaction } from '../store/transaction.js';
import {
  claimExpiry,
  claimNotice,
  type ExpiringRow,
  type ExpiryAction,
  selectExpiring,
  selectFirstAdministrator,
  tellPerson,
} from './expiry.store.js';
import { remember } from './server-records.js';
import type { Servers } from './servers.js';

export interface ExpiryParts {
  readonly pool: Pool;
  readonly callers: Pick<Callers, 'actingAs'>;
  readonly servers: Pick<Servers, 'act'>;
  readonly orders: Pick<Orders, 'create'>;
  readonly triggers: Pick<Triggers, 'fire' | 'told'>;
  /** Where no group says otherwise. */
  readonly settings: { readonly expiryAction: ExpiryAction; readonly expiryNoticeDays: number };
  readonly now?: () => Date;
}

/** Servers of one turn. */
const MOST = 200;
const THEN: Readonly<Record<ExpiryAction, string>> = {
  notify: 'nothing else is done',
  'power-off': 'it is powered off',
  delete: 'its deletion is ordered',
};

export class Expiry {
  readonly #parts: ExpiryParts;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** Looks at all servers that expire. Periodic work; any number of processes may do it at once. @returns how many were handled */
  async scan(): Promise<number> {
    const { pool, settings, triggers, now = () => new Date() } = this.#parts;
    const { expiryAction, expiryNoticeDays } = settings;
    const rows = await selectExpiring.all(pool, [localDay(now()), expiryAction, expiryNoticeDays, MOST]);
    for (const row of rows) await (row.due ? this.#act(row) : this.#announce(row));
    if (rows.length > 0) triggers.told();
    return rows.length;
  }

  async #announce(row: ExpiringRow): Promise<void> {
    await inTransaction(this.#parts.pool, async (client) => {
      if ((await claimNotice.one(client, row.tenantId, [row.uid, row.expiresOn])) === null) return;
      await tell(
        client,
        row,
        'expires',
        `${row.hostname} expires on ${row.expiresOn}; then ${THEN[row.action]}`,
      );
      await this.#fire(client, row, 'pre_expire');
    });
  }

  async #act(row: ExpiringRow): Promise<void> {
    const { action, hostname, power } = row;
    if (action === 'notify') return this.#close(row, 'expired', `${hostname} has expired`);
    if (action === 'power-off' && power === 'off')
      return this.#close(row, 'expired', `${hostname} has expired; it is off`);
    let refusal = 'nobody may do it';
    for (const username of await this.#actors(row)) {
      try {
        return await this.#begin(row, username);
      } catch (error) {
        if (error instanceof HandledMeanwhile) return;
        if (!(error instanceof DomainError)) throw error;
        // At another time it may do: it is tried again at the next turn.
        if (error.kind === 'unavailable' || error.kind === 'limit') return;
        refusal = error.message;
        if (error.kind !== 'forbidden' && error.kind !== 'not-found') break;
      }
    }
    const wanted = action === 'delete' ? 'deleted' : 'powered off';
    await this.#close(row, 'failed', `${hostname} has expired and could not be ${wanted}: ${refusal}`);
  }

  /** Its owner first; then whoever may do everything. */
  async #actors({ ownerName }: ExpiringRow): Promise<readonly string[]> {
    const admin = (await selectFirstAdministrator.one(this.#parts.pool))?.username ?? null;
    return [...new Set([ownerName, admin])].filter((name): name is string => name !== null);
  }

  async #begin(row: ExpiringRow, username: string): Promise<void> {
    const { callers, servers, orders } = this.#parts;
    const { action, hostname, groupNumber, number, tenantName } = row;
    const caller = await callers.actingAs(username, tenantName, 'expiry', { visitor: true });
    const before = async (client: Client) => {
      await this.#claim(client, row);
      const done = action === 'delete' ? 'its deletion was ordered' : 'it is being powered off';
      await tell(client, row, 'expired', `${hostname} has expired: ${done}`);
    };
    await accompany({ before }, async () => {
      if (action === 'power-off') return servers.act(caller, { number }, 'power_off');
      return orders.create(caller, {
        group: { number: groupNumber ?? 0 },
        name: `${hostname} has expired`,
        items: [{ kind: 'decommission', servers: [{ number }], resources: [] }],
        submit: true,
      });
    });
  }

  /** The day is handled: what runs then by itself begins. */
  async #claim(client: Client, row: ExpiringRow): Promise<void> {
    const { tenantId, uid, expiresOn } = row;
    if ((await claimExpiry.one(client, tenantId, [uid, expiresOn])) === null) throw new HandledMeanwhile();
    await this.#fire(client, row, 'expire');
  }

  async #fire(client: Client, row: ExpiringRow, point: 'pre_expire' | 'expire'): Promise<void> {
    const { tenantId, tenantName, ownerId, groupUid, uid } = row;
    const owner = ownerId ?? (await selectFirstAdministrator.one(client))?.id;
    if (owner === undefined) return;
    const scope: TenantScope = { tenantId, tenantName, userId: owner, seesPrivate: true };
    await this.#parts.triggers.fire(client, scope, { point, owner, groupUid, order: null, servers: [uid] });
  }

  async #close(row: ExpiringRow, event: string, message: string): Promise<void> {
    try {
      await inTransaction(this.#parts.pool, async (client) => {
        await this.#claim(client, row);
        await tell(client, row, event, message);
      });
    } catch (error) {
      if (!(error instanceof HandledMeanwhile)) throw error;
    }
  }
}

/** Another process was quicker, or the day is another now. */
class HandledMeanwhile extends Error {}

/** In the server's history, in the trail, and to its owner. */
async function tell(client: Client, row: ExpiringRow, event: string, message: string): Promise<void> {
  const { tenantId, uid, number, action, expiresOn, ownerId } = row;
  await remember(client, tenantId, uid, { event, message, by: null, execution: null });
  if (ownerId !== null) await tellPerson.run(client, tenantId, [ownerId, event, message.slice(0, 1000)]);
  const actor = { userId: null, username: 'server', tenant: tenantOf(row), requestId: 'expiry' };
  await record(client, actor, {
    action: event === 'expires' ? 'announce-expiry' : 'expire',
    thing: 'server',
    id: String(number),
    details: { expires: expiresOn, rule: action },
  });
}

function tenantOf({ tenantId, tenantName }: ExpiringRow): { id: TenantScope['tenantId']; name: string } {
  return { id: tenantId, name: tenantName };
}

/** The day of the server's zone, in which days of expiry are told. */
function localDay(at: Date): string {
  const digits = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${digits(at.getMonth() + 1)}-${digits(at.getDate())}`;
}
