/** Users as other people see them, and who is a member of a tenant. */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { TenantId, UserId } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { isUuid } from './acting-tenant.js';
import {
  deleteMembership,
  deleteSelf,
  insertMembership,
  lockSelf,
  MEMBER_LIST,
  PEOPLE_LIST,
  type PersonField,
  STRANGER_LIST,
  selectByEmail,
  selectHeldTenants,
  selectMembership,
  selectPersonKey,
  updatePerson,
} from './members.store.js';

export type { PersonField } from './members.store.js';

export interface PersonChange {
  readonly firstName?: string;
  readonly lastName?: string;
  readonly bio?: string;
  readonly avatarUrl?: string;
  readonly country?: JsonObject;
  readonly region?: JsonObject;
  readonly socials?: readonly unknown[];
}

/** Fields that everybody may be told of anybody. */
const PUBLIC: ReadonlySet<PersonField> = new Set(['id', 'username', 'firstName', 'lastName', 'avatarUrl']);

export class Members {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Whom the caller knows: themselves, and those they share a tenant with. Everybody, for those who manage users. */
  list(caller: Caller, query: ListQuery<PersonField>): Promise<ListPage> {
    requirePermission(caller, 'tenants.list');
    return listPage(this.#pool, PEOPLE_LIST, scopeOf(caller), query);
  }

  /** Anybody: only what is public may be asked for. */
  strangers(caller: Caller, query: ListQuery<PersonField>): Promise<ListPage> {
    requirePermission(caller, 'tenants.list');
    for (const shown of Object.values(query.shape)) {
      if (typeof shown === 'string' && !PUBLIC.has(shown)) throw new Error(`${shown} is not public`);
    }
    return listPage(this.#pool, STRANGER_LIST, scopeOf(caller), query);
  }

  /** Members of the tenant of the call. Needs `members.read`. */
  members(caller: Caller, query: ListQuery<PersonField>): Promise<ListPage> {
    return listPage(this.#pool, MEMBER_LIST, scopeFor(caller, 'members.read'), query);
  }

  /** The caller's own pages about themselves. */
  async update(caller: Caller, change: PersonChange): Promise<void> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    await inTransaction(this.#pool, async (client) => {
      await updatePerson.run(client, [
        caller.userId,
        change.firstName ?? null,
        change.lastName ?? null,
        change.bio ?? null,
        change.avatarUrl ?? null,
        json(change.country),
        json(change.region),
        json(change.socials),
      ]);
      const details = { changed: Object.keys(change) };
      await record(client, caller, { action: 'update', thing: 'user', id: caller.username, details });
    });
  }

  /** Somebody by UUID. @throws DomainError `not-found` */
  async keyOf(uuid: string): Promise<{ readonly id: UserId; readonly username: string }> {
    const row = isUuid(uuid) ? await selectPersonKey.one(this.#pool, [uuid]) : null;
    if (row === null) throw notFound('User', uuid.slice(0, 100));
    return row;
  }

  /** Somebody by e-mail address, or the name they sign in by; null: nobody. */
  byEmail(email: string): Promise<{ readonly id: UserId; readonly username: string } | null> {
    return selectByEmail.one(this.#pool, [email]);
  }

  /** Makes somebody a member of the tenant of the call. Needs `members.manage`. @returns false: they were one already */
  async add(caller: Caller, uuid: string): Promise<boolean> {
    const scope = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    const user = await this.keyOf(uuid);
    return inTransaction(this.#pool, async (client) => {
      const added = await join(client, scope.tenantId, user.id);
      if (added) {
        await record(client, caller, {
          action: 'add-user',
          thing: 'tenant',
          id: scope.tenantName,
          details: { user: user.username },
        });
      }
      return added;
    });
  }

  /** Needs `members.manage`, but to leave. @throws DomainError `not-found`; `conflict` (`last-manager`) */
  async remove(caller: Caller, uuid: string): Promise<void> {
    requirePerson(caller);
    const user = await this.keyOf(uuid);
    const scope = scopeFor(caller, user.id === caller.userId ? 'members.read' : 'members.manage');
    await inTransaction(this.#pool, async (client) => {
      const membership = await selectMembership.one(client, [scope.tenantId, user.id]);
      if (membership === null) throw notFound('Member', uuid);
      if (membership.role === 'manager' && membership.managers === 0 && membership.others > 0) {
        throw new DomainError(
          'conflict',
          'last-manager',
          'This is the last administrator of the organization',
        );
      }
      await deleteMembership.run(client, [scope.tenantId, user.id]);
      await record(client, caller, {
        action: 'remove-user',
        thing: 'tenant',
        id: scope.tenantName,
        details: { user: user.username },
      });
    });
  }

  /** The caller goes, with everything that is theirs alone. @throws DomainError `invalid` (`builtin-user`), `conflict` */
  async removeSelf(caller: Caller): Promise<void> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    await inTransaction(this.#pool, async (client) => {
      const user = await lockSelf.one(client, [caller.userId]);
      if (user === null) throw notFound('User', caller.username);
      if (user.builtin || user.role === 'admin') {
        throw new DomainError(
          'invalid',
          'builtin-user',
          'Those who administer the installation are removed by others',
        );
      }
      try {
        await deleteSelf.run(client, [caller.userId]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'conflict',
          'user-has-belongings',
          'You still own blueprints, deployments or the like',
        );
      }
      await record(client, caller, { action: 'delete', thing: 'user', id: caller.username });
    });
  }

  /** The tenant that would be without a manager if the caller went; null: none would. */
  async holdsAlone(caller: Caller): Promise<string | null> {
    return (await selectHeldTenants.one(this.#pool, [caller.userId]))?.name ?? null;
  }
}

/** @returns false: was a member already */
export async function join(client: Client, tenant: TenantId, user: UserId, role = 'user'): Promise<boolean> {
  return (await insertMembership.run(client, [tenant, user, role])) > 0;
}

function scopeOf(caller: Caller): TenantScope {
  return {
    tenantId: caller.tenant?.id ?? (0 as TenantId),
    tenantName: '',
    userId: caller.userId,
    seesPrivate: caller.permissions.has('users.manage'),
  };
}
