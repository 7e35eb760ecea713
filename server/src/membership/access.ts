/**
 * What members are beyond their tenant role: roles, the keychains of roles, the keys on them.
 *
 * What always holds: roles and keychains are of one tenant; the built-in ones are of all and change nowhere; a tenant keeps a
 * manager. A role in one tenant gives nothing in another.
 */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireManager, requirePerson } from '../identity/permission.js';
import type { UserId } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  countManagers,
  deleteKeychain,
  deleteKeychainKey,
  deleteMemberRoles,
  deleteRole,
  deleteRoleKeychain,
  deleteRoleUses,
  deleteStoredKey,
  insertKeychain,
  insertKeychainKey,
  insertMemberRole,
  insertRoleKeychain,
  type KeychainRow,
  lockMember,
  type RoleRow,
  type StoredKeyRow,
  selectGivenKeys,
  selectKeychainKeys,
  selectKeychains,
  selectMemberRoles,
  selectRoles,
  selectStoredKeys,
  updateKeychain,
  updateMemberRole,
  upsertRole,
  upsertStoredKey,
} from './access.store.js';
import { type AccessKey, CATALOGUE_KEYS } from './access-keys.js';
import { BUILT_IN_ROLES, builtInRole, FOLLOWING, keysOf } from './built-in-roles.js';

export interface ListedRole {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}
export interface ListedKeychain {
  readonly id: string;
  readonly name: string;
  readonly owner: string | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}
export interface ListedKey extends AccessKey {
  readonly owner: string | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

export class Access {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Built-in ones first. Needs `members.read`. */
  async roles(caller: Caller): Promise<readonly ListedRole[]> {
    const scope = scopeFor(caller, 'members.read');
    const own = await selectRoles.all(this.#pool, scope.tenantId);
    return [
      ...BUILT_IN_ROLES.map(({ id, name, description }) => ({ id, name, description, ...TIMELESS })),
      ...own,
    ];
  }

  /** Needs `members.manage`. @throws DomainError `forbidden` (`role-built-in`); `conflict` (`role-exists`) */
  async putRole(
    caller: Caller,
    {
      id,
      name,
      description,
    }: { readonly id: string | null; readonly name: string; readonly description: string },
  ): Promise<ListedRole> {
    const scope = manage(caller);
    refuseBuiltIn(id);
    refuseBuiltIn(name);
    return this.#change(caller, 'put', 'role', name, async (client) => {
      try {
        const row = await upsertRole.one(client, scope.tenantId, [id, name, description]);
        if (row !== null) return row;
      } catch (error) {
        if ((error as { code?: string }).code !== '23505') throw error;
        throw new DomainError('conflict', 'role-exists', `There is a role \`${name}\` already`);
      }
      throw notFound('Role', id ?? name);
    });
  }

  /** Who has it has it no longer. Needs `members.manage`. @throws DomainError `forbidden` (`role-built-in`), `not-found` */
  async removeRole(caller: Caller, id: string): Promise<void> {
    const scope = manage(caller);
    refuseBuiltIn(id);
    await this.#change(caller, 'delete', 'role', id, async (client) => {
      const row: RoleRow | null = await deleteRole.one(client, scope.tenantId, [id]);
      if (row === null) throw notFound('Role', id);
      await deleteRoleUses.run(client, scope.tenantId, [id]);
      return row;
    });
  }

  /**
   * Sets the roles of a member by name or id: `organization admin` and `user` decide the tenant role, others are kept beside it.
   * Needs `members.manage`; `admin` cannot be given here.
   *
   * @throws DomainError `not-found` (`role-not-found`, `member-not-found`), `conflict` (`last-manager`)
   */
  async setRoles(caller: Caller, userId: UserId, names: readonly string[]): Promise<void> {
    const scope = manage(caller);
    const own = await selectRoles.all(this.#pool, scope.tenantId);
    const wanted = names.map((name) => {
      const found =
        builtInRole(name) ??
        own.find((role) => role.id === name || role.name.toLowerCase() === name.toLowerCase());
      if (found === undefined) throw notFound('Role', name);
      return found;
    });
    await this.#change(caller, 'set-roles', 'member', String(userId), (client) =>
      giveRoles(client, scope, userId, wanted, names),
    );
  }

  /** All, or those of a role. Needs `members.read`. */
  async keychains(caller: Caller, roleId: string | null = null): Promise<readonly ListedKeychain[]> {
    const scope = scopeFor(caller, 'members.read');
    const own = await selectKeychains.all(this.#pool, scope.tenantId, [roleId]);
    const builtIn = BUILT_IN_ROLES.filter((role) => roleId === null || role.id === roleId);
    if (roleId !== null && builtIn.length === 0 && !(await this.#hasRole(scope, roleId))) {
      throw notFound('Role', roleId);
    }
    return [
      ...builtIn.map(({ keychain, name }) => ({ id: keychain, name, owner: null, ...TIMELESS })),
      ...own,
    ];
  }

  async createKeychain(caller: Caller, name: string): Promise<ListedKeychain> {
    const scope = manage(caller);
    return this.#change(
      caller,
      'create',
      'keychain',
      name,
      async (client) => (await insertKeychain.one(client, scope.tenantId, [name, caller.userId]))!,
    );
  }

  /** @throws DomainError `not-found`; `forbidden` (`role-built-in`) */
  async renameKeychain(caller: Caller, id: string, name: string): Promise<ListedKeychain> {
    return this.#changeKeychain(caller, 'update', id, (client, scope) =>
      updateKeychain.one(client, scope.tenantId, [id, name]),
    );
  }

  /** @throws DomainError `not-found`; `forbidden` (`role-built-in`) */
  async removeKeychain(caller: Caller, id: string): Promise<ListedKeychain> {
    return this.#changeKeychain(caller, 'delete', id, (client, scope) =>
      deleteKeychain.one(client, scope.tenantId, [id]),
    );
  }

  /** The keys on a keychain. @throws DomainError `not-found` */
  async keysOn(caller: Caller, id: string): Promise<readonly ListedKey[]> {
    const scope = scopeFor(caller, 'members.read');
    const builtIn = BUILT_IN_ROLES.find((role) => role.keychain === id);
    if (builtIn !== undefined) return keysOf(builtIn).map(timeless);
    await this.#requireKeychain(scope, id);
    const ids = new Set(
      (await selectKeychainKeys.all(this.#pool, scope.tenantId, [id])).map((row) => row.keyId),
    );
    return (await this.#allKeys()).filter((key) => ids.has(key.id));
  }

  /** Puts a key on a keychain, or takes it off. @throws DomainError `not-found`; `forbidden` (`role-built-in`) */
  async turnKey(caller: Caller, keychain: string, key: string, on: boolean): Promise<void> {
    const scope = manage(caller);
    refuseBuiltInKeychain(keychain);
    await this.#requireKeychain(scope, keychain);
    if (!(await this.#allKeys()).some((each) => each.id === key)) throw notFound('Key', key);
    const statement = on ? insertKeychainKey : deleteKeychainKey;
    await this.#change(caller, on ? 'add-key' : 'remove-key', 'keychain', keychain, (client) =>
      statement.run(client, scope.tenantId, [keychain, key]),
    );
  }

  /** Gives a keychain to a role, or takes it away. @throws DomainError `not-found`; `forbidden` (`role-built-in`) */
  async turnKeychain(caller: Caller, roleId: string, keychain: string, on: boolean): Promise<void> {
    const scope = manage(caller);
    refuseBuiltInKeychain(keychain);
    await this.#requireKeychain(scope, keychain);
    if (builtInRole(roleId) === undefined && !(await this.#hasRole(scope, roleId)))
      throw notFound('Role', roleId);
    const statement = on ? insertRoleKeychain : deleteRoleKeychain;
    await this.#change(caller, on ? 'add-keychain' : 'remove-keychain', 'role', roleId, (client) =>
      statement.run(client, scope.tenantId, [roleId, keychain]),
    );
  }

  /** Every key there is. Needs `members.read`. */
  async keys(caller: Caller): Promise<readonly ListedKey[]> {
    requirePermission(caller, 'members.read');
    return this.#allKeys();
  }

  /** For those who administer the installation: keys belong to no tenant. @throws DomainError `forbidden` (`key-built-in`) */
  async putKey(
    caller: Caller,
    key: Omit<AccessKey, 'id'> & { readonly id: string | null },
  ): Promise<ListedKey> {
    requireManager(caller, 'tenants.manage');
    refuseBuiltInKey(key.id);
    const { id, category, subcategory, function: name, description } = key;
    return this.#change(
      caller,
      'put',
      'key',
      name,
      async (client) =>
        (await upsertStoredKey.one(client, [id, category, subcategory, name, description, caller.userId]))!,
    );
  }

  /** @throws DomainError `not-found`; `forbidden` (`key-built-in`) */
  async removeKey(caller: Caller, id: string): Promise<void> {
    requireManager(caller, 'tenants.manage');
    refuseBuiltInKey(id);
    await this.#change(caller, 'delete', 'key', id, async (client) => {
      const row: StoredKeyRow | null = await deleteStoredKey.one(client, [id]);
      if (row === null) throw notFound('Key', id);
      return row;
    });
  }

  /** Keys that the caller holds in the tenant of the call. */
  async heldKeys(caller: Caller): Promise<readonly ListedKey[]> {
    const scope = scopeFor(caller, 'members.read');
    const roles = await this.#rolesOf(caller, scope);
    const held = new Set(
      roles
        .flatMap((id) => builtInRole(id))
        .flatMap((role) => (role === undefined ? [] : keysOf(role).map(({ id }) => id))),
    );
    for (const row of await selectGivenKeys.all(this.#pool, scope.tenantId, [roles])) held.add(row.keyId);
    return (await this.#allKeys()).filter(({ id }) => held.has(id));
  }

  /** Whether the caller holds one of the server's own keys. */
  async holds(caller: Caller, key: string): Promise<boolean> {
    const scope = scopeFor(caller, 'members.read');
    const roles = await this.#rolesOf(caller, scope);
    const ofRoles = roles.some((id) => {
      const role = builtInRole(id);
      return role !== undefined && keysOf(role).some((each) => each.id === key);
    });
    if (ofRoles) return true;
    return (await selectGivenKeys.all(this.#pool, scope.tenantId, [roles])).some((row) => row.keyId === key);
  }

  /** Ids of the roles that the caller has in the tenant of the call. */
  async #rolesOf(caller: Caller, scope: TenantScope): Promise<string[]> {
    const beside = await selectMemberRoles.all(this.#pool, scope.tenantId, [caller.userId]);
    const following = caller.permissions.has('tenants.manage')
      ? FOLLOWING.admin
      : caller.permissions.has('members.manage')
        ? FOLLOWING.manager
        : FOLLOWING.member;
    return [builtInRole(following)!.id, ...beside.map((row) => row.roleId)];
  }

  async #allKeys(): Promise<readonly ListedKey[]> {
    return [...(await selectStoredKeys.all(this.#pool)), ...CATALOGUE_KEYS.map(timeless)];
  }

  async #hasRole(scope: TenantScope, id: string): Promise<boolean> {
    return (await selectRoles.all(this.#pool, scope.tenantId)).some((role) => role.id === id);
  }

  async #requireKeychain(scope: TenantScope, id: string): Promise<void> {
    const all = await selectKeychains.all(this.#pool, scope.tenantId, [null]);
    if (!all.some((each) => each.id === id)) throw notFound('Keychain', id);
  }

  async #changeKeychain(
    caller: Caller,
    action: string,
    id: string,
    work: (client: Client, scope: TenantScope) => Promise<KeychainRow | null>,
  ): Promise<ListedKeychain> {
    const scope = manage(caller);
    refuseBuiltInKeychain(id);
    return this.#change(caller, action, 'keychain', id, async (client) => {
      const row = await work(client, scope);
      if (row === null) throw notFound('Keychain', id);
      return row;
    });
  }

  #change<T>(
    caller: Caller,
    action: string,
    thing: string,
    id: string,
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    return inTransaction(this.#pool, async (client) => {
      const done = await work(client);
      await record(client, caller, { action, thing, id });
      return done;
    });
  }
}

/** Sets the roles of a member within a transaction. */
export async function giveRoles(
  client: Client,
  scope: TenantScope,
  userId: UserId,
  wanted: readonly { readonly id: string; readonly name: string }[],
  names: readonly string[] = [],
): Promise<void> {
  if (wanted.some(({ name, id }) => name === FOLLOWING.admin && builtInRole(id) !== undefined)) {
    throw new DomainError(
      'forbidden',
      'role-built-in',
      'The role `admin` is given by those who administer the installation, not here',
    );
  }
  const member = await lockMember.one(client, [scope.tenantId, userId]);
  if (member === null) throw notFound('Member', names.join(', '));
  const isManager = wanted.some(
    ({ name, id }) => name === FOLLOWING.manager && builtInRole(id) !== undefined,
  );
  if (member.role === 'manager' && !isManager) {
    const { count } = (await countManagers.one(client, [scope.tenantId, userId]))!;
    if (count === 0)
      throw new DomainError('conflict', 'last-manager', 'This is the last administrator of the organization');
  }
  const role = isManager ? 'manager' : member.role === 'manager' ? 'user' : member.role;
  await updateMemberRole.run(client, [scope.tenantId, userId, role]);
  await deleteMemberRoles.run(client, scope.tenantId, [userId]);
  const following: readonly string[] = Object.values(FOLLOWING);
  for (const { id, name } of wanted) {
    if (builtInRole(id) !== undefined && following.includes(name)) continue;
    await insertMemberRole.run(client, scope.tenantId, [userId, id]);
  }
}

const TIMELESS = { createdAt: null, updatedAt: null } as const;

function timeless(key: AccessKey): ListedKey {
  return { ...key, owner: null, ...TIMELESS };
}

function manage(caller: Caller): TenantScope {
  requirePerson(caller);
  return scopeFor(caller, 'members.manage');
}

function refuseBuiltIn(idOrName: string | null): void {
  if (idOrName === null || builtInRole(idOrName) === undefined) return;
  throw new DomainError('forbidden', 'role-built-in', 'Built-in roles cannot be changed or removed');
}

function refuseBuiltInKeychain(id: string): void {
  if (!BUILT_IN_ROLES.some(({ keychain }) => keychain === id)) return;
  throw new DomainError(
    'forbidden',
    'role-built-in',
    'Keychains of built-in roles cannot be changed or removed',
  );
}

function refuseBuiltInKey(id: string | null): void {
  if (!CATALOGUE_KEYS.some((key) => key.id === id)) return;
  throw new DomainError('forbidden', 'key-built-in', 'Keys of the catalogue cannot be changed or removed');
}
