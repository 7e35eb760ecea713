-- Events in packs: up to 256 of one execution that were told within one second, in one row of columns, what they share named once. An event
-- of its own row cost nine microseconds to write, half of them for two indexes; in a pack it costs less than one, and a twentieth of the disk.
--
-- What always holds:
--   * a pack is of one tenant, execution and deployment, and lies within one second (UTC), so within an hour and a week;
--   * its events are in the order of time and id; `at` is not after the first, `last_at` not before the last;
--   * ids: a pack draws one number, n; its events have n × 256, n × 256 + 1, … So packs never overlap in ids.
--
-- `events` is a view of them, for whoever needs no index of its own. Who asks for pages asks packs (events/pages.store.ts).

create sequence news_seq;
-- Of events' packs and of changes (0020), in one order.
create function next_news_id() returns bigint language sql volatile as $$ select nextval('news_seq') * 256 $$;

alter table events rename to events_before;
do $$
declare
  name text;
begin
  for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'events_before'::regclass loop
    execute format('alter table %I rename to %I', name, 'before_' || name);
  end loop;
end
$$;
alter index events_id rename to events_before_id;
drop index events_execution, events_deployment, events_tenant_event, events_tenant_log;
drop trigger events_come on events_before;
drop trigger events_go on events_before;
drop trigger events_announced on events_before;

create table event_packs (
  id bigint not null,
  tenant_id bigint not null,
  execution_uid bigint,
  deployment_uid bigint,
  -- How many of each kind.
  events integer not null,
  logs integer not null,
  at timestamptz not null,
  last_at timestamptz not null,
  -- When it was stored, on the database's clock.
  recorded_at timestamptz not null default clock_timestamp(),
  -- The columns of events, the n-th element for the n-th. Null: as said there.
  -- Which of the pack's ids it has, from 1; null: the n-th.
  nths integer[],
  -- Microseconds after `at`; null: none.
  laters integer[],
  -- Which of the words and of the places that follow; null: the n-th.
  words_of integer[],
  places_of integer[],
  -- Words: what is said. A column is null where all of it would be.
  types text[],
  -- Of logs, and of them alone: what has a level is a log.
  levels text[],
  loggers text[],
  messages text[] not null,
  operations text[],
  -- Each a JSON text: errors.ts, FailureCause[].
  causes text[],
  -- Places: of whom.
  nodes text[],
  instances text[],
  sources text[],
  targets text[]
) partition by range (at);
create table events_other partition of event_packs default;

create index event_packs_id on event_packs (id);
create index event_packs_execution on event_packs (execution_uid, at, id) include (last_at, events, logs);
create index event_packs_deployment on event_packs (deployment_uid, at, id) include (last_at, events, logs);
create index event_packs_tenant on event_packs (tenant_id, at, id) include (last_at, events, logs);
create index event_packs_tenant_log on event_packs (tenant_id, at, id) include (last_at, events, logs) where logs > 0;

-- The column, or null when nothing is in it.
create function unless_empty(texts text[]) returns text[] language sql immutable parallel safe as $$
  select case when array_remove(texts, null) = '{}' then null else texts end
$$;

-- The events of a pack, in their order.
create function events_of(pack event_packs) returns table (
  id bigint, tenant_id bigint, execution_uid bigint, deployment_uid bigint, kind text, type text, level text, logger text, message text,
  operation text, node text, instance text, source text, target text, causes json, at timestamptz, recorded_at timestamptz)
language plpgsql stable parallel safe rows 100 as $$
declare
  count integer := pack.events + pack.logs;
  nths integer[] := pack.nths;
  laters integer[] := pack.laters;
  words integer[] := pack.words_of;
  places integer[] := pack.places_of;
  types text[] := pack.types;
  levels text[] := pack.levels;
  loggers text[] := pack.loggers;
  messages text[] := pack.messages;
  operations text[] := pack.operations;
  cause_texts text[] := pack.causes;
  nodes text[] := pack.nodes;
  instances text[] := pack.instances;
  sources text[] := pack.sources;
  targets text[] := pack.targets;
  first timestamptz := pack.at;
  zero bigint := pack.id - 1;
  word integer;
  place integer;
begin
  tenant_id := pack.tenant_id;
  execution_uid := pack.execution_uid;
  deployment_uid := pack.deployment_uid;
  recorded_at := pack.recorded_at;
  at := first;
  for n in 1 .. count loop
    word := coalesce(words[n], n);
    place := coalesce(places[n], n);
    id := zero + coalesce(nths[n], n);
    if laters is not null then at := first + laters[n] * interval '1 microsecond'; end if;
    type := types[word];
    level := levels[word];
    kind := case when level is null then 'event' else 'log' end;
    logger := loggers[word];
    message := messages[word];
    operation := operations[word];
    causes := cause_texts[word]::json;
    node := nodes[place];
    instance := instances[place];
    source := sources[place];
    target := targets[place];
    return next;
  end loop;
end
$$;

create view events as
  select e.id, p.tenant_id, p.execution_uid, p.deployment_uid, e.kind, e.type, e.level, e.logger, e.message, e.operation, e.node, e.instance,
    e.source, e.target, e.causes, e.at, p.recorded_at
  from event_packs p cross join lateral events_of(p) e;

-- How many events of a pack are among these kinds.
create function events_among(pack event_packs, kinds text[]) returns integer language sql immutable parallel safe as $$
  select case when 'event' = any(kinds) then pack.events else 0 end + case when 'log' = any(kinds) then pack.logs else 0 end
$$;

create or replace function count_events() returns trigger language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  insert into event_differences (tenant_id, execution_uid, deployment_uid, hour, kind, difference)
  select c.tenant_id, coalesce(c.execution_uid, 0), coalesce(c.deployment_uid, 0), events_hour(c.at), k.kind,
    case tg_op when 'INSERT' then sum(k.count) else -sum(k.count) end
  from changed c cross join lateral (values ('event', c.events), ('log', c.logs)) k(kind, count)
  where k.count > 0 group by 1, 2, 3, 4, 5;
  return null;
end
$$;
create trigger events_come after insert on event_packs referencing new table as changed for each statement execute function count_events();
create trigger events_go after delete on event_packs referencing old table as changed for each statement execute function count_events();
create trigger events_announced before insert on event_packs for each statement execute function announce_events();

-- Makes packs of what is told as rows of JSON: "executionUid", "deploymentUid", type, level, logger, message, operation, node, instance, source,
-- target, causes, at (absent: now), kind ('log' without a level: of level info).
create function append_events(tenant bigint, told json, stored timestamptz default null) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(677381, 1);
  insert into event_packs (id, tenant_id, execution_uid, deployment_uid, events, logs, at, last_at, recorded_at, laters,
    types, levels, loggers, messages, operations, causes, nodes, instances, sources, targets)
  select next_news_id(), tenant, t.execution_uid, t.deployment_uid, count(*) filter (where t.level is null), count(t.level), min(t.at), max(t.at),
    coalesce(stored, clock_timestamp()),
    case when count(*) > 1 then array_agg((extract(microseconds from t.at - t.first))::integer order by t.at, t.n) end,
    unless_empty(array_agg(t.type order by t.at, t.n)), unless_empty(array_agg(t.level order by t.at, t.n)),
    unless_empty(array_agg(t.logger order by t.at, t.n)), array_agg(t.message order by t.at, t.n),
    unless_empty(array_agg(t.operation order by t.at, t.n)), unless_empty(array_agg(t.causes order by t.at, t.n)),
    unless_empty(array_agg(t.node order by t.at, t.n)), unless_empty(array_agg(t.instance order by t.at, t.n)),
    unless_empty(array_agg(t.source order by t.at, t.n)), unless_empty(array_agg(t.target order by t.at, t.n))
  from (
    select s.*, min(s.at) over (partition by s.execution_uid, s.deployment_uid, s.second, s.part) as first from (
      select r.*, (row_number() over (partition by r.execution_uid, r.deployment_uid, r.second order by r.at, r.n) - 1) / 256 as part from (
        select e."executionUid" as execution_uid, e."deploymentUid" as deployment_uid, e.type,
          case when e.kind = 'log' then coalesce(e.level, 'info') end as level, e.logger, e.message, e.operation, e.node, e.instance, e.source, e.target,
          e.causes::text as causes, w.at, date_trunc('second', w.at) as second, e.n
        from rows from (json_to_recordset(told) as ("executionUid" bigint, "deploymentUid" bigint, kind text, type text, level text, logger text,
            message text, operation text, node text, instance text, source text, target text, causes json, at timestamptz)) with ordinality
            as e("executionUid", "deploymentUid", kind, type, level, logger, message, operation, node, instance, source, target, causes, at, n)
          cross join lateral (select coalesce(e.at, date_trunc('milliseconds', clock_timestamp())) as at) w) r) s) t
  group by t.execution_uid, t.deployment_uid, t.second, t.part order by min(t.n);
end
$$;

-- The pack with no other events than these, which is none at all where there are none. What is said is written anew: nothing of the others stays.
create function pack_of(pack event_packs, ids bigint[]) returns setof event_packs language sql stable parallel safe as $$
  select pack.id, pack.tenant_id, pack.execution_uid, pack.deployment_uid, (count(*) filter (where e.level is null))::integer, count(e.level)::integer,
    pack.at, pack.last_at, pack.recorded_at,
    array_agg((e.id - pack.id + 1)::integer order by e.id), array_agg((extract(microseconds from e.at - pack.at))::integer order by e.id),
    null::integer[], null::integer[],
    unless_empty(array_agg(e.type order by e.id)), unless_empty(array_agg(e.level order by e.id)),
    unless_empty(array_agg(e.logger order by e.id)), array_agg(e.message order by e.id),
    unless_empty(array_agg(e.operation order by e.id)), unless_empty(array_agg(e.causes::text order by e.id)),
    unless_empty(array_agg(e.node order by e.id)), unless_empty(array_agg(e.instance order by e.id)),
    unless_empty(array_agg(e.source order by e.id)), unless_empty(array_agg(e.target order by e.id))
  from events_of(pack) e where e.id = any(ids) having count(*) > 0
$$;

-- Removes events of a deployment: of these kinds, with messages like one of these (null: any), from one time on and before another (null: no
-- bound). Returns how many there were.
create function delete_some_events(tenant bigint, deployment bigint, kinds text[], messages_like text[], since timestamptz, until timestamptz)
returns bigint language sql as $$
  with hit as (
    delete from event_packs p where p.tenant_id = tenant and p.deployment_uid = deployment and events_among(p, kinds) > 0
      and (since is null or p.last_at >= since) and (until is null or p.at < until)
    returning p.*),
  told as materialized (
    select row(h.*)::event_packs as pack, e.id, e.kind = any(kinds) and (messages_like is null or e.message ilike any(messages_like))
      and (since is null or e.at >= since) and (until is null or e.at < until) as gone
    from hit h cross join lateral events_of(row(h.*)::event_packs) e),
  kept as (
    insert into event_packs
    select k.* from (select t.pack, array_agg(t.id) as ids from told t where not t.gone group by (t.pack).id, t.pack) l
      cross join lateral pack_of(l.pack, l.ids) k)
  select count(*) from told where gone
$$;

-- Events of an execution (null: of all the tenant's, and of none) in the order of time and id, or backwards: of these kinds, types and nodes (null:
-- any), behind a time and an id of that time (null: from the first on), not after another time (null: to the last), at most so many.
--
-- Packs may overlap in time. So as many events as are asked for are found in the order of packs, which is quick and not quite theirs;
-- the last of them in time bounds what can be asked for, and of that the right ones are taken. Planned for its own values, each time.
create function events_in_order(tenant bigint, execution bigint, kinds text[], types text[], nodes text[], after_at timestamptz, after_id bigint,
  until timestamptz, backwards boolean, most integer)
returns table (
  id bigint, tenant_id bigint, execution_uid bigint, deployment_uid bigint, kind text, type text, level text, logger text, message text,
  operation text, node text, instance text, source text, target text, causes json, at timestamptz, recorded_at timestamptz)
language plpgsql stable as $$
declare
  found text := 'event_packs p cross join lateral events_of(p) e where p.tenant_id = $1 and e.kind = any($3)'
    || case when execution is null then '' else ' and p.execution_uid = $2' end
    || case when 'event' = any(kinds) then '' else ' and p.logs > 0' end
    || case when types is null then '' else ' and p.types && $4 and e.type = any($4)' end
    || case when nodes is null then '' else ' and p.nodes && $5 and e.node = any($5)' end
    || case when after_at is null then '' else ' and p.at >= date_trunc(''second'', $6) and (e.at, e.id) > ($6, $7)' end
    || case when until is null then '' else ' and p.at <= $8 and e.at <= $8' end;
  way text := case when backwards then ' desc' else '' end;
  edge timestamptz;
begin
  execute format('select %s(c.at) from (select e.at from %s order by p.at%s, p.id%s limit $9) c',
    case when backwards then 'min' else 'max' end, found, way, way)
    into edge using tenant, execution, kinds, types, nodes, after_at, after_id, until, most;
  return query execute format('select e.* from %s and %s order by e.at%s, e.id%s limit $9', found,
      case when backwards then 'p.at >= date_trunc(''second'', $10) and e.at >= $10' else 'p.at <= $10 and e.at <= $10' end, way, way)
    using tenant, execution, kinds, types, nodes, after_at, after_id, until, most, edge;
end
$$;

-- Weeks are those of packs now; the rest as before (0019).
create or replace function events_make_week(week timestamptz) returns boolean language plpgsql as $$
declare
  name text := events_week_name(week);
  strays bigint;
begin
  if to_regclass(quote_ident(name)) is not null then return false; end if;
  lock table events_other in access exclusive mode nowait;
  select count(*) into strays from (select from events_other o where o.at >= week and o.at < week + interval '168 hours' limit 100001) s;
  if strays > 100000 then return false; end if;
  execute format('create table %I (like event_packs including defaults including constraints)', name);
  if strays > 0 then
    execute format('with moved as (delete from events_other o where o.at >= %1$L and o.at < %2$L returning o.*) insert into %3$I select * from moved',
      week, week + interval '168 hours', name);
  end if;
  execute format('alter table event_packs attach partition %I for values from (%L) to (%L)', name, week, week + interval '168 hours');
  return true;
end
$$;
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
  delete from event_subjects s where s.week = events_empty_week.week;
  update events_forgotten f set up_to = last where f.up_to < last;
end
$$;
create or replace function events_drop_week(week timestamptz) returns void language plpgsql as $$
declare
  name text := events_week_name(week);
begin
  lock table event_packs in access exclusive mode nowait;
  perform events_empty_week(week);
  execute format('alter table event_packs detach partition %I', name);
  execute format('drop table %I', name);
end
$$;

-- The last id that can have been drawn, and then who is appending (0019).
create or replace function events_frontier(out drawn bigint, out writers text[]) language plpgsql as $$
begin
  select case when s.is_called then s.last_value * 256 + 255 else 0 end into drawn from news_seq s;
  select coalesce(array_agg(l.virtualtransaction), '{}') into writers from pg_locks l
  where l.locktype = 'advisory' and l.classid = 677381 and l.objid = 1 and l.objsubid = 2 and l.mode = 'ShareLock' and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database());
end
$$;

-- Moves what there was, ten thousand at a time and in the order of ids, which all become others. Counters count them again.
truncate event_differences, event_hours, event_subjects;
do $$
declare
  week timestamptz;
  last bigint := -1;
  upto bigint;
begin
  for week in
    select w from (
      select events_week(at) as w from events_before where at > now() - interval '10 years' and at < now() + interval '1 year'
      union select events_week(now()) + n * interval '168 hours' from generate_series(0, 4) n) weeks order by 1
  loop
    perform events_make_week(week);
  end loop;
  loop
    select max(n.id) into upto from (select b.id from events_before b where b.id > last order by b.id limit 10000) n;
    exit when upto is null;
    perform append_events(g.tenant_id, g.told, g.stored) from (
      select b.tenant_id, min(b.recorded_at) as stored, json_agg(json_build_object('executionUid', b.execution_uid, 'deploymentUid', b.deployment_uid,
        'kind', b.kind, 'type', b.type, 'level', b.level, 'logger', b.logger, 'message', b.message, 'operation', b.operation, 'node', b.node,
        'instance', b.instance, 'source', b.source, 'target', b.target, 'causes', b.causes, 'at', b.at) order by b.id) as told
      from events_before b where b.id > last and b.id <= upto group by b.tenant_id order by b.tenant_id) g;
    last := upto;
  end loop;
end
$$;

-- Who followed them from an old id has missed something, and looks anew; so does who follows the instances of servers.
alter table changes alter id set default next_news_id();
update changes_swept set up_to = next_news_id() where exists (select from events_before) or exists (select from changes);
update events_forgotten set up_to = (select w.up_to from changes_swept w);
delete from changes;
delete from server_news;
drop table events_before;

-- How many were ever written; those whose counters are not folded yet (events/counting.store.ts) come on top.
create table events_written (
  only_row boolean primary key default true check (only_row),
  count bigint not null
);
insert into events_written (count) values (0);

-- As before (0043), with its events in packs, and planned once for each connection: planning was half of what a batch of one operation took, and
-- nothing in it is found another way for other values. The old one goes: its arguments are others.
do $$
begin
  execute (select 'drop function ' || p.oid::regprocedure from pg_proc p where p.proname = 'engine_commit' and p.pronamespace = current_schema()::regnamespace);
end
$$;
create function engine_commit(
  execution bigint, held_fence bigint, batch bigint, finished integer,
  begun integer[], passed integer[], left_out integer[], done integer[], moved json,
  state_of text[], states text[], changed json, wanted text[],
  -- Of all packs, one behind the other: words, places, and the events as places in these, from 1 for each pack.
  types text[], levels text[], loggers text[], messages text[], operation_names text[], causes text[],
  nodes text[], instance_ids text[], sources text[], targets text[],
  said integer[], said_of integer[], said_after integer[],
  -- A pack: where its events, words and places end, how many of the events are logs, and when it begins.
  pack_ends integer[], word_ends integer[], place_ends integer[], pack_logs integer[], pack_times timestamptz[],
  out status text, out properties json
) returns record
language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  held record;
  change record;
  ids bigint[];
  stored timestamptz := clock_timestamp();
  written bigint;
  pause double precision := 0.0005;
begin
  select x.tenant_id, x.deployment_uid into held from executions x
  where x.uid = execution and x.fence = held_fence and x.batches < batch
    and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling');
  if not found then return; end if;

  -- All at once, and first of all: so they come after those of the batch before, which was sent earlier. The lock is the one
  -- that whoever appends events holds before ids are drawn (0019).
  perform pg_advisory_xact_lock_shared(677381, 1);
  ids := array(select next_news_id() from generate_series(1, cardinality(pack_ends)));
  insert into event_packs (id, tenant_id, execution_uid, deployment_uid, events, logs, at, last_at, recorded_at, laters, words_of, places_of,
    types, levels, loggers, messages, operations, causes, nodes, instances, sources, targets)
  select ids[p.n], held.tenant_id, execution, held.deployment_uid, p.e - p.e0 - p.logs, p.logs,
    p.at, p.at + said_after[p.e] * interval '1 microsecond', stored, said_after[p.e0 + 1 : p.e], said[p.e0 + 1 : p.e], said_of[p.e0 + 1 : p.e],
    unless_empty(types[p.w0 + 1 : p.w]), unless_empty(levels[p.w0 + 1 : p.w]), unless_empty(loggers[p.w0 + 1 : p.w]), messages[p.w0 + 1 : p.w],
    unless_empty(operation_names[p.w0 + 1 : p.w]), unless_empty(causes[p.w0 + 1 : p.w]),
    unless_empty(nodes[p.l0 + 1 : p.l]), unless_empty(instance_ids[p.l0 + 1 : p.l]),
    unless_empty(sources[p.l0 + 1 : p.l]), unless_empty(targets[p.l0 + 1 : p.l])
  from (
    select u.*, lag(u.e, 1, 0) over (order by u.n) as e0, lag(u.w, 1, 0) over (order by u.n) as w0, lag(u.l, 1, 0) over (order by u.n) as l0
    from unnest(pack_ends, word_ends, place_ends, pack_logs, pack_times) with ordinality as u(e, w, l, logs, at, n)) p;

  loop
    select x.batches into written from executions x where x.uid = execution and x.fence = held_fence;
    exit when written is null or written >= batch - 1 or clock_timestamp() > stored + interval '3 seconds';
    perform pg_sleep(pause);
    pause := least(pause * 1.5, 0.002);
  end loop;

  -- Nobody else writes this number now, unless it was sent twice. The row is locked by its key alone: what is asked of it besides is asked of
  -- what another has left behind, and a row that does not fit yet would not be waited for.
  perform from executions x where x.uid = execution for no key update;
  update executions x set batches = batch, finished_operations = x.finished_operations + finished
  where x.uid = execution and x.fence = held_fence and x.batches = batch - 1
    and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
  returning x.tenant_id, x.deployment_uid, x.status into held;
  if not found then raise exception using errcode = 'OR001', message = 'not the batch that is expected'; end if;

  insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at)
  select held.tenant_id, execution, task, 'started', 1, 0, now() from unnest(begun) as b(task);
  if passed <> '{}' then
    insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at, ended_at)
    select held.tenant_id, execution, task, 'succeeded', 0, 0, now(), now() from unnest(passed) as b(task);
  end if;
  if left_out <> '{}' then
    insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at, ended_at)
    select held.tenant_id, execution, task, 'skipped', 0, 0, now(), now() from unnest(left_out) as b(task);
  end if;

  update operations p set state = 'succeeded', due_at = null, result = null, failure = null, reason = null, ended_at = now()
  from (select q.place from unnest(done) as d(task)
        cross join lateral (select s.ctid as place from operations s where s.execution_uid = execution and s.task = d.task offset 0) q) o
  where p.ctid = o.place;
  if moved::text <> '[]' then
    update operations p set state = o.state, attempt = o.attempt, retries = o.retries, due_at = o.due, result = o.result,
      failure = o.failure, reason = o.reason,
      started_at = case when o.state = 'started' then now() else p.started_at end,
      ended_at = case when o.state in ('started', 'waiting') then null else now() end
    from (select m.*, q.place
          from json_to_recordset(moved) as m(task integer, state text, attempt integer, retries integer, due timestamptz,
            result json, failure json, reason text)
          cross join lateral (select s.ctid as place from operations s where s.execution_uid = execution and s.task = m.task offset 0) q) o
    where p.ctid = o.place;
  end if;

  update node_instances i set state = c.state, version = i.version + 1, updated_at = now(),
    system_properties = case c.state
      when 'started' then i.system_properties || '{"status": {"ok": true, "task": null}}'
      when 'configured' then case when i.system_properties ? 'configuration_drift'
        then i.system_properties || '{"configuration_drift": {"ok": true, "task": null, "result": null}}' else i.system_properties end
      else i.system_properties end
  -- Each looked up by itself, and changed by its key: a plan made while the table was small would read all instances of the tenant.
  from (select q.deployment_uid, q.node, q.index, c.state from unnest(state_of, states) as c(id, state)
        cross join lateral (select s.deployment_uid, s.node, s.index from node_instances s
                            where s.tenant_id = held.tenant_id and s.id = c.id offset 0) q) c
  where i.deployment_uid = c.deployment_uid and i.node = c.node and i.index = c.index;
  if changed::text <> '[]' then
    for change in select * from json_to_recordset(changed)
      as c(id text, state text, put jsonb, "drop" text[], system jsonb, links jsonb)
    loop
      update node_instances i set state = coalesce(change.state, i.state), version = i.version + 1, updated_at = now(),
        runtime_properties = (i.runtime_properties - coalesce(change."drop", '{}')) || coalesce(change.put, '{}'),
        system_properties = i.system_properties
          || case change.state
               when 'started' then '{"status": {"ok": true, "task": null}}'::jsonb
               when 'configured' then case when i.system_properties ? 'configuration_drift'
                 then '{"configuration_drift": {"ok": true, "task": null, "result": null}}'::jsonb else '{}' end
               else '{}' end
          || case when change.system ? 'status' and i.system_properties ? 'status'
               then jsonb_build_object('previous_status', i.system_properties -> 'status') else '{}' end
          || coalesce(change.system, '{}')
          || coalesce((select jsonb_object_agg(l.key, coalesce(i.system_properties -> l.key, '{}') || l.value)
               from jsonb_each(change.links) l), '{}')
      where i.id = change.id and i.tenant_id = held.tenant_id;
    end loop;
  end if;

  status := held.status;
  select coalesce(json_object_agg(i.id, i.runtime_properties), '{}') into properties
  from unnest(wanted) as w(id)
    cross join lateral (select s.id, s.runtime_properties from node_instances s
                        where s.tenant_id = held.tenant_id and s.id = w.id offset 0) i
  where i.runtime_properties <> '{}';
exception when sqlstate 'OR001' then
  status := null;
  properties := null;
end
$$;
