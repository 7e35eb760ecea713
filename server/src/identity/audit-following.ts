/**
 * The audit trail as it grows. Entries become visible when their transaction commits, not in the order of their numbers or
 * times: each look goes back a while, and what was told is not told again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Caller, requirePermission } from '../caller.js';
import type { Pool } from '../store/pool.js';
import { type AuditChoice, type AuditRow, selectAuditAfter } from './audit.store.js';
import type { Authenticated } from './callers.js';
import { recheck, ticketFor } from './rechecks.js';

const LOOK_MS = 1000;
/** A transaction that stays open for longer than this may have its entry left out. */
const LATE_MS = 60_000;
const PAGE = 1000;

/**
 * Batches of entries from `choice.since`, or from now on, oldest first. Ends with `signal`, when `choice.before` has passed,
 * and when the caller would no longer be let in. A batch is read when the one before is taken: a slow reader costs no memory.
 * Needs `audit.read`.
 */
export async function* followAudit(
  pool: Pool,
  caller: Caller,
  authenticated: Authenticated,
  choice: AuditChoice,
  signal: AbortSignal,
): AsyncGenerator<readonly AuditRow[]> {
  requirePermission(caller, 'audit.read');
  const ticket = await ticketFor(pool, authenticated, caller);
  const usernames = choice.usernames?.map((name) => name.toLowerCase()) ?? null;
  const told = new Map<number, number>();
  const start = choice.since?.getTime() ?? Date.now();
  let from = start;
  while (!signal.aborted) {
    const now = Date.now();
    for (let after = 0; !signal.aborted && !choice.none; ) {
      const page = await selectAuditAfter.all(pool, [usernames, new Date(from), choice.before, after, PAGE]);
      const fresh = page.filter(({ id }) => !told.has(id));
      if (fresh.length > 0) yield fresh;
      for (const { id, at } of fresh) told.set(id, at.getTime());
      if (page.length < PAGE) break;
      after = page.at(-1)!.id;
    }
    if (choice.before !== null && choice.before.getTime() + LATE_MS <= now) return;
    from = Math.max(start, now - LATE_MS);
    for (const [id, at] of told) if (at < from) told.delete(id);
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    if ((await recheck(pool, [ticket]))[0] !== true) return;
  }
}
