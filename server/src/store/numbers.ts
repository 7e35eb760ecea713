/**
 * Numbers that people call things by: 1, 2, 3 for each kind of thing in each tenant.
 *
 * Surrogate keys would tell a tenant how much goes on in the others, and could not begin at 1 in each. A number is drawn
 * in the transaction that makes the thing; whoever draws the next one of the kind waits until that is over, so there are no gaps
 * but those of things that were deleted.
 */
import type { TenantId } from '../ids.js';
import { type Queryable, tenantStatement } from './statement.js';

const draw = tenantStatement<{ last: string }>(
  'numbers_draw',
  `insert into tenant_numbers (tenant_id, kind, last) values ($1, $2, $3)
   on conflict (tenant_id, kind) do update set last = tenant_numbers.last + excluded.last returning last`,
);

/**
 * @param kind of the thing: `ordering-group`, `order`
 * @returns the first of `count` numbers that nothing else of the kind has
 */
export async function nextNumber(
  client: Queryable,
  tenant: TenantId,
  kind: string,
  count = 1,
): Promise<number> {
  const { last } = (await draw.one(client, tenant, [kind, count]))!;
  return Number(last) - count + 1;
}
