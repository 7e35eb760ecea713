/**
 * Second factors: codes of six digits that change every 30 seconds (TOTP, RFC 6238), good one step early or late.
 *
 * The secret is sealed (secrets/safe.ts) and told once. A code is good once: its step and all before it are used up, in the
 * transaction that checks it, which also holds the user's row against every other check, in whatever process. So neither a
 * code that was overheard nor a burst of guesses gains anything.
 */
import { timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Caller } from '../caller.js';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { requireAuthorityOver } from './authority-over.js';
import type { KeptValues } from './kept-values.js';
import { requirePerson } from './permission.js';
import { findProfile, type Profile, type UserRef, userNotFound } from './profiles.js';
import {
  confirmFactor,
  deleteFactor,
  type FactorRow,
  lockFactor,
  updateLastStep,
  upsertFactor,
} from './second-factors.store.js';
import { deleteOtherSessions } from './tokens.store.js';

const STEP_MS = 30_000;
const ISSUER = 'Orrery';
const SECRET_BYTES = 20;

export interface SecondFactorState {
  readonly enabled: boolean;
  /** Somebody decided that the user must have one. */
  readonly required: boolean;
}

export interface OfferedFactor {
  /** Base32, told once. */
  readonly secret: string;
  /** `otpauth://…`, for a QR code or a link on a telephone. */
  readonly uri: string;
}

export class SecondFactors {
  readonly #pool: Pool;
  readonly #safe: KeptValues;
  readonly #now: () => number;

  constructor(parts: { pool: Pool; safe: KeptValues; now?: () => number }) {
    this.#pool = parts.pool;
    this.#safe = parts.safe;
    this.#now = parts.now ?? Date.now;
  }

  /** One's own, or of a user whom one has authority over. @throws DomainError `forbidden`, `not-found` */
  async state(caller: Caller, ref: UserRef): Promise<SecondFactorState> {
    const user = await this.#find(this.#pool, caller, ref);
    return { enabled: user.secondFactor, required: user.secondFactorRequired };
  }

  /**
   * A new secret for the caller. Unless `confirmed`, it asks for nothing until `confirm` has seen a first code.
   *
   * @throws DomainError `conflict` (`second-factor-enabled`)
   */
  async enable(caller: Caller, options: { readonly confirmed: boolean }): Promise<OfferedFactor> {
    requirePerson(caller);
    const secret = new Secret({ size: SECRET_BYTES });
    await inTransaction(this.#pool, async (client) => {
      if ((await upsertFactor.run(client, [caller.userId, options.confirmed])) === 0) {
        throw new DomainError(
          'conflict',
          'second-factor-enabled',
          'This user has a second factor already; disable it first',
        );
      }
      await this.#safe.keep(client, placeOf(caller.userId), secret.base32);
      if (options.confirmed) await recordChange(client, caller, 'enable', caller.username);
    });
    const totp = new TOTP({ issuer: ISSUER, label: caller.username, secret });
    return { secret: secret.base32, uri: totp.toString() };
  }

  /**
   * The first code: from now on the user needs one to sign in, and other sign-ins end.
   *
   * @param keep the token of the sign-in that asks
   * @throws DomainError `invalid` (`second-factor-wrong`); `not-found` where none was offered
   */
  async confirm(caller: Caller, code: string, keep: string | null = null): Promise<void> {
    requirePerson(caller);
    await inTransaction(this.#pool, async (client) => {
      const factor = await lockFactor.one(client, [caller.userId]);
      if (factor === null || factor.confirmed) {
        throw new DomainError('not-found', 'second-factor-not-offered', 'No second factor was offered');
      }
      const step = await this.#stepOf(client, factor, code);
      if (step === null) {
        throw new DomainError('invalid', 'second-factor-wrong', 'This is not the code of the moment', {
          details: { field: 'code' },
        });
      }
      await confirmFactor.run(client, [caller.userId, step]);
      await deleteOtherSessions.run(client, [caller.userId, keep]);
      await recordChange(client, caller, 'enable', caller.username);
    });
  }

  /**
   * The user signs in with their password alone from now on.
   *
   * @returns whether there was one
   * @throws DomainError `forbidden` (`second-factor-required`) for one's own that somebody requires
   */
  async disable(caller: Caller, ref: UserRef): Promise<boolean> {
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const user = await this.#find(client, caller, ref);
      if (user.id === caller.userId && user.secondFactorRequired && !caller.permissions.has('users.manage')) {
        throw new DomainError('forbidden', 'second-factor-required', 'This user must have a second factor');
      }
      const ended = (await deleteFactor.run(client, [user.id])) > 0;
      await this.#safe.forget(client, placeOf(user.id));
      if (ended) await recordChange(client, caller, 'disable', user.username);
      return ended;
    });
  }

  /**
   * Whether the code is good, now and never again. `client` is a transaction; what the caller writes about a wrong one, such as
   * a failure, commits before the next code of this user is looked at.
   */
  async accept(client: Client, userId: UserId, code: string): Promise<'good' | 'wrong' | 'locked' | 'none'> {
    const factor = await lockFactor.one(client, [userId]);
    if (factor === null || !factor.confirmed) return 'none';
    if (factor.lockedUntil !== null && factor.lockedUntil > this.#now()) return 'locked';
    const step = await this.#stepOf(client, factor, code);
    if (step === null) return 'wrong';
    return (await updateLastStep.run(client, [userId, step])) === 1 ? 'good' : 'wrong';
  }

  /** The step whose code this is; null: of none that counts. */
  async #stepOf(client: Client, factor: FactorRow, code: string): Promise<number | null> {
    const given = code.replace(/[\s-]/g, '');
    const secret = await this.#safe.open(client, placeOf(factor.userId));
    if (secret === null || !/^\d{6}$/.test(given)) return null;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const current = Math.floor(this.#now() / STEP_MS);
    let found: number | null = null;
    for (const step of [current - 1, current, current + 1]) {
      const right = totp.generate({ timestamp: step * STEP_MS });
      if (timingSafeEqual(Buffer.from(right), Buffer.from(given)) && step > factor.lastStep) found ??= step;
    }
    return found;
  }

  async #find(db: Client | Pool, caller: Caller, ref: UserRef): Promise<Profile> {
    const user = await findProfile(db, ref);
    if (user === null) throw userNotFound(ref);
    if (user.id !== caller.userId) requireAuthorityOver(caller, user);
    return user;
  }
}

async function recordChange(
  client: Client,
  caller: Caller,
  action: 'enable' | 'disable',
  username: string,
): Promise<void> {
  await record(client, caller, { action, thing: 'second-factor', id: username });
}

function placeOf(user: UserId): string {
  return `users/${user}/second-factor`;
}
