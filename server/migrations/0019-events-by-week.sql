-- Events in partitions of a week, each dropped whole when it is old enough; counters beside them, so that nobody counts
-- millions of rows for the total of a list; and a way to know up to which id everything is there to be read.
--
-- By `at`, which lists are ordered by and ranges ask for: so a page looks into one or two partitions. Weeks: at ten million
-- events a day one holds 25 GB, and ninety days are fourteen of them; with days a question that cannot be narrowed to a time
-- would open a hundred tables, with months nothing could be dropped for a month.
--
-- Whatever its `at`, an event always finds a place: `events_other` takes what no week takes. That rules `detach … concurrently`
-- out (PostgreSQL refuses it beside a default partition), hence the way weeks are dropped: events/retention.ts.

alter table events rename to events_before;
alter sequence events_id_seq rename to events_before_id_seq;

create table events (
  -- Unique by making: nothing inserts one by hand but a snapshot that is restored.
  id bigint generated always as identity,
  tenant_id bigint not null,
  execution_uid bigint,
  deployment_uid bigint,
  kind text not null constraint events_of_kind check (kind in ('event', 'log')),
  -- `workflow_started`, `task_failed`, …; null for logs.
  type text,
  -- Of logs.
  level text,
  logger text,
  message text not null,
  operation text,
  node text,
  instance text,
  source text,
  target text,
  -- errors.ts, FailureCause[].
  causes json,
  -- When it happened, on the writer's clock, and when it was stored.
  at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp()
) partition by range (at);
create table events_other partition of events default;

-- Of no time zone: weeks begin on Monday at midnight UTC.
create function events_week(at timestamptz) returns timestamptz language sql immutable parallel safe as $$
  select date_bin('7 days', at, '2000-01-03 00:00:00+00')
$$;
create function events_hour(at timestamptz) returns timestamptz language sql immutable parallel safe as $$
  select date_bin('1 hour', at, '2000-01-03 00:00:00+00')
$$;
create function events_week_name(week timestamptz) returns text language sql immutable parallel safe as $$
  select 'events_w' || to_char(week at time zone 'UTC', 'YYYYMMDD')
$$;

-- Makes the partition of a week, given by its beginning, unless it is there. Of the table it takes a lock that neither readers
-- nor writers meet; of `events_other` one that they do, and never waits for it (55P03: somebody is there, come again). What
-- `events_other` has of that week moves over, up to a hundred thousand rows: more stay there, so that nobody waits for them.
create function events_make_week(week timestamptz) returns boolean language plpgsql as $$
declare
  name text := events_week_name(week);
  strays bigint;
begin
  if to_regclass(quote_ident(name)) is not null then return false; end if;
  lock table events_other in access exclusive mode nowait;
  select count(*) into strays from (select from events_other o where o.at >= week and o.at < week + interval '168 hours' limit 100001) s;
  if strays > 100000 then return false; end if;
  execute format('create table %I (like events including defaults including constraints)', name);
  if strays > 0 then
    execute format('with moved as (delete from events_other o where o.at >= %1$L and o.at < %2$L returning o.*) insert into %3$I select * from moved',
      week, week + interval '168 hours', name);
  end if;
  execute format('alter table events attach partition %I for values from (%L) to (%L)', name, week, week + interval '168 hours');
  return true;
end
$$;

do $$
declare
  week timestamptz;
begin
  for week in
    select w from (
      select events_week(at) as w from events_before where at > now() - interval '10 years' and at < now() + interval '1 year'
      union select events_week(now()) + n * interval '168 hours' from generate_series(0, 4) n) weeks order by 1
  loop
    perform events_make_week(week);
  end loop;
end
$$;

insert into events overriding system value select * from events_before;
select setval('events_id_seq', greatest(1, coalesce(pg_sequence_last_value('events_before_id_seq'), 0)),
  pg_sequence_last_value('events_before_id_seq') is not null);
drop table events_before;

-- In the order in which they were stored: who follows them reads on from an id.
create index events_id on events (id);
create index events_execution on events (execution_uid, at, id);
create index events_deployment on events (deployment_uid, at, id);
-- One or the other, never both: whoever asks for one kind need not step over the other.
create index events_tenant_event on events (tenant_id, at, id) where kind = 'event';
create index events_tenant_log on events (tenant_id, at, id) where kind = 'log';

-- How many there are, exact at any moment: a difference commits with the events that it counts. A chore folds differences into
-- the two tables of sums (events/counting.ts); nobody waits for a row that others count in. 0 stands for none.
create table event_differences (
  tenant_id bigint not null,
  execution_uid bigint not null,
  deployment_uid bigint not null,
  hour timestamptz not null,
  kind text not null,
  difference bigint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- By the hour of `at`: for the totals of tenants, and to find the place of a page in the middle.
create table event_hours (
  tenant_id bigint not null,
  hour timestamptz not null,
  kind text not null,
  count bigint not null,
  primary key (tenant_id, hour, kind)
) with (fillfactor = 80);

-- By the week of `at`, and so by partition: for the totals of executions and deployments, and to know which partitions they are in.
create table event_subjects (
  tenant_id bigint not null,
  execution_uid bigint not null,
  deployment_uid bigint not null,
  week timestamptz not null,
  kind text not null,
  count bigint not null,
  primary key (execution_uid, deployment_uid, tenant_id, week, kind)
) with (fillfactor = 80);
create index event_subjects_deployment on event_subjects (deployment_uid);
create index event_subjects_week on event_subjects (week);
create index event_subjects_gone on event_subjects (week) where count = 0;
create index event_hours_gone on event_hours (hour) where count = 0;

insert into event_hours (tenant_id, hour, kind, count)
  select tenant_id, events_hour(at), kind, count(*) from events group by 1, 2, 3;
insert into event_subjects (tenant_id, execution_uid, deployment_uid, week, kind, count)
  select tenant_id, coalesce(execution_uid, 0), coalesce(deployment_uid, 0), events_week(at), kind, count(*) from events group by 1, 2, 3, 4, 5;

-- By statement, whoever writes: so nobody who inserts or deletes needs to know of counters.
create function count_events() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into event_differences (tenant_id, execution_uid, deployment_uid, hour, kind, difference)
    select c.tenant_id, coalesce(c.execution_uid, 0), coalesce(c.deployment_uid, 0), events_hour(c.at), c.kind, count(*)
    from changed c group by 1, 2, 3, 4, 5;
  else
    insert into event_differences (tenant_id, execution_uid, deployment_uid, hour, kind, difference)
    select c.tenant_id, coalesce(c.execution_uid, 0), coalesce(c.deployment_uid, 0), events_hour(c.at), c.kind, -count(*)
    from changed c group by 1, 2, 3, 4, 5;
  end if;
  return null;
end
$$;
create trigger events_come after insert on events referencing new table as changed for each statement execute function count_events();
create trigger events_go after delete on events referencing old table as changed for each statement execute function count_events();

-- Ids become visible in the order of commits, not in their own. Who appends holds this lock, shared, from before its first id
-- is drawn until its transaction is over: so a reader knows when everything up to an id is there to be seen, or never will be
-- (events/frontier.ts). Deleting does not take it.
create function announce_events() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(677381, 1);
  return null;
end
$$;
create trigger events_announced before insert on events for each statement execute function announce_events();

-- The last id that was drawn, and then who is appending: in this order, so that whoever drew an id up to `drawn` either is
-- among `writers` or has ended.
create function events_frontier(out drawn bigint, out writers text[]) language plpgsql as $$
begin
  select case when s.is_called then s.last_value else 0 end into drawn from events_id_seq s;
  select coalesce(array_agg(l.virtualtransaction), '{}') into writers from pg_locks l
  where l.locktype = 'advisory' and l.classid = 677381 and l.objid = 1 and l.objsubid = 2 and l.mode = 'ShareLock' and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database());
end
$$;

-- The highest id that was ever dropped for its age: who follows events from an earlier one has missed some.
create table events_forgotten (
  only_row boolean primary key default true check (only_row),
  up_to bigint not null
);
insert into events_forgotten (up_to) values (0);

-- Removes what the partition of a week holds, and its counts. It meets nobody who writes elsewhere, and does not wait for those
-- who read or write there (55P03). Nobody can be counting there meanwhile: who has written there and not ended holds the lock.
create function events_empty_week(week timestamptz) returns void language plpgsql as $$
declare
  name text := events_week_name(week);
  last bigint;
begin
  execute format('lock table %I in access exclusive mode nowait', name);
  -- Whoever folds counters ends first.
  perform pg_advisory_xact_lock(677381, 2);
  execute format('select max(id) from %I', name) into last;
  execute format('truncate %I', name);
  delete from event_differences d where d.hour >= week and d.hour < week + interval '168 hours';
  delete from event_hours h where h.hour >= week and h.hour < week + interval '168 hours';
  delete from event_subjects s where s.week = events_empty_week.week;
  update events_forgotten f set up_to = last where f.up_to < last;
end
$$;

-- Drops the partition of a week, with what it still holds. Takes the whole table for a moment, and does not wait for it (55P03).
create function events_drop_week(week timestamptz) returns void language plpgsql as $$
declare
  name text := events_week_name(week);
begin
  lock table events in access exclusive mode nowait;
  perform events_empty_week(week);
  execute format('alter table events detach partition %I', name);
  execute format('drop table %I', name);
end
$$;
