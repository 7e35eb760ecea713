/** Making users, and giving or taking their way in: passwords, temporary ones, none at all. */
import { randomBytes } from 'node:crypto';
import { type Caller, requirePermission } from '../caller.js';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { putKey } from './api-keys.js';
import { record } from './audit.js';
import { requireAuthorityOver } from './authority-over.js';
import { requirePassword, requireText, requireUsername } from './names.js';
import type { PasswordHash } from './password-hash.js';
import { requirePerson } from './permission.js';
import {
  findProfile,
  type Profile,
  type ProfileChanges,
  requireSound,
  setMemberships,
  type UserRef,
  userExists,
  userNotFound,
} from './profiles.js';
import {
  type Authentication,
  insertProfile,
  lockProfile,
  updateOwnPassword,
  updateToApiOnly,
} from './profiles.store.js';
import type { SystemRole, TenantRole } from './roles.js';
import { deleteOtherSessions, deleteOwnTokens, lockOwner } from './tokens.store.js';
import { passwordElsewhere } from './users.js';

export interface NewUser extends Omit<ProfileChanges, 'username' | 'consoleDenied'> {
  readonly username: string;
  /** Absent: `internal`. */
  readonly authentication?: Authentication;
  /** The directory or provider, where one vouches for the user. */
  readonly authority?: string | null;
  readonly externalId?: string | null;
  /** Absent for an internal user: a temporary one is made and told once. */
  readonly password?: string;
  /** Absent: `member`. */
  readonly systemRole?: SystemRole;
  readonly tenants?: readonly { readonly id: TenantId; readonly role: TenantRole }[];
}

export interface MadeUser {
  readonly profile: Profile;
  /** Told here and never again: of an internal user without a password. */
  readonly temporaryPassword: { readonly value: string; readonly expiresAt: Date } | null;
  /** Told here and never again: of an API-only user. */
  readonly key: string | null;
}

/** How long a temporary password is good. */
const TEMPORARY_MS = 24 * 3_600_000;

export class People {
  readonly #pool: Pool;
  readonly #hash: PasswordHash;
  readonly #now: () => number;

  constructor(parts: { pool: Pool; passwordHash: PasswordHash; now?: () => number }) {
    this.#pool = parts.pool;
    this.#hash = parts.passwordHash;
    this.#now = parts.now ?? Date.now;
  }

  /**
   * Who manages users makes any; who manages the members of a tenant makes members of it.
   *
   * @throws DomainError `invalid`; `forbidden`; `conflict` (`user-exists`)
   */
  async create(caller: Caller, user: NewUser): Promise<MadeUser> {
    requirePerson(caller);
    this.#requireMayCreate(caller, user);
    requireUsername(user.username);
    requireSound(user);
    if (user.externalId != null) requireText('externalId', user.externalId, 2048);
    const authentication = user.authentication ?? 'internal';
    if (user.password !== undefined && authentication !== 'internal') throw passwordElsewhere();
    const given = user.password;
    if (given !== undefined) requirePassword(given);
    const temporary = authentication === 'internal' && given === undefined ? this.#temporary() : null;
    const password = given ?? temporary?.value;
    const hash = password === undefined ? null : await this.#hash.hash(password);
    return inTransaction(this.#pool, async (client) => {
      const row = await insertProfile.one(client, [
        user.username,
        hash,
        user.systemRole ?? 'member',
        user.email ?? null,
        user.firstName ?? null,
        user.lastName ?? null,
        user.displayName ?? null,
        authentication,
        user.authority ?? null,
        user.externalId ?? null,
        user.apiAccess ?? true,
        user.keysAllowed ?? false,
        user.secondFactorRequired ?? false,
        temporary !== null,
        temporary?.expiresAt ?? null,
      ]);
      if (row === null) throw userExists(user.username);
      await setMemberships(client, caller, row.id, user.tenants ?? []);
      await record(client, caller, {
        action: 'create',
        thing: 'user',
        id: user.username,
        details: { role: user.systemRole ?? 'member', authentication },
      });
      const key = authentication === 'api-only' ? (await putKey(client, caller, row.id)).value : null;
      const profile = (await findProfile(client, { id: row.id }))!;
      return { profile, temporaryPassword: temporary, key };
    });
  }

  /**
   * The user can no longer sign in by any password; every credential ends, and a key takes their place.
   *
   * @returns the key, told once
   * @throws DomainError `forbidden`; `not-found`; `invalid` (`builtin-user`, `own-user`)
   */
  async makeApiOnly(
    caller: Caller,
    ref: UserRef,
  ): Promise<{ readonly profile: Profile; readonly key: string }> {
    return this.#change(caller, ref, 'make-api-only', async (client, user) => {
      if (user.builtin) throw refused('builtin-user', `User \`${user.username}\` can always sign in`);
      if (user.id === caller.userId) throw refused('own-user', 'Users cannot make themselves API-only');
      if ((await updateToApiOnly.run(client, [user.id])) === 0) throw userNotFound(ref);
      await deleteOwnTokens.run(client, [user.id]);
      return { key: (await putKey(client, caller, user.id)).value };
    });
  }

  /** A temporary password in place of the one before; every sign-in ends. Told once. */
  async resetPassword(
    caller: Caller,
    ref: UserRef,
  ): Promise<{ readonly profile: Profile; readonly value: string; readonly expiresAt: Date }> {
    const temporary = this.#temporary();
    const hash = await this.#hash.hash(temporary.value);
    return this.#change(caller, ref, 'reset-password', async (client, user) => {
      await updateOwnPassword.run(client, [user.id, hash, true, temporary.expiresAt]);
      await deleteOtherSessions.run(client, [user.id, null]);
      return temporary;
    });
  }

  /**
   * One's own password, after the one before was shown (`Credentials.verifyPassword`). Every other sign-in and every signed
   * token ends; keys and tokens that were made by hand stay.
   *
   * @param keep the token of the sign-in that asks
   * @throws DomainError `invalid` (`password-invalid`, `password-elsewhere`)
   */
  async changeOwnPassword(caller: Caller, password: string, keep: string | null = null): Promise<void> {
    requirePerson(caller);
    requirePassword(password);
    const hash = await this.#hash.hash(password);
    await inTransaction(this.#pool, async (client) => {
      await lockOwner.one(client, [caller.userId]);
      const user = await findProfile(client, { id: caller.userId });
      if (user === null) throw userNotFound({ id: caller.userId });
      if (user.authentication !== 'internal') throw passwordElsewhere();
      await updateOwnPassword.run(client, [user.id, hash, false, null]);
      await deleteOtherSessions.run(client, [user.id, keep]);
      await record(client, caller, { action: 'set-password', thing: 'user', id: user.username });
    });
  }

  async #change<T extends object>(
    caller: Caller,
    ref: UserRef,
    action: string,
    work: (client: Client, user: Profile) => Promise<T>,
  ): Promise<T & { readonly profile: Profile }> {
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const found = await findProfile(client, ref);
      if (found === null) throw userNotFound(ref);
      await lockProfile.one(client, [found.id]);
      const user = (await findProfile(client, { id: found.id })) ?? found;
      requireAuthorityOver(caller, user);
      const result = await work(client, user);
      await record(client, caller, { action, thing: 'user', id: user.username });
      return { ...result, profile: (await findProfile(client, { id: user.id }))! };
    });
  }

  #requireMayCreate(caller: Caller, user: NewUser): void {
    if (caller.permissions.has('users.manage')) return;
    requirePermission(caller, 'members.manage');
    const tenants = user.tenants ?? [];
    const within = tenants.length === 1 && tenants[0]!.id === caller.tenant?.id;
    if (!within || (user.systemRole ?? 'member') !== 'member') requirePermission(caller, 'users.manage');
  }

  #temporary(): { value: string; expiresAt: Date } {
    return {
      value: randomBytes(15).toString('base64url'),
      expiresAt: new Date(this.#now() + TEMPORARY_MS),
    };
  }
}

function refused(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message);
}
