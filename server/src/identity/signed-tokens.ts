/**
 * Tokens that say who they are for and until when, signed and kept nowhere (JWT, HS256): for clients that read them.
 *
 * Signed is not the same as good: each one is looked up against its user's row, in the one statement that also finds their
 * standing. It carries the user's credential generation, which goes up with a new password, a deactivation, the loss of API
 * access and when the user becomes API-only: so these tokens die at once too, everywhere.
 *
 * The key is derived from the master key; former master keys verify, so that changing it ends nothing early.
 */
import { hkdfSync } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { type Authenticated, askOf, authenticatedFrom, signInRefused, type TenantAsk } from './callers.js';
import { selectForSigned } from './callers.store.js';
import { findProfile } from './profiles.js';

const ALGORITHM = 'HS256';
const AUDIENCE = 'orrery';

export interface SignedTokenSettings {
  readonly seconds: number;
}

export class SignedTokens {
  readonly #pool: Pool;
  readonly #keys: readonly Uint8Array[];
  readonly #now: () => number;
  readonly settings: SignedTokenSettings;

  constructor(parts: {
    pool: Pool;
    /** The current one first; 32 bytes each. */
    masterKeys: readonly Buffer[];
    settings?: Partial<SignedTokenSettings>;
    now?: () => number;
  }) {
    this.#pool = parts.pool;
    this.#keys = parts.masterKeys.map(
      (key) => new Uint8Array(hkdfSync('sha256', key, 'orrery', 'signed tokens of users', 32)),
    );
    this.#now = parts.now ?? Date.now;
    this.settings = { seconds: 300, ...parts.settings };
  }

  /**
   * A token of somebody who has just shown who they are.
   *
   * @throws DomainError `unauthenticated`: the user may not use the API, or has gone meanwhile
   */
  async issue(who: Authenticated): Promise<{ readonly value: string; readonly expiresAt: Date }> {
    const [row, profile] = await Promise.all([
      selectForSigned.name.one(this.#pool, [who.userId, null]),
      findProfile(this.#pool, { id: who.userId }),
    ]);
    if (row === null || profile === null || !row.active || !row.apiAccess) throw signInRefused();
    const expires = Math.floor(this.#now() / 1000) + this.settings.seconds;
    const value = await new SignJWT({
      user_id: row.userId,
      username: row.username,
      email: profile.email ?? '',
      gen: row.generation,
    })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setAudience(AUDIENCE)
      .setExpirationTime(expires)
      .sign(this.#keys[0]!);
    return { value, expiresAt: new Date(expires * 1000) };
  }

  /**
   * Who signs in.
   *
   * @param tenant as for `Credentials.verifyPassword`
   * @throws DomainError `unauthenticated`
   */
  async verify(value: string, tenant: TenantAsk = null): Promise<Authenticated> {
    const claims = await this.#read(value);
    if (claims === null) throw signInRefused();
    const { way, value: asked } = askOf(tenant);
    const row = await selectForSigned[way].one(this.#pool, [claims.userId, asked]);
    if (row === null || !row.active || !row.apiAccess || row.generation !== claims.generation) {
      throw signInRefused();
    }
    return authenticatedFrom(row, tenant);
  }

  /** Null: not one of ours, or over. */
  async #read(value: string): Promise<{ userId: UserId; generation: number } | null> {
    if (value.length > 4096) return null;
    for (const key of this.#keys) {
      try {
        const { payload } = await jwtVerify(value, key, {
          algorithms: [ALGORITHM],
          audience: AUDIENCE,
          requiredClaims: ['exp'],
          currentDate: new Date(this.#now()),
        });
        const { user_id: userId, gen: generation } = payload;
        if (!Number.isSafeInteger(userId) || !Number.isSafeInteger(generation)) return null;
        return { userId: userId as UserId, generation: generation as number };
      } catch {
        // Signed with another key, or over: the next key says.
      }
    }
    return null;
  }
}
