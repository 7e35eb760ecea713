-- Deployments, their nodes and instances, executions with their operations, and what happened.
--
-- Hot tables (operations, events, node_instances) carry no foreign keys to their execution or deployment: the engine
-- writes tens of thousands of rows a second there, always in a statement that has just checked the parent. Whoever
-- deletes a deployment deletes these rows in the same transaction (deployments.store.ts).

create table deployments (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null,
  blueprint_uid bigint not null references blueprints (uid),
  display_name text not null,
  description text,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Values, defaults applied.
  inputs json not null,
  -- Definitions; evaluated whenever they are read.
  outputs json not null,
  capabilities json not null,
  workflows json not null,
  groups json not null default '{}',
  scaling_groups json not null default '{}',
  policy_types json not null default '{}',
  policy_triggers json not null default '{}',
  resource_tags json not null default '{}',
  -- deployment_labels once more, as lists show them: each list would collect them for each row.
  labels json not null default '[]',
  -- What all nodes share (dsl/plan.ts, SharedTypes), and the rest of the plan that few readers want.
  types json not null,
  rest json not null,
  -- Every instance is started.
  installed boolean not null default false,
  health text not null default 'requires-attention' check (health in ('good', 'in-progress', 'requires-attention')),
  latest_execution_uid bigint,
  create_execution_uid bigint,
  unique (tenant_id, id)
);
alter table deployments alter column types set storage external;
-- Covers what decides who sees a row, so that counting reads the index alone.
create index deployments_created on deployments (tenant_id, created_at, uid) include (visibility, created_by);
create index deployments_blueprint on deployments (blueprint_uid);
create unique index deployments_global_id on deployments (id) where visibility = 'global';

create table deployment_labels (
  tenant_id bigint not null,
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  key text not null,
  value text not null,
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  primary key (deployment_uid, key, value)
);
create index deployment_labels_value on deployment_labels (tenant_id, key, value);

create table nodes (
  tenant_id bigint not null,
  deployment_uid bigint not null,
  name text not null,
  -- Place in the blueprint, from 0.
  ordinal integer not null,
  type text not null,
  host text,
  -- dsl/plan.ts, PlanNode.
  definition json not null,
  default_instances integer not null,
  min_instances integer not null,
  -- -1: unbounded.
  max_instances integer not null,
  -- How many the last modification wants.
  planned_instances integer not null,
  primary key (deployment_uid, name)
);
create index nodes_tenant on nodes (tenant_id, deployment_uid, ordinal);

create table node_instances (
  tenant_id bigint not null,
  deployment_uid bigint not null,
  id text not null,
  node text not null,
  -- From 1, per node.
  index integer not null,
  host text,
  state text not null default 'uninitialized',
  -- Grows with each change; optimistic locking.
  version integer not null default 1,
  runtime_properties jsonb not null default '{}',
  system_properties jsonb not null default '{}',
  relationships json not null,
  scaling_groups json not null default '{}',
  primary key (deployment_uid, node, index)
) with (fillfactor = 75);
-- The only index with the tenant: another one that leads with it would offer the planner all instances of the tenant
-- where a walk asks for one.
create unique index node_instances_id on node_instances (tenant_id, id);

create table executions (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  deployment_uid bigint references deployments (uid) on delete cascade,
  workflow text not null,
  -- What implements it: `cloudify.plugins.workflows.install`.
  function text not null,
  status text not null check (status in ('scheduled', 'queued', 'pending', 'started', 'cancelling',
    'force-cancelling', 'kill-cancelling', 'terminated', 'failed', 'cancelled')),
  parameters json not null,
  allow_custom_parameters boolean not null default false,
  force boolean not null default false,
  dry_run boolean not null default false,
  -- Works on the system itself rather than on a deployment's instances.
  system boolean not null default false,
  resumed boolean not null default false,
  -- Seconds that running operations get once another has failed for good.
  wait_after_fail integer not null default 600,
  error text,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  scheduled_for timestamptz,
  total_operations integer not null default 0,
  finished_operations integer not null default 0,
  -- planning/graph.ts, TaskGraph. Once stored it is the truth.
  graph json,
  -- Who works on it. Each claim raises the fence; a writer with an older fence writes nothing.
  worker text,
  fence bigint not null default 0,
  -- Batches written so far; a batch whose answer was lost is recognised by its number and not written twice.
  batches bigint not null default 0,
  lease_until timestamptz,
  -- Walks of it that broke off for a reason of our own making.
  breakdowns integer not null default 0
) with (fillfactor = 85);
alter table executions alter column graph set storage external;
create index executions_created on executions (tenant_id, created_at, uid) include (visibility, created_by);
create index executions_global on executions (created_at) where visibility = 'global';
create index executions_deployment on executions (deployment_uid, uid);
create index executions_active on executions (uid)
  where status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling');
create index executions_waiting on executions (deployment_uid, uid) where status in ('queued', 'scheduled');

alter table deployments
  add constraint deployments_latest_execution foreign key (latest_execution_uid) references executions (uid) on delete set null,
  add constraint deployments_create_execution foreign key (create_execution_uid) references executions (uid) on delete set null;

-- One row for each task that has been touched; a task without a row is pending.
create table operations (
  tenant_id bigint not null,
  execution_uid bigint not null,
  -- Index in the stored graph.
  task integer not null,
  state text not null check (state in ('started', 'waiting', 'succeeded', 'failed', 'interrupted', 'skipped')),
  -- Starts so far, from 1.
  attempt integer not null,
  -- Failed attempts so far.
  retries integer not null,
  -- When the next attempt is due, for `waiting`.
  due_at timestamptz,
  result json,
  failure json,
  -- Why a person skipped it or declared it done.
  reason text,
  started_at timestamptz not null,
  ended_at timestamptz,
  primary key (execution_uid, task)
) with (fillfactor = 70);

create table events (
  -- Unique by making; an index of its own would cost every event and be asked by nobody.
  id bigint generated always as identity,
  tenant_id bigint not null,
  execution_uid bigint,
  deployment_uid bigint,
  kind text not null check (kind in ('event', 'log')),
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
);
create index events_execution on events (execution_uid, id);
create index events_deployment on events (deployment_uid, id);
create index events_tenant on events (tenant_id, at, id);

-- Everything a walk writes, as one batch in one transaction (orchestration/running/ledger.ts): rows for tasks never touched
-- before, moves of touched ones, changes of instances, events. Written only by the holder of the fence, and only once:
-- when the fence or the batch's number is not the one expected, nothing is written and null is returned.
--
-- Rows to be updated are reached from the batch by key, one by one, whatever the planner believes: it cannot know how many
-- rows a batch has nor trust its statistics on tables that fill while it plans, and would rather read all operations of
-- the execution for each batch, which makes a large install quadratic. Hence the settings, the `offset 0`, and the indexes.
-- Events come as one array for each column, which PostgreSQL reads in two thirds of the time that JSON takes it.
create function engine_commit(
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

  -- Each row is found by its key first and then by its place, in that order whatever the planner believes. Nobody else
  -- writes these rows, so places do not move.
  update operations p set state = o.state, attempt = o.attempt, retries = o.retries, due_at = o.due, result = o.result,
    failure = o.failure, reason = o.reason,
    started_at = case when o.state = 'started' then now() else p.started_at end,
    ended_at = case when o.state in ('started', 'waiting') then null else now() end
  from (select m.*, q.place
        from json_to_recordset(moved) as m(task integer, state text, attempt integer, retries integer, due timestamptz,
          result json, failure json, reason text)
        cross join lateral (select s.ctid as place from operations s where s.execution_uid = execution and s.task = m.task offset 0) q) o
  where p.ctid = o.place;

  -- One by one: others may write these rows too, and a row that somebody has just changed is found by its key, not by its place.
  for change in select * from json_to_recordset(instances) as c(id text, state text, put jsonb, "drop" text[])
  loop
    if change.put is null and change."drop" is null then
      update node_instances i set state = change.state, version = i.version + 1
      where i.id = change.id and i.tenant_id = held.tenant_id;
    else
      update node_instances i set state = coalesce(change.state, i.state), version = i.version + 1,
        runtime_properties = (i.runtime_properties - coalesce(change."drop", '{}')) || coalesce(change.put, '{}')
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
