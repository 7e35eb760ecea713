-- Servers: what is kept of a machine beside what every found resource has (inventory_resources), whoever built it; and what was
-- built under one name from an offer. A server is there before anything is built: its `id` is drawn first, and whatever
-- builds twice under it builds once.

create table servers (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  -- Ours, for the handler.
  id uuid not null unique default gen_random_uuid(),
  -- Null: nothing is there (yet).
  resource_uid bigint unique references inventory_resources (uid) on delete set null,
  cloud_account_uid bigint references cloud_accounts (uid) on delete set null,
  hostname text not null check (length(hostname) between 1 and 256),
  -- inventory/server-state.ts
  status text not null default 'building'
    check (status in ('building', 'active', 'changing', 'ending', 'build-failed', 'historical')),
  power text not null default 'unknown' check (power in ('on', 'off', 'suspended', 'unknown')),
  group_uid bigint references ordering_groups (uid) on delete set null,
  environment_uid bigint references ordering_environments (uid) on delete set null,
  os_build_uid bigint references os_builds (uid) on delete set null,
  owner_id bigint references users (id) on delete set null,
  -- What the engine knows it as; null: nobody here built it.
  deployment_uid bigint references deployments (uid) on delete set null,
  node text,
  node_instance_id text,
  ip text not null default '',
  private_ip text not null default '',
  -- Where it answers over HTTP; null: not known.
  port integer,
  mac text not null default '',
  cpus integer not null default 0 check (cpus >= 0),
  memory_mb integer not null default 0 check (memory_mb >= 0),
  -- Of all disks together.
  disk_gb integer not null default 0 check (disk_gb >= 0),
  os_family text not null default '',
  username text not null default '',
  -- In the safe, at `servers/<id>`.
  has_password boolean not null default false,
  has_key boolean not null default false,
  expires_on date,
  -- When the expiry scan last acted on it.
  expiry_handled_at timestamptz,
  -- Name -> value.
  parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
  labels text[] not null default '{}',
  notes text not null default '',
  -- What the handler says besides; no secrets.
  facts jsonb not null default '{}',
  -- What went wrong last, in a sentence.
  trouble text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- When it was last looked at where it is.
  seen_at timestamptz,
  ended_at timestamptz,
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index servers_instance on servers (tenant_id, node_instance_id) where node_instance_id is not null and status <> 'historical';
create index servers_order on servers (tenant_id, uid);
create index servers_hostname on servers (tenant_id, lower(hostname) text_pattern_ops, uid);
create index servers_status on servers (tenant_id, status, uid) include (power);
create index servers_power on servers (tenant_id, power, uid) include (status);
create index servers_group on servers (tenant_id, group_uid, uid) include (status, power);
create index servers_environment on servers (tenant_id, environment_uid, uid) include (status, power);
create index servers_owner on servers (tenant_id, owner_id, uid) include (status, power);
create index servers_account on servers (tenant_id, cloud_account_uid, uid);
create index servers_build on servers (tenant_id, os_build_uid, uid);
create index servers_name on servers (tenant_id, hostname, uid);
create index servers_ip on servers (tenant_id, ip, uid);
create index servers_deployment on servers (deployment_uid) where deployment_uid is not null;
-- Whose instance may be gone.
create index servers_adrift on servers (uid) where deployment_uid is null and node_instance_id is not null and status <> 'historical';
create index servers_expires on servers (expires_on) where expires_on is not null and status <> 'historical';
-- What a deletion of these looks for.
create index servers_of_group on servers (group_uid) where group_uid is not null;
create index servers_of_environment on servers (environment_uid) where environment_uid is not null;
create index servers_of_account on servers (cloud_account_uid) where cloud_account_uid is not null;
create index servers_of_build on servers (os_build_uid) where os_build_uid is not null;
create index servers_of_owner on servers (owner_id) where owner_id is not null;

create table server_disks (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  server_uid bigint not null references servers (uid) on delete cascade,
  id uuid not null default gen_random_uuid(),
  -- The handler's name for it.
  provider_id text not null,
  name text not null,
  position integer not null,
  gb integer not null,
  datastore text not null default '',
  provisioning text not null default '',
  unique (server_uid, provider_id)
);
create index server_disks_tenant on server_disks (tenant_id, server_uid, position);

create table server_nics (
  tenant_id bigint not null references tenants (id),
  server_uid bigint not null references servers (uid) on delete cascade,
  position integer not null,
  network text not null default '',
  mac text not null default '',
  ip text not null default '',
  private_ip text not null default '',
  primary key (server_uid, position)
);
create index server_nics_tenant on server_nics (tenant_id, server_uid);

create table server_snapshots (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  server_uid bigint not null references servers (uid) on delete cascade,
  id uuid not null,
  provider_id text not null,
  name text not null,
  bytes bigint,
  created_by bigint references users (id) on delete set null,
  created_at timestamptz not null default now(),
  unique (server_uid, id)
);
create index server_snapshots_tenant on server_snapshots (tenant_id, server_uid, uid);

create table server_history (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  server_uid bigint not null references servers (uid) on delete cascade,
  at timestamptz not null default now(),
  -- In one word: built, changed, power, snapshot, ended, vanished, imported, expired, failed.
  event text not null check (event ~ '^[a-z][a-z-]{0,40}$'),
  message text not null,
  user_id bigint references users (id) on delete set null,
  execution_id text
);
create index server_history_tenant on server_history (tenant_id, server_uid, uid);

-- What was built under one name, as people see it: a deployment with its servers.
create table services (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  resource_type_uid bigint not null references resource_types (uid),
  offer_uid bigint references offers (uid) on delete set null,
  group_uid bigint references ordering_groups (uid) on delete set null,
  owner_id bigint references users (id) on delete set null,
  deployment_uid bigint references deployments (uid) on delete set null,
  status text not null default 'provisioning' check (status in ('provisioning', 'active', 'provision-failed', 'historical')),
  parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
  expires_on date,
  created_at timestamptz not null default now(),
  installed_at timestamptz,
  ended_at timestamptz,
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create index services_order on services (tenant_id, resource_type_uid, uid);
create index services_group on services (tenant_id, group_uid, uid);
create index services_name on services (tenant_id, lower(name), uid);
create unique index services_deployment on services (deployment_uid) where deployment_uid is not null;

-- Of which a server is a part; null: it stands alone.
alter table servers add column service_uid bigint references services (uid) on delete set null;
create index servers_service on servers (service_uid) where service_uid is not null;

-- How far the news of node instances has been followed (inventory/follow-instances.ts).
create table server_news (
  only_row boolean primary key default true check (only_row),
  position bigint not null
);

-- A look at all servers of an account: one at a time for each.
create table server_syncs (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  execution_id text not null unique,
  ended_at timestamptz,
  imported integer not null default 0,
  updated integer not null default 0,
  vanished integer not null default 0
);
create unique index server_syncs_running on server_syncs (cloud_account_uid) where ended_at is null;
create index server_syncs_tenant on server_syncs (tenant_id, cloud_account_uid, uid);

create trigger servers_come after insert on servers
  referencing new table as changed for each statement execute function count_rows();
create trigger servers_go after delete on servers
  referencing old table as changed for each statement execute function count_rows();
