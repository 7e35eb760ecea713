-- An execution that has started others, and waits for them, waits as a row: it is not claimed before they have ended, and has
-- no share of what may run at once meanwhile.

-- Whether it is to be left alone. A cancel that some of the others have not heard of yet has to be handed down to them.
create function waits_for_children(x executions) returns boolean language sql stable as $$
  select x.awaits_children
    and exists (select from executions k where k.parent_uid = x.uid
      and k.status in ('scheduled', 'queued', 'pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling'))
    and not exists (select from executions k where k.parent_uid = x.uid
      and k.status in ('scheduled', 'queued', 'pending', 'started', 'cancelling', 'force-cancelling')
      and case k.status when 'cancelling' then 1 when 'force-cancelling' then 2 else 0 end
        < case x.status when 'cancelling' then 1 when 'force-cancelling' then 2 when 'kill-cancelling' then 3 else 0 end)
$$;

-- As in 0024, with that.
create or replace function engine_claim(claimer text, lease double precision, room integer, held bigint[], tenant_most integer, most integer)
returns setof executions language plpgsql as $$
begin
  perform from executions x
  where x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling') and x.worker is null
    and x.deployment_uid is not null limit 1;
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
    select c.uid, l.running + row_number() over (partition by l.tenant_id order by c.uid) as place
    from lanes l cross join lateral (
      (select k.uid from taken k where k.tenant_id = l.tenant_id and not k.running and k.deployment_uid is not null
       and not k.waits
       order by k.uid limit least(room, l.free))
      union all
      (select x.uid from executions x
       where x.tenant_id = l.tenant_id and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
         and x.worker is null and x.deployment_uid is not null and not waits_for_children(x)
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
