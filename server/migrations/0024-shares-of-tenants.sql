-- How much of the engine a tenant may have: executions that run at once, and that wait. Null: as the settings say.
alter table tenants
  add running_limit integer check (running_limit between 0 and 1000000),
  add waiting_limit integer check (waiting_limit between 0 and 100000000);

-- Executions that no worker has had yet may be very many; those that one has, or had, are few. Renewing a lease touches no
-- column of either index.
drop index executions_active;
create index executions_fresh on executions (tenant_id, uid)
  where status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and worker is null;
create index executions_taken on executions (tenant_id, uid)
  where status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and worker is not null;

-- A worker takes executions: at most `room`, none of those it `held` anyway. Tenants take turns: the one of which the fewest run comes
-- first, and within a tenant the oldest. Of a tenant at most as many run as its own limit says, else `tenant_most`; of all at most
-- `most`; 0 is no limit. One worker takes at a time, so the limits hold exactly; who finds nothing waits for nobody.
create function engine_claim(claimer text, lease double precision, room integer, held bigint[], tenant_most integer, most integer)
returns setof executions language plpgsql as $$
begin
  perform from executions x
  where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
    and x.deployment_uid is not null limit 1;
  if not found then
    perform from executions x
    where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is not null
      and x.deployment_uid is not null and (x.lease_until is null or x.lease_until < now()) and not x.uid = any(held) limit 1;
    if not found then return; end if;
  end if;
  perform pg_advisory_xact_lock(677381);
  return query
  with recursive fresh (tenant_id) as (
    (select x.tenant_id from executions x
     where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
     order by x.tenant_id limit 1)
    union all
    select (select x.tenant_id from executions x
            where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
              and x.tenant_id > f.tenant_id order by x.tenant_id limit 1)
    from fresh f where f.tenant_id is not null),
  taken as materialized (
    select x.uid, x.tenant_id, x.deployment_uid, coalesce(x.lease_until >= now(), false) or x.uid = any(held) as running
    from executions x
    where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is not null),
  lanes as (
    select l.tenant_id, coalesce(t.running_limit, nullif(tenant_most, 0), 2147483647)
      - (select count(*)::integer from taken k where k.tenant_id = l.tenant_id and k.running) as free,
      (select count(*)::integer from taken k where k.tenant_id = l.tenant_id and k.running) as running
    from (select f.tenant_id from fresh f where f.tenant_id is not null union select k.tenant_id from taken k) l
    join tenants t on t.id = l.tenant_id),
  waiting as (
    select c.uid, l.running + row_number() over (partition by l.tenant_id order by c.uid) as place
    from lanes l cross join lateral (
      (select k.uid from taken k where k.tenant_id = l.tenant_id and not k.running and k.deployment_uid is not null
       order by k.uid limit least(room, l.free))
      union all
      (select x.uid from executions x
       where x.tenant_id = l.tenant_id and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
         and x.worker is null and x.deployment_uid is not null
       order by x.uid limit least(room, l.free))
      order by 1 limit least(room, l.free)) c
    where l.free > 0),
  next as (
    select w.uid from waiting w order by w.place, w.uid
    limit least(room, case when most = 0 then room else greatest(0, most - (select count(*)::integer from taken k where k.running)) end)),
  free as (
    select x.uid from executions x join next n on n.uid = x.uid
    where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
      and (x.lease_until is null or x.lease_until < now())
    for update of x skip locked)
  update executions x set worker = claimer, fence = x.fence + 1, lease_until = now() + make_interval(secs => lease)
  from free where x.uid = free.uid
  returning x.*;
end
$$;

-- How many executions of a tenant wait, kept as differences like other counts (0005): one that is told to start asks for it.
create function count_waiting() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' and old.status in ('pending', 'queued') then
    insert into row_counts (tenant_id, collection, difference) values (old.tenant_id, 'executions waiting', -1);
  end if;
  if tg_op <> 'DELETE' and new.status in ('pending', 'queued') then
    insert into row_counts (tenant_id, collection, difference) values (new.tenant_id, 'executions waiting', 1);
  end if;
  return null;
end
$$;
create trigger executions_wait after insert on executions
  for each row when (new.status in ('pending', 'queued')) execute function count_waiting();
create trigger executions_wait_no_more after delete on executions
  for each row when (old.status in ('pending', 'queued')) execute function count_waiting();
create trigger executions_wait_or_not after update of status on executions
  for each row when ((old.status in ('pending', 'queued')) <> (new.status in ('pending', 'queued'))) execute function count_waiting();
insert into row_counts (tenant_id, collection, difference)
  select x.tenant_id, 'executions waiting', count(*) from executions x where x.status in ('pending', 'queued') group by x.tenant_id;
