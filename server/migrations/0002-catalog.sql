-- What people upload: blueprints with their archives, files and plans; and the bytes themselves.

-- Immutable bytes, stored once whatever their number of owners. Who may read them is decided by the row that refers to
-- them; a digest alone opens nothing. `digest` is null while an upload is under way: such a blob cannot be found.
create table blobs (
  uid bigint generated always as identity primary key,
  -- SHA-256 of the whole.
  digest bytea unique check (octet_length(digest) = 32),
  size bigint not null default 0 check (size >= 0),
  -- Without a reference, swept after this time (catalog/blobs.ts).
  held_until timestamptz not null default now() + interval '6 hours'
);

-- All pieces but the last have the same size.
create table blob_chunks (
  blob bigint not null references blobs on delete cascade,
  n integer not null,
  data bytea not null,
  primary key (blob, n)
);
-- Archives and most large files are compressed already: trying again costs processor time and saves nothing.
alter table blob_chunks alter column data set storage external;

create table blueprints (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  id text not null check (length(id) between 1 and 256),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  description text,
  -- Path inside the archive's top folder.
  main_file text not null,
  state text not null check (state in ('pending', 'uploading', 'extracting', 'parsing', 'uploaded',
    'failed-uploading', 'failed-extracting', 'failed-parsing', 'invalid')),
  error text,
  error_detail text,
  hidden boolean not null default false,
  archive bigint references blobs,
  archive_format text check (archive_format in ('zip', 'tar', 'tar.gz', 'tar.bz2')),
  -- What the plan asks for: secrets and parent capabilities.
  requirements json,
  -- Grows with each upload under this row; an upload that was overtaken writes nothing.
  attempt integer not null default 1,
  -- While an upload is under way: when it counts as dead unless it says otherwise.
  alive_until timestamptz,
  check ((state = 'uploaded') <= (archive is not null)),
  unique (tenant_id, id)
);
create index blueprints_created on blueprints (tenant_id, created_at, uid);
create index blueprints_archive on blueprints (archive) where archive is not null;
create index blueprints_under_way on blueprints (alive_until) where alive_until is not null;
-- Ids of global blueprints are unique everywhere. That no tenant has its own of the same id is checked under a lock.
create unique index blueprints_global on blueprints (id) where visibility = 'global';

create table blueprint_labels (
  tenant_id bigint not null,
  blueprint_uid bigint not null references blueprints (uid) on delete cascade,
  key text not null,
  value text not null,
  created_by bigint not null references users (id),
  created_at timestamptz not null default now(),
  primary key (blueprint_uid, key, value)
);
create index blueprint_labels_value on blueprint_labels (tenant_id, key, value);

-- Apart from the blueprint, so that no list can load it by mistake.
create table blueprint_plans (
  blueprint_uid bigint primary key references blueprints (uid) on delete cascade,
  -- JSON of dsl/plan.ts. Compressed: 26 times smaller at 2,000 nodes, and faster both ways than writing it all to the log.
  plan text not null
);

create table blueprint_files (
  blueprint_uid bigint not null references blueprints (uid) on delete cascade,
  -- Inside the archive's top folder, `/` between the parts.
  path text collate "C" not null,
  size bigint not null,
  -- Permission bits.
  mode integer not null,
  blob bigint not null references blobs,
  primary key (blueprint_uid, path)
);
create index blueprint_files_blob on blueprint_files (blob);
