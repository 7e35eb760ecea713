/**
 * Users. Only those who manage users may change them; everybody may look at themselves and change their own password.
 *
 * There is always an active administrator: the last one can be neither removed, deactivated nor demoted, also not by
 * two requests at once. The first administrator (`builtin`) can be deactivated but neither removed nor demoted.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { keepAnAdmin } from './last-admin.js';
import { requireName, requirePassword } from './names.js';
import type { PasswordHash } from './password-hash.js';
import { identityScope, requireManager, requirePerson } from './permission.js';
import { systemRole } from './roles.js';
import { deleteOwnTokens, deleteSessionTokens } from './tokens.store.js';
import {
  deleteKeptOfUser,
  deleteUser,
  insertUser,
  type LockedUserRow,
  lockActiveAdmins,
  lockUser,
  selectUser,
  USER_LIST,
  type UserField,
  type UserRow,
  updateActive,
  updateGettingStarted,
  updatePassword,
  updateRole,
  updateUnlocked,
} from './users.store.js';

export type { UserField };
export type User = UserRow;

/** What a user, or a tenant, still has: counted by the rooms that keep it. */
export interface Belongings {
  /** In the plural, for the message: `deployments`. */
  readonly things: string;
  readonly count: number;
}
export type BelongingsOfUser = (db: Queryable, user: UserId) => Promise<Belongings>;

export class Users {
  readonly #pool: Pool;
  readonly #hash: PasswordHash;
  readonly #belongings: readonly BelongingsOfUser[];

  constructor(parts: { pool: Pool; passwordHash: PasswordHash; belongings?: readonly BelongingsOfUser[] }) {
    this.#pool = parts.pool;
    this.#hash = parts.passwordHash;
    this.#belongings = parts.belongings ?? [];
  }

  async list(caller: Caller, query: ListQuery<UserField>): Promise<ListPage> {
    requirePermission(caller, 'users.read');
    return listPage(this.#pool, USER_LIST, identityScope(caller, 'users.read'), query);
  }

  /** Names compare without regard to case. Everybody may look at themselves. */
  async get(caller: Caller, username: string): Promise<User> {
    if (!isSelf(caller, username)) requirePermission(caller, 'users.read');
    return this.#find(username);
  }

  /** @throws DomainError `invalid`; `conflict` (`user-exists`) */
  async create(
    caller: Caller,
    user: { readonly username: string; readonly password: string; readonly role: string },
  ): Promise<User> {
    requireManager(caller, 'users.manage');
    requireName('user', user.username);
    requirePassword(user.password);
    const role = systemRole(user.role);
    const hash = await this.#hash.hash(user.password);
    await inTransaction(this.#pool, async (client) => {
      const row = await insertUser.one(client, [user.username, hash, role, false, null]);
      if (row === null) {
        throw new DomainError('conflict', 'user-exists', `User \`${user.username}\` already exists`);
      }
      await record(client, caller, { action: 'create', thing: 'user', id: user.username, details: { role } });
    });
    return this.#find(user.username);
  }

  /**
   * The user goes with their tokens and memberships.
   *
   * @returns the user as they were
   * @throws DomainError `invalid` (`builtin-user`, `own-user`, `last-admin`), `conflict` (`user-has-belongings`)
   */
  async remove(caller: Caller, username: string): Promise<User> {
    requireManager(caller, 'users.manage');
    const before = await this.#find(username);
    await this.#change(caller, username, 'delete', {}, async (client, user) => {
      if (user.builtin) throw refused('builtin-user', `User \`${user.username}\` cannot be removed`);
      if (user.id === caller.userId) throw refused('own-user', 'Users cannot remove themselves');
      await keepAnAdmin(client, user);
      for (const count of this.#belongings) {
        const left = await count(client, user.id);
        if (left.count > 0) throw hasBelongings(user.username, `${left.count} ${left.things}`);
      }
      try {
        await deleteKeptOfUser.run(client, [user.id]);
        await deleteUser.run(client, [user.id]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw hasBelongings(user.username, 'resources');
      }
    });
    return before;
  }

  /** Every token of the user ends but those of executions that run. One's own password may be changed by everybody. */
  async setPassword(caller: Caller, username: string, password: string): Promise<User> {
    if (!isSelf(caller, username)) requirePermission(caller, 'users.manage');
    requirePerson(caller);
    requirePassword(password);
    const hash = await this.#hash.hash(password);
    await this.#change(caller, username, 'set-password', {}, async (client, user) => {
      if (user.authentication !== 'internal' && user.id === caller.userId) throw passwordElsewhere();
      await updatePassword.run(client, [user.id, hash]);
      await deleteOwnTokens.run(client, [user.id]);
    });
    return this.#find(username);
  }

  /** Whether a web interface should show the user its tour. Everybody may say so of themselves. */
  async setGettingStarted(caller: Caller, username: string, wanted: boolean): Promise<User> {
    if (!isSelf(caller, username)) requirePermission(caller, 'users.manage');
    requirePerson(caller);
    const details = { wanted: String(wanted) };
    await this.#change(caller, username, 'set-getting-started', details, (client, user) =>
      updateGettingStarted.run(client, [user.id, wanted]),
    );
    return this.#find(username);
  }

  /** @throws DomainError `invalid` (`role-unknown`, `builtin-user`, `last-admin`) */
  async setRole(caller: Caller, username: string, word: string): Promise<User> {
    requireManager(caller, 'users.manage');
    const role = systemRole(word);
    await this.#change(caller, username, 'set-role', { role }, async (client, user) => {
      if (role !== 'admin') {
        if (user.builtin) throw refused('builtin-user', `User \`${user.username}\` must stay administrator`);
        await keepAnAdmin(client, user);
      }
      await updateRole.run(client, [user.id, role]);
    });
    return this.#find(username);
  }

  /** @throws DomainError `conflict` (`user-active`) */
  async activate(caller: Caller, username: string): Promise<User> {
    requireManager(caller, 'users.manage');
    await this.#change(caller, username, 'activate', {}, async (client, user) => {
      if (user.active) {
        throw new DomainError('conflict', 'user-active', `User \`${user.username}\` is active already`);
      }
      await updateActive.run(client, [user.id, true]);
    });
    return this.#find(username);
  }

  /** Counts with the next request, whatever the credential. @throws DomainError `conflict` (`user-inactive`), `invalid` */
  async deactivate(caller: Caller, username: string): Promise<User> {
    requireManager(caller, 'users.manage');
    await this.#change(caller, username, 'deactivate', {}, async (client, user) => {
      if (!user.active) {
        throw new DomainError('conflict', 'user-inactive', `User \`${user.username}\` is inactive already`);
      }
      await keepAnAdmin(client, user);
      await updateActive.run(client, [user.id, false]);
      await deleteSessionTokens.run(client, [user.id]);
    });
    return this.#find(username);
  }

  /** Lifts the lock that failed sign-ins brought; does nothing where there is none. */
  async unlock(caller: Caller, username: string): Promise<User> {
    requireManager(caller, 'users.manage');
    await this.#change(caller, username, 'unlock', {}, (client, user) =>
      updateUnlocked.run(client, [user.id]),
    );
    return this.#find(username);
  }

  async #find(username: string): Promise<User> {
    const user = username.includes('\0') ? null : await selectUser.one(this.#pool, [username]);
    if (user === null) throw notFound('User', username);
    return user;
  }

  async #change(
    caller: Caller,
    username: string,
    action: string,
    details: Record<string, string>,
    work: (client: Client, user: LockedUserRow) => Promise<unknown>,
  ): Promise<void> {
    if (username.includes('\0')) throw notFound('User', username);
    await inTransaction(this.#pool, async (client) => {
      // Before the user's own row: the same order for all, so that changes to administrators cannot deadlock.
      if (['delete', 'set-role', 'deactivate'].includes(action)) await lockActiveAdmins.all(client);
      const user = await lockUser.one(client, [username]);
      if (user === null) throw notFound('User', username);
      await work(client, user);
      await record(client, caller, { action, thing: 'user', id: user.username, details });
    });
  }
}

/** The user's own directory or provider has the password, or there is none on purpose. */
export function passwordElsewhere(): DomainError {
  return refused('password-elsewhere', 'This user signs in without a password of this server');
}

function isSelf(caller: Caller, username: string): boolean {
  return caller.username.toLowerCase() === username.toLowerCase();
}

function refused(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message);
}

function hasBelongings(username: string, what: string): DomainError {
  return new DomainError('conflict', 'user-has-belongings', `User \`${username}\` still owns ${what}`);
}
