import { systemStatement } from '../store/statement.js';

const WHY = 'partitions hold what all tenants told in a week';

/** Beginnings of the weeks that have a partition, the earliest first. */
export const selectWeeks = systemStatement<{ week: Date }>(
  'event_weeks_select',
  `select to_date(substr(c.relname, 9), 'YYYYMMDD')::timestamp at time zone 'UTC' as week
   from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'event_packs'::regclass and c.relname ~ '^events_w\\d{8}$' order by 1`,
  WHY,
);

/** Whether it was made now; not so as well when too much of it lies in `events_other`. */
export const makeWeek = systemStatement<{ made: boolean }>(
  'event_weeks_make',
  'select events_make_week(events_week($1::timestamptz)) as made',
  WHY,
);

export const emptyWeek = systemStatement<never>('event_weeks_empty', 'select events_empty_week($1)', WHY);
export const dropWeek = systemStatement<never>('event_weeks_drop', 'select events_drop_week($1)', WHY);

/** Weeks that counters know of, by which a snapshot's events need partitions; those of odd clocks are left out. */
export const selectCountedWeeks = systemStatement<{ week: Date }>(
  'event_weeks_counted',
  `select distinct events_week(c.hour) as week
   from (select h.hour from event_hours h where h.count > 0 union all select d.hour from event_differences d where d.difference > 0) c
   where c.hour > $1::timestamptz - interval '10 years' and c.hour < $1::timestamptz + interval '1 year' order by 1`,
  WHY,
);

/** What no week takes and is older than `$1`, by its own time or by when it was stored: `$2` rows of it. */
export const deleteOldStrays = systemStatement<never>(
  'event_weeks_delete_strays',
  `delete from event_packs e where e.id = any(array(
     select o.id from events_other o where o.at < $1 or o.recorded_at < $1 limit $2))`,
  WHY,
);

/** The highest id that was dropped for its age. */
export const selectForgotten = systemStatement<{ upTo: number }>(
  'event_weeks_forgotten',
  'select f.up_to as "upTo" from events_forgotten f',
  WHY,
);
