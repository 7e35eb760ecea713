/**
 * Brings a database to the schema this version needs: numbered SQL files, forward only, each applied once, all in one
 * transaction under an advisory lock (many processes start at once; a transaction lock also works through a pooler).
 *
 * Numbers say the order and may have gaps: work on several rooms draws its numbers beforehand and arrives as it is done.
 * A file that arrives after one with a higher number is applied to databases that have the higher one, so it must not
 * depend on it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Pool } from './pool.js';
import { inTransaction } from './transaction.js';

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Any constant will do; this one spells "orrery" on a telephone. */
const LOCK = 677379;

/** The database and this version do not fit together; the message says which way out there is. */
export class SchemaMismatch extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaMismatch';
  }
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly digest: string;
}

/** The migrations of this version, in order. */
export function readMigrations(folder = FOLDER): Migration[] {
  const migrations = readdirSync(folder)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(`${folder}/${file}`, 'utf8');
      return {
        number: Number(file.slice(0, 4)),
        name: file.replace(/\.sql$/, ''),
        sql,
        digest: createHash('sha256').update(sql).digest('hex'),
      };
    });
  for (const [index, migration] of migrations.entries()) {
    if (migration.number === migrations[index - 1]?.number)
      throw new Error(`migrations ${migrations[index - 1]!.name} and ${migration.name} have the same number`);
  }
  return migrations;
}

/**
 * Applies what is missing.
 *
 * @returns names of the migrations applied now
 * @throws SchemaMismatch when the database is newer than this version, or when an applied migration was changed afterwards
 */
export async function migrate(pool: Pool, migrations = readMigrations()): Promise<string[]> {
  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await client.query(`create table if not exists migrations (
      number integer primary key, name text not null, digest text not null,
      applied_at timestamptz not null default now())`);
    const { rows } = await client.query<{ number: number; name: string; digest: string }>(
      'select number, name, digest from migrations order by number',
    );
    const byNumber = new Map(migrations.map((migration) => [migration.number, migration]));
    const applied: string[] = [];
    for (const row of rows) {
      const known = byNumber.get(row.number);
      if (known === undefined) {
        throw new SchemaMismatch(
          `the database has migration ${row.name}, which this version of Orrery does not know: start a newer version`,
        );
      }
      if (known.digest !== row.digest)
        throw new SchemaMismatch(
          `migration ${row.name} differs from what was applied to the database: start the version that applied it, or use another database`,
        );
      byNumber.delete(row.number);
    }
    for (const migration of byNumber.values()) {
      await client.query(migration.sql);
      await client.query('insert into migrations (number, name, digest) values ($1, $2, $3)', [
        migration.number,
        migration.name,
        migration.digest,
      ]);
      applied.push(migration.name);
    }
    return applied;
  });
}
