/** Stored filters: rules under a name, for blueprints or for deployments. */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { checkRules, type FilterRule } from './filter-rules.js';
import {
  deleteFilter,
  type FilterCollection,
  type FilterField,
  filterList,
  filterTakenElsewhere,
  insertFilter,
  selectFilter,
  updateFilter,
  type Visibility,
} from './filters.store.js';
import { SYSTEM_FILTERS } from './system-filters.js';

export type { FilterCollection, FilterField } from './filters.store.js';

/** Ids that begin like this are the system's own. */
const RESERVED = 'csys-';
const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

export class Filters {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `filters.read`. */
  async list(caller: Caller, collection: FilterCollection, query: ListQuery<FilterField>): Promise<ListPage> {
    return listPage(this.#pool, filterList(collection), scopeFor(caller, 'filters.read'), query);
  }

  /** The rules of a stored filter. Needs `filters.read`. Throws `not-found`. */
  async rules(caller: Caller, collection: FilterCollection, id: string): Promise<readonly FilterRule[]> {
    const scope = scopeFor(caller, 'filters.read');
    const system = systemFilter(collection, id);
    if (system !== undefined) return system.rules;
    return (await find(this.#pool, scope, collection, id)).rules;
  }

  /**
   * Needs `filters.write`, and `global.write` for a global one.
   *
   * @throws DomainError `invalid` (`name-invalid`, `filter-id-reserved`, `filter-rule-invalid`); `conflict` (`filter-exists`)
   */
  async create(
    caller: Caller,
    collection: FilterCollection,
    id: string,
    { rules, visibility = 'tenant' }: { rules: readonly FilterRule[]; visibility?: Visibility },
  ): Promise<void> {
    const scope = scopeFor(caller, 'filters.write');
    requireName('filter', id);
    if (id.toLowerCase().startsWith(RESERVED)) {
      throw new DomainError(
        'invalid',
        'filter-id-reserved',
        `Filters whose id begins with \`${RESERVED}\` are the system's own: \`${id}\` cannot be made`,
      );
    }
    checkRules(rules);
    if (visibility === 'global') requirePermission(caller, 'global.write');
    if (systemFilter(collection, id) !== undefined) throw exists(id);
    await unlessTaken(id, () =>
      inTransaction(this.#pool, async (client) => {
        await requireFree(client, scope, collection, id, visibility);
        const values = [collection, id, JSON.stringify(rules), visibility, scope.userId];
        await insertFilter.run(client, scope.tenantId, values);
        await record(client, caller, {
          action: 'create',
          thing: 'filter',
          id,
          details: { collection, visibility },
        });
      }),
    );
  }

  /** Needs `filters.write`. Visibility only widens. Throws as `create`, and `not-found`. */
  async update(
    caller: Caller,
    collection: FilterCollection,
    id: string,
    change: { readonly rules?: readonly FilterRule[]; readonly visibility?: Visibility },
  ): Promise<void> {
    const scope = scopeFor(caller, 'filters.write');
    const { rules, visibility } = change;
    if (rules === undefined && visibility === undefined) {
      throw new DomainError('invalid', 'nothing-to-change', 'Give filter rules or a visibility');
    }
    if (rules !== undefined) checkRules(rules);
    if (visibility === 'global') requirePermission(caller, 'global.write');
    refuseSystem(collection, id);
    await unlessTaken(id, () =>
      inTransaction(this.#pool, async (client) => {
        const filter = await findOwn(client, scope, collection, id);
        if (visibility !== undefined && WIDTH[visibility] < WIDTH[filter.visibility]) {
          throw new DomainError(
            'invalid',
            'visibility-not-wider',
            `Can't set the visibility of filter ${id} to ${visibility}: it is ${filter.visibility}, which is wider`,
          );
        }
        if (visibility === 'global') await requireFree(client, scope, collection, id, visibility);
        await updateFilter.run(client, scope.tenantId, [
          filter.uid,
          rules === undefined ? null : JSON.stringify(rules),
          visibility ?? null,
        ]);
        await record(client, caller, {
          action: 'update',
          thing: 'filter',
          id,
          details: { collection, changed: Object.keys(change) },
        });
      }),
    );
  }

  /** Needs `filters.write`. Throws `not-found`, `invalid` (`filter-of-the-system`). */
  async remove(caller: Caller, collection: FilterCollection, id: string): Promise<void> {
    const scope = scopeFor(caller, 'filters.write');
    refuseSystem(collection, id);
    await inTransaction(this.#pool, async (client) => {
      const filter = await findOwn(client, scope, collection, id);
      await deleteFilter.run(client, scope.tenantId, [filter.uid]);
      await record(client, caller, { action: 'delete', thing: 'filter', id, details: { collection } });
    });
  }
}

/** The rules of a stored filter that a scope sees, for rooms that hold them against what is theirs; null: there is none. */
export async function storedRules(
  db: Parameters<typeof selectFilter.one>[0],
  scope: TenantScope,
  collection: FilterCollection,
  id: string,
): Promise<readonly FilterRule[] | null> {
  const system = systemFilter(collection, id);
  if (system !== undefined) return system.rules;
  const values = [collection, id, scope.userId, scope.seesPrivate];
  return (await selectFilter.one(db, scope.tenantId, values))?.rules ?? null;
}

function systemFilter(collection: FilterCollection, id: string) {
  return collection === 'deployments' ? SYSTEM_FILTERS.find((filter) => filter.id === id) : undefined;
}

function refuseSystem(collection: FilterCollection, id: string): void {
  if (systemFilter(collection, id) === undefined) return;
  throw new DomainError(
    'invalid',
    'filter-of-the-system',
    `Filter \`${id}\` is the system's own and can be neither changed nor deleted`,
  );
}

async function find(
  db: Parameters<typeof selectFilter.one>[0],
  scope: TenantScope,
  collection: FilterCollection,
  id: string,
) {
  const filter = await selectFilter.one(db, scope.tenantId, [
    collection,
    id,
    scope.userId,
    scope.seesPrivate,
  ]);
  if (filter === null) throw notFound('Filter', id);
  return filter;
}

async function findOwn(client: Client, scope: TenantScope, collection: FilterCollection, id: string) {
  const filter = await find(client, scope, collection, id);
  if (filter.own) return filter;
  throw new DomainError(
    'invalid',
    'belongs-to-other-tenant',
    `Filter \`${id}\` is global and belongs to another tenant; only there it can be changed`,
  );
}

async function requireFree(
  client: Client,
  scope: TenantScope,
  collection: FilterCollection,
  id: string,
  visibility: Visibility,
): Promise<void> {
  const values = [collection, id, scope.tenantId, visibility === 'global'];
  if ((await filterTakenElsewhere.one(client, values))!.taken) throw exists(id);
}

async function unlessTaken(id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { constraint } = error as { constraint?: string };
    if (constraint === 'filters_tenant_id_collection_id_key' || constraint === 'filters_global')
      throw exists(id);
    throw error;
  }
}

function exists(id: string): DomainError {
  return new DomainError('conflict', 'filter-exists', `Filter \`${id}\` already exists`);
}
