-- The second of two batches of one execution waits for its turn (0028), though it comes to the database before the first. Until now
-- it was refused then, took its events back, and was sent again: a walk that fills both at once, which is a fifth faster, lost one of
-- five that way, because two that are sent in the same moment arrive in any order.
--
-- It looks at the number again and again, at first after half a millisecond. A lock cannot say it: who comes first must wait for
-- somebody who is not there yet. Three seconds without the one before, and it is refused as ever: that one was lost on its way.
--
-- Same arguments and answer as before.

create or replace function engine_commit(
  execution bigint, held_fence bigint, batch bigint, finished integer,
  begun integer[], passed integer[], left_out integer[], done integer[], moved json,
  state_of text[], states text[], changed json, wanted text[],
  types text[], levels text[], loggers text[], messages text[], operation_names text[], causes text[],
  nodes text[], instance_ids text[], sources text[], targets text[], times timestamptz[],
  said integer[], said_of integer[], said_at integer[],
  out status text, out properties json
) returns record
language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
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
  ids := array(select nextval('events_id_seq') from generate_series(1, cardinality(said)));
  insert into events (id, tenant_id, execution_uid, deployment_uid, kind, type, level, logger, message, operation, node, instance, source, target, causes, at, recorded_at)
  overriding system value
  select e.id, held.tenant_id, execution, held.deployment_uid, case when levels[e.words] is null then 'event' else 'log' end,
    types[e.words], levels[e.words], loggers[e.words], messages[e.words], operation_names[e.words],
    nodes[e.place], instance_ids[e.place], sources[e.place], targets[e.place], causes[e.words]::json, times[e.moment], stored
  from unnest(ids, said, said_of, said_at) as e(id, words, place, moment);

  loop
    select x.batches into written from executions x where x.uid = execution and x.fence = held_fence;
    exit when written is null or written >= batch - 1 or clock_timestamp() > stored + interval '3 seconds';
    perform pg_sleep(pause);
    pause := least(pause * 1.5, 0.02);
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
