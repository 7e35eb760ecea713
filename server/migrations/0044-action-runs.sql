-- What people have the server run for them: actions on servers and resources, rules, and what runs by itself at a point. Each has a job
-- to look at, and is carried out as one execution: on the deployment of what it is about, or on one that is kept for it.
create table action_runs (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  job_uid bigint not null unique references jobs (uid) on delete cascade,
  -- ordering/action-task.ts, ActionTask.
  task json not null,
  -- `due`: nothing of it may be lost. `begun`: its execution is recorded. `concluding`: it has ended, and something follows
  -- from it. `ended`: nothing more is to be done.
  state text not null default 'due' check (state in ('due', 'begun', 'concluding', 'ended')),
  -- A worker is at it until then, if it lives.
  lease_until timestamptz,
  tries integer not null default 0,
  -- As the engine names it.
  execution_id text,
  outcome text check (outcome in ('SUCCESS', 'WARNING', 'FAILURE', 'CANCELED')),
  -- Step -> what it has printed; and what its condition has found; null: nothing.
  printed jsonb not null default '{}' check (jsonb_typeof(printed) = 'object'),
  found json,
  -- What it is about, where something waits for it: an order, or one of its errands.
  order_uid bigint references orders (uid),
  errand_uid bigint references order_errands (uid),
  trigger_point text
);
create index action_runs_tenant on action_runs (tenant_id, uid);
create index action_runs_waiting on action_runs (uid) where state in ('due', 'concluding');
create index action_runs_order on action_runs (order_uid) where order_uid is not null;
create index action_runs_errand on action_runs (errand_uid) where errand_uid is not null;

-- Somebody else built it: its handler knows it by its own name alone.
alter table servers add column found boolean not null default false;
update servers s set found = true
where exists (select from server_history h where h.server_uid = s.uid and h.event = 'imported');

-- services.uid: the resource that a job is about, or is a part of.
alter table jobs add column resource_uid bigint;
create index jobs_resource on jobs (tenant_id, resource_uid, uid) where resource_uid is not null;
update jobs j set resource_uid = (r.task ->> 'resource')::bigint
from order_errands r where r.uid = j.errand_uid and (r.task ->> 'resource') is not null;

-- What happened to what was built under one name.
create table service_history (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  service_uid bigint not null references services (uid) on delete cascade,
  at timestamptz not null default now(),
  -- In one word: ordered, built, action, failed, ended.
  event text not null check (event ~ '^[a-z][a-z-]{0,40}$'),
  message text not null,
  user_id bigint references users (id) on delete set null,
  execution_id text
);
create index service_history_tenant on service_history (tenant_id, service_uid, uid);
insert into service_history (tenant_id, service_uid, at, event, message, user_id)
select s.tenant_id, s.uid, s.created_at, 'ordered', s.name || ' was ordered', s.owner_id from services s;

-- Actions that are ordered, where somebody is to agree to them or they change what there is.
alter table order_items drop constraint order_items_kind_check;
alter table order_items add constraint order_items_kind_check
  check (kind in ('deploy', 'provision', 'modify', 'decommission', 'act'));
alter table order_errands drop constraint order_errands_kind_check;
alter table order_errands add constraint order_errands_kind_check check (kind in ('build', 'modify', 'remove', 'act'));

-- When a rule runs by itself: a recurrence rule of RFC 5545 in UTC (dsl/recurrence.ts); null: only when it is asked to. It acts as its owner.
alter table ordering_rules
  add column schedule text check (length(schedule) between 1 and 1000),
  add column owner_id bigint references users (id) on delete set null,
  add column next_at timestamptz;
create index ordering_rules_next on ordering_rules (next_at) where next_at is not null and enabled;
create index ordering_rules_owner on ordering_rules (owner_id) where owner_id is not null;
