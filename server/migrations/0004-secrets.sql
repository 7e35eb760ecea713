-- Values kept for blueprints, encrypted one by one.

create table secrets (
  uid        bigint generated always as identity primary key,
  tenant_id  bigint not null references tenants,
  key        text not null check (length(key) between 1 and 256),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- The value is told to its creator and to administrators of the tenant alone.
  hidden     boolean not null default false,
  -- JSON Schema that the value obeys; null: the value is a text.
  schema     jsonb,
  -- The value as JSON under the row's own data key, and that key under the master key: see secrets/vault.ts.
  sealed     bytea not null,
  sealed_key bytea not null,
  unique (tenant_id, key)
);
create index secrets_created on secrets (tenant_id, created_at, uid);
create index secrets_created_by on secrets (created_by);
-- Keys of global secrets are unique everywhere. That no tenant has its own of the same key is checked under a lock.
create unique index secrets_global on secrets (key) where visibility = 'global';
create index secrets_key on secrets (key);

-- The master key that the secrets of this store are under, by its fingerprint, pinned by whoever starts first: a process
-- with another key must not start, or it would keep values that nobody else can open. One row.
create table secrets_master_key (
  one         boolean primary key default true check (one),
  fingerprint text not null,
  pinned_at   timestamptz not null default now()
);
