-- How cloud accounts are harvested: which regions, by which strategy, and what came of it.

-- Regions of an account that somebody has said something about; all others are harvested.
create table cloud_account_regions (
  tenant_id bigint not null references tenants (id),
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  name      text not null check (length(name) between 1 and 128),
  disabled  boolean not null,
  primary key (cloud_account_uid, name)
);
create index cloud_account_regions_tenant on cloud_account_regions (tenant_id, cloud_account_uid);

-- The last run of each kind of harvest of an account.
create table harvests (
  tenant_id bigint not null references tenants (id),
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  -- What runs: import, …
  job       text not null check (length(job) between 1 and 64),
  region    text not null check (length(region) between 1 and 128),
  started_at timestamptz not null,
  ended_at  timestamptz,
  -- succeeded, failed
  status    text not null,
  error     text,
  primary key (cloud_account_uid, job, region)
);
create index harvests_tenant on harvests (tenant_id, cloud_account_uid);

-- Strategies that people made; those that every tenant has for each kind of account are no rows (inventory/strategies.ts).
create table harvest_strategies (
  uid       bigint generated always as identity (start with 1000) primary key,
  tenant_id bigint not null references tenants (id),
  name      text not null check (length(name) between 1 and 256),
  kind      text not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, kind, name)
);

-- Null: the strategy that accounts of the kind have by themselves.
alter table cloud_accounts add column strategy_uid bigint references harvest_strategies (uid) on delete set null;
create index cloud_accounts_strategy on cloud_accounts (strategy_uid) where strategy_uid is not null;

-- The first tenant has a title, as those that come after it.
update tenants set title = 'Default Organization' where name = 'default_tenant' and title is null
  and not exists (select from tenants t where lower(coalesce(t.title, t.name)) = 'default organization');

-- Those who reach every tenant are few, and left out when the members of a tenant are counted.
create index users_beyond_tenants on users (id) where system_role <> 'member';
