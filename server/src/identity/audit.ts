/**
 * Who changed what. Every room writes its row in the transaction of the change itself: there is no change without
 * its row, and no row without its change. Rows name things by what people call them, so that they stay readable
 * after the thing is gone. Never a secret, a password or a token: `details` says *that* one changed.
 */
import { type Caller, requirePermission } from '../caller.js';
import type { Json } from '../dsl/plan.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  AUDIT_PAGES,
  type AuditChoice,
  type AuditRow,
  countAudit,
  deleteAudit,
  insertAudit,
  selectAuditBefore,
} from './audit.store.js';
import { followAudit } from './audit-following.js';
import type { Authenticated } from './callers.js';
import { requirePerson } from './permission.js';

export type { AuditChoice } from './audit.store.js';
export type AuditEntry = AuditRow;

export interface AuditedChange {
  /** Past tense is implied: `create`, `delete`, `set-role`. */
  readonly action: string;
  /** Kind of thing, in the words of the glossary: `blueprint`, `tenant`. */
  readonly thing: string;
  readonly id: string;
  readonly details?: Readonly<Record<string, Json>>;
}

/** Who is named in the trail. A `Caller` is one; `username` may also name a part of the server. */
export type AuditActor = Pick<Caller, 'username' | 'tenant' | 'requestId'> & {
  readonly userId: Caller['userId'] | null;
};

/** Writes the row. `client` must be the transaction of the change. */
export async function record(client: Queryable, actor: AuditActor, change: AuditedChange): Promise<void> {
  await insertAudit.run(client, [
    actor.requestId,
    actor.userId,
    actor.username,
    actor.tenant?.id ?? null,
    actor.tenant?.name ?? null,
    change.action,
    change.thing,
    change.id,
    JSON.stringify(change.details ?? {}),
  ]);
}

export class Audit {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /**
   * Newest first.
   *
   * @param before id of the last entry of the page before; null for the first page
   * @param size at most 1000
   */
  async list(
    caller: Caller,
    { before, size }: { before: number | null; size: number },
  ): Promise<AuditEntry[]> {
    requirePermission(caller, 'audit.read');
    return selectAuditBefore.all(this.#pool, [before, Math.min(size, 1000)]);
  }

  /** A page of the entries that fit, in any order. At most 100,000. */
  async page(
    caller: Caller,
    query: AuditChoice & {
      readonly order: 'at' | 'username' | 'thing';
      readonly descending: boolean;
      readonly offset: number;
      readonly size: number;
    },
  ): Promise<{ entries: AuditEntry[]; total: number }> {
    requirePermission(caller, 'audit.read');
    if (query.none) return { entries: [], total: 0 };
    const choice = valuesOf(query);
    const statement = AUDIT_PAGES[`${query.descending ? '-' : ''}${query.order}` as const];
    const { total } = (await countAudit.one(this.#pool, choice))!;
    const entries = await statement.all(this.#pool, [...choice, query.offset, Math.min(query.size, 100_000)]);
    return { entries, total };
  }

  /** As `followAudit` says. */
  follow(
    caller: Caller,
    authenticated: Authenticated,
    choice: AuditChoice,
    signal: AbortSignal,
  ): AsyncGenerator<readonly AuditEntry[]> {
    return followAudit(this.#pool, caller, authenticated, choice, signal);
  }

  /** Deletes what is older, and says so in the trail. @returns how many entries */
  async truncate(caller: Caller, choice: AuditChoice & { readonly before: Date }): Promise<number> {
    requirePermission(caller, 'audit.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const deleted = choice.none ? 0 : await deleteAudit.run(client, valuesOf(choice));
      const details = { deleted, before: choice.before.toISOString() };
      await record(client, caller, { action: 'truncate', thing: 'audit', id: 'audit', details });
      return deleted;
    });
  }
}

function valuesOf({ usernames, since, before }: AuditChoice): unknown[] {
  return [usernames?.map((name) => name.toLowerCase()) ?? null, since, before];
}
