-- Credentials of workers that stand elsewhere and speak over HTTPS. Like the workers themselves they are of this installation: no
-- snapshot carries them, and nothing here refers to what one does carry.
create table worker_credentials (
  uid           bigint generated always as identity primary key,
  -- Names the row; told in lists.
  id            text not null unique,
  -- SHA-256 of the secret, which is shown once.
  secret_hash   bytea not null,
  name          text not null,
  kind          text not null check (kind in ('remote', 'agent')),
  pools         text[] not null,
  -- The only tenant whose operations they may take. Null: every tenant's.
  confined_to   bigint,
  created_by    text not null,
  created_at    timestamptz not null default now(),
  last_used_at  timestamptz
);
alter table pool_workers add column credential_uid bigint references worker_credentials (uid) on delete set null;
create index pool_workers_credential on pool_workers (credential_uid);
