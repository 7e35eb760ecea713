-- Archives of logs; and what outside workflow code tells of how its operations ended.

-- As snapshots (0007), and their bytes beside theirs: tenant, user and execution by name, for they outlive a restoring.
create table log_bundles (
  uid bigint generated always as identity primary key,
  id text not null unique check (length(id) between 1 and 256),
  tenant_name text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  status text not null check (status in ('creating', 'created', 'failed')),
  error text,
  -- The execution that makes it, while it does and afterwards.
  execution_id text not null,
  archive bigint references snapshot_archives,
  check (archive is not null or status <> 'created')
);
create index log_bundles_created on log_bundles (created_at, uid);
create index log_bundles_archive on log_bundles (archive) where archive is not null;
create index log_bundles_execution on log_bundles (execution_id);

-- Null: not told. A JSON null is told by nobody: clients send it for what they leave out.
alter table graph_operations add column result json, add column exception json, add column exception_causes json;
