/**
 * Signing in by name and password, on every request: that is how the clients of one dialect speak.
 *
 * An argon2 check takes some 15 ms of processor time, so a pair that was found good is remembered for a short while, as
 * HMAC-SHA256 under a key that lives in this process only. What always holds:
 *
 * - The key covers the user's id, the *stored hash* and the password, and the user's row is read on every request: after it
 *   came, though requests that come at once may share a reading. A changed password, a deactivation, a lock or another role
 *   therefore count at once, on every replica; no message between replicas is needed. The time limit only bounds how long the
 *   HMACs stay in memory.
 * - Wrong, unknown, locked, inactive: one answer, after one hash's time and one pause, in which a failure is recorded: what is answered
 *   is counted, and neither text nor time tells which it was.
 * - Uncached checks of one account happen one after the other, each after the failure of the one before is recorded: a
 *   burst of parallel guesses gains nothing over the lock.
 *
 * A locked account refuses passwords only; tokens are not guessable and stay good, so nobody can be shut out of their
 * automation by a stranger who knows their name.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { SharedQuestions } from '../store/shared-questions.js';
import { inTransaction } from '../store/transaction.js';
import { AddressThrottle } from './address-throttle.js';
import { record } from './audit.js';
import {
  type Authenticated,
  askable,
  askOf,
  authenticatedFrom,
  signInRefused,
  type TenantAsk,
} from './callers.js';
import { type SignInRow, selectForSignIn } from './callers.store.js';
import { updateForFailure, updateForSuccess, updateLastLogins, updateRehashed } from './credentials.store.js';
import { LastUse } from './last-use.js';
import type { PasswordHash } from './password-hash.js';
import type { SecondFactors } from './second-factors.js';

export interface CredentialSettings {
  /** `off`: failures are neither counted nor delayed. For test benches. */
  readonly throttle: 'on' | 'off';
  /** So many failures in a row, within so many minutes, lock an account. */
  readonly failures: number;
  readonly failureMinutes: number;
  /** For how long; 0: until an administrator unlocks. */
  readonly lockMinutes: number;
  /** Failures that one address may cause in a minute, over all accounts; 0: any number. */
  readonly failuresPerAddress: number;
  /** How long a pair that was found good is remembered, and how many pairs. */
  readonly rememberSeconds: number;
  readonly rememberPairs: number;
}

export const CREDENTIAL_DEFAULTS: CredentialSettings = {
  throttle: 'on',
  failures: 5,
  failureMinutes: 15,
  lockMinutes: 15,
  failuresPerAddress: 0,
  rememberSeconds: 60,
  rememberPairs: 10_000,
};

/** Checks of one account that may stand in line. */
const LINE = 16;
/** Before a refusal, in milliseconds: longer than recording one takes. */
const PAUSE = 25;
/** Longer texts are wrong without looking: nothing that long can have been set. */
const LONGEST = 1024;

/** The checks of one account, one after the other. */
interface Line {
  /** Fulfilled when the last of them is over and recorded. */
  tail: Promise<void>;
  /** Under way or waiting. */
  length: number;
}

export class Credentials {
  readonly #pool: Pool;
  readonly #hash: PasswordHash;
  readonly #settings: CredentialSettings;
  readonly #now: () => number;
  readonly #pause: () => Promise<unknown>;
  readonly #secret = randomBytes(32);
  /** Pair -> when to forget it; in order of use. */
  readonly #good = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #lines = new Map<string, Line>();
  readonly #addresses: AddressThrottle;
  readonly #factors: SecondFactors | undefined;
  readonly #lastLogins: LastUse<UserId>;
  readonly #questions = new SharedQuestions();

  constructor(parts: {
    pool: Pool;
    passwordHash: PasswordHash;
    secondFactors?: SecondFactors;
    settings?: Partial<CredentialSettings>;
    /** Milliseconds since 1970. */
    now?: () => number;
    /** What every refusal waits for, whatever was wrong. */
    pause?: () => Promise<unknown>;
  }) {
    this.#pool = parts.pool;
    this.#hash = parts.passwordHash;
    this.#factors = parts.secondFactors;
    this.#settings = { ...CREDENTIAL_DEFAULTS, ...parts.settings };
    this.#now = parts.now ?? Date.now;
    this.#pause = parts.pause ?? (() => delay(PAUSE));
    this.#addresses = new AddressThrottle(
      { failures: this.#settings.failuresPerAddress, windowSeconds: 60, addresses: 10_000 },
      this.#now,
    );
    this.#lastLogins = new LastUse((ids, times) => updateLastLogins.run(parts.pool, [ids, times]));
  }

  /**
   * Who signs in.
   *
   * @param address of the client, for counting failures
   * @param tenant the tenant the request names: naming it here spares `callerFor` its query
   * @param code of the user's second factor, where they have one; it is used up
   * @throws DomainError `unauthenticated`, also (`second-factor-missing`) when the password was right and a code is needed;
   *   `limit` (`sign-in-throttled`) when the address or the account has too many
   *   failures or waiting checks; `unavailable` when too many passwords are being checked at once
   */
  async verifyPassword(
    username: string,
    password: string,
    address: string,
    tenant: TenantAsk = null,
    code: string | null = null,
  ): Promise<Authenticated> {
    const row = await this.#select(username, tenant);
    const pair = this.#pairOf(row, username, password);
    if (!(this.#admits(row) && this.#remembers(pair))) {
      if (!(await this.#check(pair, username, password, address, row))) throw signInRefused();
    } else if (row.failedLogins > 0 && !row.secondFactor) {
      await updateForSuccess.run(this.#pool, [row.userId, new Date(this.#now())]);
    }
    if (row!.secondFactor) await this.#checkCode(row!, code, address);
    const { userId, lastLoginAt } = row!;
    this.#lastLogins.note(userId, lastLoginAt, this.#now());
    return { ...authenticatedFrom(row!, tenant), ...(row!.secondFactor ? { secondFactor: true } : {}) };
  }

  /**
   * Somebody whom another system has vouched for, just now (directories, providers): as far as this server is concerned.
   *
   * @param code as for `verifyPassword`; `elsewhere`: the other system asks for what it wants
   * @throws DomainError as `verifyPassword`
   */
  async accept(
    username: string,
    address: string,
    tenant: TenantAsk,
    code: string | null | { readonly elsewhere: true },
  ): Promise<Authenticated> {
    const row = await this.#select(username, tenant);
    if (row === null || !row.active || row.passwordRefused || this.#isLocked(row)) throw signInRefused();
    const asked = row.secondFactor && (code === null || typeof code === 'string');
    if (asked) await this.#checkCode(row, code as string | null, address);
    else if (row.failedLogins > 0)
      await updateForSuccess.run(this.#pool, [row.userId, new Date(this.#now())]);
    this.#lastLogins.note(row.userId, row.lastLoginAt, this.#now());
    return { ...authenticatedFrom(row, tenant), ...(row.secondFactor ? { secondFactor: true } : {}) };
  }

  /**
   * Whether this is the password of somebody who is signed in already: asked again before what must not happen by the way.
   * Counted and slowed as signing in is; no code is asked for.
   *
   * @throws DomainError `forbidden` (`password-wrong`); `limit`
   */
  async requirePassword(username: string, password: string, address: string | number): Promise<void> {
    const row = await this.#select(username, null);
    const pair = this.#pairOf(row, username, password);
    if (this.#admits(row) && (await this.#check(pair, username, password, `again:${address}`, row))) return;
    throw new DomainError('forbidden', 'password-wrong', 'This is not your password');
  }

  /**
   * Before another system is asked for a password: whether the address, and the account where there is one, may try.
   *
   * @throws DomainError `limit`; `unauthenticated` for an account that would be refused anyway
   */
  async admit(username: string, address: string): Promise<void> {
    this.#requireAddress(address);
    const row = await this.#select(username, null);
    // Somebody else of that name, whose password is here, is not meant.
    if (row?.directory != null && (!row.active || row.passwordRefused || this.#isLocked(row))) {
      this.#failedFrom(address);
      throw signInRefused();
    }
  }

  /** After another system has refused a password. */
  async refuse(username: string, address: string): Promise<never> {
    this.#failedFrom(address);
    const row = await this.#select(username, null);
    if (row !== null && row.directory !== null && this.#settings.throttle === 'on') {
      await inTransaction(this.#pool, (client) => this.#recordFailure(client, row));
    }
    throw signInRefused();
  }

  /** Name of the directory that has the user's password; null: nobody, or this server. */
  async directoryOf(username: string): Promise<string | null> {
    return (await this.#select(username, null))?.directory ?? null;
  }

  #isLocked(row: SignInRow): boolean {
    return this.#settings.throttle === 'on' && row.lockedUntil !== null && row.lockedUntil > this.#now();
  }

  get #countsAddresses(): boolean {
    return this.#settings.throttle === 'on' && this.#settings.failuresPerAddress > 0;
  }

  #requireAddress(address: string): void {
    if (!this.#countsAddresses) return;
    const seconds = this.#addresses.wait(address);
    if (seconds > 0) throw tooMany('Too many failed sign-ins from this address', seconds);
  }

  #failedFrom(address: string): void {
    if (this.#countsAddresses) this.#addresses.failed(address);
  }

  /** After a right password. @throws DomainError as `verifyPassword` */
  async #checkCode(row: SignInRow, code: string | null, address: string): Promise<void> {
    if (code === null || code === '') throw secondFactorMissing();
    const throttled = this.#settings.throttle === 'on';
    this.#requireAddress(address);
    const verdict = await inTransaction(this.#pool, async (client) => {
      const found = await this.#factors?.accept(client, row.userId, code);
      if (found === 'wrong' && throttled) await this.#recordFailure(client, row);
      if (found === 'good') await updateForSuccess.run(client, [row.userId, new Date(this.#now())]);
      return found;
    });
    // Disabled in this very moment: the password alone is enough again.
    if (verdict === 'good' || verdict === 'none') return;
    this.#failedFrom(address);
    throw signInRefused();
  }

  /** Writes what is not written yet. Call before the pool ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.tail));
    await this.#lastLogins.flush();
  }

  async #check(
    pair: string,
    username: string,
    password: string,
    address: string,
    row: SignInRow | null,
  ): Promise<boolean> {
    this.#requireAddress(address);
    // Requests that come with the same pair at the same time share one check.
    let check = this.#underWay.get(pair);
    if (check === undefined) {
      check = this.#inTurn(username, row, password).finally(() => this.#underWay.delete(pair));
      this.#underWay.set(pair, check);
    }
    const good = await check;
    if (!good) this.#failedFrom(address);
    return good;
  }

  #inTurn(username: string, row: SignInRow | null, password: string): Promise<boolean> {
    const account = username.toLowerCase();
    const line = this.#lines.get(account) ?? { tail: Promise.resolve(), length: 0 };
    if (line.length >= LINE) return Promise.reject(tooMany('Too many sign-ins of this user at once', 1));
    const attempt =
      line.length === 0
        ? this.#attempt(row, password)
        : line.tail.then(async () => this.#attempt(await this.#select(username, null), password));
    line.length++;
    line.tail = attempt
      .then(({ recorded }) => recorded)
      // A database that cannot record this failure cannot answer the query of the next attempt either.
      .catch(() => {})
      .finally(() => {
        line.length--;
        if (line.length === 0) this.#lines.delete(account);
      });
    this.#lines.set(account, line);
    return attempt.then(async ({ good, recorded }) => {
      if (!good && this.#settings.throttle === 'on') await Promise.all([recorded, this.#pause()]);
      return good;
    });
  }

  /** `recorded`: the failure has been counted, where there was one to count. */
  async #attempt(
    row: SignInRow | null,
    password: string,
  ): Promise<{ good: boolean; recorded: Promise<void> }> {
    const nothing = Promise.resolve();
    const usable = this.#admits(row) && password.length <= LONGEST;
    const stored = usable ? row!.passwordHash : null;
    const good = await this.#hash.verify(stored, usable ? password : '');
    if (row === null || !usable) return { good: false, recorded: nothing };
    if (!good) {
      if (this.#settings.throttle === 'off') return { good, recorded: nothing };
      return { good, recorded: inTransaction(this.#pool, (client) => this.#recordFailure(client, row)) };
    }
    // With a second factor, the password alone is no success yet.
    if (row.failedLogins > 0 && !row.secondFactor) {
      await updateForSuccess.run(this.#pool, [row.userId, new Date(this.#now())]);
    }
    if (this.#hash.needsRehash(stored!)) {
      const rehashed = await this.#hash.hash(password);
      await updateRehashed.run(this.#pool, [row.userId, stored, rehashed]);
    } else {
      this.#remember(this.#pairOf(row, row.username, password));
    }
    return { good, recorded: nothing };
  }

  async #recordFailure(client: Client, row: SignInRow): Promise<void> {
    const { failures, failureMinutes, lockMinutes } = this.#settings;
    const now = this.#now();
    const until = lockMinutes === 0 ? 'infinity' : new Date(now + lockMinutes * 60_000);
    const since = new Date(now - failureMinutes * 60_000);
    const values = [row.userId, new Date(now), failures, until, since];
    const outcome = await updateForFailure.one(client, values);
    if (outcome?.locked !== true) return;
    await record(
      client,
      { userId: null, username: 'sign-in', tenant: null, requestId: '-' },
      {
        action: 'lock',
        thing: 'user',
        id: row.username,
        details: { failures, minutes: lockMinutes === 0 ? null : lockMinutes },
      },
    );
  }

  async #select(username: string, tenant: TenantAsk): Promise<SignInRow | null> {
    if (username.length > 256 || askable(username) === null) return null;
    const { way, value } = askOf(tenant);
    const key = JSON.stringify([way, username, value]);
    return this.#questions.ask(key, () => selectForSignIn[way].one(this.#pool, [username, value]));
  }

  /** Whether a right password would do. */
  #admits(row: SignInRow | null): row is SignInRow {
    if (row === null || !row.active || row.passwordRefused || row.passwordHash === null) return false;
    return !this.#isLocked(row);
  }

  #pairOf(row: SignInRow | null, username: string, password: string): string {
    const who = row === null ? `?${username.toLowerCase()}` : `${row.userId}`;
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([who, row?.passwordHash ?? null, password]))
      .digest('base64');
  }

  #remembers(pair: string): boolean {
    const until = this.#good.get(pair);
    return until !== undefined && until > this.#now();
  }

  #remember(pair: string): void {
    this.#good.delete(pair);
    // The oldest go first; all stay equally long, so those are also the first to be over.
    for (const [old, until] of this.#good) {
      if (this.#good.size < this.#settings.rememberPairs && until > this.#now()) break;
      this.#good.delete(old);
    }
    this.#good.set(pair, this.#now() + this.#settings.rememberSeconds * 1000);
  }
}

function tooMany(message: string, seconds: number): DomainError {
  return new DomainError('limit', 'sign-in-throttled', `${message}; try again in ${seconds} s`, {
    details: { retryAfterSeconds: seconds },
  });
}

/** The password was right: said so that a client knows to ask for the code. */
function secondFactorMissing(): DomainError {
  return new DomainError(
    'unauthenticated',
    'second-factor-missing',
    'This user needs a one-time code beside the password; a token needs none',
  );
}
