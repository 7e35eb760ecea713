/** In which tenant somebody acts who names it by its UUID, or does not name it at all. */
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import {
  type Addressed,
  selectTenantByUuid,
  selectTenantOf,
  selectUsualTenant,
} from './acting-tenant.store.js';
import { selectPreferences } from './preferences.store.js';

export type { Addressed } from './acting-tenant.store.js';

export class ActingTenants {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Its name; null: there is none. Says nothing about who may act in it. @param uuid well-formed */
  async named(uuid: string): Promise<string | null> {
    return (await selectTenantByUuid.one(this.#pool, [uuid]))?.name ?? null;
  }

  /** UUID of the tenant that a thing is in; null: there is no such thing. Says nothing about who may see it. @param uuid well-formed */
  async ofThing(thing: Addressed, uuid: string): Promise<string | null> {
    return (await selectTenantOf[thing].one(this.#pool, [uuid]))?.uuid ?? null;
  }

  /**
   * Where a user acts who names no tenant: the preferred one while they are in it, else the one they have been in for the
   * longest. Null: they are in none.
   */
  async usual(userId: UserId, actsEverywhere: boolean): Promise<string | null> {
    const row = await selectPreferences.one(this.#pool, [userId]);
    const preferred = row?.preferences.selectedOrganization;
    const uuid = typeof preferred === 'string' && isUuid(preferred) ? preferred : null;
    return (await selectUsualTenant.one(this.#pool, [userId, uuid, actsEverywhere]))?.name ?? null;
  }
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}
