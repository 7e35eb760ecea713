/**
 * Passwords that orders, and what groups and environments say of orders, carry: sealed in the safe, each under an id that says
 * nothing. They are opened to be given to a server that is to have them, and when their owner orders the same again.
 */
import type { TenantScope } from '../caller.js';
import type { Json } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { type NewPassword, sealedIn } from './sealed-password.js';

/** What of the safe is used here. */
export interface SafeForPasswords {
  keep(client: Client, place: string, value: string): Promise<void>;
  open(db: Queryable, place: string): Promise<string | null>;
  forget(db: Queryable, place: string): Promise<void>;
}

export class Passwords {
  readonly #safe: SafeForPasswords;

  constructor(safe: SafeForPasswords) {
    this.#safe = safe;
  }

  /** Commits with the transaction of `client`. */
  async keep(
    client: Client,
    tenant: TenantScope['tenantId'],
    passwords: readonly NewPassword[],
  ): Promise<void> {
    for (const { id, value } of passwords) await this.#safe.keep(client, placeOf(tenant, id), value);
  }

  /** @throws DomainError `conflict` (`password-gone`) */
  async open(db: Queryable, tenant: TenantScope['tenantId'], id: string): Promise<string> {
    const value = await this.#safe.open(db, placeOf(tenant, id));
    if (value !== null) return value;
    throw new DomainError(
      'conflict',
      'password-gone',
      'The password of the order is not kept any more: order anew',
    );
  }

  /** All that `values` name. */
  async forget(db: Queryable, tenant: TenantScope['tenantId'], values: Json): Promise<void> {
    for (const id of sealedIn(values)) await this.#safe.forget(db, placeOf(tenant, id));
  }
}

function placeOf(tenant: TenantScope['tenantId'], id: string): string {
  return `passwords/${tenant}/${id}`;
}
