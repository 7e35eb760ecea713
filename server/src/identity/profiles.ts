/**
 * Users as people: who they are beyond their name, found by whatever a dialect knows them by, and made and changed by those
 * who manage users, or who manage the members of a tenant (authority-over.ts). `Users` is the older, smaller face of
 * the same rows.
 *
 * What ends credentials does so in the transaction of the change: deactivating and denying the console end every sign-in,
 * becoming API-only ends everything, removing removes everything. Signed tokens carry the user's generation, which goes up.
 */
import { type Caller, requirePermission, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { TenantId, UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { maySee, requireAuthorityOver } from './authority-over.js';
import { authenticatedFrom, callerOf } from './callers.js';
import { selectStanding } from './callers.store.js';
import { keepAnAdmin } from './last-admin.js';
import { requireEmail, requireText, requireUsername } from './names.js';
import { identityScope, requirePerson } from './permission.js';
import {
  deleteMembership,
  lockProfile,
  MEMBER_LIST,
  PROFILE_LIST,
  type ProfileField,
  type ProfileRow,
  selectProfileByEmail,
  selectProfileById,
  selectProfileByName,
  selectProfileByUuid,
  updateCurrentTenant,
  updateProfile,
  updateStanding,
  updateSystemRole,
  upsertMembership,
} from './profiles.store.js';
import { reachesEveryTenant, type SystemRole, type TenantRole } from './roles.js';
import { deleteSessionTokens } from './tokens.store.js';
import { deleteKeptOfUser, deleteUser, lockActiveAdmins } from './users.store.js';

export type { Authentication, Membership, ProfileField } from './profiles.store.js';
export type Profile = ProfileRow;

/** A user, by what a dialect knows of them. */
export type UserRef =
  | { readonly id: number }
  | { readonly uuid: string }
  | { readonly username: string }
  | { readonly email: string };

/** Absent: stays. Null: is taken away. */
export interface ProfileChanges {
  readonly username?: string;
  readonly email?: string | null;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly displayName?: string | null;
  readonly apiAccess?: boolean;
  readonly keysAllowed?: boolean;
  readonly consoleDenied?: boolean;
  readonly secondFactorRequired?: boolean;
}

/** What everybody may change of themselves. */
const OWN: readonly (keyof ProfileChanges)[] = ['firstName', 'lastName', 'displayName'];

export class Profiles {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /** Everybody, for those who see all users; else the caller alone. */
  async list(caller: Caller, query: ListQuery<ProfileField>): Promise<ListPage> {
    return listPage(this.#pool, PROFILE_LIST, identityScope(caller, 'users.read'), query);
  }

  /** Those who are in the tenant of the call, by themselves or through a group. */
  async listMembers(caller: Caller, query: ListQuery<ProfileField>): Promise<ListPage> {
    return listPage(this.#pool, MEMBER_LIST, scopeFor(caller, 'members.read'), query);
  }

  /** @throws DomainError `not-found`, also for users whom the caller may not see */
  async get(caller: Caller, ref: UserRef): Promise<Profile> {
    const profile = await findProfile(this.#pool, ref);
    if (profile === null || !maySee(caller, profile)) throw userNotFound(ref);
    return profile;
  }

  /** The caller's own. */
  async own(caller: Caller): Promise<Profile> {
    return this.get(caller, { id: caller.userId });
  }

  /**
   * Names one may change oneself; the rest is for those with authority over the user. Denying the console ends every
   * sign-in; taking API access away ends signed tokens.
   *
   * @throws DomainError `invalid`; `conflict` (`user-exists`); `forbidden` (`user-not-yours`)
   */
  async update(caller: Caller, ref: UserRef, changes: ProfileChanges): Promise<Profile> {
    requireSound(changes);
    const given = (Object.keys(changes) as (keyof ProfileChanges)[]).filter(
      (key) => changes[key] !== undefined,
    );
    const ownOnly = given.every((key) => OWN.includes(key));
    return this.#change(
      caller,
      ref,
      'update',
      { changed: given.join(',') },
      ownOnly,
      async (client, user) => {
        if (user.builtin && changes.username !== undefined && changes.username !== user.username) {
          throw refused('builtin-user', `User \`${user.username}\` keeps its name`);
        }
        if (user.builtin && changes.consoleDenied === true) {
          throw refused('builtin-user', `User \`${user.username}\` can always sign in`);
        }
        const text = (value: string | null | undefined) => [value !== undefined, value ?? null];
        const values = [
          user.id,
          changes.username ?? null,
          ...text(changes.email),
          ...text(changes.firstName),
          ...text(changes.lastName),
          ...text(changes.displayName),
          changes.apiAccess ?? null,
          changes.keysAllowed ?? null,
          changes.consoleDenied ?? null,
          changes.secondFactorRequired ?? null,
        ];
        await unlessTaken(changes.username ?? '', () => updateProfile.run(client, values));
        if (changes.consoleDenied === true) await deleteSessionTokens.run(client, [user.id]);
      },
    );
  }

  /**
   * What the user is: their system role, and their own role in tenants (null: out of it). Who manages only the members of
   * a tenant gives roles there and nothing else.
   *
   * @throws DomainError `forbidden`; `invalid` (`last-admin`, `builtin-user`, `own-user`)
   */
  async setRoles(
    caller: Caller,
    ref: UserRef,
    roles: {
      readonly systemRole?: SystemRole;
      readonly tenants?: readonly { readonly id: TenantId; readonly role: TenantRole | null }[];
    },
  ): Promise<Profile> {
    const details = { role: roles.systemRole ?? null, tenants: roles.tenants?.length ?? 0 };
    return this.#change(caller, ref, 'set-role', details, false, async (client, user) => {
      if (roles.systemRole !== undefined && roles.systemRole !== user.systemRole) {
        requirePermission(caller, 'users.manage');
        if (user.builtin) throw refused('builtin-user', `User \`${user.username}\` must stay administrator`);
        await keepAnAdmin(client, { ...user, role: user.systemRole });
        await updateSystemRole.run(client, [user.id, roles.systemRole]);
      }
      await setMemberships(client, caller, user.id, roles.tenants ?? []);
    });
  }

  /**
   * A user whom the caller only takes into, or out of, the tenant of the call: nobody's authority over them is needed, only
   * over the tenant.
   *
   * @throws DomainError `forbidden`; `not-found`
   */
  async setMember(caller: Caller, ref: UserRef, role: TenantRole | null): Promise<Profile> {
    const { tenantId } = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    const user = await findProfile(this.#pool, ref);
    if (user === null) throw userNotFound(ref);
    await inTransaction(this.#pool, async (client) => {
      await lockProfile.one(client, [user.id]);
      await setMemberships(client, caller, user.id, [{ id: tenantId, role }]);
      await record(client, caller, {
        action: role === null ? 'remove-user' : 'add-user',
        thing: 'tenant',
        id: caller.tenant!.name,
        details: { user: user.username, role },
      });
    });
    return (await findProfile(this.#pool, { id: user.id }))!;
  }

  /** Suspends, or ends the suspension. Suspended, no credential of the user is good; sign-ins end for good. */
  async setActive(caller: Caller, ref: UserRef, active: boolean): Promise<Profile> {
    const action = active ? 'activate' : 'deactivate';
    return this.#change(caller, ref, action, {}, false, async (client, user) => {
      if (!active) await keepAnAdmin(client, { ...user, role: user.systemRole });
      await updateStanding.run(client, [user.id, active]);
      if (!active) await deleteSessionTokens.run(client, [user.id]);
    });
  }

  /**
   * The user goes with every credential and membership.
   *
   * @returns the user as they were
   * @throws DomainError `invalid` (`builtin-user`, `own-user`, `last-admin`), `conflict` (`user-has-belongings`)
   */
  async remove(caller: Caller, ref: UserRef, options: { readonly self?: boolean } = {}): Promise<Profile> {
    return this.#change(caller, ref, 'delete', {}, options.self === true, async (client, user) => {
      if (user.builtin) throw refused('builtin-user', `User \`${user.username}\` cannot be removed`);
      if (user.id === caller.userId && options.self !== true)
        throw refused('own-user', 'Users cannot remove themselves');
      await keepAnAdmin(client, { ...user, role: user.systemRole });
      try {
        await deleteKeptOfUser.run(client, [user.id]);
        await deleteUser.run(client, [user.id]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'conflict',
          'user-has-belongings',
          `User \`${user.username}\` still owns resources`,
        );
      }
    });
  }

  /**
   * From now on the caller works in this tenant, unless a request says otherwise: sessions and keys alike.
   *
   * @param tenantName null: nowhere in particular
   * @throws DomainError `forbidden` (`tenant-forbidden`); `not-found` where those ask who reach every tenant
   */
  async switchTenant(caller: Caller, tenantName: string | null): Promise<void> {
    requirePerson(caller);
    const row = await selectStanding.name.one(this.#pool, [
      caller.userId,
      tenantName?.includes('\0') ? null : tenantName,
    ]);
    if (row === null) throw notFound('User', caller.username);
    if (
      tenantName !== null &&
      row.tenantId === null &&
      reachesEveryTenant({ ...row, groupSystemRoles: row.groupRoles })
    ) {
      throw notFound('Tenant', tenantName);
    }
    callerOf(authenticatedFrom(row, tenantName), caller.requestId);
    await inTransaction(this.#pool, async (client) => {
      await updateCurrentTenant.run(client, [caller.userId, row.tenantId]);
      await record(client, caller, {
        action: 'switch-tenant',
        thing: 'user',
        id: caller.username,
        details: { tenant: tenantName },
      });
    });
  }

  /** `work` meets the user as they stay until the transaction ends. @returns the user after it, or before, where they are gone */
  async #change(
    caller: Caller,
    ref: UserRef,
    action: string,
    details: Record<string, string | number | null>,
    selfMay: boolean,
    work: (client: Client, user: Profile) => Promise<unknown>,
  ): Promise<Profile> {
    requirePerson(caller);
    const found = await findProfile(this.#pool, ref);
    if (found === null || !maySee(caller, found)) throw userNotFound(ref);
    return inTransaction(this.#pool, async (client) => {
      // Before the user's own row, in one order for all: see last-admin.ts.
      if (['delete', 'set-role', 'deactivate'].includes(action)) await lockActiveAdmins.all(client);
      await lockProfile.one(client, [found.id]);
      const user = await findProfile(client, { id: found.id });
      if (user === null) throw userNotFound(ref);
      if (!(selfMay && user.id === caller.userId)) requireAuthorityOver(caller, user);
      await work(client, user);
      await record(client, caller, { action, thing: 'user', id: user.username, details });
      return (await findProfile(client, { id: user.id })) ?? user;
    });
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** For the services of this room, which check who asks. */
export async function findProfile(db: Queryable, ref: UserRef): Promise<Profile | null> {
  if ('id' in ref) return Number.isSafeInteger(ref.id) ? selectProfileById.one(db, [ref.id]) : null;
  if ('uuid' in ref) return UUID.test(ref.uuid) ? selectProfileByUuid.one(db, [ref.uuid]) : null;
  if ('username' in ref) {
    return ref.username.includes('\0') ? null : selectProfileByName.one(db, [ref.username]);
  }
  return ref.email.includes('\0') ? null : selectProfileByEmail.one(db, [ref.email]);
}

/** What to call somebody: as they are shown to people. */
export function nameOf(user: Pick<Profile, 'displayName' | 'firstName' | 'lastName' | 'username'>): string {
  const parts = [user.firstName, user.lastName].filter((part) => part !== null && part !== '');
  return user.displayName ?? (parts.length > 0 ? parts.join(' ') : user.username);
}

export function userNotFound(ref: UserRef): DomainError {
  return notFound('User', String(Object.values(ref)[0]));
}

/** @throws DomainError `forbidden`: a tenant that the caller does not manage the members of */
export async function setMemberships(
  client: Queryable,
  caller: Caller,
  user: UserId,
  tenants: readonly { readonly id: TenantId; readonly role: TenantRole | null }[],
): Promise<void> {
  for (const { id, role } of tenants) {
    const manages =
      caller.permissions.has('users.manage') ||
      (caller.permissions.has('members.manage') && caller.tenant?.id === id);
    if (!manages) requirePermission(caller, 'tenants.manage');
    if (role === null) await deleteMembership.run(client, [id, user]);
    else await upsertMembership.run(client, [id, user, role]);
  }
}

/** @throws DomainError `conflict` (`user-exists`) */
export async function unlessTaken<T>(username: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if ((error as { code?: string }).code !== '23505') throw error;
    throw userExists(username);
  }
}

export function userExists(username: string): DomainError {
  return new DomainError('conflict', 'user-exists', `User \`${username}\` already exists`);
}

/** @throws DomainError `invalid`, naming the field */
export function requireSound(changes: ProfileChanges): void {
  if (changes.username !== undefined) requireUsername(changes.username);
  if (changes.email != null) requireEmail(changes.email);
  if (changes.firstName != null) requireText('firstName', changes.firstName, 256);
  if (changes.lastName != null) requireText('lastName', changes.lastName, 256);
  if (changes.displayName != null) requireText('displayName', changes.displayName, 512);
}

function refused(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message);
}
