-- Pages of events that counters can place (0054), planned once a connection. To plan one for its own values took as long as to find it, and three questions
-- as long as the page.

-- Packs of a page of events of a tenant, an execution or a deployment, of both kinds, `size` events behind the first `passed`, among those not before
-- `since` and before `until`: as `events/packs.store.ts` has it, which says why it is right. One function for each subject and order.
do $$
declare
  subject record;
  way record;
begin
  for subject in select * from (values ('tenant', ''), ('execution', 'and p.execution_uid = subject'), ('deployment', 'and p.deployment_uid = subject'))
    s(name, clause)
  loop
    for way in select * from (values
      ('oldest', 'p.at, p.id',
        'select min(r.at) filter (where r.upto > passed) as early, max(r.last_at) filter (where r.upto - r.count < passed + size) as late from run r',
        'r.last_at < g.early'),
      -- Packs that `run` does not reach may end later than those where the page begins; of one second they are.
      ('newest', 'p.at desc, p.id desc',
        'select min(r.at) filter (where r.upto - r.count < passed + size) as early,
           case when passed = 0 then ''infinity'' else (select max(p.last_at) from event_packs p,
               (select max(r.at) filter (where r.upto > passed) as at from run r) s
             where {among} and p.at <= s.at and p.at >= date_trunc(''second'', s.at)) end as late from run r',
        'r.at > g.late')) w(name, sorting, edges, beyond)
    loop
      execute replace(replace(format($function$
        create function events_packs_of_%s_%s(tenant bigint, subject bigint, since timestamptz, until timestamptz, passed bigint, size bigint)
          returns table (skip bigint, pack text, second float8, second_text text, micros integer, recorded_text text, names text)
          language plpgsql stable set plan_cache_mode = force_generic_plan as $body$
        #variable_conflict use_column
        begin
          return query with run as materialized (
            select p.at, p.last_at, p.count, sum(p.count) over (order by %s rows unbounded preceding) as upto from (
              select p.at, p.id, p.last_at, p.events + p.logs as count from event_packs p where {among} order by %s limit passed + size) p),
          edges as materialized (%s),
          past as materialized (
            select passed - coalesce(sum(r.count) filter (where %s), 0)::bigint as skip from run r cross join edges g),
          near as (select p.id from event_packs p where {among} and p.at >= date_trunc('second', (select g.early from edges g))
            and p.at <= (select g.late from edges g) and p.last_at >= (select g.early from edges g))
          select t.skip, row_to_json(p)::text, extract(epoch from date_trunc('second', p.at))::float8,
            to_char(p.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'), extract(microseconds from p.at)::integer %% 1000000,
            to_char(p.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), events_names(tenant, p.execution_uid, p.deployment_uid)
          from past t cross join event_packs p where p.id = any(array(select n.id from near n)) and {among};
        end
        $body$ $function$, subject.name, way.name, way.sorting, way.sorting, way.edges, way.beyond),
        '{among}', 'p.tenant_id = tenant and p.at >= since and p.at < until {subject}'), '{subject}', subject.clause);
    end loop;
  end loop;
end
$$;

-- What is known of an execution and a deployment of a tenant, for all events that have both, as JSON.
create function events_names(tenant bigint, execution bigint, deployment bigint) returns text
  language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select json_build_object('executionId', x.id, 'executionGroupId', (select g.id from execution_groups g where g.uid = x.group_uid),
      'workflow', x.workflow, 'deploymentId', d.id, 'deploymentDisplayName', d.display_name,
      'blueprintId', (select b.id from blueprints b where b.uid = d.blueprint_uid), 'visibility', coalesce(d.visibility, 'tenant'),
      'tenantName', t.name, 'createdBy', (select u.username from users u where u.id = x.created_by))::text
    from tenants t
      left join executions x on x.tenant_id = tenant and x.uid = execution
      left join deployments d on d.tenant_id = tenant and d.uid = deployment
    where t.id = tenant);
end
$$;

-- A page of all events of a tenant, placed by its counters and found in one question. No pack: there is nothing behind the first `skip`.
create function events_of_tenant(tenant bigint, skip bigint, size bigint, backwards boolean)
  returns table (total float8, skipped bigint, pack text, second float8, second_text text, micros integer, recorded_text text, names text)
  language plpgsql stable as $$
#variable_conflict use_column
declare
  place record;
begin
  select p.* into place from events_place(tenant, '{event,log}', skip, size, backwards) p;
  if place.since is null then
    return query select place.total::float8, 0::bigint, null::text, 0::float8, null::text, 0, null::text, null::text;
  elsif backwards then
    return query select place.total::float8, f.* from (select) one
      left join lateral events_packs_of_tenant_newest(tenant, null, place.since, place.until, skip - place.before::bigint, size) f on true;
  else
    return query select place.total::float8, f.* from (select) one
      left join lateral events_packs_of_tenant_oldest(tenant, null, place.since, place.until, skip - place.before::bigint, size) f on true;
  end if;
end
$$;
