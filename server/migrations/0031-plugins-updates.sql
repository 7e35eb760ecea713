-- Updates of plugins: a blueprint compiled again with newer ones, and its deployments brought to that.

-- A plan changes when an update of plugins has ended: who keeps it asks whether it is still this edition.
alter table blueprint_plans add column edition integer not null default 1;

create table plugins_updates (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null unique,
  -- Null when the blueprint is deleted: nobody sees it then, and it goes. Not by a cascade, which would take `held_uid` with it.
  blueprint_uid bigint references blueprints (uid) on delete set null,
  -- Both until it is over: neither of the two blueprints can be deleted before.
  held_uid bigint references blueprints (uid),
  temp_uid bigint references blueprints (uid),
  -- Told, also when it is gone.
  temp_blueprint text,
  state text not null check (state in ('executing-workflow', 'successful', 'failed', 'no-changes-required')),
  forced boolean not null,
  all_tenants boolean not null,
  correct_types boolean not null,
  reevaluate boolean not null,
  -- By its id: an execution may be deleted when it is over.
  execution_id text not null,
  -- Ids of the deployments that stood on the blueprint, by name of tenant.
  deployments json not null default '{}',
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  check ((state = 'executing-workflow') = (held_uid is not null))
);
create index plugins_updates_created on plugins_updates (tenant_id, created_at, uid);
create index plugins_updates_blueprint on plugins_updates (blueprint_uid);
create index plugins_updates_held on plugins_updates (held_uid) where held_uid is not null;
create index plugins_updates_temp on plugins_updates (temp_uid) where temp_uid is not null;
create index plugins_updates_execution on plugins_updates (execution_id);

-- How many go on at a time is asked often, while nearly all are over.
create index deployment_updates_under_way on deployment_updates (new_blueprint_uid) where state in ('updating', 'executing-workflow', 'finalizing');
