/** Sites: named places on the map that deployments stand at. */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requireName } from '../identity/names.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  deleteSite,
  insertSite,
  type SiteField,
  type SiteRow,
  selectSite,
  siteList,
  siteTakenElsewhere,
  updateSite,
  type Visibility,
} from './sites.store.js';

export type { SiteField } from './sites.store.js';

/** Degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

export interface SiteChange {
  readonly name?: string;
  /** null: the site has no place any more. */
  readonly place?: Place | null;
  readonly visibility?: Visibility;
}

const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

export class Sites {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `sites.read`. */
  async list(caller: Caller, query: ListQuery<SiteField>): Promise<ListPage> {
    return listPage(this.#pool, siteList, scopeFor(caller, 'sites.read'), query);
  }

  /** Needs `sites.write`, and `global.write` for a global one. @throws DomainError `conflict` (`site-exists`); `invalid` */
  async create(
    caller: Caller,
    name: string,
    { place = null, visibility = 'tenant' }: { place?: Place | null; visibility?: Visibility } = {},
  ): Promise<void> {
    const scope = scopeFor(caller, 'sites.write');
    requireName('site', name);
    checkPlace(place);
    if (visibility === 'global') requirePermission(caller, 'global.write');
    await unlessTaken(name, () =>
      inTransaction(this.#pool, async (client) => {
        await requireFree(client, scope, name, visibility);
        const { latitude = null, longitude = null } = place ?? {};
        await insertSite.run(client, scope.tenantId, [name, latitude, longitude, visibility, scope.userId]);
        await record(client, caller, { action: 'create', thing: 'site', id: name, details: { visibility } });
      }),
    );
  }

  /** Needs `sites.write`. Visibility only widens. @throws DomainError `not-found`, `conflict` (`site-exists`), `invalid` */
  async update(caller: Caller, name: string, change: SiteChange): Promise<void> {
    const scope = scopeFor(caller, 'sites.write');
    if (Object.keys(change).length === 0) {
      throw new DomainError('invalid', 'nothing-to-change', 'Give a location, a visibility or a new name');
    }
    if (change.name !== undefined) requireName('site', change.name);
    checkPlace(change.place ?? null);
    if (change.visibility === 'global') requirePermission(caller, 'global.write');
    await unlessTaken(change.name ?? name, () =>
      inTransaction(this.#pool, async (client) => {
        const site = await this.#own(client, scope, name);
        const { visibility } = change;
        if (visibility !== undefined && WIDTH[visibility] < WIDTH[site.visibility]) {
          throw new DomainError(
            'invalid',
            'visibility-not-wider',
            `Can't set the visibility of site ${name} to ${visibility}: it is ${site.visibility}, which is wider`,
          );
        }
        await requireFree(client, scope, change.name ?? name, visibility ?? site.visibility);
        await updateSite.run(client, scope.tenantId, [
          site.uid,
          change.name ?? null,
          change.place !== undefined,
          change.place?.latitude ?? null,
          change.place?.longitude ?? null,
          visibility ?? null,
        ]);
        await record(client, caller, {
          action: 'update',
          thing: 'site',
          id: name,
          details: { changed: Object.keys(change) },
        });
      }),
    );
  }

  /** Deployments that stand there stand nowhere then. Needs `sites.write`. Throws `not-found`. */
  async remove(caller: Caller, name: string): Promise<void> {
    const scope = scopeFor(caller, 'sites.write');
    await inTransaction(this.#pool, async (client) => {
      const site = await this.#own(client, scope, name);
      await deleteSite.run(client, scope.tenantId, [site.uid]);
      await record(client, caller, { action: 'delete', thing: 'site', id: name });
    });
  }

  /** The key of a site that a deployment in `scope` is to stand at. Throws `not-found`. */
  async keyOf(db: Queryable, scope: TenantScope, name: string): Promise<number> {
    return (await find(db, scope, name)).uid;
  }

  async #own(client: Client, scope: TenantScope, name: string): Promise<SiteRow> {
    const site = await find(client, scope, name);
    if (site.own) return site;
    throw new DomainError(
      'invalid',
      'belongs-to-other-tenant',
      `Site \`${name}\` is global and belongs to another tenant; only there it can be changed`,
    );
  }
}

async function find(db: Queryable, scope: TenantScope, name: string): Promise<SiteRow> {
  const site = await selectSite.one(db, scope.tenantId, [name, scope.userId, scope.seesPrivate]);
  if (site === null) throw notFound('Site', name);
  return site;
}

async function requireFree(
  client: Client,
  scope: TenantScope,
  name: string,
  visibility: Visibility,
): Promise<void> {
  const { taken } = (await siteTakenElsewhere.one(client, [name, scope.tenantId, visibility === 'global']))!;
  if (taken) throw exists(name);
}

async function unlessTaken(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { constraint } = error as { constraint?: string };
    if (constraint === 'sites_tenant_id_name_key' || constraint === 'sites_global') throw exists(name);
    throw error;
  }
}

function exists(name: string): DomainError {
  return new DomainError('conflict', 'site-exists', `Site \`${name}\` already exists`);
}

function checkPlace(place: Place | null): void {
  if (place === null) return;
  const { latitude, longitude } = place;
  if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) return;
  throw new DomainError(
    'invalid',
    'site-place-invalid',
    `Invalid location \`${latitude}, ${longitude}\`: the latitude must be between -90 and 90 and the longitude between -180 and 180`,
  );
}
