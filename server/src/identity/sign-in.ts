/**
 * Signing in as a person does, once, with whatever they have: a name or an e-mail address, a password that is here or in a
 * directory, a code. What follows from it (a session, a signed token) is the dialect's to begin.
 *
 * Clients that send a password with each request call `Credentials.verifyPassword` instead, which knows passwords of this
 * server alone.
 */
import type { Pool } from '../store/pool.js';
import { type Authenticated, askable, signInRefused, type TenantAsk } from './callers.js';
import type { Credentials } from './credentials.js';
import type { Directories } from './directories.js';
import { selectNamesOfEmail } from './profiles.store.js';

export interface PasswordShown {
  /** A user name, or an e-mail address that one user has. */
  readonly identifier: string;
  readonly password: string;
  /** Of a second factor; null: none was given. */
  readonly code?: string | null;
  /** The directory that is to check the password; null: the user's own, or this server. */
  readonly directory?: string | null;
  /** Of the client. */
  readonly address: string;
  readonly tenant?: TenantAsk;
}

export class SignIn {
  readonly #pool: Pool;
  readonly #credentials: Credentials;
  readonly #directories: Directories;

  constructor(parts: { pool: Pool; credentials: Credentials; directories: Directories }) {
    this.#pool = parts.pool;
    this.#credentials = parts.credentials;
    this.#directories = parts.directories;
  }

  /**
   * @throws DomainError as `Credentials.verifyPassword`; `unavailable` (`directory-unavailable`) when the directory does not
   *   answer
   */
  async withPassword(shown: PasswordShown): Promise<Authenticated> {
    const { password, code = null, address, tenant = null } = shown;
    const username = await this.#usernameOf(shown.identifier);
    const given = shown.directory === undefined || shown.directory === '' ? null : shown.directory;
    const directory = given ?? (await this.#credentials.directoryOf(username));
    if (directory === null) {
      return this.#credentials.verifyPassword(username, password, address, tenant, code);
    }
    // An empty password is an anonymous bind to many directories: it would succeed.
    if (password === '' || askable(username) === null) throw signInRefused();
    await this.#credentials.admit(username, address);
    const provisioned = await this.#directories.authenticate(directory, username, password);
    if (provisioned === null) return this.#credentials.refuse(username, address);
    return this.#credentials.accept(provisioned, address, tenant, code);
  }

  /** The name of the one user who has the address; what was given where it is none's, or several people's. */
  async #usernameOf(identifier: string): Promise<string> {
    if (!identifier.includes('@') || identifier.length > 320 || askable(identifier) === null)
      return identifier;
    const names = await selectNamesOfEmail.all(this.#pool, [identifier]);
    const own = names.find(({ username }) => username.toLowerCase() === identifier.toLowerCase());
    return own?.username ?? (names.length === 1 ? names[0]!.username : identifier);
  }
}
