/** What a client has made of designs, as it tells: names of things in clusters. Everybody has their own list. */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import {
  type DesignResourceField,
  deleteResource,
  RESOURCE_LIST,
  upsertResource,
} from './design-resources.store.js';

export type { DesignResourceField } from './design-resources.store.js';

export class DesignResources {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `designs.read`. */
  list(caller: Caller, query: ListQuery<DesignResourceField>): Promise<ListPage> {
    return listPage(this.#pool, RESOURCE_LIST, scopeFor(caller, 'designs.read'), query);
  }

  /** @returns its id @throws DomainError `forbidden` (`not-your-design`) where the id is somebody else's */
  async put(
    caller: Caller,
    {
      id,
      name,
      namespace,
      type,
      model,
    }: { id: string | null; name: string; namespace: string; type: string; model: string },
  ): Promise<string> {
    const scope = scopeFor(caller, 'designs.write');
    const row = await upsertResource.one(this.#pool, scope.tenantId, [
      id,
      scope.userId,
      name,
      namespace,
      type,
      model,
    ]);
    if (row !== null) return row.id;
    throw new DomainError('forbidden', 'not-your-design', 'This resource is not yours');
  }

  /** @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    const scope = scopeFor(caller, 'designs.write');
    const row = isUuid(id) ? await deleteResource.one(this.#pool, scope.tenantId, [scope.userId, id]) : null;
    if (row === null) throw notFound('Resource', id.slice(0, 100));
  }
}
