-- Blueprints, deployments and executions as collections: uploads that are told as executions, sites, stored filters,
-- dependencies between deployments, groups of deployments and of executions, and schedules.

-- An upload is told as an execution without a deployment; no worker walks it (orchestration/upload-executions.ts).
alter table blueprints add upload_execution_uid bigint references executions (uid) on delete set null;
-- A picture of it, PNG.
alter table blueprints add icon bytea check (octet_length(icon) <= 1048576);
alter table blueprints alter column icon set storage external;
create index blueprints_upload_execution on blueprints (upload_execution_uid) where upload_execution_uid is not null;

create table sites (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  name text not null check (length(name) between 1 and 256),
  -- Degrees; both or none.
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  check ((latitude is null) = (longitude is null)),
  unique (tenant_id, name)
);
create unique index sites_global on sites (name) where visibility = 'global';

alter table deployments add site_uid bigint references sites (uid) on delete set null;
create index deployments_site on deployments (site_uid) where site_uid is not null;
-- All functions wait for the run: nothing was evaluated while the deployment was made.
alter table deployments add runtime_only boolean not null default false;
-- Some deployment names or named it as its parent. Never taken back: it spares lists the question for those who have no children.
alter table deployments add is_parent boolean not null default false;
-- A condition on labels of a deployment in a list.
create index deployment_labels_key on deployment_labels (tenant_id, key, deployment_uid);
create index blueprint_labels_key on blueprint_labels (tenant_id, key, blueprint_uid);
-- Children of a deployment, found by the id they name.
create index deployment_labels_parent on deployment_labels (tenant_id, value) where key = 'csys-obj-parent';

create table filters (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  -- What it selects.
  collection text not null check (collection in ('blueprints', 'deployments')),
  id text not null check (length(id) between 1 and 256),
  -- store/filter-rules.ts, FilterRule[].
  rules json not null,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, collection, id)
);
create unique index filters_global on filters (collection, id) where visibility = 'global';

create table deployment_dependencies (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  -- What made it: a place in the blueprint, or a component.
  creator text not null,
  -- Null: on another installation, told by `external_source`.
  source_uid bigint references deployments (uid) on delete cascade,
  -- Null: not known yet (`target_function`), gone, or on another installation (`external_target`).
  target_uid bigint references deployments (uid) on delete set null,
  target_function json,
  external_source json,
  external_target json,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  check (source_uid is not null or external_source is not null)
);
create unique index deployment_dependencies_source on deployment_dependencies (source_uid, creator)
  where source_uid is not null and external_target is null;
create index deployment_dependencies_target on deployment_dependencies (target_uid) where target_uid is not null;
create index deployment_dependencies_tenant on deployment_dependencies (tenant_id, created_at, uid);

create table deployment_groups (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null check (length(id) between 1 and 256),
  description text,
  default_blueprint_uid bigint references blueprints (uid) on delete set null,
  default_inputs json not null default '{}',
  -- [{key, value}]: what deployments made by the group are given.
  labels json not null default '[]',
  -- Deployments made by it so far; numbers their names.
  made integer not null default 0,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index deployment_groups_blueprint on deployment_groups (default_blueprint_uid) where default_blueprint_uid is not null;
create unique index deployment_groups_global on deployment_groups (id) where visibility = 'global';

create table deployment_group_members (
  tenant_id bigint not null,
  group_uid bigint not null references deployment_groups (uid) on delete cascade,
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  primary key (group_uid, deployment_uid)
);
create index deployment_group_members_deployment on deployment_group_members (tenant_id, deployment_uid);
create index deployment_group_members_of on deployment_group_members (deployment_uid);

create table execution_groups (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  deployment_group_uid bigint not null references deployment_groups (uid) on delete cascade,
  workflow text not null,
  -- Of its executions so many run at once; 0 holds back those that wait.
  concurrency integer not null check (concurrency >= 0),
  -- Where deployments go whose execution ended so.
  success_group_uid bigint references deployment_groups (uid) on delete set null,
  failure_group_uid bigint references deployment_groups (uid) on delete set null,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now()
);
create index execution_groups_tenant on execution_groups (tenant_id, created_at, uid);
create index execution_groups_deployments on execution_groups (deployment_group_uid);
create index execution_groups_success on execution_groups (success_group_uid) where success_group_uid is not null;
create index execution_groups_failure on execution_groups (failure_group_uid) where failure_group_uid is not null;

alter table executions add group_uid bigint references execution_groups (uid) on delete set null;
create index executions_group on executions (group_uid, uid) where group_uid is not null;
-- Groups whose next executions may be due.
create index executions_group_waiting on executions (group_uid) where group_uid is not null and status = 'queued';

create table execution_schedules (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null check (length(id) between 1 and 256),
  deployment_uid bigint not null references deployments (uid) on delete cascade,
  workflow text not null,
  parameters json not null default '{}',
  -- allowCustomParameters, force, dryRun, queue, waitAfterFail.
  arguments json not null default '{}',
  -- scheduling/recurrence.ts, Rule.
  rule json not null,
  since timestamptz not null,
  until timestamptz,
  -- Minutes that a start may be late.
  slip integer not null default 0 check (slip >= 0),
  stop_on_fail boolean not null default false,
  enabled boolean not null default true,
  -- Null: nothing is due any more.
  next_at timestamptz,
  latest_execution_uid bigint references executions (uid) on delete set null,
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  unique (deployment_uid, id)
);
create index execution_schedules_due on execution_schedules (next_at) where enabled and next_at is not null;
create index execution_schedules_tenant on execution_schedules (tenant_id, created_at, uid);
create index execution_schedules_latest on execution_schedules (latest_execution_uid) where latest_execution_uid is not null;
