/**
 * The people of self-service: those with a role in the tenant, in a group, or made for it.
 *
 * One sees oneself, and the people of groups whose members one manages; who sees everything sees everybody.
 */
import type { Caller } from '../caller.js';
import type { NewUser, People } from '../identity/people.js';
import type { Users } from '../identity/users.js';
import type { UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { accompany } from '../store/transaction.js';
import type { Group, Groups } from './groups.js';
import {
  insertOrderer,
  type OrdererField,
  ordererList,
  selectGroupsOfUser,
  selectOrderableGroups,
  selectUserId,
} from './orderers.store.js';
import { managingScope, orderingScope } from './rights.js';

export type { OrdererField } from './orderers.store.js';

export interface NamedGroup {
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

export class Orderers {
  readonly #pool: Pool;
  readonly #groups: Groups;
  readonly #people: People;
  readonly #users: Users;

  constructor(parts: { pool: Pool; groups: Groups; people: People; users: Users }) {
    this.#pool = parts.pool;
    this.#groups = parts.groups;
    this.#people = parts.people;
    this.#users = parts.users;
  }

  async list(caller: Caller, query: ListQuery<OrdererField>): Promise<ListPage> {
    return listPage(this.#pool, ordererList, orderingScope(caller), query);
  }

  /** The groups that a user, whom the caller has found, is in; as far as the caller sees. */
  async groupsOf(caller: Caller, user: number): Promise<readonly NamedGroup[]> {
    const scope = orderingScope(caller);
    return selectGroupsOfUser.all(this.#pool, scope.tenantId, [user, scope.userId, scope.seesPrivate]);
  }

  /** Where a user whom the caller has found may order by their roles; where an administrator may: everywhere. */
  async orderableGroups(caller: Caller, user: number): Promise<readonly NamedGroup[]> {
    if (user === caller.userId) return this.#groups.orderable(caller);
    return selectOrderableGroups.all(this.#pool, orderingScope(caller).tenantId, [user]);
  }

  /**
   * Makes a user and gives them their roles, or neither. Needs `users.manage`.
   *
   * @throws DomainError `invalid`, `forbidden`; `conflict` (`user-exists`)
   */
  async create(
    caller: Caller,
    user: NewUser,
    roles: readonly { readonly group: Group; readonly roles: readonly string[] }[],
  ): Promise<UserId> {
    const scope = managingScope(caller);
    let made: UserId | undefined;
    await accompany(
      {
        after: async (client) => {
          made = (await selectUserId.one(client, [user.username]))!.id;
          await insertOrderer.run(client, scope.tenantId, [made]);
          for (const each of roles) await this.#groups.setRoles(caller, each.group, made, each.roles, client);
        },
      },
      () => this.#people.create(caller, user),
    );
    return made!;
  }

  /** Needs `users.manage`. @throws DomainError as `Users.remove` */
  async remove(caller: Caller, username: string): Promise<void> {
    await this.#users.remove(caller, username);
  }
}
