/** In which group an order is to be, whose it is and for whom: looked up, and whether the caller may. */
import type { Caller } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import type { Group, Groups } from './groups.js';
import type { ItemRequest } from './order-items.js';
import { type PersonRef, selectPerson } from './orders.store.js';
import { isSuperAdmin, orderingScope, type Rights } from './rights.js';
import type { ThingKey } from './thing-key.js';

export interface NewOrder {
  readonly group: ThingKey;
  /** Whose it is, other than the caller's: for administrators of the installation. */
  readonly owner?: UserId;
  /** Who is to own what is built. */
  readonly recipient?: UserId;
  readonly name?: string;
  readonly items: readonly ItemRequest[];
  readonly submit: boolean;
}

export interface OrderFrame {
  readonly group: Group;
  readonly owner: PersonRef;
  readonly recipient: PersonRef | null;
}

/** @throws DomainError `not-found`; `forbidden` (`group-may-not-order`, `order-owner`); `invalid` (`order-recipient`) */
export async function frameOf(
  { pool, rights, groups }: { readonly pool: Pool; readonly rights: Rights; readonly groups: Groups },
  caller: Caller,
  request: NewOrder,
): Promise<OrderFrame> {
  const scope = orderingScope(caller);
  const group = await groups.find(caller, request.group);
  await rights.require(caller, 'order.submit', group);
  // What is there already is changed and taken away wherever it is.
  const isNew = request.items.some(({ kind }) => kind === 'deploy' || kind === 'provision');
  if (!group.mayOrder && (isNew || request.items.length === 0)) {
    throw new DomainError(
      'forbidden',
      'group-may-not-order',
      `Groups of the type of '${group.name}' may not order`,
    );
  }
  const person = async (id: UserId) => {
    const found = await selectPerson.one(pool, scope.tenantId, [id]);
    if (found === null) throw notFound('User', String(id));
    return found;
  };
  if (request.owner !== undefined && request.owner !== scope.userId && !isSuperAdmin(caller)) {
    throw new DomainError(
      'forbidden',
      'order-owner',
      'Only super admins may order in the name of somebody else',
      { details: { field: 'owner' } },
    );
  }
  const owner =
    request.owner === undefined
      ? { id: scope.userId, username: caller.username }
      : await person(request.owner);
  const recipient =
    request.recipient === undefined || request.recipient === owner.id
      ? null
      : await person(request.recipient);
  if (recipient !== null) {
    await rights.require(caller, 'order.choose_recipient', group);
    if (!(await rights.mayOrder(pool, scope, recipient.id, group.uid))) {
      throw new DomainError(
        'invalid',
        'order-recipient',
        `${recipient.username} may not order in group '${group.name}'`,
        { details: { field: 'recipient' } },
      );
    }
  }
  return { group, owner, recipient };
}
