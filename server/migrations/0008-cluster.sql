-- The installation as several processes on one database, and what they all must agree on. No table of a tenant.

-- One row.
create table cluster (
  sole           boolean primary key default true check (sole),
  -- Null: nobody has made a cluster of it; whatever process comes may work.
  initialized_at timestamptz,
  -- What an administrator wrote with it, for extensions.
  options        json not null default '{}',
  -- The process that does what one alone should do, and until when, on the clock of the database.
  master         uuid,
  master_until   timestamptz
);
insert into cluster default values;

-- A node: the processes that share a data folder. Rows of removed nodes stay, so that their keys stay known.
create table cluster_nodes (
  id                bigint generated always as identity primary key,
  name              text not null check (length(name) between 1 and 256),
  host_ip           text,
  -- SHA-256 of the key in the data folder. Null: announced by an administrator, and nobody has come yet.
  key_hash          bytea unique,
  -- SHA-256 of the credentials for joining, which are good once and until then.
  credentials_hash  bytea,
  credentials_until timestamptz,
  -- Since when it belongs to the cluster.
  joined_at         timestamptz,
  draining_at       timestamptz,
  removed_at        timestamptz,
  created_at        timestamptz not null default now()
);
create unique index cluster_nodes_name on cluster_nodes (lower(name)) where removed_at is null;

create table cluster_processes (
  id          uuid primary key,
  node_id     bigint not null references cluster_nodes on delete cascade,
  role        text not null check (role in ('all', 'api', 'worker')),
  pid         integer not null,
  -- Where it answers requests. Null: nowhere.
  url         text,
  version     text not null,
  started_at  timestamptz not null default now(),
  -- Its heartbeat: when this has passed it counts as gone.
  alive_until timestamptz not null
);
create index cluster_processes_node on cluster_processes (node_id);

-- What happened to the cluster, for people.
create table cluster_log (
  id      bigint generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  message text not null
);
