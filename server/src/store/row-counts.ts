/** Folds the differences of `row_counts` (migration 0005) into one sum for each tenant and collection. */
import type { Pool } from './pool.js';
import { systemStatement } from './statement.js';

const fold = systemStatement<{ folded: number }>(
  'row_counts_fold',
  `with many as (
     select r.tenant_id, r.collection from row_counts r group by r.tenant_id, r.collection having count(*) > 1),
   taken as (
     delete from row_counts r where r.ctid = any(array(
       select f.ctid from row_counts f join many m on m.tenant_id = f.tenant_id and m.collection = f.collection for update of f skip locked))
     returning r.tenant_id, r.collection, r.difference),
   kept as (
     insert into row_counts (tenant_id, collection, difference)
     select t.tenant_id, t.collection, sum(t.difference) from taken t group by t.tenant_id, t.collection)
   select count(*)::integer as folded from taken`,
  'counters of all tenants are folded alike; no row of a tenant is read',
);

/** @returns how many differences were folded */
export async function foldRowCounts(pool: Pool): Promise<number> {
  return (await fold.one(pool))!.folded;
}
