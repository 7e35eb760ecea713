-- Designs (pictures of what shall run, as text), how they are shared and published, and what can be learnt.

-- Designs, filters and views have an owner, a workspace, visibility and sharing in common; `kind` says which one a row is.
create table designs (
  uid           bigint generated always as identity primary key,
  id            uuid not null unique default gen_random_uuid(),
  tenant_id     bigint not null references tenants,
  -- Exactly one; who leaves a workspace goes to the default one.
  workspace_uid bigint not null references workspaces (uid),
  kind          text not null default 'design' check (kind in ('design', 'filter', 'view')),
  owner_id      bigint references users on delete set null,
  name          text not null check (length(name) between 1 and 512),
  -- Byte for byte as it came; nothing is read out of it when it is kept.
  body          text not null check (octet_length(body) <= 16777216),
  visibility    text not null default 'private' check (visibility in ('private', 'public', 'published')),
  -- What it was made of: Kubernetes Manifest, …; null: drawn.
  origin        text check (length(origin) <= 64),
  catalog_data  jsonb not null default '{}',
  location      jsonb not null default '{}',
  metadata      jsonb not null default '{}',
  views         integer not null default 0,
  shares        integer not null default 0,
  downloads     integer not null default 0,
  clones        integer not null default 0,
  deployments   integer not null default 0,
  published_at  timestamptz,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index designs_updated on designs (tenant_id, kind, updated_at desc, uid);
create index designs_owner on designs (owner_id, kind) where owner_id is not null;
create index designs_workspace on designs (workspace_uid);
create index designs_published on designs (kind, updated_at desc, uid) where visibility = 'published';

-- The file that a design was made of, whatever it is.
create table design_sources (
  tenant_id  bigint not null references tenants,
  design_uid bigint primary key references designs (uid) on delete cascade,
  name       text check (length(name) <= 512),
  content    bytea not null check (octet_length(content) <= 16777216)
);
create index design_sources_tenant on design_sources (tenant_id);
alter table design_sources alter column content set storage external;

-- Who else may see a design, or change it: a user or a team, also of other tenants.
create table design_grants (
  tenant_id  bigint not null references tenants on delete cascade,
  design_uid bigint not null references designs (uid) on delete cascade,
  user_id    bigint references users on delete cascade,
  team_uid   bigint references teams (uid) on delete cascade,
  may_edit   boolean not null default false,
  created_at timestamptz not null default now(),
  check ((user_id is null) <> (team_uid is null))
);
create unique index design_grants_user on design_grants (design_uid, user_id) where user_id is not null;
create unique index design_grants_team on design_grants (design_uid, team_uid) where team_uid is not null;
create index design_grants_of_user on design_grants (user_id) where user_id is not null;
create index design_grants_of_team on design_grants (team_uid) where team_uid is not null;
create index design_grants_tenant on design_grants (tenant_id);

-- Things that a client has made of designs, as it tells.
create table design_resources (
  uid        bigint generated always as identity primary key,
  id         uuid not null unique default gen_random_uuid(),
  tenant_id  bigint not null references tenants on delete cascade,
  user_id    bigint references users on delete cascade,
  name       text not null check (length(name) between 1 and 512),
  namespace  text not null default '' check (length(namespace) <= 512),
  type       text not null default '' check (length(type) <= 512),
  model      text not null default '' check (length(model) <= 512),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index design_resources_updated on design_resources (tenant_id, user_id, updated_at desc, uid);
create index design_resources_user on design_resources (user_id) where user_id is not null;

-- Wishes to have something in the catalogue that everybody sees.
create table catalogue_requests (
  uid          bigint generated always as identity primary key,
  id           uuid not null unique default gen_random_uuid(),
  tenant_id    bigint not null references tenants on delete cascade,
  design_uid   bigint not null references designs (uid) on delete cascade,
  requested_by bigint references users on delete set null,
  status       text not null default 'pending' check (status in ('pending', 'approved', 'denied')),
  decided_by   bigint references users on delete set null,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
-- One that is open is enough.
create unique index catalogue_requests_open on catalogue_requests (design_uid) where status = 'pending';
create index catalogue_requests_updated on catalogue_requests (tenant_id, updated_at desc, uid);
create index catalogue_requests_requested_by on catalogue_requests (requested_by) where requested_by is not null;
create index catalogue_requests_decided_by on catalogue_requests (decided_by) where decided_by is not null;

create table curricula (
  uid               bigint generated always as identity primary key,
  id                uuid not null unique default gen_random_uuid(),
  tenant_id         bigint not null references tenants,
  type              text not null check (type in ('learning-path', 'challenge', 'certification')),
  visibility        text not null default 'public' check (visibility in ('public', 'private')),
  status            text not null default 'ready' check (status in ('ready', 'archived', 'not_ready')),
  slug              text not null check (length(slug) between 1 and 256),
  level             text not null default 'beginner' check (level in ('beginner', 'intermediate', 'advanced')),
  title             text not null check (length(title) between 1 and 512),
  award_id          uuid,
  invitation_id     uuid,
  workspace_id      uuid,
  team_id           uuid,
  access_status     text not null default '' check (length(access_status) <= 64),
  access_expires_at timestamptz,
  metadata          jsonb not null default '{}',
  -- How many are registered and have not withdrawn: kept, not counted.
  registration_count integer not null default 0 check (registration_count >= 0),
  created_by        bigint references users on delete set null,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  unique (tenant_id, type, slug)
);
create index curricula_updated on curricula (tenant_id, updated_at desc, uid);
create index curricula_public on curricula (updated_at desc, uid) where visibility = 'public';
create index curricula_created_by on curricula (created_by) where created_by is not null;

create table registrations (
  uid           bigint generated always as identity primary key,
  id            uuid not null unique default gen_random_uuid(),
  -- Of the curriculum.
  tenant_id     bigint not null references tenants,
  curriculum_uid bigint not null references curricula (uid) on delete cascade,
  user_id       bigint not null references users on delete cascade,
  status        text not null default 'registered' check (status in ('registered', 'completed', 'failed', 'withdrawn')),
  certificate   jsonb,
  metadata      jsonb not null default '{}',
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  unique (curriculum_uid, user_id)
);
create index registrations_tenant on registrations (tenant_id, updated_at desc, uid);
create index registrations_user on registrations (user_id, curriculum_uid);

create function count_registrations() returns trigger language plpgsql as $$
declare
  before integer := 0;
  after integer := 0;
begin
  if tg_op <> 'INSERT' then before := (old.status <> 'withdrawn')::integer; end if;
  if tg_op <> 'DELETE' then after := (new.status <> 'withdrawn')::integer; end if;
  if before <> after then
    update curricula set registration_count = registration_count + after - before
    where uid = coalesce(new.curriculum_uid, old.curriculum_uid);
  end if;
  return null;
end
$$;
create trigger registrations_are_counted after insert or delete or update of status on registrations
  for each row execute function count_registrations();
