/**
 * Whole tables as streams: COPY out and in, and what the catalogue says of them. Names of tables and columns come from
 * the database's own catalogue and are quoted; nothing of a request ever becomes part of a statement here.
 *
 * Text keeps everything that a column can hold (a JSON null apart from no value, times to the microsecond), whatever its
 * type; binary is for tables of bytes, which text would double.
 */
import type { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import type { Client } from './pool.js';
import { systemStatement } from './statement.js';

export interface CatalogTable {
  readonly name: string;
  /** Those that hold something: no generated ones. */
  readonly columns: readonly string[];
}

export type CopyFormat = 'text' | 'binary';

/** Every table of the schema, in the order of the alphabet; a partition counts with its parent. */
export const catalogTables = systemStatement<CatalogTable>(
  'copy_catalog_tables',
  `select c.relname::text as name, array(
     select a.attname::text from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns
   from pg_class c
   where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  'reads the catalogue: which tables there are',
);

/** Migrations that the database has, in order. */
export const appliedMigrations = systemStatement<{ number: number; name: string; digest: string }>(
  'copy_applied_migrations',
  'select number, name, digest from migrations order by number',
  'the schema belongs to no tenant',
);

/** Rows of a table, in the transaction of `client`. @param part what is read instead of the table, in the code's own words of SQL; null: all of it */
export function copyOut(
  client: Client,
  table: CatalogTable,
  format: CopyFormat,
  part: string | null,
): Readable & { readonly rowCount: number } {
  const rows = `select ${table.columns.map(quoted).join(', ')} from ${part ?? quoted(table.name)}`;
  return client.query(to(`copy (${rows}) to stdout (format ${format})`));
}

/** @param columns of the table, in the order in which the rows hold them */
export function copyIn(
  client: Client,
  table: string,
  columns: readonly string[],
  format: CopyFormat,
): Writable & { readonly rowCount: number } {
  const names = columns.map(quoted).join(', ');
  return client.query(from(`copy ${quoted(table)} (${names}) from stdin (format ${format})`));
}

/** A transaction that sees one moment of the whole database, however long it takes. Ends with `endMoment`. */
export async function beginMoment(client: Client): Promise<void> {
  await client.query('begin transaction isolation level repeatable read read only');
}

export async function endMoment(client: Client): Promise<void> {
  await client.query('commit');
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
