-- Who people are beyond their name, and every kind of credential in the one table of tokens.

alter table tenants
  add column uuid        uuid not null default gen_random_uuid() unique,
  -- As people write it, where it is not the name: with spaces, say. Changing it changes no reference.
  add column title       text check (length(title) between 1 and 256),
  add column description text check (length(description) <= 4096),
  add column updated_at  timestamptz not null default now();
create unique index tenants_title on tenants (lower(coalesce(title, name)));

alter table users drop constraint users_system_role_check,
  add constraint users_system_role_check check (system_role in ('admin', 'auditor', 'member'));
alter table user_groups drop constraint user_groups_system_role_check,
  add constraint user_groups_system_role_check check (system_role in ('admin', 'auditor', 'member'));

alter table users
  -- What dialects call the user by that speak in UUIDs.
  add column uuid           uuid not null default gen_random_uuid() unique,
  add column email          text check (length(email) <= 320),
  add column first_name     text check (length(first_name) <= 256),
  add column last_name      text check (length(last_name) <= 256),
  -- As people write it, where it is not first and last name.
  add column display_name   text check (length(display_name) <= 512),
  -- Who vouches for the user. internal: a password here. ldap, oidc: the directory or provider of that name. saml: nobody yet, they use keys. api-only: nobody, ever.
  add column authentication text not null default 'internal' check (authentication in ('internal', 'ldap', 'oidc', 'saml', 'api-only')),
  -- Name of the directory or provider, and what the user is called there for good.
  add column authority      text,
  add column external_id    text check (length(external_id) <= 2048),
  -- May ask for tokens with a password (CloudBolt) at all.
  add column api_access     boolean not null default true,
  -- May make a key of their own without being an administrator of anything (InsightCloudSec).
  add column keys_allowed   boolean not null default false,
  -- No sign-in with a password; keys stay good.
  add column console_denied boolean not null default false,
  add column password_reset_required boolean not null default false,
  -- Of a temporary password.
  add column password_expires_at timestamptz,
  -- In which tenant the user works until they say otherwise.
  add column current_tenant bigint references tenants on delete set null,
  -- Goes up when everything that was signed for the user must end: signed tokens carry it.
  add column credential_generation integer not null default 0,
  add column second_factor_required boolean not null default false,
  add column updated_at timestamptz not null default now();
create index users_email on users (lower(email), id);
create unique index users_external_id on users (authority, external_id) where external_id is not null;
create index users_current_tenant on users (current_tenant) where current_tenant is not null;

-- One key of a user, at most one; sign-ins with an end by idleness; named tokens without an end; sign-ins of browsers.
alter table tokens drop constraint tokens_kind_check,
  add constraint tokens_kind_check check (kind in ('api', 'session', 'execution', 'key', 'login', 'security', 'browser')),
  add column uuid         uuid not null default gen_random_uuid() unique,
  add column name         text check (length(name) <= 255),
  add column purpose      text check (length(purpose) <= 4096),
  -- The last characters of the value, for people to tell their tokens apart.
  add column suffix       text check (length(suffix) <= 8),
  -- Ends when it was not used for this long.
  add column idle_seconds integer check (idle_seconds > 0);
create unique index tokens_one_key on tokens (user_id) where kind = 'key';

-- Values that are sealed and belong to no tenant's secrets, by their place (secrets/safe.ts). Keys are not shared with `secrets`.
create table sealed_values (
  uid        bigint generated always as identity (start with 4503599627370496) primary key,
  place      text not null unique check (length(place) between 1 and 512),
  sealed     bytea not null,
  sealed_key bytea not null,
  master_key text not null
);
create index sealed_values_master_key on sealed_values (master_key);

-- Second factors: the secret is a sealed value. Not confirmed: offered, and the first code not shown yet.
create table second_factors (
  user_id      bigint primary key references users on delete cascade,
  confirmed_at timestamptz,
  -- Number of the 30 s step whose code was used last: it and all before are used up.
  last_step    bigint not null default 0,
  created_at   timestamptz not null default now()
);

-- Directories (LDAP) and providers (OpenID Connect) that vouch for users. The password or client secret is a sealed value.
create table authorities (
  id         bigint generated always as identity primary key,
  name       text not null check (length(name) between 1 and 256),
  kind       text not null check (kind in ('ldap', 'oidc')),
  enabled    boolean not null default true,
  settings   jsonb not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index authorities_name on authorities (lower(name));

-- Members of tenants, counted as they come and go (migration 0005).
create trigger tenant_users_come after insert on tenant_users
  referencing new table as changed for each statement execute function count_rows();
create trigger tenant_users_go after delete on tenant_users
  referencing old table as changed for each statement execute function count_rows();
insert into row_counts (tenant_id, collection, difference)
  select tenant_id, 'tenant_users', count(*) from tenant_users group by tenant_id;
