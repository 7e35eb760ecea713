-- As `engine_claim` in 0030, and a worker says how many it takes of the executions that no worker has had yet (`untouched`), and of which tenants (`sated`)
-- it takes none of those now. What a worker has had before (its worker died, its children have ended) is not counted: it goes on.
-- `engine_claim` stays for workers of the version before, which ask for it until they are replaced. Planned once: its numbers are always alike, and
-- planning takes longer than looking.
create function engine_take(claimer text, lease double precision, room integer, held bigint[], tenant_most integer, most integer,
  untouched integer, sated bigint[])
returns setof executions language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
begin
  perform from executions x
  where untouched > 0 and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
    and x.deployment_uid is not null and not x.tenant_id = any(sated) limit 1;
  if not found then
    perform from executions x
    where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is not null
      and x.deployment_uid is not null and (x.lease_until is null or x.lease_until < now()) and not x.uid = any(held)
      and not waits_for_children(x) limit 1;
    if not found then return; end if;
  end if;
  perform pg_advisory_xact_lock(677381);
  return query
  with recursive fresh (tenant_id) as (
    (select x.tenant_id from executions x
     where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
       and untouched > 0
     order by x.tenant_id limit 1)
    union all
    select (select x.tenant_id from executions x
            where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
              and x.tenant_id > f.tenant_id order by x.tenant_id limit 1)
    from fresh f where f.tenant_id is not null),
  taken as materialized (
    select x.uid, x.tenant_id, x.deployment_uid, coalesce(x.lease_until >= now(), false) or x.uid = any(held) as running,
      waits_for_children(x) as waits
    from executions x
    where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is not null),
  lanes as (
    select l.tenant_id, coalesce(t.running_limit, nullif(tenant_most, 0), 2147483647)
      - (select count(*)::integer from taken k where k.tenant_id = l.tenant_id and k.running) as free,
      (select count(*)::integer from taken k where k.tenant_id = l.tenant_id and k.running) as running
    from (select f.tenant_id from fresh f where f.tenant_id is not null union select k.tenant_id from taken k) l
    join tenants t on t.id = l.tenant_id),
  waiting as (
    select c.uid, c.untaken, l.running + row_number() over (partition by l.tenant_id order by c.uid) as place
    from lanes l cross join lateral (
      (select k.uid, false as untaken from taken k where k.tenant_id = l.tenant_id and not k.running and k.deployment_uid is not null
       and not k.waits
       order by k.uid limit least(room, l.free))
      union all
      (select x.uid, true from executions x
       where x.tenant_id = l.tenant_id and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
         and x.worker is null and x.deployment_uid is not null and not waits_for_children(x) and not x.tenant_id = any(sated)
       order by x.uid limit least(room, l.free, untouched))
      order by 1 limit least(room, l.free)) c
    where l.free > 0),
  turns as (
    select w.uid, w.place, w.untaken, count(*) filter (where w.untaken) over (order by w.place, w.uid) as nth from waiting w),
  next as (
    select w.uid from turns w where not w.untaken or w.nth <= untouched order by w.place, w.uid
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
