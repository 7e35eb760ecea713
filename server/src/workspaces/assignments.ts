/** Putting something into a workspace or an environment that the transaction holds, and taking it out. */
import { DomainError, notFound } from '../errors.js';
import type { TenantId } from '../ids.js';
import { isUuid } from '../membership/acting-tenant.js';
import type { Client } from '../store/pool.js';
import type { AssignmentRow, AssignmentStatements } from './assignments.store.js';

export type { AssignmentRow } from './assignments.store.js';

/** @param thing UUID of what is put into it @throws DomainError `invalid` (`other-tenant`) */
export async function putInto(
  client: Client,
  tenant: TenantId,
  holder: number,
  { put, word }: AssignmentStatements,
  thing: string,
): Promise<AssignmentRow> {
  const made = isUuid(thing) ? await put.one(client, tenant, [holder, thing]) : null;
  if (made === null) throw elsewhere(word, thing);
  return made;
}

/** @throws DomainError `not-found`: it is not in it */
export async function takeFrom(
  client: Client,
  tenant: TenantId,
  holder: number,
  { take, word }: AssignmentStatements,
  thing: string,
): Promise<void> {
  const gone = isUuid(thing) ? await take.run(client, tenant, [holder, thing]) : 0;
  if (gone === 0) throw notFound(word, thing.slice(0, 100));
}

/** What another tenant has is told like what nobody has. */
function elsewhere(thing: string, id: string): DomainError {
  return new DomainError(
    'invalid',
    'other-tenant',
    `${thing} ${id.slice(0, 100)} is not in this organization`,
  );
}
