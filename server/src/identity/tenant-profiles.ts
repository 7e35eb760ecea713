/**
 * Tenants as organisations: found by number, UUID, name or title, with a title that may change while the name, which
 * everything refers to, stays. Making and removing are for those who manage tenants; a manager of a tenant may retitle it.
 */
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { TenantId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { requireText } from './names.js';
import { identityScope, requireManager, requirePerson } from './permission.js';
import type { TenantRole } from './roles.js';
import {
  insertTenantProfile,
  selectAllFigures,
  selectOwnFigures,
  selectRolesIn,
  selectTenantById,
  selectTenantByName,
  selectTenantByTitle,
  selectTenantByUuid,
  TENANT_PROFILE_LIST,
  type TenantFiguresRow,
  type TenantProfileField,
  type TenantProfileRow,
  updateTenantProfile,
} from './tenant-profiles.store.js';
import { USERS_OF_TENANT } from './tenants.store.js';

export type { TenantProfileField };
export type TenantProfile = TenantProfileRow;
export type TenantFigures = TenantFiguresRow;

export type TenantRef =
  | { readonly id: number }
  | { readonly uuid: string }
  | { readonly name: string }
  | { readonly title: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class TenantProfiles {
  readonly #pool: Pool;

  constructor({ pool }: { pool: Pool }) {
    this.#pool = pool;
  }

  /** The caller's own tenants; all of them, for those who see all users. */
  async list(caller: Caller, query: ListQuery<TenantProfileField>): Promise<ListPage> {
    requirePermission(caller, 'tenants.list');
    return listPage(this.#pool, TENANT_PROFILE_LIST, identityScope(caller, 'users.read'), query);
  }

  /** @throws DomainError `not-found`, also for tenants that the caller is not in */
  async get(caller: Caller, ref: TenantRef): Promise<TenantProfile> {
    requirePermission(caller, 'tenants.list');
    const tenant = await find(this.#pool, ref);
    if (tenant === null || !(await this.#sees(caller, tenant))) throw tenantNotFound(ref);
    return tenant;
  }

  /** How many clouds and people the tenants have that `list` tells of, by their numbers; ten thousand at most. */
  async figures(caller: Caller): Promise<readonly TenantFigures[]> {
    requirePermission(caller, 'tenants.list');
    return caller.permissions.has('users.read')
      ? selectAllFigures.all(this.#pool)
      : selectOwnFigures.all(this.#pool, [caller.userId]);
  }

  /** What the caller is in the tenant, by themselves and through groups; empty: nothing. */
  async rolesIn(caller: Caller, tenant: TenantId): Promise<TenantRole[]> {
    return (await selectRolesIn.all(this.#pool, [caller.userId, tenant])).map(({ role }) => role);
  }

  /**
   * A tenant with a title; its name is made of it.
   *
   * @param role of the caller in it; null: they are not in it
   * @throws DomainError `invalid` (`title-invalid`); `conflict` (`tenant-exists`)
   */
  async create(
    caller: Caller,
    tenant: {
      readonly title: string;
      readonly description?: string | null;
      readonly role?: TenantRole | null;
    },
  ): Promise<TenantProfile> {
    requireManager(caller, 'tenants.manage');
    requireTitle(tenant.title);
    if (tenant.description != null) requireText('description', tenant.description, 4096);
    return inTransaction(this.#pool, async (client) => {
      if ((await selectTenantByTitle.one(client, [tenant.title])) !== null) throw titleTaken(tenant.title);
      const row = await insertNamed(client, tenant.title, tenant.description ?? null);
      const profile = (await find(client, { id: row.id }))!;
      if (tenant.role != null) {
        await USERS_OF_TENANT.insert.run(client, [row.id, caller.userId, tenant.role]);
      }
      await record(client, caller, { action: 'create', thing: 'tenant', id: profile.name });
      return profile;
    });
  }

  /**
   * @throws DomainError `not-found`; `forbidden`: neither a manager of tenants nor, in the call's own tenant, of its members;
   *   `conflict` (`tenant-exists`)
   */
  async update(
    caller: Caller,
    ref: TenantRef,
    changes: { readonly title?: string; readonly description?: string | null },
  ): Promise<TenantProfile> {
    requirePerson(caller);
    const tenant = await this.get(caller, ref);
    const manages = caller.tenant?.id === tenant.id && caller.permissions.has('members.manage');
    if (!manages) requirePermission(caller, 'tenants.manage');
    const { title, description } = changes;
    if (title !== undefined) requireTitle(title);
    if (description != null) requireText('description', description, 4096);
    return inTransaction(this.#pool, async (client) => {
      try {
        await updateTenantProfile.run(client, [
          tenant.id,
          title ?? null,
          description !== undefined,
          description ?? null,
        ]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23505') throw error;
        throw titleTaken(title ?? '');
      }
      await record(client, caller, {
        action: 'update',
        thing: 'tenant',
        id: tenant.name,
        details: { title: title ?? tenant.title },
      });
      return (await find(client, { id: tenant.id }))!;
    });
  }

  async #sees(caller: Caller, tenant: TenantProfile): Promise<boolean> {
    if (caller.permissions.has('users.read') || caller.tenant?.id === tenant.id) return true;
    return (await this.rolesIn(caller, tenant.id)).length > 0;
  }
}

async function find(db: Queryable, ref: TenantRef): Promise<TenantProfile | null> {
  if ('id' in ref) return Number.isSafeInteger(ref.id) ? selectTenantById.one(db, [ref.id]) : null;
  if ('uuid' in ref) return UUID.test(ref.uuid) ? selectTenantByUuid.one(db, [ref.uuid]) : null;
  const text = 'name' in ref ? ref.name : ref.title;
  if (text.includes('\0')) return null;
  return ('name' in ref ? selectTenantByName : selectTenantByTitle).one(db, [text]);
}

/** The first name that is free: the title with what a URL would have to quote left out, then numbered. */
async function insertNamed(
  client: Queryable,
  title: string,
  description: string | null,
): Promise<{ id: TenantId }> {
  const plain = title.replace(/[^A-Za-z0-9_.~-]+/g, '-').replace(/^[^A-Za-z]+|-+$/g, '');
  const base = plain === '' ? 'tenant' : plain.slice(0, 200);
  for (let number = 1; number < 10_000; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (['users', 'user-groups'].includes(name.toLowerCase())) continue;
    const row = await insertTenantProfile.one(client, [name, title, description]);
    if (row !== null) return row;
    if ((await selectTenantByTitle.one(client, [title])) !== null) throw titleTaken(title);
  }
  throw titleTaken(title);
}

function requireTitle(title: string): void {
  if (title.trim() !== '' && title.length <= 256 && !title.includes('\0')) return;
  throw new DomainError('invalid', 'title-invalid', 'A tenant needs a title of at most 256 characters', {
    details: { field: 'title' },
  });
}

function titleTaken(title: string): DomainError {
  return new DomainError('conflict', 'tenant-exists', `Tenant \`${title}\` already exists`);
}

function tenantNotFound(ref: TenantRef): DomainError {
  return notFound('Tenant', String(Object.values(ref)[0]));
}
