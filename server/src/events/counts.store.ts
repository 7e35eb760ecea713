/** What counters tell of a selection of events: how many there are, and where in time a page of them lies. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantId } from '../ids.js';
import { askComposed } from '../store/composed.js';
import type { Queryable } from '../store/statement.js';
import type { EventSelection } from './selection.js';

/** How many there are, and between which times, as PostgreSQL writes them: from the first on, before the second; null: no bound. */
export interface Counted {
  readonly total: number;
  readonly from: string | null;
  readonly to: string | null;
}

export interface Place extends Counted {
  /** How many of the selection lie before those times, in the order asked for. */
  readonly before: number;
}

/** Of certain executions or deployments, by week. */
export async function countSubjects(
  db: Queryable,
  tenant: TenantId,
  { executions, deployments, hidden, kinds }: EventSelection,
): Promise<Counted> {
  const of = (alias: string): RawBuilder<unknown> => {
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
  };
  const [row] = await askComposed<Counted>(
    db,
    sql`
    with weeks as (
      select c.week, sum(c.count) as count from (
        select s.week, s.count from event_subjects s where ${of('s')}
        union all select events_week(d.hour), d.difference from event_differences d where ${of('d')}) c
      group by c.week having sum(c.count) > 0)
    select coalesce(sum(w.count), 0)::bigint as total, min(w.week)::text as "from",
      (max(w.week) + interval '168 hours')::text as "to" from weeks w`,
  );
  return row!;
}

/** Of a whole tenant, and where the rows from `offset` on lie, `size` of them. Hours tell it, so it is exact to an hour. */
export async function placeInTenant(
  db: Queryable,
  tenant: TenantId,
  { kinds }: EventSelection,
  {
    offset,
    size,
    descending,
  }: { readonly offset: number; readonly size: number; readonly descending: boolean },
): Promise<Place> {
  const order = descending ? sql`order by h.hour desc` : sql`order by h.hour`;
  const [from, to] = descending ? [sql`l.hour`, sql`f.hour`] : [sql`f.hour`, sql`l.hour`];
  const [row] = await askComposed<Place>(
    db,
    sql`
    with hours as materialized (
      select c.hour, sum(c.count) as count from (
        select t.hour, t.count from event_hours t where t.tenant_id = ${tenant} and t.kind = any(${[...kinds]}::text[])
        union all select d.hour, d.difference from event_differences d where d.tenant_id = ${tenant} and d.kind = any(${[...kinds]}::text[])) c
      group by c.hour having sum(c.count) > 0),
    running as materialized (select h.hour, h.count, sum(h.count) over (${order}) as upto from hours h),
    f as (select * from running r where r.upto > ${offset} order by r.upto limit 1),
    l as (select * from running r order by r.upto < ${offset + size}, abs(r.upto - ${offset + size}) limit 1)
    select (select coalesce(sum(h.count), 0)::bigint from hours h) as total, coalesce(f.upto - f.count, 0)::bigint as before,
      ${from}::text as "from", (${to} + interval '1 hour')::text as "to"
    from (select 1) one left join f on true left join l on true`,
  );
  return row!;
}
