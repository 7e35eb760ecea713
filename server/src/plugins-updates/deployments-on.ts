/** Deployments that an update of plugins is about: those on the blueprint that its caller sees and may change. */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError } from '../errors.js';
import type { Callers } from '../identity/callers.js';
import type { BlueprintUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { type Standing, selectStanding, selectTenantsOn } from './plugins-updates.store.js';

const PAGE = 500;

/** Page by page, in the order in which they were made. */
export async function* deploymentsOn(
  db: Queryable,
  caller: Caller,
  blueprint: BlueprintUid,
): AsyncGenerator<Standing> {
  const scope = scopeFor(caller, 'deployments.write');
  for (let after = 0; ; ) {
    const key = [blueprint, scope.userId, scope.seesPrivate, after, PAGE];
    const page = await selectStanding.all(db, scope.tenantId, key);
    yield* page;
    if (page.length < PAGE) return;
    after = Number(page.at(-1)!.uid);
  }
}

/** The caller in each tenant that has some; where they may change none there, that tenant is left out. */
export async function callersOn(
  parts: { readonly pool: Pool; readonly callers: Pick<Callers, 'actingAs'> },
  by: { readonly username: string; readonly tenant: string; readonly reason: string },
  { blueprint, allTenants }: { readonly blueprint: BlueprintUid; readonly allTenants: boolean },
): Promise<Caller[]> {
  const own = await parts.callers.actingAs(by.username, by.tenant, by.reason);
  scopeFor(own, 'deployments.write');
  if (!allTenants) return [own];
  const found = [own];
  for (const { name } of await selectTenantsOn.all(parts.pool, [blueprint])) {
    if (name === by.tenant) continue;
    try {
      const there = await parts.callers.actingAs(by.username, name, by.reason);
      if (there.permissions.has('deployments.write')) found.push(there);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
  }
  return found;
}
