-- Where in time a page of a tenant's events lies, by looking at a dozen weeks and at the hours of two of them. To add all hours up took longer
-- than to find the page: three months are four thousand of them.

-- By the week of `at`, whoever told it: sums of what `event_hours` has.
create table event_weeks (
  tenant_id bigint not null,
  week timestamptz not null,
  kind text not null,
  count bigint not null,
  primary key (tenant_id, week, kind)
) with (fillfactor = 80);
create index event_weeks_week on event_weeks (week);
insert into event_weeks (tenant_id, week, kind, count)
  select h.tenant_id, events_week(h.hour), h.kind, sum(h.count) from event_hours h group by 1, 2, 3;

-- How many events of these kinds a tenant has, and where those behind the first `skip`, `most` of them, are: not before `since`, before `until`, whole
-- hours both; `before` of them lie, in the order asked for, before these hours. Null: there are none. Counts are what sums and differences say
-- together, which is exact; as floating point, which is so for whole numbers of this size.
create function events_place(tenant bigint, kinds text[], skip double precision, most double precision, backwards boolean,
  out total double precision, out before double precision, out since timestamptz, out until timestamptz)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  found record;
  first timestamptz;
  last timestamptz;
  -- Those before the week that the page ends in.
  upto double precision := 0;
  reached boolean := false;
begin
  total := 0;
  before := 0;
  for found in
    select c.week, sum(c.count) as count from (
      select w.week, w.count::float8 from event_weeks w where w.tenant_id = tenant and w.kind = any(kinds)
      union all select events_week(d.hour), d.difference::float8 from event_differences d where d.tenant_id = tenant and d.kind = any(kinds)) c
    group by c.week having sum(c.count) > 0
    order by case when backwards then c.week end desc, c.week
  loop
    if first is null and total + found.count > skip then
      first := found.week;
      before := total;
    end if;
    if not reached then
      last := found.week;
      upto := total;
      reached := total + found.count >= skip + most;
    end if;
    total := total + found.count;
  end loop;
  if first is null then return; end if;
  reached := false;
  for found in
    select c.hour, sum(c.count) as count from (
      select h.hour, h.count::float8 from event_hours h where h.tenant_id = tenant and h.kind = any(kinds)
        and (h.hour >= first and h.hour < first + interval '168 hours' or h.hour >= last and h.hour < last + interval '168 hours')
      union all select d.hour, d.difference::float8 from event_differences d where d.tenant_id = tenant and d.kind = any(kinds)
        and (d.hour >= first and d.hour < first + interval '168 hours' or d.hour >= last and d.hour < last + interval '168 hours')) c
    group by c.hour having sum(c.count) > 0
    order by case when backwards then c.hour end desc, c.hour
  loop
    if since is null and found.hour >= first and found.hour < first + interval '168 hours' then
      if before + found.count > skip then since := found.hour; else before := before + found.count; end if;
    end if;
    if not reached and found.hour >= last and found.hour < last + interval '168 hours' then
      until := found.hour;
      upto := upto + found.count;
      reached := upto >= skip + most;
    end if;
  end loop;
  -- From here on as times go.
  if backwards then
    select until, since + interval '1 hour' into since, until;
  else
    until := until + interval '1 hour';
  end if;
end
$$;

-- As before (0049), with the sums of weeks.
create or replace function events_empty_week(week timestamptz) returns void language plpgsql as $$
declare
  name text := events_week_name(week);
  last bigint;
begin
  execute format('lock table %I in access exclusive mode nowait', name);
  -- Whoever folds counters ends first.
  perform pg_advisory_xact_lock(677381, 2);
  execute format('select max(id) + 255 from %I', name) into last;
  execute format('truncate %I', name);
  delete from event_differences d where d.hour >= week and d.hour < week + interval '168 hours';
  delete from event_hours h where h.hour >= week and h.hour < week + interval '168 hours';
  delete from event_weeks w where w.week = events_empty_week.week;
  delete from event_subjects s where s.week = events_empty_week.week;
  update events_forgotten f set up_to = last where f.up_to < last;
end
$$;
