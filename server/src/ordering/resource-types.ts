/** Types of what is built beside servers: services, databases, and whatever a catalogue names. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError } from '../errors.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import {
  insertResourceType,
  type ResourceTypeField,
  type ResourceTypeRow,
  resourceTypeList,
  selectResourceType,
  selectResourceTypeByName,
} from './resource-types.store.js';
import { orderingScope } from './rights.js';

export type { ResourceTypeField } from './resource-types.store.js';
export type ResourceType = ResourceTypeRow;

export interface NewResourceType {
  readonly name: string;
  readonly label?: string;
  readonly icon?: string;
  readonly lifecycle?: readonly string[];
}

const FORM = /^[a-z][a-z0-9_-]{0,127}$/;
/** What a resource may be, where its type does not say. */
export const USUAL_LIFECYCLE = ['Provisioning', 'Active', 'Provision Failed', 'Historical'] as const;

export class ResourceTypes {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(caller: Caller, query: ListQuery<ResourceTypeField>): Promise<ListPage> {
    return listPage(this.#pool, resourceTypeList, orderingScope(caller), query);
  }

  async byName(db: Queryable, scope: TenantScope, name: string): Promise<ResourceType | null> {
    return selectResourceTypeByName.one(db, scope.tenantId, [name]);
  }

  async byKey(caller: Caller, uid: number): Promise<ResourceType | null> {
    return selectResourceType.one(this.#pool, orderingScope(caller).tenantId, [uid]);
  }

  /** The key of the type of that name, which is made where it is not there. Within somebody's transaction. */
  async ensure(client: Client, scope: TenantScope, type: NewResourceType): Promise<number> {
    const name = type.name.toLowerCase();
    if (!FORM.test(name)) {
      throw new DomainError(
        'invalid',
        'resource-type-invalid',
        `'${type.name.slice(0, 100)}' is no name of a resource type: it has small letters, digits, hyphens and underscores`,
      );
    }
    const known = await this.byName(client, scope, name);
    if (known !== null) return known.uid;
    const number = await nextNumber(client, scope.tenantId, 'resource-type');
    const label = type.label ?? name.charAt(0).toUpperCase() + name.slice(1);
    const values = [number, name, label, type.icon ?? '', type.lifecycle ?? USUAL_LIFECYCLE];
    return (await insertResourceType.one(client, scope.tenantId, values))!.uid;
  }
}
