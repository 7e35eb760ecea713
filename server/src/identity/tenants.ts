/**
 * Tenants, and who is what in them.
 *
 * Everybody sees the tenants they are in; only those who manage tenants change them. A tenant is removed when nothing
 * is left in it: members, groups, or what other rooms keep there (they tell by `belongings`; a foreign key of theirs
 * is the last guard). The first tenant cannot be removed.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { TenantId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { requireName } from './names.js';
import { identityScope, requireManager } from './permission.js';
import { tenantRole } from './roles.js';
import {
  countMembers,
  deleteTenant,
  GROUPS_OF_TENANT,
  insertTenant,
  type LockedTenantRow,
  lockTenant,
  type MembershipStatements,
  selectTenant,
  TENANT_LIST,
  TENANT_LIST_OF_MEMBERS,
  type TenantField,
  type TenantRow,
  USERS_OF_TENANT,
} from './tenants.store.js';
import type { Belongings } from './users.js';

export type { TenantField };
export type Tenant = TenantRow;
export type BelongingsOfTenant = (db: Queryable, tenant: TenantId) => Promise<Belongings>;

export const DEFAULT_TENANT = 'default_tenant';

/** They are paths beside the tenants' own in a published dialect. */
const RESERVED = ['users', 'user-groups'];

export class Tenants {
  readonly #pool: Pool;
  readonly #belongings: readonly BelongingsOfTenant[];

  constructor(parts: { pool: Pool; belongings?: readonly BelongingsOfTenant[] }) {
    this.#pool = parts.pool;
    this.#belongings = parts.belongings ?? [];
  }

  /**
   * The caller's own; all, and with the names of their members, for those who manage tenants.
   *
   * @throws DomainError `forbidden`, also where `userRoles` are asked for by others
   */
  async list(caller: Caller, query: ListQuery<TenantField>): Promise<ListPage> {
    requirePermission(caller, 'tenants.list');
    if (Object.values(query.shape).includes('userRoles')) requirePermission(caller, 'tenants.manage');
    const spec = caller.permissions.has('tenants.manage') ? TENANT_LIST : TENANT_LIST_OF_MEMBERS;
    return listPage(this.#pool, spec, identityScope(caller, 'tenants.manage'), query);
  }

  /** @throws DomainError `forbidden`: neither the tenant of the call, with the right to read it, nor a manager of tenants */
  async get(caller: Caller, name: string): Promise<Tenant> {
    if (caller.tenant?.name === name) requirePermission(caller, 'tenants.read');
    else requirePermission(caller, 'tenants.manage');
    return this.#find(name);
  }

  /** @throws DomainError `invalid`; `conflict` (`tenant-exists`) */
  async create(caller: Caller, name: string): Promise<Tenant> {
    requireManager(caller, 'tenants.manage');
    requireName('tenant', name, RESERVED);
    await inTransaction(this.#pool, async (client) => {
      if ((await insertTenant.one(client, [name])) === null) {
        throw new DomainError('conflict', 'tenant-exists', `Tenant \`${name}\` already exists`);
      }
      await record(client, caller, { action: 'create', thing: 'tenant', id: name });
    });
    return this.#find(name);
  }

  /**
   * @returns the tenant as it was
   * @throws DomainError `invalid` (`default-tenant`), `conflict` (`tenant-not-empty`)
   */
  async remove(caller: Caller, name: string): Promise<Tenant> {
    requireManager(caller, 'tenants.manage');
    const before = await this.#find(name);
    await this.#change(caller, name, 'delete', {}, async (client, tenant) => {
      if (tenant.name === DEFAULT_TENANT) {
        throw new DomainError('invalid', 'default-tenant', `Tenant \`${DEFAULT_TENANT}\` cannot be removed`);
      }
      const members = (await countMembers.one(client, [tenant.id]))!;
      if (members.users > 0) throw notEmpty(name, `${members.users} users`);
      if (members.groups > 0) throw notEmpty(name, `${members.groups} user groups`);
      for (const count of this.#belongings) {
        const left = await count(client, tenant.id);
        if (left.count > 0) throw notEmpty(name, `${left.count} ${left.things}`);
      }
      try {
        await deleteTenant.run(client, [tenant.id]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw notEmpty(name, 'resources');
      }
    });
    return before;
  }

  /** @throws DomainError `not-found`; `conflict` (`already-in-tenant`); `invalid` (`role-unknown`) */
  addUser(caller: Caller, name: string, username: string, role: string): Promise<Tenant> {
    return this.#add(caller, name, USERS_OF_TENANT, username, role);
  }

  /** @throws DomainError `not-found`, also (`not-in-tenant`) when the user is not in the tenant */
  changeUserRole(caller: Caller, name: string, username: string, role: string): Promise<Tenant> {
    return this.#changeRole(caller, name, USERS_OF_TENANT, username, role);
  }

  /** @throws DomainError `not-found`, also (`not-in-tenant`) when the user is not in the tenant */
  removeUser(caller: Caller, name: string, username: string): Promise<Tenant> {
    return this.#removeMember(caller, name, USERS_OF_TENANT, username);
  }

  /** As `addUser`, for a user group. */
  addGroup(caller: Caller, name: string, group: string, role: string): Promise<Tenant> {
    return this.#add(caller, name, GROUPS_OF_TENANT, group, role);
  }

  /** As `changeUserRole`, for a user group. */
  changeGroupRole(caller: Caller, name: string, group: string, role: string): Promise<Tenant> {
    return this.#changeRole(caller, name, GROUPS_OF_TENANT, group, role);
  }

  /** As `removeUser`, for a user group. */
  removeGroup(caller: Caller, name: string, group: string): Promise<Tenant> {
    return this.#removeMember(caller, name, GROUPS_OF_TENANT, group);
  }

  #add(
    caller: Caller,
    name: string,
    members: MembershipStatements,
    who: string,
    word: string,
  ): Promise<Tenant> {
    return this.#changeMember(
      caller,
      name,
      'add',
      members,
      who,
      word,
      async (client, tenant, member, role) => {
        if ((await members.insert.run(client, [tenant.id, member.id, role])) > 0) return;
        throw new DomainError(
          'conflict',
          'already-in-tenant',
          `${members.thing} \`${member.name}\` is in tenant \`${name}\` already`,
        );
      },
    );
  }

  #changeRole(
    caller: Caller,
    name: string,
    members: MembershipStatements,
    who: string,
    word: string,
  ): Promise<Tenant> {
    return this.#changeMember(
      caller,
      name,
      'set-role',
      members,
      who,
      word,
      async (client, tenant, member, role) => {
        if ((await members.update.run(client, [tenant.id, member.id, role])) === 0) {
          throw notInTenant(members, member.name, name);
        }
      },
    );
  }

  #removeMember(caller: Caller, name: string, members: MembershipStatements, who: string): Promise<Tenant> {
    return this.#changeMember(caller, name, 'remove', members, who, null, async (client, tenant, member) => {
      if ((await members.delete.run(client, [tenant.id, member.id])) === 0) {
        throw notInTenant(members, member.name, name);
      }
    });
  }

  async #changeMember(
    caller: Caller,
    name: string,
    action: string,
    members: MembershipStatements,
    who: string,
    word: string | null,
    work: (
      client: Client,
      tenant: LockedTenantRow,
      member: { id: number; name: string },
      role: string | null,
    ) => Promise<void>,
  ): Promise<Tenant> {
    requireManager(caller, 'tenants.manage');
    const role = word === null ? null : tenantRole(word);
    const kind = members.thing.toLowerCase().replace(' ', '-');
    await this.#change(caller, name, `${action}-${kind}`, { [kind]: who, role }, async (client, tenant) => {
      const member = who.includes('\0') ? null : await members.lock.one(client, [who]);
      if (member === null) throw notFound(members.thing, who);
      await work(client, tenant, member, role);
    });
    return this.#find(name);
  }

  async #find(name: string): Promise<Tenant> {
    const tenant = name.includes('\0') ? null : await selectTenant.one(this.#pool, [name]);
    if (tenant === null) throw notFound('Tenant', name);
    return tenant;
  }

  async #change(
    caller: Caller,
    name: string,
    action: string,
    details: Record<string, string | null>,
    work: (client: Client, tenant: LockedTenantRow) => Promise<void>,
  ): Promise<void> {
    if (name.includes('\0')) throw notFound('Tenant', name);
    await inTransaction(this.#pool, async (client) => {
      const tenant = await lockTenant.one(client, [name]);
      if (tenant === null) throw notFound('Tenant', name);
      await work(client, tenant);
      await record(client, caller, { action, thing: 'tenant', id: name, details });
    });
  }
}

function notInTenant(members: MembershipStatements, who: string, tenant: string): DomainError {
  return new DomainError(
    'not-found',
    'not-in-tenant',
    `${members.thing} \`${who}\` is not in tenant \`${tenant}\``,
  );
}

function notEmpty(tenant: string, what: string): DomainError {
  return new DomainError('conflict', 'tenant-not-empty', `Tenant \`${tenant}\` still has ${what}`);
}
