/**
 * A tenant removed with everything that is only its own: its members who are in no other tenant, and what the rooms that are
 * named at the start keep in it. What has a life outside (deployments, blueprints) is in the way: it is removed first, by
 * those who know what that means. One transaction: all of it goes, or nothing.
 */
import type { Caller } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import type { KeptValues } from './kept-values.js';
import { requireManager } from './permission.js';
import {
  deleteCounts,
  deleteMemberships,
  deleteUsers,
  lockTenants,
  selectOwnUsers,
} from './tenant-removal.store.js';
import { DEFAULT_TENANT } from './tenants.js';
import { deleteTenant } from './tenants.store.js';

/** Takes away what a room keeps in the tenant. */
export type TakeFromTenant = (client: Client, tenant: TenantId) => Promise<void>;

export class TenantRemoval {
  readonly #pool: Pool;
  readonly #takers: readonly TakeFromTenant[];
  readonly #safe: KeptValues;

  constructor(parts: { pool: Pool; safe: KeptValues; takers: readonly TakeFromTenant[] }) {
    this.#pool = parts.pool;
    this.#safe = parts.safe;
    this.#takers = parts.takers;
  }

  /**
   * @throws DomainError `not-found`; `invalid` (`last-tenant`, `own-tenant`, `default-tenant`); `conflict`
   *   (`tenant-not-empty`) where something is in the way
   */
  async remove(caller: Caller, id: number): Promise<void> {
    requireManager(caller, 'tenants.manage');
    await inTransaction(this.#pool, async (client) => {
      const tenants = await lockTenants.all(client);
      const tenant = tenants.find((each) => each.id === id);
      if (tenant === undefined) throw notFound('Tenant', `${id}`);
      refuse(caller, tenant, tenants.length);
      try {
        for (const take of this.#takers) await take(client, tenant.id);
        const users = await selectOwnUsers.all(client, [tenant.id]);
        await deleteMemberships.run(client, [tenant.id]);
        for (const user of users) await this.#safe.forget(client, `users/${user.id}/second-factor`);
        await deleteUsers.run(client, [users.map((user) => user.id)]);
        await deleteTenant.run(client, [tenant.id]);
        await deleteCounts.run(client, [tenant.id]);
        const details = { title: tenant.title, users: users.length };
        await record(client, caller, { action: 'delete', thing: 'tenant', id: tenant.name, details });
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        const message = `Tenant \`${tenant.title}\` still has resources that others refer to`;
        throw new DomainError('conflict', 'tenant-not-empty', message);
      }
    });
  }
}

function refuse(caller: Caller, tenant: { id: TenantId; name: string; title: string }, all: number): void {
  if (all === 1) throw invalid('last-tenant', `\`${tenant.title}\` is the last tenant`);
  if (caller.tenant?.id === tenant.id) {
    throw invalid('own-tenant', `You work in \`${tenant.title}\`: switch to another tenant first`);
  }
  if (tenant.name === DEFAULT_TENANT) {
    throw invalid('default-tenant', `\`${tenant.title}\` is the first tenant, and stays`);
  }
}

function invalid(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message);
}
