/** Groups of users: one system role for all in it, and roles in tenants (see tenants.ts). */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { requireName } from './names.js';
import { identityScope, requireManager } from './permission.js';
import { systemRole } from './roles.js';
import {
  deleteMember,
  deleteUserGroup,
  insertMember,
  insertUserGroup,
  type LockedUserGroupRow,
  lockUserGroup,
  selectUserGroup,
  USER_GROUP_LIST,
  type UserGroupField,
  type UserGroupRow,
  updateUserGroupRole,
} from './user-groups.store.js';
import { lockUser } from './users.store.js';

export type { UserGroupField };
export type UserGroup = UserGroupRow;

export class UserGroups {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  async list(caller: Caller, query: ListQuery<UserGroupField>): Promise<ListPage> {
    requirePermission(caller, 'user-groups.manage');
    return listPage(this.#pool, USER_GROUP_LIST, identityScope(caller, 'user-groups.manage'), query);
  }

  /** Names compare without regard to case. */
  async get(caller: Caller, name: string): Promise<UserGroup> {
    requirePermission(caller, 'user-groups.manage');
    return this.#find(name);
  }

  /** @throws DomainError `invalid`; `conflict` (`user-group-exists`), also when another group has the directory name */
  async create(
    caller: Caller,
    group: { readonly name: string; readonly role: string; readonly ldapDn?: string | null },
  ): Promise<UserGroup> {
    requireManager(caller, 'user-groups.manage');
    requireName('user group', group.name, ['users']);
    const role = systemRole(group.role);
    const ldapDn = group.ldapDn ?? null;
    if (ldapDn !== null && (ldapDn.length > 1024 || ldapDn.includes('\0'))) {
      throw new DomainError('invalid', 'ldap-dn-invalid', 'A distinguished name has at most 1024 characters');
    }
    await inTransaction(this.#pool, async (client) => {
      if ((await insertUserGroup.run(client, [group.name, role, ldapDn])) === 0) {
        throw new DomainError('conflict', 'user-group-exists', `User group \`${group.name}\` already exists`);
      }
      await record(client, caller, {
        action: 'create',
        thing: 'user-group',
        id: group.name,
        details: { role },
      });
    });
    return this.#find(group.name);
  }

  /** Its members lose what the group gave them. @returns the group as it was */
  async remove(caller: Caller, name: string): Promise<UserGroup> {
    requireManager(caller, 'user-groups.manage');
    const before = await this.#find(name);
    await this.#change(caller, name, 'delete', {}, (client, group) =>
      deleteUserGroup.run(client, [group.id]),
    );
    return before;
  }

  async setRole(caller: Caller, name: string, word: string): Promise<UserGroup> {
    requireManager(caller, 'user-groups.manage');
    const role = systemRole(word);
    await this.#change(caller, name, 'set-role', { role }, (client, group) =>
      updateUserGroupRole.run(client, [group.id, role]),
    );
    return this.#find(name);
  }

  /** @throws DomainError `not-found`; `conflict` (`already-member`) */
  async addUser(caller: Caller, name: string, username: string): Promise<UserGroup> {
    requireManager(caller, 'user-groups.manage');
    await this.#change(caller, name, 'add-user', { user: username }, async (client, group) => {
      const user = await lockUser.one(client, [username]);
      if (user === null) throw notFound('User', username);
      if ((await insertMember.run(client, [group.id, user.id])) === 0) {
        throw new DomainError(
          'conflict',
          'already-member',
          `User \`${user.username}\` is in user group \`${group.name}\` already`,
        );
      }
    });
    return this.#find(name);
  }

  /** @throws DomainError `not-found`, also (`member-not-found`) when the user is not in the group */
  async removeUser(caller: Caller, name: string, username: string): Promise<UserGroup> {
    requireManager(caller, 'user-groups.manage');
    await this.#change(caller, name, 'remove-user', { user: username }, async (client, group) => {
      const user = await lockUser.one(client, [username]);
      if (user === null) throw notFound('User', username);
      if ((await deleteMember.run(client, [group.id, user.id])) === 0) {
        throw new DomainError(
          'not-found',
          'member-not-found',
          `User \`${user.username}\` is not in user group \`${group.name}\``,
        );
      }
    });
    return this.#find(name);
  }

  async #find(name: string): Promise<UserGroup> {
    const group = name.includes('\0') ? null : await selectUserGroup.one(this.#pool, [name]);
    if (group === null) throw notFound('User group', name);
    return group;
  }

  async #change(
    caller: Caller,
    name: string,
    action: string,
    details: Record<string, string>,
    work: (client: Client, group: LockedUserGroupRow) => Promise<unknown>,
  ): Promise<void> {
    if ([name, ...Object.values(details)].some((text) => text.includes('\0')))
      throw notFound('User group', name);
    await inTransaction(this.#pool, async (client) => {
      const group = await lockUserGroup.one(client, [name]);
      if (group === null) throw notFound('User group', name);
      await work(client, group);
      await record(client, caller, { action, thing: 'user-group', id: group.name, details });
    });
  }
}
