/** How many rows of a collection there are for each value of a field, and of two: counted by PostgreSQL. */
import { sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import { askComposed } from './composed.js';
import type { ListSpec } from './list.js';
import { condition, type ListFilter } from './list-conditions.js';
import { branchesOf } from './list-spec.js';
import type { Queryable } from './statement.js';

export interface SummaryQuery<Field extends string> {
  readonly by: Field;
  readonly within: Field | null;
  readonly filters: readonly ListFilter<Field>[];
  /** As in `ListQuery`. */
  readonly allTenants?: boolean;
  readonly offset: number;
  readonly size: number;
}

/** One row for each pair of values, those of one first value together; null: the field has none. */
export interface SummaryRow {
  readonly value: string | null;
  readonly second: string | null;
  readonly count: number;
}

/** @returns the rows of a page of first values, and how many first values there are */
export async function summarize<Field extends string>(
  db: Queryable,
  spec: ListSpec<Field>,
  scope: TenantScope,
  query: SummaryQuery<Field>,
): Promise<{ rows: SummaryRow[]; total: number }> {
  const everyTenant = query.allTenants === true && scope.seesAllTenants === true && scope.seesPrivate;
  const branches = branchesOf(spec.confine({ ...scope, everyTenant }));
  const confinement = sql`(${sql.join(
    branches.map(({ where }) => sql`(${where})`),
    sql` or `,
  )})`;
  const conditions = query.filters.map((filter) => condition(spec, filter));
  const where = sql.join([confinement, ...conditions], sql` and `);
  const by = sql.raw(`(${spec.fields[query.by].sql})::text`);
  const second =
    query.within === null ? sql`null::text` : sql.raw(`(${spec.fields[query.within].sql})::text`);
  const rows = await askComposed<SummaryRow & { total: number }>(
    db,
    sql`
    with counted as (
      select ${by} as value, ${second} as second, count(*)::integer as count
      from ${sql.raw(spec.from)} where ${where} group by 1, 2),
    firsts as (select value, row_number() over (order by value) as place from (select distinct value from counted) v)
    select counted.*, (select count(*) from firsts)::integer as total
    from counted join firsts on firsts.value is not distinct from counted.value
    where firsts.place > ${query.offset} and firsts.place <= ${query.offset + query.size}
    order by firsts.place, counted.second`,
  );
  if (rows.length > 0 || query.offset === 0) return { rows, total: rows[0]?.total ?? 0 };
  const all = await summarize(db, spec, scope, { ...query, offset: 0, size: 1 });
  return { rows: [], total: all.total };
}
