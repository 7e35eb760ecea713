/**
 * Replacing what is in many tables at once, in one transaction: until it commits, nothing has happened.
 *
 *   lock ─► withoutRules ─► empty ─► (rows are copied in) ─► restoreRules ─► advanceSequences
 *
 * Tables refer to each other in circles, so there is no order in which their rows could come one after the other. Their
 * foreign keys are dropped and made again by their own definitions, which checks every row; switching checks off instead
 * (`session_replication_role`) needs a superuser and checks nothing. Triggers rest meanwhile: what they would derive comes
 * with the rows.
 */
import { quoted } from './copy.js';
import type { Client } from './pool.js';
import { systemStatement } from './statement.js';

const WHY = 'replaces whole tables, whose tenants are replaced with them';

/** Seconds that others may hold a table before it is given up. */
const LOCK_PATIENCE = 60;
const LOCK_TRIES = 20;
const DEADLOCK = '40P01';

export interface ForeignKey {
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

const foreignKeys = systemStatement<ForeignKey>(
  'replace_foreign_keys',
  `select t.relname::text as table, k.conname::text as name, pg_get_constraintdef(k.oid) as definition
   from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_class f on f.oid = k.confrelid
   where k.contype = 'f' and k.conparentid = 0 and k.connamespace = current_schema()::regnamespace
     and (t.relname = any($1::text[]) or f.relname = any($1::text[])) order by 1, 2`,
  WHY,
);

const sequences = systemStatement<{ table: string; column: string; sequence: string }>(
  'replace_sequences',
  `select c.relname::text as table, a.attname::text as column, pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
   from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where c.relnamespace = current_schema()::regnamespace and c.relname = any($1::text[])
     and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`,
  WHY,
);

/**
 * Waits until nobody uses the tables; from then on nobody else can, until the transaction ends. Others take tables in orders of
 * their own: where they and this wait for each other, this gives back what it has and begins again.
 */
export async function lockTables(client: Client, tables: readonly string[]): Promise<void> {
  await client.query(`set local lock_timeout = '${LOCK_PATIENCE}s'`);
  for (let tries = 1; ; tries += 1) {
    await client.query('savepoint before_locks');
    try {
      await client.query(`lock table ${list(tables)} in access exclusive mode`);
      await client.query('release savepoint before_locks');
      return;
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || tries === LOCK_TRIES) throw error;
      await client.query('rollback to savepoint before_locks');
    }
  }
}

/** Takes foreign keys and triggers off; returns what `restoreRules` puts back. */
export async function withoutRules(
  client: Client,
  tables: readonly string[],
): Promise<readonly ForeignKey[]> {
  const keys = await foreignKeys.all(client, [tables]);
  for (const key of keys) {
    await client.query(`alter table ${quoted(key.table)} drop constraint ${quoted(key.name)}`);
  }
  for (const table of tables) await client.query(`alter table ${quoted(table)} disable trigger user`);
  return keys;
}

export async function empty(client: Client, tables: readonly string[]): Promise<void> {
  await client.query(`truncate ${list(tables)}`);
}

/** @throws error of PostgreSQL (23503) when a row refers to one that is not there */
export async function restoreRules(
  client: Client,
  tables: readonly string[],
  keys: readonly ForeignKey[],
): Promise<void> {
  for (const table of tables) await client.query(`alter table ${quoted(table)} enable trigger user`);
  for (const { table, name, definition } of keys) {
    await client.query(`alter table ${quoted(table)} add constraint ${quoted(name)} ${definition}`);
  }
}

/** Numbers go on behind those of the rows, and never return to one that was given out here before. */
export async function advanceSequences(client: Client, tables: readonly string[]): Promise<void> {
  for (const { table, column, sequence } of await sequences.all(client, [tables])) {
    await client.query(
      `select setval($1::regclass, greatest(1, coalesce(pg_sequence_last_value($1::regclass), 0),
         (select coalesce(max(${quoted(column)}), 0) from ${quoted(table)})))`,
      [sequence],
    );
  }
}

/** Beyond this many rows it does not matter how many there are. */
const ENOUGH = 1000;

/** How many rows there are, up to a thousand, for each table that has any. */
export async function countRows(client: Client, tables: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of tables) {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from (select from ${quoted(table)} limit ${ENOUGH}) counted`,
    );
    if (rows[0]!.count > 0) counts.set(table, rows[0]!.count);
  }
  return counts;
}

/** The planner's picture of tables that were filled anew; after the transaction. */
export async function refreshStatistics(client: Client, tables: readonly string[]): Promise<void> {
  await client.query(`analyze ${list(tables)}`);
}

function list(tables: readonly string[]): string {
  return tables.map(quoted).join(', ');
}
