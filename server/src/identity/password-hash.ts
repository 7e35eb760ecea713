/**
 * Password hashing, off the main thread and bounded.
 *
 * argon2id from `@node-rs/argon2`; its asynchronous functions run on the libuv pool. Each run holds `memoryKib`, so at
 * most `concurrent` run at once; at most `waiting` more stand in line, and whoever comes then is told to come again:
 * a storm of sign-ins costs memory and processor time that we chose, and file reads (same pool) keep moving.
 *
 * Parameters live in the hash's own text, so old hashes stay valid when the settings change; `needsRehash` says when a
 * hash that was just verified should be made anew.
 *
 * Rejected: scrypt of node:crypto (five times slower at the same strength here), hashing in a worker_thread of ours
 * (the libuv pool is one already).
 */
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { DomainError } from '../errors.js';

export interface PasswordHashSettings {
  readonly memoryKib: number;
  readonly passes: number;
  /** Hashes computed at the same time. */
  readonly concurrent: number;
  /** Requests that may wait for their turn. */
  readonly waiting: number;
}

/** 19 MiB and two passes: the least that OWASP's password storage guide recommends; about 15 ms here. */
export const PASSWORD_HASH_DEFAULTS: PasswordHashSettings = {
  memoryKib: 19_456,
  passes: 2,
  concurrent: 2,
  waiting: 200,
};

export class PasswordHash {
  readonly #settings: PasswordHashSettings;
  readonly #line: (() => void)[] = [];
  #running = 0;
  #dummy: Promise<string> | undefined;

  constructor(settings: PasswordHashSettings = PASSWORD_HASH_DEFAULTS) {
    this.#settings = settings;
  }

  /** @throws DomainError `unavailable` when too many wait. */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => hash(password, this.#options()));
  }

  /**
   * Whether `password` belongs to `stored`. Null as `stored` (unknown user, user without password) takes as long as
   * a real check and answers false.
   *
   * @throws DomainError `unavailable` when too many wait.
   */
  async verify(stored: string | null, password: string): Promise<boolean> {
    const against = stored ?? (await this.#dummyHash());
    const matches = await this.#inTurn(() => verify(against, password));
    return matches && stored !== null;
  }

  /** Whether `stored` was made with other parameters than today's. */
  needsRehash(stored: string): boolean {
    const made = parseOptions(stored);
    return (
      made.memoryCost !== this.#settings.memoryKib ||
      made.timeCost !== this.#settings.passes ||
      made.parallelism !== 1
    );
  }

  #dummyHash(): Promise<string> {
    this.#dummy ??= hash('nobody has this password', this.#options());
    return this.#dummy;
  }

  #options() {
    return { memoryCost: this.#settings.memoryKib, timeCost: this.#settings.passes, parallelism: 1 };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#settings.concurrent) {
      this.#running++;
    } else {
      if (this.#line.length >= this.#settings.waiting) {
        throw new DomainError(
          'unavailable',
          'password-checks-busy',
          'Too many passwords are being checked at the moment; try again shortly',
        );
      }
      // Whoever finishes hands its place over, so the count of the running stays as it is.
      await new Promise<void>((resolve) => this.#line.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
