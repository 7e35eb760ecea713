/**
 * Quotas and prices: who may have how much, what it costs, and what of it is taken.
 *
 * What is taken is a row for each ordered server (`quota_holds`), written in the transaction that makes an order active and
 * deleted when the server is gone. Counting and taking happen under one lock of the tenant, so that of many who submit at
 * once exactly as many pass as there is room for.
 */
import { type Caller, requirePermission, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { selectRates } from './order-facts.store.js';
import type { ItemPlan, Ref } from './order-items.js';
import {
  aloneInTenant,
  deleteQuota,
  deleteRate,
  insertHold,
  putQuota,
  putRate,
  type QuotaField,
  type QuotaRow,
  quotaList,
  quotasOf,
  type RateField,
  rateList,
  usedByAccount,
  usedByEnvironment,
  usedByGroup,
} from './quota-book.store.js';
import { type Amounts, added, type Breach, breaches, NOTHING, type Quota } from './quotas.js';
import {
  type CostBreakdown,
  costOf,
  type Rate,
  type RatedServer,
  type RateSubject,
  requireAmount,
} from './rates.js';
import { managingScope, orderingScope } from './rights.js';
import type { KnownServer } from './server-book.js';

export type { QuotaField, RateField } from './quota-book.store.js';

/** What one item takes, and of whom. */
export interface Taking {
  readonly node: string | null;
  readonly server: number | null;
  readonly environment: number | null;
  readonly account: number | null;
  readonly amounts: Amounts;
}

export interface QuotaEffect {
  readonly holder: Quota['holder'];
  readonly name: string;
  readonly limits: Partial<Amounts>;
  readonly used: Amounts;
  readonly asked: Amounts;
  readonly breaches: readonly Breach[];
}

/** What an item takes of quotas. @param changed the server of a change, as it is */
export function takingsOf(plan: ItemPlan, rate: number, changed: KnownServer | null): Taking[] {
  if (plan.kind === 'remove') return [];
  if (plan.kind === 'act') {
    return plan.takes.map(({ environment, account, cpus, memoryMb, diskGb, cost }) => ({
      node: plan.scaled,
      server: null,
      environment,
      account,
      amounts: { servers: 1, cpus, memoryMb, diskGb, rate: cost },
    }));
  }
  if (plan.kind === 'modify') {
    const { cpus, memoryMb, diskGb } = plan.more;
    return [
      {
        node: plan.node,
        server: plan.server.uid,
        environment: changed?.environment?.uid ?? null,
        account: changed?.account ?? null,
        amounts: { servers: 0, cpus, memoryMb, diskGb, rate },
      },
    ];
  }
  return plan.servers.map(({ node, environment, account, cpus, memoryMb, diskGb, cost }) => ({
    node,
    server: null,
    environment: environment.uid,
    account,
    amounts: { servers: 1, cpus, memoryMb, diskGb, rate: cost },
  }));
}

/** From here to the end of the transaction nobody else of the tenant counts or takes. */
export async function countAlone(client: Client, scope: TenantScope): Promise<void> {
  await aloneInTenant.run(client, [scope.tenantId]);
}

/** Every quota that the takings touch, with what they would make of it. */
export async function effectsOf(
  db: Client | Pool,
  scope: TenantScope,
  path: readonly number[],
  takings: readonly Taking[],
): Promise<QuotaEffect[]> {
  if (takings.length === 0) return [];
  const environments = uidsOf(takings.map(({ environment }) => environment));
  const accounts = uidsOf(takings.map(({ account }) => account));
  const rows = await quotasOf.all(db, scope.tenantId, [path, environments, accounts]);
  const effects: QuotaEffect[] = [];
  for (const row of rows) {
    const quota = quotaOf(row);
    const asked = takings
      .filter((one) => touches(quota, one))
      .reduce((sum, one) => added(sum, one.amounts), NOTHING);
    const used = (await USED[quota.holder].one(db, scope.tenantId, [quota.of]))!;
    effects.push({ ...quota, used, asked, breaches: breaches(quota, used, asked) });
  }
  return effects;
}

export async function take(
  client: Client,
  scope: TenantScope,
  item: number,
  path: readonly number[],
  takings: readonly Taking[],
): Promise<void> {
  for (const { node, server, environment, account, amounts } of takings) {
    const { servers, cpus, memoryMb, diskGb, rate } = amounts;
    const values = [item, path, environment, account, node, server, servers, cpus, memoryMb, diskGb, rate];
    await insertHold.run(client, scope.tenantId, values);
  }
}

const USED = { group: usedByGroup, environment: usedByEnvironment, handler: usedByAccount };

function touches(quota: Quota, taking: Taking): boolean {
  if (quota.holder === 'group') return true;
  return quota.of === (quota.holder === 'environment' ? taking.environment : taking.account);
}

function quotaOf(row: QuotaRow): Quota {
  const limits: Record<string, number> = {};
  for (const measure of ['servers', 'cpus', 'memoryMb', 'diskGb', 'rate'] as const) {
    const limit = row[measure];
    if (limit !== null) limits[measure] = limit;
  }
  if (row.groupUid !== null) return { holder: 'group', of: row.groupUid, name: row.name, limits };
  if (row.environmentUid !== null)
    return { holder: 'environment', of: row.environmentUid, name: row.name, limits };
  return { holder: 'handler', of: row.accountUid!, name: row.name, limits };
}

function uidsOf(all: readonly (number | null)[]): number[] {
  return [...new Set(all.filter((uid): uid is number => uid !== null))];
}

export interface NewQuota {
  readonly of: { readonly group: Ref } | { readonly environment: Ref } | { readonly account: number };
  readonly limits: Partial<Amounts>;
}

export interface NewRate {
  readonly subject: RateSubject;
  /** Of an OS build, application or parameter; empty for the others. */
  readonly name: string;
  readonly environment: Ref | null;
  readonly amount: unknown;
}

export class QuotaBook {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `ordering.read`. */
  async quotas(caller: Caller, query: ListQuery<QuotaField>): Promise<ListPage> {
    requirePermission(caller, 'ordering.read');
    return listPage(this.#pool, quotaList, orderingScope(caller), query);
  }

  /** Replaces the one that is there. Needs `ordering.manage`. @returns its number. @throws DomainError `invalid` (`quota-invalid`) */
  async setQuota(caller: Caller, quota: NewQuota): Promise<number> {
    const scope = managingScope(caller);
    const { of, limits } = quota;
    for (const [measure, limit] of Object.entries(limits)) {
      if (
        Number.isFinite(limit) &&
        limit >= 0 &&
        limit <= 1e12 &&
        (measure === 'rate' || Number.isInteger(limit))
      )
        continue;
      throw new DomainError('invalid', 'quota-invalid', `${measure} must be a number, 0 or more`, {
        details: { field: measure },
      });
    }
    if ('account' in of && limits.rate !== undefined) {
      throw new DomainError('invalid', 'quota-invalid', 'A resource handler has no quota of rates', {
        details: { field: 'rate' },
      });
    }
    return inTransaction(this.#pool, async (client) => {
      const number = await nextNumber(client, scope.tenantId, 'quota');
      const row = await putQuota.one(client, scope.tenantId, [
        number,
        'group' in of ? of.group.uid : null,
        'environment' in of ? of.environment.uid : null,
        'account' in of ? of.account : null,
        limits.servers ?? null,
        limits.cpus ?? null,
        limits.memoryMb ?? null,
        limits.diskGb ?? null,
        limits.rate ?? null,
      ]);
      await record(client, caller, {
        action: 'set',
        thing: 'quota',
        id: String(row!.number),
        details: { ...limits },
      });
      return row!.number;
    });
  }

  /** Needs `ordering.manage`. Throws `not-found`. */
  async removeQuota(caller: Caller, number: number): Promise<void> {
    const scope = managingScope(caller);
    await inTransaction(this.#pool, async (client) => {
      if ((await deleteQuota.run(client, scope.tenantId, [number])) === 0)
        throw notFound('Quota', String(number));
      await record(client, caller, { action: 'delete', thing: 'quota', id: String(number) });
    });
  }

  /** What a server costs as it is, by today's prices, in the unit of the setting. `environment`: its surrogate key. */
  async costOf(caller: Caller, server: RatedServer): Promise<CostBreakdown> {
    const rates = await selectRates.all(this.#pool, orderingScope(caller).tenantId);
    return costOf(server, rates as readonly Rate[]);
  }

  async rates(caller: Caller, query: ListQuery<RateField>): Promise<ListPage> {
    return listPage(this.#pool, rateList, orderingScope(caller), query);
  }

  /** Replaces the one that is there. Needs `ordering.manage`. @throws DomainError `invalid` (`rate-invalid`) */
  async setRate(caller: Caller, rate: NewRate): Promise<number> {
    const scope = managingScope(caller);
    const amount = requireAmount(rate.amount, 'amount');
    const named =
      rate.subject === 'os-build' || rate.subject === 'application' || rate.subject === 'parameter';
    if (named !== (rate.name !== '')) {
      const message = named
        ? `A rate of a ${rate.subject} needs its name`
        : `A rate of ${rate.subject} has no name`;
      throw new DomainError('invalid', 'rate-invalid', message, { details: { field: 'name' } });
    }
    return inTransaction(this.#pool, async (client) => {
      const number = await nextNumber(client, scope.tenantId, 'rate');
      const values = [number, rate.subject, rate.name, rate.environment?.uid ?? null, amount];
      const row = await putRate.one(client, scope.tenantId, values);
      await record(client, caller, {
        action: 'set',
        thing: 'rate',
        id: String(row!.number),
        details: { subject: rate.subject, amount },
      });
      return row!.number;
    });
  }

  /** Needs `ordering.manage`. Throws `not-found`. */
  async removeRate(caller: Caller, number: number): Promise<void> {
    const scope = managingScope(caller);
    await inTransaction(this.#pool, async (client) => {
      if ((await deleteRate.run(client, scope.tenantId, [number])) === 0)
        throw notFound('Rate', String(number));
      await record(client, caller, { action: 'delete', thing: 'rate', id: String(number) });
    });
  }
}
