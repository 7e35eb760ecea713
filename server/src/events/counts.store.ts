/** What counters tell of a selection of events: how many there are, and where in time a page of them lies. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantId } from '../ids.js';
import { askComposed } from '../store/composed.js';
import { type Queryable, tenantStatement } from '../store/statement.js';
import type { EventSelection } from './selection.js';

/** Rows from `offset` on, `size` of them, the latest first or the earliest. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
  readonly descending: boolean;
}

export interface Place {
  readonly total: number;
  /** The page lies between these, as PostgreSQL writes times: from the first on, before the second; null: no bound. */
  readonly from: string | null;
  readonly to: string | null;
  /** How many of the selection lie before those bounds, in the order asked for. */
  readonly before: number;
}

/** Of certain executions or deployments; to the week. */
export async function placeOfSubjects(
  db: Queryable,
  tenant: TenantId,
  selection: EventSelection,
  stretch: Stretch,
): Promise<Place> {
  const sums = subjectCondition('s', tenant, selection);
  const differences = subjectCondition('d', tenant, selection);
  const weeks = await askComposed<{ from: string; to: string; count: number }>(
    db,
    sql`
    select c.week::text as "from", (c.week + interval '168 hours')::text as "to", sum(c.count)::bigint as count from (
      select s.week, s.count from event_subjects s where ${sums}
      union all select events_week(d.hour), d.difference from event_differences d where ${differences}) c
    group by c.week having sum(c.count) > 0 order by c.week`,
  );
  if (stretch.descending) weeks.reverse();
  let before = 0;
  let upTo = 0;
  let first: (typeof weeks)[number] | null = null;
  let last: (typeof weeks)[number] | null = null;
  let total = 0;
  for (const week of weeks) {
    total += week.count;
    if (first === null && total > stretch.offset) [first, before] = [week, total - week.count];
    if (upTo < stretch.offset + stretch.size) last = week;
    upTo = total;
  }
  const [early, late] = stretch.descending ? [last, first] : [first, last];
  return { total, from: early?.from ?? null, to: late?.to ?? null, before };
}

function subjectCondition(
  alias: string,
  tenant: TenantId,
  { executions, deployments, hidden, kinds }: EventSelection,
): RawBuilder<unknown> {
  const table = sql.raw(alias);
  return sql.join(
    [
      sql`${table}.tenant_id = ${tenant}`,
      sql`${table}.kind = any(${[...kinds]}::text[])`,
      ...(executions === null ? [] : [sql`${table}.execution_uid = any(${[...executions]}::bigint[])`]),
      ...(deployments === null ? [] : [sql`${table}.deployment_uid = any(${[...deployments]}::bigint[])`]),
      ...(hidden.length === 0 ? [] : [sql`${table}.deployment_uid <> all(${[...hidden]}::bigint[])`]),
    ],
    sql` and `,
  );
}

const selectPlace = tenantStatement<Place>(
  'events_place',
  'select p.total, p.before, p.since::text as "from", p.until::text as "to" from events_place($1, $2, $3, $4, $5) p',
);

/** Of a whole tenant; to the hour. */
export async function placeInTenant(
  db: Queryable,
  tenant: TenantId,
  { kinds }: EventSelection,
  { offset, size, descending }: Stretch,
): Promise<Place> {
  return (await selectPlace.one(db, tenant, [kinds, offset, size, descending]))!;
}
