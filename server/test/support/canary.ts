/** Looks for values that must be nowhere: in all tables, in what was logged, in what was answered; also spelled in hex and base64. */
import assert from 'node:assert/strict';
import type { TestServer } from './a-server.js';

/** Fails where `text` holds one of `parts`. */
export function assertClean(parts: readonly string[], where: string, text: string): void {
  for (const part of parts) {
    const base64 = [0, 1, 2].map((shift) =>
      Buffer.from(`${'x'.repeat(shift)}${part}`)
        .toString('base64')
        .slice(4, -4),
    );
    for (const spelling of [part, Buffer.from(part).toString('hex'), ...base64]) {
      const at = text.indexOf(spelling);
      assert.equal(at, -1, `${where} holds the value: …${text.slice(Math.max(0, at - 200), at + 60)}…`);
    }
  }
}

/** Fails where a row of any table, but chunks of snapshots, holds one of `parts`. */
export async function assertTablesClean(
  { pool }: Pick<TestServer, 'pool'>,
  parts: readonly string[],
): Promise<void> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  let seen = 0;
  for (const { name } of tables.filter((table) => table.name !== 'snapshot_chunks')) {
    const { rows } = await pool.query<{ row: string }>(`select x::text as row from "${name}" x`);
    for (const { row } of rows) {
      seen += row.length;
      assertClean(parts, `table ${name}`, row);
    }
  }
  assert.ok(seen > 100_000, 'the tables were really read');
}
