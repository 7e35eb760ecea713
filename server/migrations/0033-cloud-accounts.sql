-- Cloud accounts, and what is found in them. A cloud account is one thing under several names: a cloud, a resource
-- handler, a connection (docs/glossary.md).

create table cloud_accounts (
  uid        bigint generated always as identity primary key,
  tenant_id  bigint not null references tenants (id),
  id         uuid not null unique default gen_random_uuid(),
  name       text not null check (length(name) between 1 and 256),
  -- What is on the other side: aws, azure, gcp, kubernetes, platform, local, ssh, …; dialects have their own words for them.
  kind       text not null check (kind ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  -- False: a service without resources of its own (a repository, a metrics server). Never changes.
  is_cloud   boolean not null default true,
  -- inventory/cloud-account-state.ts
  status     text not null default 'pending' check (status ~ '^[a-z][a-z-]{0,40}$'),
  -- Why the status is what it is, in a sentence; null: nothing to say.
  status_reason text,
  -- What the provider calls the account: a number, a subscription, a project.
  provider_account text check (length(provider_account) between 1 and 256),
  -- How it is signed in to: standard, assume-role, import, …
  sign_in    text not null default 'standard',
  -- Everything that is no secret.
  settings   jsonb not null default '{}',
  -- Secrets are one JSON object in the safe (secrets/safe.ts), at `cloud-accounts/<id>`.
  has_secrets boolean not null default false,
  -- Null: the platform itself.
  owner_id   bigint references users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_harvested_at timestamptz
);
create unique index cloud_accounts_provider_account on cloud_accounts (tenant_id, kind, provider_account);
create unique index cloud_accounts_platform on cloud_accounts (tenant_id) where kind = 'platform';
create index cloud_accounts_created on cloud_accounts (tenant_id, created_at, uid);
create index cloud_accounts_name on cloud_accounts (tenant_id, name, uid);
create index cloud_accounts_owner on cloud_accounts (owner_id) where owner_id is not null;

-- Marks on cloud accounts that scopes are chosen by.
create table badges (
  tenant_id bigint not null references tenants (id),
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  key       text not null check (length(key) between 1 and 256),
  value     text not null check (length(value) <= 256),
  -- Made by the platform, not by a person.
  generated boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (cloud_account_uid, key)
);
create index badges_pair on badges (tenant_id, key, value, cloud_account_uid);

create table inventory_resources (
  uid         bigint generated always as identity primary key,
  tenant_id   bigint not null references tenants (id),
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  -- Normalised: instance, volume, storagecontainer, … (inventory/resource-types.ts)
  type        text not null check (type ~ '^[a-z][a-z0-9]{0,63}$'),
  -- 'global' where the thing has none.
  region      text not null check (length(region) between 1 and 128),
  -- What the provider calls it within account, type and region.
  provider_id text not null check (length(provider_id) between 1 and 512 and octet_length(provider_id) <= 1536),
  -- What the provider calls it everywhere (an ARN, a path), where it does.
  native_id   text,
  name        text not null,
  -- Text -> text.
  tags        jsonb not null default '{}',
  -- Fields of the type, in core words.
  facts       jsonb not null default '{}',
  -- What it refers to: [{type, providerId}].
  refers_to   jsonb not null default '[]',
  -- Of everything above: whether a harvest found it changed.
  digest      bytea not null,
  -- By the provider's word, where it says.
  created_at  timestamptz,
  discovered_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  -- Not there any more. The row stays for its history.
  destroyed_at timestamptz,
  owner_id    bigint references users (id) on delete set null,
  -- Where the engine built it.
  deployment_uid bigint references deployments (uid) on delete set null,
  node_instance_id text,
  unique (cloud_account_uid, type, region, provider_id)
);
create index inventory_resources_type on inventory_resources (tenant_id, type, uid) where destroyed_at is null;
create index inventory_resources_name on inventory_resources (tenant_id, name, uid) where destroyed_at is null;
create index inventory_resources_account on inventory_resources (cloud_account_uid, type, uid) where destroyed_at is null;
create index inventory_resources_instance on inventory_resources (tenant_id, node_instance_id) where node_instance_id is not null;
create index inventory_resources_deployment on inventory_resources (deployment_uid) where deployment_uid is not null;
create index inventory_resources_owner on inventory_resources (owner_id) where owner_id is not null;
create index inventory_resources_destroyed on inventory_resources (destroyed_at) where destroyed_at is not null;

-- How many there are is kept, not counted (row_counts): clouds of a tenant, and present resources of each account, as
-- the collection 'resources <account>'.
create function count_clouds() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, 'clouds', count(*) from changed r where r.is_cloud group by r.tenant_id;
  else
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, 'clouds', -count(*) from changed r where r.is_cloud group by r.tenant_id;
  end if;
  return null;
end
$$;
create trigger cloud_accounts_come after insert on cloud_accounts
  referencing new table as changed for each statement execute function count_clouds();
create trigger cloud_accounts_go after delete on cloud_accounts
  referencing old table as changed for each statement execute function count_clouds();

create function count_resources() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, concat('resources ', r.cloud_account_uid), count(*)
    from changed r where r.destroyed_at is null group by r.tenant_id, r.cloud_account_uid;
  elsif tg_op = 'DELETE' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, concat('resources ', r.cloud_account_uid), -count(*)
    from changed r where r.destroyed_at is null group by r.tenant_id, r.cloud_account_uid;
  else
    insert into row_counts (tenant_id, collection, difference)
    select b.tenant_id, concat('resources ', b.cloud_account_uid),
           sum((a.destroyed_at is null)::integer - (b.destroyed_at is null)::integer)
    from before b join after a on a.uid = b.uid
    where (a.destroyed_at is null) <> (b.destroyed_at is null) group by b.tenant_id, b.cloud_account_uid;
  end if;
  return null;
end
$$;
create trigger inventory_resources_come after insert on inventory_resources
  referencing new table as changed for each statement execute function count_resources();
create trigger inventory_resources_go after delete on inventory_resources
  referencing old table as changed for each statement execute function count_resources();
create trigger inventory_resources_change after update on inventory_resources
  referencing old table as before new table as after for each statement execute function count_resources();
