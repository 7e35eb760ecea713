-- Snapshots of the whole installation, and the master key that each secret is under.

-- Bytes of snapshots, apart from `blobs`: those are replaced when a snapshot is restored, these stay. `sha256` is null
-- while an archive is being written: nobody reads it then.
create table snapshot_archives (
  uid bigint generated always as identity primary key,
  size bigint not null default 0 check (size >= 0),
  sha256 bytea check (octet_length(sha256) = 32),
  -- Without a snapshot, swept after this time.
  held_until timestamptz not null default now() + interval '6 hours'
);

create table snapshot_chunks (
  archive bigint not null references snapshot_archives on delete cascade,
  n integer not null,
  data bytea not null,
  primary key (archive, n)
);
-- What is in an archive is compressed already.
alter table snapshot_chunks alter column data set storage external;

-- Tenant, user and execution by name, without references: restoring replaces those and keeps the snapshots that are here.
create table snapshots (
  uid bigint generated always as identity primary key,
  id text not null unique check (length(id) between 1 and 256),
  tenant_name text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  status text not null check (status in ('creating', 'created', 'failed', 'uploaded')),
  error text,
  -- What it was asked to hold; null for one that was uploaded.
  contents json,
  -- The execution that makes it, while it does and afterwards.
  execution_id text,
  -- The passphrase that its secrets are to be under, sealed under the master key until it is made: see secrets/vault.ts.
  sealed bytea,
  sealed_key bytea,
  master_key text,
  archive bigint references snapshot_archives,
  check ((status in ('created', 'uploaded')) = (archive is not null))
);
create index snapshots_created on snapshots (created_at, uid);
create index snapshots_archive on snapshots (archive) where archive is not null;

-- Restorings that were asked for and are not over. Apart from executions, which they replace.
create table snapshot_restores (
  execution_id text primary key,
  snapshot bigint not null references snapshots (uid),
  -- Also where there is something to lose.
  force boolean not null,
  tenant_name text not null,
  username text not null,
  request_id text not null,
  asked_at timestamptz not null default now(),
  sealed bytea,
  sealed_key bytea,
  master_key text,
  -- While tables are being replaced, renewed from a connection of its own; later than now: under way.
  under_way_until timestamptz
);
create index snapshot_restores_snapshot on snapshot_restores (snapshot);

-- Fingerprint of the master key that the row's key is under: rotation finds what is left to do, and goes on after a kill.
alter table secrets add column master_key text;
update secrets set master_key = (select fingerprint from secrets_master_key);
alter table secrets alter column master_key set not null;
create index secrets_master_key_of on secrets (master_key, uid);
