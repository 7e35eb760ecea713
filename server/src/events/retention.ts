/**
 * Partitions of events: made before they are needed, dropped when they are old enough.
 *
 * A week goes as a whole, without a row being deleted. The lock that takes a partition off its table is one that every
 * writer meets, and PostgreSQL's way around it (`detach … concurrently`) is not to be had beside `events_other`. So nobody
 * ever stands in line for it, where all who come after would wait too: it is taken when it is free, or tried again. First
 * the partition is emptied, under a lock of its own that only those meet who look at that week; that frees the disk. Then
 * the empty table is taken off. Where either does not succeed for a while, the next turn of the chore goes on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteOldStrays,
  dropWeek,
  emptyWeek,
  makeWeek,
  selectCountedWeeks,
  selectForgotten,
  selectWeeks,
} from './weeks.store.js';

const DAY = 24 * 60 * 60 * 1000;
export const WEEK = 7 * DAY;
/** Weeks that are there before they begin: so long may chores rest before `events_other` has to help. */
const AHEAD = 4;
/** How often a lock that somebody holds is asked for again, and after how long. */
const TRIES = 40;
const PAUSE_MS = 25;
const STRAYS_AT_ONCE = 10_000;
const LOCK_NOT_AVAILABLE = '55P03';
const ALREADY_THERE = '42P07';

/** Makes this week's partition and the next ones. @returns how many were made */
export async function makeWeeks(pool: Pool, now = new Date()): Promise<number> {
  const there = await weeksOf(pool);
  let made = 0;
  for (let ahead = 0; ahead <= AHEAD; ahead += 1) {
    const week = weekOf(new Date(now.getTime() + ahead * WEEK));
    if (there.has(week.getTime())) continue;
    if ((await whenFree(() => makeWeek.one(pool, [week])))?.made === true) made += 1;
  }
  return made;
}

/** Makes partitions for what counters know of, on a table that is being filled from a snapshot. */
export async function makeCountedWeeks(db: Queryable, now = new Date()): Promise<void> {
  for (const { week } of await selectCountedWeeks.all(db, [now])) await makeWeek.one(db, [week]);
}

/**
 * Drops weeks that lie wholly before `now` less `days`; 0: none.
 *
 * @returns how many were dropped
 */
export async function dropOldWeeks(pool: Pool, days: number, now = new Date()): Promise<number> {
  if (days === 0) return 0;
  const oldest = weekOf(new Date(now.getTime() - days * DAY));
  let dropped = 0;
  for (const week of await weeksOf(pool)) {
    if (week >= oldest.getTime()) continue;
    const start = new Date(week);
    if (!(await taken(() => inTransaction(pool, (client) => emptyWeek.run(client, [start]))))) continue;
    if (await taken(() => inTransaction(pool, (client) => dropWeek.run(client, [start])))) dropped += 1;
  }
  while ((await deleteOldStrays.run(pool, [oldest, STRAYS_AT_ONCE])) === STRAYS_AT_ONCE);
  return dropped;
}

/** Every event with an id above it is there, if it ever was and nobody deleted it; of earlier ones some were dropped for their age. */
export async function forgottenUpTo(db: Queryable): Promise<number> {
  return (await selectForgotten.one(db))?.upTo ?? 0;
}

/** The Monday, at midnight UTC, of the week of `time`: as `events_week` of the database. */
export function weekOf(time: Date): Date {
  const MONDAY = Date.UTC(2000, 0, 3);
  return new Date(MONDAY + Math.floor((time.getTime() - MONDAY) / WEEK) * WEEK);
}

async function weeksOf(db: Queryable): Promise<Set<number>> {
  return new Set((await selectWeeks.all(db)).map(({ week }) => week.getTime()));
}

async function taken(work: () => Promise<unknown>): Promise<boolean> {
  const done = await whenFree(async () => {
    await work();
    return true;
  });
  return done === true;
}

/** Null: somebody held the lock all the while, or has just made what was to be made. */
async function whenFree<T>(work: () => Promise<T>): Promise<T | null> {
  for (let left = TRIES; left > 0; left -= 1) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === ALREADY_THERE) return null;
      if (code !== LOCK_NOT_AVAILABLE) throw error;
      await delay(PAUSE_MS * (0.5 + Math.random()));
    }
  }
  return null;
}
