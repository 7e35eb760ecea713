/** Whether those who were let in some time ago would be let in now, with the same rights: for connections that stay. */
import type { Caller } from '../caller.js';
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { type Authenticated, authenticatedFrom, callerOf } from './callers.js';
import { type RecheckRow, selectRechecks } from './callers.store.js';

/** What somebody was let in with. */
export interface Ticket {
  readonly userId: UserId;
  /** The token; null: a password. */
  readonly tokenId: string | null;
  /** The password's mark then, as the store has it; for those without a token. */
  readonly passwordMark: string | null;
  readonly caller: Caller;
  readonly authenticated: Authenticated;
}

/** The ticket of somebody who has just been let in. */
export async function ticketFor(pool: Pool, authenticated: Authenticated, caller: Caller): Promise<Ticket> {
  const { userId, tokenId = null } = authenticated;
  const ticket = { userId, tokenId, passwordMark: null, caller, authenticated };
  if (tokenId !== null) return ticket;
  const [row] = await rows(pool, [ticket]);
  return { ...ticket, passwordMark: row?.passwordMark ?? null };
}

/** For each ticket, in order, whether it still is what it was. */
export async function recheck(pool: Pool, tickets: readonly Ticket[]): Promise<boolean[]> {
  const different = [...new Map(tickets.map((ticket) => [keyOf(ticket), ticket])).values()];
  const found = new Map((await rows(pool, different)).map((row) => [row.place, row]));
  const good = new Map(
    different.map((ticket, place) => {
      const row = found.get(place + 1);
      return [keyOf(ticket), row?.active === true && row.tokenGood && stands(ticket, row)];
    }),
  );
  return tickets.map((ticket) => good.get(keyOf(ticket)) === true);
}

function keyOf({ userId, tokenId, passwordMark, caller }: Ticket): string {
  const { tenant, permissions } = caller;
  return `${userId}|${tokenId}|${passwordMark}|${tenant?.id}|${permissions.size}`;
}

function stands(ticket: Ticket, row: RecheckRow): boolean {
  const { authenticated, caller, tokenId, passwordMark } = ticket;
  if (tokenId === null && row.passwordMark !== passwordMark) return false;
  const { asked: first } = authenticated.standing;
  const asked = typeof first === 'string' ? first : (caller.tenant?.name ?? null);
  try {
    const now = callerOf({ ...authenticated, ...authenticatedFrom(row, asked) }, caller.requestId);
    // Sets of permissions are shared: the same rights are the same set.
    return now.tenant?.id === caller.tenant?.id && now.permissions === caller.permissions;
  } catch {
    return false;
  }
}

function rows(pool: Pool, tickets: readonly Ticket[]): Promise<RecheckRow[]> {
  return selectRechecks.all(pool, [
    tickets.map(({ userId }) => userId),
    tickets.map(({ tokenId }) => tokenId),
    tickets.map(({ caller }) => caller.tenant?.name ?? null),
  ]);
}
