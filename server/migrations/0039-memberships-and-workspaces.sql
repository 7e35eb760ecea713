-- Who is what in a tenant beyond the tenant roles, what people prefer, and the workspaces in which they keep what belongs together.

alter table tenant_users add column joined_at timestamptz not null default now();

alter table tenants
  add column owner_id bigint references users on delete set null,
  add column country  jsonb not null default '{}',
  add column region   jsonb not null default '{}',
  -- Host name under which the tenant's people reach the installation.
  add column domain   text check (length(domain) between 1 and 253),
  add column preferences jsonb not null default '{}';
create unique index tenants_domain on tenants (lower(domain));
create index tenants_owner on tenants (owner_id) where owner_id is not null;

-- A user's pages about themselves.
alter table users
  add column bio        text check (length(bio) <= 4096),
  add column avatar_url text check (length(avatar_url) <= 2048),
  add column country    jsonb not null default '{}',
  add column region     jsonb not null default '{}',
  add column socials    jsonb not null default '[]';

create table user_preferences (
  user_id     bigint primary key references users on delete cascade,
  preferences jsonb not null default '{}',
  updated_at  timestamptz not null default now()
);

-- Teams: members of a tenant who work on something together.
create table teams (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  metadata    jsonb not null default '{}',
  owner_id    bigint references users on delete set null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  -- Laid aside: not shown, and gives nothing any more.
  deleted_at  timestamptz
);
create index teams_updated on teams (tenant_id, updated_at desc, uid);
create index teams_owner on teams (owner_id) where owner_id is not null;

create table team_members (
  tenant_id  bigint not null references tenants on delete cascade,
  team_uid   bigint not null references teams (uid) on delete cascade,
  user_id    bigint not null references users on delete cascade,
  id         uuid not null unique default gen_random_uuid(),
  created_at timestamptz not null default now(),
  primary key (team_uid, user_id),
  -- Who leaves the tenant leaves its teams.
  foreign key (user_id, tenant_id) references tenant_users (user_id, tenant_id) on delete cascade
);
create index team_members_tenant on team_members (tenant_id, user_id);
create index team_members_user on team_members (user_id, tenant_id);

-- Roles that a tenant has made itself. Those of every tenant are in the code (membership/built-in-roles.ts).
create table access_roles (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create unique index access_roles_name on access_roles (tenant_id, lower(name));

-- Keys beyond those of the catalogue (membership/access-keys.ts). A key is the name of one right.
create table access_keys (
  id          uuid primary key default gen_random_uuid(),
  category    text not null default '' check (length(category) <= 256),
  subcategory text not null default '' check (length(subcategory) <= 256),
  function    text not null check (length(function) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  owner_id    bigint references users on delete set null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create index access_keys_owner on access_keys (owner_id) where owner_id is not null;

create table keychains (
  uid        bigint generated always as identity primary key,
  id         uuid not null unique default gen_random_uuid(),
  tenant_id  bigint not null references tenants on delete cascade,
  name       text not null check (length(name) between 1 and 256),
  owner_id   bigint references users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index keychains_updated on keychains (tenant_id, updated_at desc, uid);
create index keychains_owner on keychains (owner_id) where owner_id is not null;

create table keychain_keys (
  tenant_id    bigint not null references tenants on delete cascade,
  keychain_uid bigint not null references keychains (uid) on delete cascade,
  key_id       uuid not null,
  primary key (keychain_uid, key_id)
);
create index keychain_keys_tenant on keychain_keys (tenant_id, key_id);

-- Of a role of the tenant's own, or of one that every tenant has.
create table role_keychains (
  tenant_id    bigint not null references tenants on delete cascade,
  role_id      uuid not null,
  keychain_uid bigint not null references keychains (uid) on delete cascade,
  primary key (tenant_id, role_id, keychain_uid)
);
create index role_keychains_keychain on role_keychains (keychain_uid);

-- Roles of members beyond their tenant role.
create table member_roles (
  tenant_id  bigint not null references tenants on delete cascade,
  user_id    bigint not null references users on delete cascade,
  role_id    uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, role_id),
  foreign key (user_id, tenant_id) references tenant_users (user_id, tenant_id) on delete cascade
);
create index member_roles_user on member_roles (user_id, tenant_id);

create table invitations (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  -- Who may accept it; none: whoever knows it.
  emails      text[] not null default '{}',
  -- Names of roles, and ids of teams, that accepting gives.
  roles       text[] not null default '{}',
  teams       uuid[] not null default '{}',
  enabled     boolean not null default true,
  -- How many may accept; null: any number.
  quota       integer check (quota >= 0),
  expires_at  timestamptz,
  is_default  boolean not null default false,
  owner_id    bigint references users on delete set null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create index invitations_updated on invitations (tenant_id, updated_at desc, uid);
create index invitations_owner on invitations (owner_id) where owner_id is not null;

create table invitation_acceptances (
  tenant_id      bigint not null references tenants on delete cascade,
  invitation_uid bigint not null references invitations (uid) on delete cascade,
  user_id        bigint not null references users on delete cascade,
  accepted_at    timestamptz not null default now(),
  primary key (invitation_uid, user_id)
);
create index invitation_acceptances_tenant on invitation_acceptances (tenant_id);
create index invitation_acceptances_user on invitation_acceptances (user_id);

-- Awards that members may wear.
create table awards (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  label       text not null check (length(label) between 1 and 256),
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  image_url   text not null default '' check (length(image_url) <= 2048),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  unique (tenant_id, label)
);
create table member_awards (
  tenant_id  bigint not null references tenants on delete cascade,
  award_uid  bigint not null references awards (uid) on delete cascade,
  user_id    bigint not null references users on delete cascade,
  created_at timestamptz not null default now(),
  primary key (award_uid, user_id),
  foreign key (user_id, tenant_id) references tenant_users (user_id, tenant_id) on delete cascade
);
create index member_awards_tenant on member_awards (tenant_id);
create index member_awards_user on member_awards (user_id, tenant_id);

create table workspaces (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  metadata    jsonb not null default '{}',
  -- Where things are that nobody has put elsewhere. Every tenant has one.
  is_default  boolean not null default false,
  owner_id    bigint references users on delete set null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create unique index workspaces_default on workspaces (tenant_id) where is_default;
create index workspaces_updated on workspaces (tenant_id, updated_at desc, uid);
create index workspaces_owner on workspaces (owner_id) where owner_id is not null;

create function give_default_workspace() returns trigger language plpgsql as $$
begin
  insert into workspaces (tenant_id, name, is_default) values (new.id, 'Default', true)
  on conflict do nothing;
  return null;
end
$$;
create trigger tenants_get_a_workspace after insert on tenants
  for each row execute function give_default_workspace();
insert into workspaces (tenant_id, name, is_default) select id, 'Default', true from tenants;

create table workspace_teams (
  tenant_id     bigint not null references tenants on delete cascade,
  workspace_uid bigint not null references workspaces (uid) on delete cascade,
  team_uid      bigint not null references teams (uid) on delete cascade,
  id            uuid not null unique default gen_random_uuid(),
  created_at    timestamptz not null default now(),
  primary key (workspace_uid, team_uid)
);
create index workspace_teams_tenant on workspace_teams (tenant_id);
create index workspace_teams_team on workspace_teams (team_uid);

-- Sets of cloud accounts that something may be placed on.
create table account_environments (
  uid         bigint generated always as identity primary key,
  id          uuid not null unique default gen_random_uuid(),
  tenant_id   bigint not null references tenants on delete cascade,
  name        text not null check (length(name) between 1 and 256),
  description text not null default '' check (length(description) <= 4096),
  metadata    jsonb not null default '{}',
  owner_id    bigint references users on delete set null,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);
create index account_environments_updated on account_environments (tenant_id, updated_at desc, uid);
create index account_environments_owner on account_environments (owner_id) where owner_id is not null;

create table workspace_environments (
  tenant_id       bigint not null references tenants on delete cascade,
  workspace_uid   bigint not null references workspaces (uid) on delete cascade,
  environment_uid bigint not null references account_environments (uid) on delete cascade,
  id              uuid not null unique default gen_random_uuid(),
  created_at      timestamptz not null default now(),
  primary key (workspace_uid, environment_uid)
);
create index workspace_environments_tenant on workspace_environments (tenant_id);
create index workspace_environments_environment on workspace_environments (environment_uid);

create table environment_accounts (
  tenant_id         bigint not null references tenants on delete cascade,
  environment_uid   bigint not null references account_environments (uid) on delete cascade,
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  id                uuid not null unique default gen_random_uuid(),
  created_at        timestamptz not null default now(),
  primary key (environment_uid, cloud_account_uid)
);
create index environment_accounts_tenant on environment_accounts (tenant_id);
create index environment_accounts_account on environment_accounts (cloud_account_uid);

-- What a user keeps to sign in to things with. The value is a sealed value.
create table credentials (
  uid        bigint generated always as identity primary key,
  id         uuid not null unique default gen_random_uuid(),
  user_id    bigint not null references users on delete cascade,
  name       text not null check (length(name) between 1 and 256),
  type       text not null check (length(type) between 1 and 256),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index credentials_user on credentials (user_id, updated_at desc, uid);

-- What people are told: by clients, and by the server of changes in its trail.
create table notices (
  uid          bigint generated always as identity primary key,
  id           uuid not null unique default gen_random_uuid(),
  tenant_id    bigint not null references tenants on delete cascade,
  user_id      bigint references users on delete cascade,
  system_id    uuid,
  operation_id uuid,
  category     text not null default '' check (length(category) <= 256),
  action       text not null default '' check (length(action) <= 256),
  severity     text not null default 'informational' check (severity in
    ('emergency', 'alert', 'critical', 'error', 'warning', 'informational', 'debug', 'success')),
  status       text not null default 'unread' check (status in ('read', 'unread')),
  acted_upon   uuid,
  description  text not null default '' check (length(description) <= 65536),
  metadata     jsonb not null default '{}',
  -- True: written by the server, in the transaction of what it tells.
  is_audit     boolean not null default false,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index notices_updated on notices (tenant_id, updated_at desc, uid);
create index notices_user on notices (user_id, updated_at desc, uid);
create index notices_workspace on notices (tenant_id, acted_upon) where acted_upon is not null;

-- The trail tells people what concerns them; what only administrators do to the installation stays in the trail.
create function notice_of_audit() returns trigger language plpgsql as $$
declare
  subject text := new.details ->> 'uuid';
begin
  if new.tenant_id is null or new.user_id is null or new.thing not in
    ('token', 'tenant', 'design', 'workspace', 'environment', 'team', 'cloud-account', 'curriculum', 'invitation', 'view', 'filter', 'credential')
  then return null; end if;
  insert into notices (tenant_id, user_id, category, action, severity, description, acted_upon, is_audit)
  -- Either may have gone with the change.
  select t.id, u.id, new.thing, new.action, 'informational',
    left(concat(new.username, ': ', new.action, ' ', new.thing, ' ', new.thing_id), 1000),
    case when subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then subject::uuid end, true
  from tenants t, users u where t.id = new.tenant_id and u.id = new.user_id for key share;
  return null;
end
$$;
create trigger audit_tells_people after insert on audit for each row execute function notice_of_audit();
