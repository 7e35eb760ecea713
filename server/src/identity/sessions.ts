/**
 * Sign-ins that last: what a client or a browser holds after it has shown a password (and a second factor). Rows of the
 * tokens' table, so that they survive restarts and end everywhere at once.
 */
import { DomainError } from '../errors.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { type Authenticated, signInRefused } from './callers.js';
import { type PutToken, putToken } from './tokens.js';
import {
  deleteExpiredTokens,
  deleteIdleTokens,
  deleteOtherSessions,
  deleteSurplusTokens,
  deleteToken,
  lockOwner,
} from './tokens.store.js';

/** `login`: 32 hexadecimal digits, ends by idleness. `browser`: for a cookie, ends after some hours. */
export type SessionKind = 'login' | 'browser';

export interface SessionSettings {
  /** Of a `login`. */
  readonly idleMinutes: number;
  /** Of a `browser`. */
  readonly browserHours: number;
  /** Of each kind; the oldest make room. */
  readonly perUser: number;
}

export const SESSION_DEFAULTS: SessionSettings = { idleMinutes: 60, browserHours: 24, perUser: 100 };

export interface Session extends PutToken {
  readonly expiresAt: Date | null;
}

export class Sessions {
  readonly #pool: Pool;
  readonly #now: () => number;
  readonly settings: SessionSettings;

  constructor(parts: { pool: Pool; settings?: Partial<SessionSettings>; now?: () => number }) {
    this.#pool = parts.pool;
    this.#now = parts.now ?? Date.now;
    this.settings = { ...SESSION_DEFAULTS, ...parts.settings };
  }

  /**
   * A new session of somebody who has just shown who they are. Their other sessions stay.
   *
   * @throws DomainError `unauthenticated` where the user has gone or been suspended meanwhile; `forbidden`
   *   (`session-needs-password`) where a token was shown: no credential makes a longer-lived one of itself
   */
  async begin(who: Authenticated, kind: SessionKind, requestId: string): Promise<Session> {
    if (who.tokenId !== undefined) {
      throw new DomainError('forbidden', 'session-needs-password', 'A token cannot begin a session');
    }
    const now = this.#now();
    const { idleMinutes, browserHours, perUser } = this.settings;
    const expiresAt = kind === 'browser' ? new Date(now + browserHours * 3_600_000) : null;
    return inTransaction(this.#pool, async (client) => {
      if ((await lockOwner.one(client, [who.userId])) === null) throw signInRefused();
      await deleteExpiredTokens.run(client, [who.userId, new Date(now)]);
      await deleteIdleTokens.run(client, [who.userId, new Date(now)]);
      await deleteSurplusTokens.run(client, [who.userId, kind, perUser - 1]);
      const idleSeconds = kind === 'login' ? idleMinutes * 60 : null;
      const token = await putToken(client, who.userId, kind, { expiresAt, idleSeconds });
      await record(client, actorOf(who, requestId), {
        action: 'sign-in',
        thing: 'user',
        id: who.username,
        details: { session: kind },
      });
      return { ...token, expiresAt };
    });
  }

  /** Ends the session that the request was made with; of any other credential, nothing. @returns whether one ended */
  async end(who: Authenticated, requestId: string): Promise<boolean> {
    if (who.tokenId === undefined || !['login', 'browser', 'session'].includes(who.tokenKind ?? ''))
      return false;
    return inTransaction(this.#pool, async (client) => {
      if ((await deleteToken.run(client, [who.tokenId])) === 0) return false;
      await record(client, actorOf(who, requestId), { action: 'sign-out', thing: 'user', id: who.username });
      return true;
    });
  }

  /** Ends all of the user's sessions but the one that asks. @returns how many */
  async endOthers(who: Authenticated, requestId: string): Promise<number> {
    return inTransaction(this.#pool, async (client) => {
      const ended = await deleteOtherSessions.run(client, [who.userId, who.tokenId ?? null]);
      await record(client, actorOf(who, requestId), {
        action: 'sign-out-others',
        thing: 'user',
        id: who.username,
        details: { ended },
      });
      return ended;
    });
  }
}

function actorOf(who: Authenticated, requestId: string) {
  return { userId: who.userId, username: who.username, tenant: who.standing.tenant, requestId };
}
