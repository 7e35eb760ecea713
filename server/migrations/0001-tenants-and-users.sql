-- Who may use the installation, and in which tenants. None of these tables belongs to one tenant.

create table tenants (
  id         bigint generated always as identity primary key,
  name       text not null unique check (length(name) between 1 and 256),
  created_at timestamptz not null default now()
);

create table users (
  id             bigint generated always as identity primary key,
  username       text not null check (length(username) between 1 and 256),
  -- Argon2id in its own text form, with its parameters. Null: the user cannot sign in with a password.
  password_hash  text,
  -- Hash of the password setting that was last applied to this user at a start: a setting that did not change since
  -- then must not undo what the user chose afterwards.
  applied_password_hash text,
  system_role    text not null check (system_role in ('admin', 'member')),
  active         boolean not null default true,
  -- The first administrator: can be neither removed nor deprived.
  builtin        boolean not null default false,
  created_at     timestamptz not null default now(),
  first_login_at timestamptz,
  last_login_at  timestamptz,
  -- Consecutive failures since the last success.
  failed_logins  integer not null default 0,
  -- 'infinity': until an administrator unlocks.
  locked_until   timestamptz
);
create unique index users_username on users (lower(username));
create index users_created_at on users (created_at, id);

create table user_groups (
  id          bigint generated always as identity primary key,
  name        text not null check (length(name) between 1 and 256),
  system_role text not null check (system_role in ('admin', 'member')),
  -- Distinguished name in a directory, where the group comes from one.
  ldap_dn     text,
  created_at  timestamptz not null default now()
);
create unique index user_groups_name on user_groups (lower(name));
create unique index user_groups_ldap_dn on user_groups (lower(ldap_dn));

create table user_group_members (
  user_id  bigint not null references users on delete cascade,
  group_id bigint not null references user_groups on delete cascade,
  primary key (user_id, group_id)
);
create index user_group_members_group on user_group_members (group_id);

create table tenant_users (
  user_id   bigint not null references users on delete cascade,
  tenant_id bigint not null references tenants on delete restrict,
  role      text not null check (role in ('manager', 'user', 'operations', 'viewer')),
  primary key (user_id, tenant_id)
);
create index tenant_users_tenant on tenant_users (tenant_id);

create table tenant_user_groups (
  group_id  bigint not null references user_groups on delete cascade,
  tenant_id bigint not null references tenants on delete restrict,
  role      text not null check (role in ('manager', 'user', 'operations', 'viewer')),
  primary key (group_id, tenant_id)
);
create index tenant_user_groups_tenant on tenant_user_groups (tenant_id);

create table tokens (
  id           text primary key,
  user_id      bigint not null references users on delete cascade,
  -- api: made by hand. session: handed out to a signed-in client. execution: lives as long as its execution.
  kind         text not null check (kind in ('api', 'session', 'execution')),
  -- SHA-256 of the secret part; the secret itself is random and kept nowhere.
  secret_hash  bytea not null,
  description  text,
  -- Tokens of executions work in one tenant, for one execution.
  tenant_id    bigint references tenants on delete cascade,
  execution_id uuid,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  last_used_at timestamptz,
  check ((kind = 'execution') = (execution_id is not null and tenant_id is not null))
);
create index tokens_user on tokens (user_id, kind, created_at);
create index tokens_expiry on tokens (expires_at) where expires_at is not null;
create index tokens_execution on tokens (execution_id) where execution_id is not null;
create index tokens_tenant on tokens (tenant_id) where tenant_id is not null;

-- Who changed what. Written in the transaction of the change; rows outlive the user, tenant and thing they name.
create table audit (
  id          bigint generated always as identity primary key,
  at          timestamptz not null default now(),
  request_id  text not null,
  user_id     bigint,
  username    text not null,
  tenant_id   bigint,
  tenant_name text,
  action      text not null,
  thing       text not null,
  thing_id    text not null,
  details     jsonb not null default '{}'
);
create index audit_at on audit (at, id);
create index audit_username on audit (username, id);
create index audit_tenant on audit (tenant_id, id) where tenant_id is not null;
