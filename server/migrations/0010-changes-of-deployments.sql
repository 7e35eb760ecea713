-- Deployments that change: modifications (more or fewer instances), updates (another plan), what checks found, agents, and
-- graphs that workflow code outside of the engine keeps here.

-- How many instances there are per instance of what contains the node: `instances` now, `planned_instances` once the
-- started modification is finished. For scaling groups both stand in deployments.scaling_groups.
alter table nodes add column instances integer;
update nodes set instances = default_instances;
alter table nodes alter column instances set not null;

create table deployment_modifications (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  -- That started it; null: a client did.
  execution_uid bigint references executions (uid) on delete set null,
  status text not null check (status in ('started', 'finished', 'rolled-back')),
  -- As it was asked for: by node or group.
  asked json not null,
  context json not null,
  -- Ids and what becomes of relationships: planning/modification.ts, Modification, without the added instances.
  change json not null,
  -- Instances with their properties: those concerned, as they were to become; all, as they were before it and before it was rolled back.
  added json not null,
  extended json not null,
  reduced json not null,
  removed json not null,
  before_modification json not null,
  before_rollback json not null default '[]',
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create unique index deployment_modifications_started on deployment_modifications (deployment_uid) where status = 'started';
create index deployment_modifications_created on deployment_modifications (tenant_id, created_at, uid);
create index deployment_modifications_of on deployment_modifications (deployment_uid, uid);
create index deployment_modifications_execution on deployment_modifications (execution_uid);

create table deployment_updates (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  execution_uid bigint references executions (uid) on delete set null,
  state text not null check (state in ('updating', 'executing-workflow', 'finalizing', 'successful', 'failed', 'preview')),
  old_blueprint text not null,
  new_blueprint text not null,
  -- Null when the blueprint is deleted later; it cannot be while the update runs, as then a deployment stands on it or is about to.
  new_blueprint_uid bigint references blueprints (uid) on delete set null,
  old_inputs json not null,
  new_inputs json not null,
  -- planning/update-plan.ts, UpdateWishes.
  wishes json not null,
  -- planning/update-steps.ts, UpdateStep[].
  steps json not null,
  -- The plan to follow; null once the update is over.
  plan json,
  -- Names of nodes and ids of instances by what becomes of them; filled when the new plan is applied.
  nodes json not null default '{}',
  instances json not null default '{}',
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
alter table deployment_updates alter column plan set storage external;
create index deployment_updates_created on deployment_updates (tenant_id, created_at, uid);
create index deployment_updates_of on deployment_updates (deployment_uid, uid);
create index deployment_updates_execution on deployment_updates (execution_uid);
create index deployment_updates_blueprint on deployment_updates (new_blueprint_uid);

-- What a host's agent tells of itself. Nothing here starts or reaches one.
create table agents (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  name text not null,
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  instance text not null,
  state text not null,
  ip text,
  install_method text,
  system text,
  version text,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, name)
);
create index agents_created on agents (tenant_id, created_at, uid);
create index agents_deployment on agents (deployment_uid);

-- Graphs of workflow code that runs outside; what the engine itself walks stands in executions.graph and operations.
create table task_graphs (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  execution_uid bigint not null references executions (uid) on delete cascade,
  name text not null,
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  unique (execution_uid, name)
);
create index task_graphs_created on task_graphs (tenant_id, created_at, uid);

create table graph_operations (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null,
  id text not null unique,
  graph_uid bigint not null references task_graphs (uid) on delete cascade,
  name text,
  type text not null,
  state text not null check (state in ('pending', 'sending', 'sent', 'started', 'rescheduled', 'succeeded', 'failed', 'cancelled')),
  dependencies json not null,
  parameters json not null,
  manager_name text,
  agent_name text,
  created_at timestamptz not null default now()
);
create index graph_operations_tenant on graph_operations (tenant_id, graph_uid, uid);
create index graph_operations_of on graph_operations (graph_uid);

-- As before (0003), and besides: changes of instances carry system properties. `system` replaces them by name, and keeps the
-- last status as `previous_status`; `links` puts into them what is kept for each neighbour. An instance that is started counts
-- as well, and one that is configured as it was configured to be, until a check says otherwise.
create or replace function engine_commit(
  execution bigint, held_fence bigint, batch bigint, finished integer, fresh json, moved json, instances json,
  types text[], levels text[], loggers text[], messages text[], operation_names text[], node_names text[], instance_ids text[],
  sources text[], targets text[], causes text[], times timestamptz[]
) returns text
language plpgsql
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
as $$
declare
  held record;
  change record;
begin
  update executions x set batches = batch, finished_operations = x.finished_operations + finished
  where x.uid = execution and x.fence = held_fence and x.batches = batch - 1
    and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
  returning x.tenant_id, x.deployment_uid, x.status into held;
  if not found then return null; end if;

  insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at, ended_at)
  select held.tenant_id, execution, o.task, o.state, o.attempt, 0, now(), case when o.state = 'started' then null else now() end
  from json_to_recordset(fresh) as o(task integer, state text, attempt integer);

  update operations p set state = o.state, attempt = o.attempt, retries = o.retries, due_at = o.due, result = o.result,
    failure = o.failure, reason = o.reason,
    started_at = case when o.state = 'started' then now() else p.started_at end,
    ended_at = case when o.state in ('started', 'waiting') then null else now() end
  from (select m.*, q.place
        from json_to_recordset(moved) as m(task integer, state text, attempt integer, retries integer, due timestamptz,
          result json, failure json, reason text)
        cross join lateral (select s.ctid as place from operations s where s.execution_uid = execution and s.task = m.task offset 0) q) o
  where p.ctid = o.place;

  for change in select * from json_to_recordset(instances)
    as c(id text, state text, put jsonb, "drop" text[], system jsonb, links jsonb)
  loop
    if change.put is null and change."drop" is null and change.system is null and change.links is null then
      update node_instances i set state = change.state, version = i.version + 1,
        system_properties = case change.state
          when 'started' then i.system_properties || '{"status": {"ok": true, "task": null}}'
          when 'configured' then case when i.system_properties ? 'configuration_drift'
            then i.system_properties || '{"configuration_drift": {"ok": true, "task": null, "result": null}}' else i.system_properties end
          else i.system_properties end
      where i.id = change.id and i.tenant_id = held.tenant_id;
    else
      update node_instances i set state = coalesce(change.state, i.state), version = i.version + 1,
        runtime_properties = (i.runtime_properties - coalesce(change."drop", '{}')) || coalesce(change.put, '{}'),
        system_properties = i.system_properties
          || case change.state when 'started' then '{"status": {"ok": true, "task": null}}'::jsonb else '{}' end
          || case when change.system ? 'status' and i.system_properties ? 'status'
               then jsonb_build_object('previous_status', i.system_properties -> 'status') else '{}' end
          || coalesce(change.system, '{}')
          || coalesce((select jsonb_object_agg(l.key, coalesce(i.system_properties -> l.key, '{}') || l.value)
               from jsonb_each(change.links) l), '{}')
      where i.id = change.id and i.tenant_id = held.tenant_id;
    end if;
  end loop;

  insert into events (tenant_id, execution_uid, deployment_uid, kind, type, level, logger, message, operation, node, instance, source, target, causes, at)
  select held.tenant_id, execution, held.deployment_uid, case when e.level is null then 'event' else 'log' end,
    e.type, e.level, e.logger, e.message, e.operation, e.node, e.instance, e.source, e.target, e.causes::json, e.at
  from unnest(types, levels, loggers, messages, operation_names, node_names, instance_ids, sources, targets, causes, times)
    as e(type, level, logger, message, operation, node, instance, source, target, causes, at);

  return held.status;
end
$$;
