/**
 * Tenants as the people in them see them: with a title, an owner and preferences.
 *
 * Whoever makes a tenant so owns it and is its manager. The name that headers and paths use is made from the title, once, and
 * never changes; `Tenants` (identity/tenants.ts) is for those who administer the installation and speak of names alone.
 */
import { type Caller, requirePermission, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { DEFAULT_TENANT } from '../identity/tenants.js';
import { randomName, type TenantId, type UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  countTenantsOf,
  deleteMembers,
  deleteProfile,
  insertMember,
  insertProfile,
  type LockedProfileRow,
  lockProfile,
  OWNED_TENANT_LIST,
  type OwnedTenantField,
  selectTitle,
  updateProfile,
} from './owned-tenants.store.js';

export type { OwnedTenantField } from './owned-tenants.store.js';

export interface OwnedTenantChange {
  readonly title?: string;
  readonly description?: string;
  readonly country?: JsonObject;
  readonly region?: JsonObject;
  readonly preferences?: JsonObject;
}

export class OwnedTenants {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Those that the caller is in; all of them with `all`, for those who may see every tenant. */
  async list(caller: Caller, query: ListQuery<OwnedTenantField>, all = false): Promise<ListPage> {
    requirePermission(caller, 'tenants.list');
    if (all) requirePermission(caller, 'all-tenants.read');
    const scope: TenantScope = {
      tenantId: caller.tenant?.id ?? (0 as TenantId),
      tenantName: '',
      userId: caller.userId,
      seesPrivate: all || caller.permissions.has('all-tenants.read'),
    };
    return listPage(this.#pool, OWNED_TENANT_LIST, scope, query);
  }

  /** The one with this domain, for everybody: what a sign-in page shows. */
  byDomain(domain: string, query: ListQuery<OwnedTenantField>): Promise<ListPage> {
    const scope: TenantScope = {
      tenantId: 0 as TenantId,
      tenantName: '',
      userId: 0 as never,
      seesPrivate: true,
    };
    return listPage(this.#pool, OWNED_TENANT_LIST, scope, {
      ...query,
      filters: [{ field: 'domain', anyOf: [domain.toLowerCase(), domain] }],
    });
  }

  /** @returns the UUID of the new tenant @throws DomainError `invalid` (`title-invalid`) */
  async create(caller: Caller, profile: OwnedTenantChange & { readonly title: string }): Promise<string> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    return inTransaction(this.#pool, (client) => createTenant(client, caller, profile));
  }

  /** One for a user who is made just now, with a title like `wanted`. Needs `users.manage`. @returns its UUID */
  async createFor(caller: Caller, owner: UserId, wanted: string): Promise<string> {
    requirePermission(caller, 'users.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) =>
      createTenant(client, caller, { title: await freeTitle(client, wanted.slice(0, 200)) }, owner),
    );
  }

  /** The tenant of the call, by its owner who leaves for good. @param confirmation its title @throws DomainError as `remove`; `invalid` */
  async removeWithOwner(caller: Caller, confirmation: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, tenant) => {
      if (tenant.ownerId !== caller.userId) requirePermission(caller, 'tenants.manage');
      if (confirmation !== tenant.title) {
        throw new DomainError(
          'invalid',
          'confirmation-differs',
          'organizationNameConfirmation must be the name of the organization',
        );
      }
      await removeWhole(client, tenant);
    });
  }

  /** The tenant of the call. Needs `members.manage`. */
  async update(caller: Caller, change: OwnedTenantChange): Promise<void> {
    requirePermission(caller, 'members.manage');
    if (change.title !== undefined) requireTitle(change.title);
    await this.#change(caller, 'update', async (client, tenant) => {
      if (change.title !== undefined) {
        const there = await selectTitle.one(client, [change.title]);
        if (there !== null && there.id !== tenant.id) throw titleTaken(change.title);
      }
      await updateProfile.run(client, [
        tenant.id,
        change.title ?? null,
        change.description ?? null,
        json(change.country),
        json(change.region),
        json(change.preferences),
      ]);
    });
  }

  /**
   * The tenant of the call, with its members, teams, workspaces and environments. For its owner, and those who manage tenants.
   *
   * @throws DomainError `forbidden`; `conflict` (`last-tenant`, `tenant-not-empty`); `invalid` (`default-tenant`)
   */
  async remove(caller: Caller): Promise<void> {
    await this.#change(caller, 'delete', async (client, tenant) => {
      if (tenant.ownerId !== caller.userId) requirePermission(caller, 'tenants.manage');
      const { count } = (await countTenantsOf.one(client, [caller.userId]))!;
      if (tenant.ownerId === caller.userId && count <= 1) {
        throw new DomainError(
          'conflict',
          'last-tenant',
          'This is your last organization: join or make another one first',
        );
      }
      await removeWhole(client, tenant);
    });
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, tenant: LockedProfileRow) => Promise<void>,
  ): Promise<void> {
    requirePerson(caller);
    const { tenant } = caller;
    if (tenant === null)
      throw new DomainError('forbidden', 'tenant-missing', 'This request needs a tenant, and none was given');
    await inTransaction(this.#pool, async (client) => {
      const row = await lockProfile.one(client, [tenant.id]);
      if (row === null)
        throw new DomainError('forbidden', 'tenant-forbidden', 'You are not a member of this organization');
      await work(client, row);
      await record(client, caller, { action, thing: 'tenant', id: row.name, details: { uuid: row.uuid } });
    });
  }
}

async function removeWhole(client: Client, tenant: LockedProfileRow): Promise<void> {
  if (tenant.name === DEFAULT_TENANT) {
    throw new DomainError('invalid', 'default-tenant', 'The first organization cannot be removed');
  }
  try {
    await deleteMembers.run(client, [tenant.id]);
    await deleteProfile.run(client, [tenant.id]);
  } catch (error) {
    if ((error as { code?: string }).code !== '23503') throw error;
    throw new DomainError(
      'conflict',
      'tenant-not-empty',
      'The organization still holds designs, curricula, connections or deployments',
    );
  }
}

/** Makes a tenant that the caller owns, or `owner`. @returns its UUID */
export async function createTenant(
  client: Client,
  caller: Caller,
  profile: OwnedTenantChange & { readonly title: string },
  owner = caller.userId,
): Promise<string> {
  requireTitle(profile.title);
  if ((await selectTitle.one(client, [profile.title])) !== null) throw titleTaken(profile.title);
  for (const name of namesFor(profile.title)) {
    const row = await insertProfile.one(client, [
      name,
      profile.title,
      profile.description ?? null,
      owner,
      json(profile.country ?? {}),
      json(profile.region ?? {}),
      json(profile.preferences ?? {}),
    ]);
    if (row === null) continue;
    await insertMember.run(client, [row.id, owner, 'manager']);
    await record(client, caller, {
      action: 'create',
      thing: 'tenant',
      id: name,
      details: { uuid: row.uuid },
    });
    return row.uuid;
  }
  throw titleTaken(profile.title);
}

/** A title that nobody has: `wanted`, or the same with a number. */
export async function freeTitle(client: Client, wanted: string): Promise<string> {
  for (let number = 1; number < 1000; number += 1) {
    const title = number === 1 ? wanted : `${wanted} ${number}`;
    if ((await selectTitle.one(client, [title])) === null) return title;
  }
  throw titleTaken(wanted);
}

function titleTaken(title: string): DomainError {
  return new DomainError('conflict', 'tenant-exists', `There is an organization \`${title}\` already`);
}

/** Names that a tenant with this title may get, the best first. */
function* namesFor(title: string): Generator<string> {
  const plain = title
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9.~-]+/g, '-')
    .replace(/^[^A-Za-z]+|-+$/g, '')
    .slice(0, 200);
  const name =
    plain === '' || ['users', 'user-groups'].includes(plain.toLowerCase())
      ? `tenant-${plain}`.replace(/-$/, '')
      : plain;
  yield name;
  for (let more = 0; more < 5; more += 1) yield `${name}-${randomName(6)}`;
}

function requireTitle(title: string): void {
  if (title.trim() !== '' && title.length <= 256) return;
  throw new DomainError('invalid', 'title-invalid', 'The name of an organization has 1 to 256 characters');
}

function json(value: JsonObject | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
