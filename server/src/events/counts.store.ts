/** What counters tell of a selection of events: how many there are, and where in time a page of them lies. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantId } from '../ids.js';
import { askComposed } from '../store/composed.js';
import type { Queryable } from '../store/statement.js';
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

/** Pages that end before it are found from their end of time, without adding up all hours there are. */
const NEAR = 50_000;

/** Of a whole tenant; to the hour. */
export async function placeInTenant(
  db: Queryable,
  tenant: TenantId,
  selection: EventSelection,
  stretch: Stretch,
): Promise<Place> {
  const near = stretch.offset + stretch.size <= NEAR;
  return near ? placeNear(db, tenant, selection, stretch) : placeFar(db, tenant, selection, stretch);
}

// Sums as floating point, which is exact for whole numbers of this size and a fifth of the work of `numeric`.

/** What is deleted and not folded yet is taken into account as if it had been on the page. */
async function placeNear(
  db: Queryable,
  tenant: TenantId,
  { kinds }: EventSelection,
  { offset, size, descending }: Stretch,
): Promise<Place> {
  const order = descending ? sql`order by h.hour desc` : sql`order by h.hour`;
  const bound = sql`select r.hour from (
      select h.hour, sum(h.count::float8) over (${order}) as upto from event_hours h
      where h.tenant_id = ${tenant} and h.kind = any(${[...kinds]}::text[]) ${order}) r
    where r.upto >= ${offset + size} + (select changed.gone from changed) limit 1`;
  const [from, to] = descending
    ? [sql`(${bound})::text`, sql`null::text`]
    : [sql`null::text`, sql`((${bound}) + interval '1 hour')::text`];
  const [row] = await askComposed<Place>(
    db,
    sql`
    with changed as materialized (
      select coalesce(sum(d.difference::float8), 0) as by, coalesce(-sum(d.difference::float8) filter (where d.difference < 0), 0) as gone
      from event_differences d where d.tenant_id = ${tenant} and d.kind = any(${[...kinds]}::text[]))
    select ((select coalesce(sum(t.count::float8), 0) from event_hours t where t.tenant_id = ${tenant} and t.kind = any(${[...kinds]}::text[]))
      + (select changed.by from changed))::bigint as total, 0 as before, ${from} as "from", ${to} as "to"`,
  );
  return row!;
}

async function placeFar(
  db: Queryable,
  tenant: TenantId,
  { kinds }: EventSelection,
  { offset, size, descending }: Stretch,
): Promise<Place> {
  const order = descending ? sql`order by c.hour desc` : sql`order by c.hour`;
  const [nearest, farthest] = descending
    ? [sql.raw('max'), sql.raw('min')]
    : [sql.raw('min'), sql.raw('max')];
  const first = sql`${nearest}(r.hour) filter (where r.upto > ${offset})`;
  const last = sql`coalesce(${nearest}(r.hour) filter (where r.upto >= ${offset + size}), ${farthest}(r.hour))`;
  const [from, to] = descending ? [last, first] : [first, last];
  const [row] = await askComposed<Place>(
    db,
    sql`
    select coalesce(max(r.upto), 0)::bigint as total, coalesce(max(r.upto) filter (where r.upto <= ${offset}), 0)::bigint as before,
      (${from})::text as "from", ((${to}) + interval '1 hour')::text as "to"
    from (select c.hour, sum(c.count) over (${order}) as upto from (
      select t.hour, t.count::float8 as count from event_hours t where t.tenant_id = ${tenant} and t.kind = any(${[...kinds]}::text[])
      union all select d.hour, d.difference::float8 from event_differences d
      where d.tenant_id = ${tenant} and d.kind = any(${[...kinds]}::text[])) c) r`,
  );
  return row!;
}
