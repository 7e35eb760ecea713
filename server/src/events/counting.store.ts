import { systemStatement } from '../store/statement.js';

const WHY = 'counters of all tenants are folded alike; no event is read';

/** One at a time, and none while a week is being emptied: both change sums of the same rows. */
export const lockSums = systemStatement<{ held: boolean }>(
  'event_counts_lock',
  'select pg_try_advisory_xact_lock(677381, 2) as held',
  WHY,
);

export const foldDifferences = systemStatement<{ folded: number }>(
  'event_counts_fold',
  `with taken as (delete from event_differences d returning d.*),
   hours as (
     insert into event_hours as h (tenant_id, hour, kind, count)
     select t.tenant_id, t.hour, t.kind, sum(t.difference) from taken t group by 1, 2, 3
     on conflict (tenant_id, hour, kind) do update set count = h.count + excluded.count),
   weeks as (
     insert into event_weeks as w (tenant_id, week, kind, count)
     select t.tenant_id, events_week(t.hour), t.kind, sum(t.difference) from taken t group by 1, 2, 3
     on conflict (tenant_id, week, kind) do update set count = w.count + excluded.count),
   subjects as (
     insert into event_subjects as s (tenant_id, execution_uid, deployment_uid, week, kind, count)
     select t.tenant_id, t.execution_uid, t.deployment_uid, events_week(t.hour), t.kind, sum(t.difference) from taken t group by 1, 2, 3, 4, 5
     on conflict (execution_uid, deployment_uid, tenant_id, week, kind) do update set count = s.count + excluded.count),
   written as (
     update events_written w set count = w.count + n.count
     from (select sum(t.difference) as count from taken t where t.difference > 0) n where n.count > 0)
   select count(*)::integer as folded from taken`,
  WHY,
);

export const deleteEmptyHours = systemStatement<never>(
  'event_counts_sweep_hours',
  'delete from event_hours where count = 0',
  WHY,
);

export const deleteEmptyWeeks = systemStatement<never>(
  'event_counts_sweep_weeks',
  'delete from event_weeks where count = 0',
  WHY,
);

export const deleteEmptySubjects = systemStatement<never>(
  'event_counts_sweep_subjects',
  'delete from event_subjects where count = 0',
  WHY,
);

/** Kinds that a snapshot does not carry, though its counters do. */
export const forgetKinds = systemStatement<never>(
  'event_counts_forget_kinds',
  `with d as (delete from event_differences where kind = any($1::text[])),
     h as (delete from event_hours where kind = any($1::text[]))
   delete from event_subjects where kind = any($1::text[])`,
  WHY,
);

export const forgetWeeks = systemStatement<never>(
  'event_counts_forget_weeks',
  'delete from event_weeks',
  WHY,
);

export const sumWeeks = systemStatement<never>(
  'event_counts_sum_weeks',
  `insert into event_weeks (tenant_id, week, kind, count)
   select h.tenant_id, events_week(h.hour), h.kind, sum(h.count) from event_hours h group by 1, 2, 3`,
  WHY,
);

/** Numbers that are drawn go on behind those of the packs that are there. */
export const passNumbers = systemStatement<never>(
  'event_packs_pass_numbers',
  `select setval('news_seq', greatest(1, coalesce(pg_sequence_last_value('news_seq'), 0), (select coalesce(max(p.id), 0) / 256 from event_packs p)))`,
  'numbers are drawn for all tenants alike',
);
