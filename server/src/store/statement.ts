/**
 * SQL, declared once and checked when the module loads: a statement that reads or writes a tenant's table without
 * pinning its tenant cannot be declared, so it cannot be forgotten. Decision 0003 says why this and not row-level
 * security.
 *
 * Two ways to declare, and the name says the floor:
 *   tenantStatement   for rooms: `$1` is always the tenant, and every tenant table in it is pinned to `$1`.
 *   systemStatement   for the engine and for identity, which work across tenants; says why in its third argument.
 */
import type pg from 'pg';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import { unpinnedTable } from './unpinned-table.js';

/** Something that runs SQL: the pool, or a transaction's client. */
export type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

export interface TenantStatement<Row extends object> {
  /** `values` are `$2`, `$3`, … */
  all(db: Queryable, tenant: TenantId, values?: readonly unknown[]): Promise<Row[]>;
  one(db: Queryable, tenant: TenantId, values?: readonly unknown[]): Promise<Row | null>;
  /** Number of rows touched. */
  run(db: Queryable, tenant: TenantId, values?: readonly unknown[]): Promise<number>;
}

export interface SystemStatement<Row extends object> {
  all(db: Queryable, values?: readonly unknown[]): Promise<Row[]>;
  one(db: Queryable, values?: readonly unknown[]): Promise<Row | null>;
  run(db: Queryable, values?: readonly unknown[]): Promise<number>;
}

const names = new Set<string>();

function declare(name: string): void {
  if (names.has(name)) throw new Error(`SQL statement "${name}" is declared twice`);
  if (name.length > 63) throw new Error(`SQL statement name "${name}" is longer than PostgreSQL keeps`);
  names.add(name);
}

/** A named (prepared once per connection) statement confined to the tenant in `$1`. */
export function tenantStatement<Row extends object>(name: string, text: string): TenantStatement<Row> {
  declare(name);
  const problem = unpinnedTable(text);
  if (problem !== null) {
    throw new Error(`SQL statement "${name}" touches "${problem}" without pinning its tenant_id to $1`);
  }
  const run = (db: Queryable, tenant: TenantId, values: readonly unknown[]) =>
    ask<Row>(db, { name, text, values: [tenant, ...values] });
  return {
    all: async (db, tenant, values = []) => (await run(db, tenant, values)).rows,
    one: async (db, tenant, values = []) => (await run(db, tenant, values)).rows[0] ?? null,
    run: async (db, tenant, values = []) => (await run(db, tenant, values)).rowCount ?? 0,
  };
}

/**
 * A named statement that is not confined to one tenant.
 *
 * @param why the reason it may be so; read by people who review the list of them.
 */
export function systemStatement<Row extends object>(
  name: string,
  text: string,
  why: string,
): SystemStatement<Row> {
  declare(name);
  if (why.length < 10) throw new Error(`SQL statement "${name}" must say why it may cross tenants`);
  const run = (db: Queryable, values: readonly unknown[]) =>
    ask<Row>(db, { name, text, values: [...values] });
  return {
    all: async (db, values = []) => (await run(db, values)).rows,
    one: async (db, values = []) => (await run(db, values)).rows[0] ?? null,
    run: async (db, values = []) => (await run(db, values)).rowCount ?? 0,
  };
}

/** PostgreSQL cannot keep the character NUL, neither in texts nor in JSON. */
const UNSTORABLE = new Set(['22021', '22P05']);

/** A row would refer to a user or a tenant that is not there any more: who called was let in while they still were. */
function isOrphan(cause: unknown): boolean {
  const { code, detail } = cause as { readonly code?: string; readonly detail?: string };
  return code === '23503' && /is not present in table "(users|tenants)"/.test(detail ?? '');
}

/**
 * Hands one query to PostgreSQL.
 *
 * @throws DomainError `invalid` (`text-unstorable`) for a value that no text of PostgreSQL can hold: the values come from
 *   requests, and so does this mistake; `conflict` (`gone-meanwhile`) where somebody removes the caller, or the tenant, at the
 *   same time
 */
export async function ask<Row extends object>(
  db: Queryable,
  query: { readonly name?: string; readonly text: string; readonly values: unknown[] },
): Promise<pg.QueryResult<Row>> {
  try {
    return await db.query<Row>(query);
  } catch (cause) {
    if (isOrphan(cause)) {
      const message = 'The user or the tenant that this is for has been removed meanwhile';
      throw new DomainError('conflict', 'gone-meanwhile', message, { cause });
    }
    if (!UNSTORABLE.has((cause as { code?: string }).code ?? '')) throw cause;
    throw new DomainError(
      'invalid',
      'text-unstorable',
      'A text holds the character NUL, which cannot be kept',
      {
        cause,
      },
    );
  }
}
