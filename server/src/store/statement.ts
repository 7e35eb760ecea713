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
import type { TenantId } from '../ids.js';

/** Tables whose rows belong to one tenant each. A new table with a `tenant_id` column must be added here (a test looks). */
export const TENANT_TABLES: ReadonlySet<string> = new Set([
  'blueprints',
  'blueprint_labels',
  'deployments',
  'deployment_labels',
  'nodes',
  'node_instances',
  'executions',
  'operations',
  'events',
  'secrets',
]);

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
    db.query<Row>({ name, text, values: [tenant, ...values] });
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
    db.query<Row>({ name, text, values: [...values] });
  return {
    all: async (db, values = []) => (await run(db, values)).rows,
    one: async (db, values = []) => (await run(db, values)).rows[0] ?? null,
    run: async (db, values = []) => (await run(db, values)).rowCount ?? 0,
  };
}

/**
 * The first tenant table in `sql` that is not pinned to the tenant in `$1`, or null.
 *
 * A table counts as pinned by `<alias>.tenant_id = $1`, by `tenant_id = $1` where it stands alone, by being reached
 * from another table's row (`<alias>.uid = other.…` or `<alias>.tenant_id = other.tenant_id`), or, for an INSERT, by
 * naming `tenant_id` as its first column and `$1` as what goes in. At least one table must be pinned to `$1` itself.
 * Exported for its test.
 */
export function unpinnedTable(sql: string): string | null {
  const text = sql.replace(/--[^\n]*/g, ' ').replace(/\s+/g, ' ');
  const inserted =
    /\binsert into (\w+)( as \w+)? ?\( ?tenant_id ?,[^)]*\) (values ?\( ?\$1(::bigint)?\b|select \$1(::bigint)?\b|overriding)/gi;
  const insertedTables = new Set([...text.matchAll(inserted)].map((match) => match[1]!.toLowerCase()));
  const uses = [
    ...text.matchAll(
      /\b(from|join|update|into|using|,) (?:only )?(\w+)(?: (?:as )?(?!set\b|where\b|on\b|using\b|values\b|select\b|order\b|left\b|join\b|inner\b|limit\b|for\b|group\b|cross\b|returning\b)(\w+))?/gi,
    ),
  ]
    .filter((match) => match[1] !== ',' || match[3] !== undefined)
    .map((match) => ({
      verb: match[1]!.toLowerCase(),
      table: match[2]!.toLowerCase(),
      alias: match[3]?.toLowerCase(),
    }))
    .filter((use) => TENANT_TABLES.has(use.table));
  for (const use of uses) {
    if (use.verb === 'into') {
      if (insertedTables.has(use.table)) continue;
      return use.table;
    }
    const name = use.alias ?? use.table;
    const qualified = new RegExp(`\\b${name}\\.tenant_id = \\$1(?!\\d)`, 'i').test(text);
    const reached = new RegExp(
      `\\b${name}\\.uid = \\w+\\.\\w+|\\b${name}\\.tenant_id = \\w+\\.tenant_id\\b|\\b\\w+\\.tenant_id = ${name}\\.tenant_id\\b`,
      'i',
    ).test(text);
    const bare =
      uses.filter((other) => other.verb !== 'into').length === 1 &&
      /(?<![.\w])tenant_id = \$1(?!\d)/i.test(text);
    if (!qualified && !bare && !reached) return use.table;
  }
  const first = uses[0];
  if (first !== undefined && insertedTables.size === 0 && !/tenant_id = \$1(?!\d)/i.test(text))
    return first.table;
  return null;
}
