-- What people order, what it costs, what holds it back, and the jobs that carry it out. A job is a view of an execution, or of a
-- part of it: nothing that the engine knows is kept twice, until the execution is over and may be deleted.

-- The price list: for each unit of time, and each processor, GB, build, application or unit of a parameter.
create table rates (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  subject text not null check (subject in ('cpu', 'memory', 'disk', 'os-build', 'application', 'parameter')),
  -- Which OS build, application or parameter; empty for the others.
  name text not null default '' check (length(name) <= 256),
  -- Null: everywhere. Else in the place of the one that holds everywhere.
  environment_uid bigint references ordering_environments (uid) on delete cascade,
  amount numeric(16, 4) not null check (amount between 0 and 1000000),
  check ((subject in ('cpu', 'memory', 'disk')) = (name = '')),
  unique (tenant_id, number),
  unique nulls not distinct (tenant_id, subject, name, environment_uid)
);
create index rates_environment on rates (environment_uid) where environment_uid is not null;

-- How much the servers of a group (with those of groups below it), an environment or a cloud account may come to. Null: any.
create table quotas (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  group_uid bigint references ordering_groups (uid) on delete cascade,
  environment_uid bigint references ordering_environments (uid) on delete cascade,
  -- cloud_accounts.uid
  cloud_account_uid bigint,
  servers bigint check (servers >= 0),
  cpus bigint check (cpus >= 0),
  memory_mb bigint check (memory_mb >= 0),
  disk_gb bigint check (disk_gb >= 0),
  rate numeric(16, 4) check (rate >= 0),
  check (num_nonnulls(group_uid, environment_uid, cloud_account_uid) = 1),
  check (cloud_account_uid is null or rate is null),
  unique (tenant_id, number),
  unique nulls not distinct (tenant_id, group_uid, environment_uid, cloud_account_uid)
);
create index quotas_group on quotas (group_uid) where group_uid is not null;
create index quotas_environment on quotas (environment_uid) where environment_uid is not null;
create index quotas_account on quotas (cloud_account_uid) where cloud_account_uid is not null;

create table orders (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null default '' check (length(name) <= 256),
  group_uid bigint not null references ordering_groups (uid),
  -- ordering/order-state.ts
  status text not null default 'CART'
    check (status in ('CART', 'PENDING', 'ACTIVE', 'SUCCESS', 'WARNING', 'FAILURE', 'CANCELED', 'DENIED')),
  summary text not null default '',
  owner_id bigint not null references users (id),
  -- Owns what is built; null: the owner.
  recipient_id bigint references users (id),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  -- When somebody last put something into it: forgotten carts go.
  touched_at timestamptz not null default now(),
  submitted_at timestamptz,
  approved_at timestamptz,
  -- Null beside `approved_at`: nobody had to be asked.
  approved_by bigint references users (id),
  ended_at timestamptz,
  -- What an approver said.
  comment text not null default '' check (length(comment) <= 4000),
  -- The change of cost that it makes, as of its last change.
  rate numeric(16, 4) not null default 0,
  rate_unit text not null default 'month' check (rate_unit in ('hour', 'day', 'week', 'month', 'year')),
  -- Why somebody had to be asked, and why it failed: sentences.
  held_by text[] not null default '{}',
  failures text[] not null default '{}',
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create index orders_status on orders (tenant_id, status, uid);
create index orders_group on orders (group_uid, uid);
create index orders_owner on orders (tenant_id, owner_id, uid);
create index orders_forgotten on orders (touched_at) where status = 'CART';

create table order_items (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  order_uid bigint not null references orders (uid) on delete cascade,
  position integer not null,
  kind text not null check (kind in ('deploy', 'provision', 'modify', 'decommission')),
  -- As it was asked for (ordering/order-items.ts, AskedItem): what is shown, and what is asked again by a duplicate.
  asked json not null,
  -- What is to be done (ordering/item-plans.ts, ItemPlan): found when it was asked for, and again when it is approved.
  plan json not null,
  rate numeric(16, 4) not null default 0,
  unique (order_uid, position)
);
create index order_items_tenant on order_items (tenant_id, order_uid);
-- What an approved item takes of work: one execution on one deployment each.
create table order_errands (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  order_uid bigint not null references orders (uid),
  order_item_uid bigint not null references order_items (uid),
  kind text not null check (kind in ('build', 'modify', 'remove')),
  -- Derived from the item where it is to be made, so that what was made is found again by whoever goes on. Null: no deployment
  -- has built what is to go.
  deployment_id text,
  -- ordering/errands.ts, ErrandTask.
  task json not null,
  -- `due`: nothing of it may be lost. `begun`: its execution is recorded. `ended`: nothing more is to be done.
  state text not null default 'due' check (state in ('due', 'begun', 'ended')),
  -- A worker is at it until then, if it lives.
  lease_until timestamptz,
  tries integer not null default 0,
  execution_uid bigint references executions (uid) on delete set null
);
create index order_errands_order on order_errands (tenant_id, order_uid);
create index order_errands_item on order_errands (order_item_uid);
create index order_errands_due on order_errands (uid) where state = 'due';
create index order_errands_deployment on order_errands (tenant_id, deployment_id) where deployment_id is not null;
create index order_errands_execution on order_errands (execution_uid) where execution_uid is not null;

-- What approved orders take of a quota: a row for each server that is to be, and as long as it is.
create table quota_holds (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  order_item_uid bigint not null references order_items (uid),
  -- The group itself and all above it.
  group_path bigint[] not null,
  environment_uid bigint references ordering_environments (uid) on delete set null,
  cloud_account_uid bigint,
  -- Node of the deployment that it stands for.
  node text,
  -- servers.uid, once it is there, or of the server that is changed.
  server_uid bigint,
  servers bigint not null,
  cpus bigint not null,
  memory_mb bigint not null,
  disk_gb bigint not null,
  rate numeric(16, 4) not null
);
create index quota_holds_group on quota_holds using gin (group_path);
create index quota_holds_environment on quota_holds (environment_uid) where environment_uid is not null;
create index quota_holds_account on quota_holds (cloud_account_uid) where cloud_account_uid is not null;
create index quota_holds_item on quota_holds (tenant_id, order_item_uid);
create index quota_holds_server on quota_holds (server_uid) where server_uid is not null;

create table jobs (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  -- ordering/job-types.ts
  type text not null check (type ~ '^[a-z][a-z_]{0,63}$'),
  order_uid bigint references orders (uid),
  errand_uid bigint references order_errands (uid),
  parent_uid bigint references jobs (uid),
  owner_id bigint not null references users (id),
  group_uid bigint references ordering_groups (uid) on delete set null,
  -- What it works on, for people: a hostname, the name of an action.
  subject text not null default '',
  execution_uid bigint references executions (uid) on delete set null,
  -- Which nodes of the execution it is about; null: all of it.
  nodes text[],
  -- servers.uid and inventory_resources.uid, as far as they are known.
  server_uid bigint,
  created_at timestamptz not null default now(),
  -- Null: as the execution says. Set when it is over, with everything below.
  status text check (status in ('SUCCESS', 'WARNING', 'FAILURE', 'CANCELED')),
  -- Somebody wants it to end, and its execution is not there yet.
  cancel_wanted boolean not null default false,
  started_at timestamptz,
  ended_at timestamptz,
  total_tasks integer,
  completed_tasks integer,
  -- Text[]: the last ones.
  messages json,
  output text not null default '' check (length(output) <= 100000),
  errors text not null default '' check (length(errors) <= 100000),
  -- Kept when its execution is deleted with what it has taken down.
  log text check (length(log) <= 8388608),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
alter table jobs alter column log set compression pglz;
create index jobs_order on jobs (order_uid, uid) where order_uid is not null;
create index jobs_errand on jobs (errand_uid) where errand_uid is not null;
create index jobs_parent on jobs (parent_uid) where parent_uid is not null;
create index jobs_execution on jobs (execution_uid) where execution_uid is not null;
create index jobs_type on jobs (tenant_id, type, uid);
create index jobs_group on jobs (group_uid, uid) where group_uid is not null;
create index jobs_owner on jobs (tenant_id, owner_id, uid);
create index jobs_server on jobs (tenant_id, server_uid, uid) where server_uid is not null;

-- Executions of jobs that have ended, or were deleted, until somebody has drawn the consequences: written in the transaction of the
-- fact, so that none is missed, and read as a whole, so that nobody asks one order after the other.
create table job_news (
  job_uid bigint primary key references jobs (uid) on delete cascade,
  tenant_id bigint not null references tenants (id),
  -- Of the execution.
  status text not null,
  error text not null default '',
  at timestamptz not null default now()
);
create index job_news_at on job_news (at);
create index job_news_tenant on job_news (tenant_id);

create function note_end_for_jobs() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    insert into job_news (job_uid, tenant_id, status, error)
    select j.uid, j.tenant_id, case when old.status in ('terminated', 'failed', 'cancelled') then old.status else 'cancelled' end,
      coalesce(old.error, '')
    from jobs j where j.execution_uid = old.uid and j.parent_uid is null and j.status is null
    on conflict (job_uid) do nothing;
    return old;
  end if;
  insert into job_news (job_uid, tenant_id, status, error)
  select j.uid, j.tenant_id, new.status, coalesce(new.error, '')
  from jobs j where j.execution_uid = new.uid and j.parent_uid is null and j.status is null
  on conflict (job_uid) do update set status = excluded.status, error = excluded.error, at = now();
  return null;
end
$$;
create trigger executions_end_for_jobs after update of status on executions
  for each row when (new.status in ('terminated', 'failed', 'cancelled') and old.status is distinct from new.status)
  execute function note_end_for_jobs();
create trigger executions_go_for_jobs before delete on executions
  for each row execute function note_end_for_jobs();
