/**
 * Groups of people who order: a tree, each with members, environments and rules of approval.
 *
 * A group is seen by its members and by members of the groups above it. Its name is unique among its siblings. Groups do not move, so
 * the way from the top (`path`) is written once.
 */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteGroup,
  deleteMember,
  type GroupField,
  type GroupRow,
  groupList,
  insertGroup,
  insertGroupEnvironments,
  insertMember,
  insertType,
  lockGroup,
  type MemberRow,
  selectGroup,
  selectGroupsByKey,
  selectMembers,
  selectRateOfGroup,
  selectRoles,
  selectSubgroups,
  selectType,
  setExpiry,
  setInheritance,
  updatePath,
  updateRole,
} from './groups.store.js';
import { requireTitle } from './names.js';
import { GROUP_PERMISSIONS } from './permissions.js';
import { isOrderingAdmin, managingScope, orderingScope, type Rights } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { GroupField } from './groups.store.js';
export type Group = GroupRow;
export type Member = MemberRow;

export interface NewGroup {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly parent?: ThingKey;
  /** Keys of environments, found before. */
  readonly environments?: readonly number[];
  readonly autoApproval?: boolean;
  /** What it says of parameters holds in the groups below it too. */
  readonly inheritParameters?: boolean;
}

/** What becomes of its servers on the day they expire, and days of notice before it. Null: as the group above says, or a setting. */
export interface ExpiryRule {
  readonly action: 'notify' | 'power-off' | 'delete' | null;
  readonly noticeDays: number | null;
}

/** What keeps a group from being deleted: told by the rooms that keep it. */
export type ThingsOfGroup = (
  db: Queryable,
  scope: TenantScope,
  groupUid: number,
) => Promise<{ readonly things: string; readonly count: number }>;

export class Groups {
  readonly #pool: Pool;
  readonly #rights: Rights;
  readonly #things: ThingsOfGroup[] = [];

  constructor(pool: Pool, rights: Rights) {
    this.#pool = pool;
    this.#rights = rights;
  }

  /** Names what is in groups, so that none goes with it still there. */
  holding(things: ThingsOfGroup): void {
    this.#things.push(things);
  }

  async list(caller: Caller, query: ListQuery<GroupField>): Promise<ListPage> {
    return listPage(this.#pool, groupList, orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<Group> {
    const scope = orderingScope(caller);
    const group = await selectGroup.one(db, scope.tenantId, [
      ...keyValues(key),
      scope.userId,
      scope.seesPrivate,
    ]);
    if (group === null) throw notFound('Group', keyText(key));
    return group;
  }

  /** Groups by their surrogate keys, in order of their numbers. */
  async byKeys(db: Queryable, scope: TenantScope, uids: readonly number[]): Promise<readonly Group[]> {
    return selectGroupsByKey.all(db, scope.tenantId, [uids]);
  }

  async subgroups(
    caller: Caller,
    group: Group,
  ): Promise<readonly { number: number; code: string; name: string }[]> {
    return selectSubgroups.all(this.#pool, orderingScope(caller).tenantId, [group.uid]);
  }

  /** What its own servers cost in the unit of the setting, as far as they were ordered. */
  async rate(caller: Caller, group: Group): Promise<number> {
    return (await selectRateOfGroup.one(this.#pool, orderingScope(caller).tenantId, [group.uid]))!.rate;
  }

  /** Groups in which a user may order, and whose type may. */
  async orderable(caller: Caller): Promise<readonly Group[]> {
    const scope = orderingScope(caller);
    const uids = await this.#rights.groupsWith(caller, 'order.submit');
    const groups = await selectGroupsByKey.all(this.#pool, scope.tenantId, [uids]);
    return groups.filter((group) => group.mayOrder);
  }

  /**
   * The creator gets all roles in it. Below a group: `group.manage` there; at the top, or of a new type: administrators.
   *
   * @throws DomainError `invalid`, `forbidden`, `not-found`; `conflict` (`group-exists`)
   */
  async create(caller: Caller, group: NewGroup): Promise<Group> {
    const scope = orderingScope(caller);
    requireTitle('group', group.name);
    requireTitle('group type', group.type);
    const parent = group.parent === undefined ? null : await this.find(caller, group.parent);
    if (parent === null) managingScope(caller);
    else await this.#rights.require(caller, 'group.manage', parent);
    return unlessTaken(group.name, () =>
      inTransaction(this.#pool, async (client) => {
        const typeUid = await this.#typeOf(client, caller, group.type);
        if (parent !== null) await this.#lock(client, scope, parent);
        const number = await nextNumber(client, scope.tenantId, 'ordering-group');
        const { uid } = (await insertGroup.one(client, scope.tenantId, [
          number,
          group.name,
          group.description ?? '',
          typeUid,
          parent?.uid ?? null,
          group.autoApproval ?? false,
        ]))!;
        await updatePath.run(client, scope.tenantId, [uid]);
        if (group.inheritParameters === true) await setInheritance.run(client, scope.tenantId, [uid, true]);
        const roles = await selectRoles.all(client, scope.tenantId);
        await insertMember.run(client, scope.tenantId, [uid, scope.userId, roles.map((role) => role.name)]);
        await insertGroupEnvironments.run(client, scope.tenantId, [group.environments ?? [], uid]);
        await record(client, caller, {
          action: 'create',
          thing: 'group',
          id: group.name,
          details: { number },
        });
        return (await selectGroupsByKey.one(client, scope.tenantId, [[uid]]))!;
      }),
    );
  }

  /** For its servers and those of groups below that say nothing else. Needs `group.manage`. @throws DomainError `not-found`, `forbidden`; `invalid` */
  async setExpiry(caller: Caller, key: ThingKey, { action, noticeDays }: ExpiryRule): Promise<Group> {
    const scope = orderingScope(caller);
    const group = await this.find(caller, key);
    await this.#rights.require(caller, 'group.manage', group);
    if (noticeDays !== null && !(Number.isInteger(noticeDays) && noticeDays >= 0 && noticeDays <= 365)) {
      throw new DomainError('invalid', 'expiry-invalid', 'Days of notice are a whole number from 0 to 365', {
        details: { field: 'notice-days' },
      });
    }
    await inTransaction(this.#pool, async (client) => {
      await setExpiry.run(client, scope.tenantId, [group.uid, action, noticeDays]);
      const details = { action, noticeDays };
      await record(client, caller, { action: 'set-expiry', thing: 'group', id: group.name, details });
    });
    return group;
  }

  /** Needs `group.manage`. @throws DomainError `not-found`, `forbidden`; `conflict` (`group-in-use`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = orderingScope(caller);
    const group = await this.find(caller, key);
    await this.#rights.require(caller, 'group.manage', group);
    await inTransaction(this.#pool, async (client) => {
      await this.#lock(client, scope, group);
      const below = await selectSubgroups.all(client, scope.tenantId, [group.uid]);
      if (below.length > 0) throw inUse(group, `${below.length} subgroups`);
      for (const count of this.#things) {
        const left = await count(client, scope, group.uid);
        if (left.count > 0) throw inUse(group, `${left.count} ${left.things}`);
      }
      try {
        await deleteGroup.run(client, scope.tenantId, [group.uid]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw inUse(group, 'things that refer to it');
      }
      await record(client, caller, { action: 'delete', thing: 'group', id: group.name });
    });
  }

  /** Who is in the group, with their roles. Needs `group.view`. */
  async members(caller: Caller, group: Group): Promise<readonly Member[]> {
    await this.#rights.require(caller, 'group.view', group);
    return selectMembers.all(this.#pool, orderingScope(caller).tenantId, [group.uid]);
  }

  /**
   * Gives a user exactly these roles in a group; none: they leave it. Needs `group.manage_members`.
   *
   * @throws DomainError `invalid` (`group-role-unknown`), `forbidden`
   */
  async setRoles(
    caller: Caller,
    group: Group,
    user: UserId,
    roles: readonly string[],
    db?: Client,
  ): Promise<void> {
    const scope = orderingScope(caller);
    await this.#rights.require(caller, 'group.manage_members', group, db);
    const work = async (client: Client) => {
      const known = await selectRoles.all(client, scope.tenantId);
      const unknown = roles.find((name) => !known.some((role) => role.name === name));
      if (unknown !== undefined)
        throw unknownRole(
          unknown,
          known.map((role) => role.name),
        );
      await deleteMember.run(client, scope.tenantId, [group.uid, user]);
      await insertMember.run(client, scope.tenantId, [group.uid, user, roles]);
      const details = { user, roles: [...roles] };
      await record(client, caller, { action: 'set-roles', thing: 'group', id: group.name, details });
    };
    await (db === undefined ? inTransaction(this.#pool, work) : work(db));
  }

  /** Changes what a role allows, in every group of the tenant. @throws DomainError `invalid`, `forbidden` */
  async changeRole(caller: Caller, name: string, permissions: readonly string[]): Promise<void> {
    const scope = managingScope(caller);
    const unknown = permissions.find((each) => !(GROUP_PERMISSIONS as readonly string[]).includes(each));
    if (unknown !== undefined) {
      throw new DomainError('invalid', 'group-permission-unknown', `There is no permission '${unknown}'`);
    }
    await inTransaction(this.#pool, async (client) => {
      if ((await updateRole.run(client, scope.tenantId, [name, permissions])) === 0)
        throw notFound('Role', name);
      const details = { permissions: [...permissions] };
      await record(client, caller, { action: 'update', thing: 'group-role', id: name, details });
    });
  }

  async #lock(client: Client, scope: TenantScope, group: Group): Promise<void> {
    if ((await lockGroup.one(client, scope.tenantId, [group.uid])) === null) {
      throw notFound('Group', String(group.number));
    }
  }

  async #typeOf(client: Client, caller: Caller, name: string): Promise<number> {
    const scope = orderingScope(caller);
    const known = await selectType.one(client, scope.tenantId, [name]);
    if (known !== null) return known.uid;
    if (!isOrderingAdmin(caller)) {
      throw new DomainError('invalid', 'group-type-unknown', `There is no group type '${name}'`);
    }
    return (await insertType.one(client, scope.tenantId, [name, true]))!.uid;
  }
}

async function unlessTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { constraint?: string }).constraint !== 'ordering_groups_name') throw error;
    throw new DomainError('conflict', 'group-exists', `A group named '${name}' is there already`);
  }
}

function inUse(group: Group, what: string): DomainError {
  return new DomainError(
    'conflict',
    'group-in-use',
    `Group '${group.name}' cannot be deleted: it has ${what}`,
  );
}

function unknownRole(name: string, known: readonly string[]): DomainError {
  return new DomainError(
    'invalid',
    'group-role-unknown',
    `There is no role '${name}'; known are: ${known.join(', ')}`,
  );
}
