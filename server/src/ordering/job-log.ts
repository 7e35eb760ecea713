/** What a job has to tell, line by line: read a page at a time, however long it is. */
import type { ExecutionUid, TenantId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { logPage } from './jobs.store.js';

export interface LogSubject {
  readonly executionUid: ExecutionUid;
  readonly nodes: readonly string[] | null;
}

/** Of a log that is kept beyond its execution: the rest is left out, and it says so. */
const MOST_KEPT = 4_000_000;
const BEGINNING = new Date(0);

/** Chunks of text, each line `time level [node] message`. */
export async function* logLines(
  pool: Pool,
  tenant: TenantId,
  { executionUid, nodes }: LogSubject,
): AsyncGenerator<string> {
  let after: readonly [Date, number] = [BEGINNING, 0];
  for (;;) {
    const lines = await logPage.all(pool, tenant, [executionUid, after[0], after[1], nodes]);
    if (lines.length === 0) return;
    yield lines
      .map(({ at, level, node, message }) => {
        const where = node === null ? '' : ` [${node}]`;
        return `${at.toISOString()} ${(level ?? 'info').toUpperCase()}${where} ${message}\n`;
      })
      .join('');
    const last = lines.at(-1)!;
    after = [last.at, last.id];
  }
}

/** The log as one text, bounded. */
export async function logText(pool: Pool, tenant: TenantId, subject: LogSubject): Promise<string> {
  let text = '';
  for await (const chunk of logLines(pool, tenant, subject)) {
    text += chunk;
    if (text.length > MOST_KEPT) return `${text.slice(0, MOST_KEPT)}\n… the rest was not kept\n`;
  }
  return text;
}
