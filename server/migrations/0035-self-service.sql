-- What people order from, and who may: groups with their members, environments, what can be built in them, parameters, offers
-- of the catalogue and actions. Orders themselves and what is built are in later migrations.
--
-- `number` is what a person calls a thing by in its tenant: 1, 2, 3 for each kind (tenant_numbers). `code` names it for good,
-- also on another installation that it was carried to.

create table tenant_numbers (
  tenant_id bigint not null references tenants (id) on delete cascade,
  kind text not null,
  last bigint not null,
  primary key (tenant_id, kind)
);

-- Eight letters and digits by chance.
create function chance_code() returns text language sql volatile as $$
  select string_agg(substr('abcdefghijklmnopqrstuvwxyz0123456789', 1 + floor(random() * 36)::integer, 1), '')
  from generate_series(1, 8)
$$;

-- Kinds of content that a tenant was given once: what people delete of it stays deleted.
create table first_contents (
  tenant_id bigint not null references tenants (id) on delete cascade,
  content text not null,
  given_at timestamptz not null default now(),
  primary key (tenant_id, content)
);

-- Who orders ------------------------------------------------------------------------------------------------------------

-- People who are in the tenant to order, and need no role in it for that.
create table ordering_users (
  tenant_id bigint not null references tenants (id) on delete cascade,
  user_id bigint not null references users (id) on delete cascade,
  primary key (tenant_id, user_id)
);
create index ordering_users_user on ordering_users (user_id);

create table group_types (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  name text not null check (length(name) between 1 and 256),
  -- Groups of this type may order.
  may_order boolean not null default true
);
create unique index group_types_name on group_types (tenant_id, lower(name));

create table ordering_groups (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  type_uid bigint not null references group_types (uid),
  parent_uid bigint references ordering_groups (uid),
  -- From the top down to this group itself. Groups do not move.
  path bigint[] not null,
  auto_approval boolean not null default false,
  -- What parameters of it say holds in groups below it too.
  inherit_parameters boolean not null default false,
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index ordering_groups_name on ordering_groups (tenant_id, coalesce(parent_uid, 0), lower(name));
create index ordering_groups_parent on ordering_groups (parent_uid) where parent_uid is not null;
create index ordering_groups_path on ordering_groups using gin (path);

-- What somebody is in a group: a set of permissions, each `object.verb`, that can be changed.
create table ordering_roles (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,63}$'),
  label text not null,
  permissions text[] not null,
  -- Counts in groups below too.
  reaches_down boolean not null default false,
  unique (tenant_id, name)
);

create table ordering_members (
  tenant_id bigint not null references tenants (id),
  group_uid bigint not null references ordering_groups (uid) on delete cascade,
  user_id bigint not null references users (id) on delete cascade,
  role_uid bigint not null references ordering_roles (uid) on delete cascade,
  primary key (group_uid, user_id, role_uid)
);
create index ordering_members_user on ordering_members (tenant_id, user_id);
create index ordering_members_of_user on ordering_members (user_id);
create index ordering_members_role on ordering_members (role_uid);

-- Approvers of `approving_uid` approve for `group_uid` too.
create table approval_groups (
  tenant_id bigint not null references tenants (id),
  group_uid bigint not null references ordering_groups (uid) on delete cascade,
  approving_uid bigint not null references ordering_groups (uid) on delete cascade,
  primary key (group_uid, approving_uid)
);
create index approval_groups_tenant on approval_groups (tenant_id, approving_uid);
create index approval_groups_approving on approval_groups (approving_uid);

-- Where it is built, and what ---------------------------------------------------------------------------------------------

-- A part of a cloud account where servers are built.
create table ordering_environments (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  -- Null: servers of no account, as those that nobody has placed yet.
  cloud_account_uid bigint references cloud_accounts (uid) on delete set null,
  -- Region, cluster or folder, as the cloud calls it.
  location text not null default '',
  -- ordering/environments.ts, Network[].
  networks jsonb not null default '[]' check (jsonb_typeof(networks) = 'array'),
  auto_approval boolean not null default false,
  -- Collects what is in no other; nothing is ordered there.
  unassigned boolean not null default false,
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index ordering_environments_name on ordering_environments (tenant_id, lower(name));
create unique index ordering_environments_unassigned on ordering_environments (tenant_id) where unassigned;
create index ordering_environments_account on ordering_environments (cloud_account_uid) where cloud_account_uid is not null;

create table group_environments (
  tenant_id bigint not null references tenants (id),
  group_uid bigint not null references ordering_groups (uid) on delete cascade,
  environment_uid bigint not null references ordering_environments (uid) on delete cascade,
  primary key (group_uid, environment_uid)
);
create index group_environments_environment on group_environments (environment_uid);
create index group_environments_tenant on group_environments (tenant_id, environment_uid);

create table os_families (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  name text not null check (length(name) between 1 and 256),
  parent_uid bigint references os_families (uid),
  unique (tenant_id, name)
);
create index os_families_parent on os_families (parent_uid) where parent_uid is not null;

create table os_builds (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  os_family_uid bigint references os_families (uid),
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index os_builds_name on os_builds (tenant_id, lower(name));
create index os_builds_family on os_builds (os_family_uid) where os_family_uid is not null;

-- What stands for an OS build in one cloud account: a template, an AMI, an image.
create table os_build_images (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  os_build_uid bigint not null references os_builds (uid) on delete cascade,
  cloud_account_uid bigint not null references cloud_accounts (uid) on delete cascade,
  image text not null,
  -- What else the account must know of it; no secrets.
  settings jsonb not null default '{}',
  unique (tenant_id, cloud_account_uid, image)
);
create index os_build_images_account on os_build_images (cloud_account_uid);
create index os_build_images_build on os_build_images (os_build_uid);

create table environment_os_builds (
  tenant_id bigint not null references tenants (id),
  environment_uid bigint not null references ordering_environments (uid) on delete cascade,
  os_build_uid bigint not null references os_builds (uid) on delete cascade,
  primary key (environment_uid, os_build_uid)
);
create index environment_os_builds_build on environment_os_builds (os_build_uid);
create index environment_os_builds_tenant on environment_os_builds (tenant_id, os_build_uid);

create table applications (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  os_family_uid bigint references os_families (uid),
  -- The action that installs it.
  action_uid bigint,
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index applications_name on applications (tenant_id, lower(name));
create index applications_family on applications (os_family_uid) where os_family_uid is not null;

create table environment_applications (
  tenant_id bigint not null references tenants (id),
  environment_uid bigint not null references ordering_environments (uid) on delete cascade,
  application_uid bigint not null references applications (uid) on delete cascade,
  primary key (environment_uid, application_uid)
);
create index environment_applications_application on environment_applications (application_uid);
create index environment_applications_tenant on environment_applications (tenant_id, application_uid);

-- What one may be asked ---------------------------------------------------------------------------------------------------

create table parameters (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  -- Underscores and hyphens are the same: kept with underscores.
  name text not null check (name ~ '^[A-Za-z_][A-Za-z0-9_ .]{0,127}$'),
  label text not null,
  description text not null default '',
  type text not null check (type in ('STR', 'INT', 'DEC', 'BOOL', 'DATE', 'DT', 'TXT', 'CODE', 'PWD', 'URL', 'LDAP', 'FILE', 'NET')),
  allow_multiple boolean not null default false,
  -- ordering/parameters.ts: Constraints, and the values to choose from (null: any).
  constraints jsonb not null default '{}' check (jsonb_typeof(constraints) = 'object'),
  options jsonb check (jsonb_typeof(options) = 'array'),
  -- Means something to the server itself.
  builtin boolean not null default false,
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index parameters_name on parameters (tenant_id, lower(name));

-- Where a parameter is asked for, and what is narrower there. Exactly one place.
create table parameter_uses (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  parameter_uid bigint not null references parameters (uid) on delete cascade,
  environment_uid bigint references ordering_environments (uid) on delete cascade,
  group_uid bigint references ordering_groups (uid) on delete cascade,
  required boolean not null default false,
  constraints jsonb not null default '{}' check (jsonb_typeof(constraints) = 'object'),
  options jsonb check (jsonb_typeof(options) = 'array'),
  -- null: none.
  default_value jsonb,
  check ((environment_uid is null) <> (group_uid is null)),
  unique nulls not distinct (tenant_id, parameter_uid, environment_uid, group_uid)
);
create index parameter_uses_parameter on parameter_uses (parameter_uid);
create index parameter_uses_environment on parameter_uses (environment_uid) where environment_uid is not null;
create index parameter_uses_group on parameter_uses (group_uid) where group_uid is not null;

-- A bundle of parameter values that is offered as one choice.
create table preconfigurations (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  name text not null check (name ~ '^[A-Za-z_][A-Za-z0-9_ .]{0,127}$'),
  label text not null,
  description text not null default '',
  unique (tenant_id, number)
);
create unique index preconfigurations_name on preconfigurations (tenant_id, lower(name));

create table preconfiguration_choices (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  preconfiguration_uid bigint not null references preconfigurations (uid) on delete cascade,
  name text not null check (length(name) between 1 and 256),
  position integer not null default 0,
  -- Parameter name -> value.
  parameter_values jsonb not null default '{}' check (jsonb_typeof(parameter_values) = 'object'),
  unique (tenant_id, preconfiguration_uid, name)
);
create index preconfiguration_choices_of on preconfiguration_choices (preconfiguration_uid);

create table environment_preconfigurations (
  tenant_id bigint not null references tenants (id),
  environment_uid bigint not null references ordering_environments (uid) on delete cascade,
  preconfiguration_uid bigint not null references preconfigurations (uid) on delete cascade,
  primary key (environment_uid, preconfiguration_uid)
);
create index environment_preconfigurations_of on environment_preconfigurations (preconfiguration_uid);
create index environment_preconfigurations_tenant on environment_preconfigurations (tenant_id, preconfiguration_uid);

-- What is offered ---------------------------------------------------------------------------------------------------------

create table resource_types (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (name ~ '^[a-z][a-z0-9_-]{0,127}$'),
  label text not null,
  icon text not null default '',
  -- States that a resource of this type may be in, as people read them.
  lifecycle text[] not null default '{}',
  unique (tenant_id, number),
  unique (tenant_id, name)
);

-- Something that people run: a script, a call to another system, a mail.
create table actions (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  kind text not null check (kind in ('plugin', 'script', 'webhook', 'email', 'flow', 'terraform')),
  shared boolean not null default true,
  script_filename text not null default '',
  source text not null default '' check (length(source) <= 1048576),
  -- ordering/actions.ts: what a kind needs beside its source.
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  -- ordering/actions.ts, ActionInput[].
  inputs jsonb not null default '[]' check (jsonb_typeof(inputs) = 'array'),
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index actions_name on actions (tenant_id, lower(name));
alter table applications add foreign key (action_uid) references actions (uid) on delete set null;
create index applications_action on applications (action_uid) where action_uid is not null;

-- Where an action is offered: on servers, on resources, or at a point where the server runs it by itself.
create table action_uses (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  used_on text not null check (used_on in ('server', 'resource', 'trigger')),
  -- Counted for each `used_on`.
  number bigint not null,
  code text not null default chance_code(),
  label text not null check (length(label) between 1 and 256),
  description text not null default '',
  -- Either an action, or something that the server does itself: 'delete', 'scale'.
  action_uid bigint references actions (uid),
  builtin text check (builtin in ('delete', 'scale')),
  enabled boolean not null default true,
  requires_approval boolean not null default false,
  synchronous boolean not null default false,
  dangerous boolean not null default false,
  position integer not null default 0,
  -- Of one type only; null: of all.
  resource_type_uid bigint references resource_types (uid) on delete cascade,
  trigger_point text,
  check ((action_uid is null) <> (builtin is null)),
  check ((used_on = 'trigger') = (trigger_point is not null)),
  unique (tenant_id, used_on, number),
  unique (tenant_id, used_on, code)
);
create unique index action_uses_label on action_uses (tenant_id, used_on, lower(label), coalesce(trigger_point, ''), coalesce(resource_type_uid, 0));
create index action_uses_action on action_uses (action_uid) where action_uid is not null;
create index action_uses_type on action_uses (resource_type_uid) where resource_type_uid is not null;
create index action_uses_point on action_uses (tenant_id, trigger_point, position) where used_on = 'trigger' and enabled;

-- What may be ordered.
create table offers (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  -- Place in the catalogue.
  position integer not null default 0,
  icon text not null default '',
  orderable boolean not null default true,
  any_group boolean not null default false,
  resource_type_uid bigint references resource_types (uid),
  -- An uploaded blueprint that this offer deploys; null: one is made of its items.
  blueprint_uid bigint references blueprints (uid),
  -- ordering/offers.ts, OfferParameter[]: asked once for the whole order item.
  parameters jsonb not null default '[]' check (jsonb_typeof(parameters) = 'array'),
  created_at timestamptz not null default now(),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index offers_name on offers (tenant_id, lower(name));
create index offers_type on offers (resource_type_uid) where resource_type_uid is not null;
create index offers_blueprint on offers (blueprint_uid) where blueprint_uid is not null;

create table offer_items (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  offer_uid bigint not null references offers (uid) on delete cascade,
  code text not null default chance_code(),
  phase text not null default 'build' check (phase in ('build', 'manage', 'teardown')),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  kind text not null check (kind in ('server', 'action', 'offer', 'network', 'loadbalancer')),
  -- Items of one position may be built side by side.
  position integer not null default 0,
  shown_on_order_form boolean not null default true,
  in_parallel boolean not null default false,
  continue_on_failure boolean not null default false,
  action_uid bigint references actions (uid),
  nested_uid bigint references offers (uid),
  -- ordering/offers.ts: ServerItem or ActionItem.
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  check ((kind = 'action') = (action_uid is not null)),
  check ((kind = 'offer') = (nested_uid is not null)),
  unique (tenant_id, offer_uid, phase, name),
  unique (tenant_id, code)
);
create index offer_items_offer on offer_items (offer_uid, phase, position);
create index offer_items_action on offer_items (action_uid) where action_uid is not null;
create index offer_items_nested on offer_items (nested_uid) where nested_uid is not null;

create table offer_groups (
  tenant_id bigint not null references tenants (id),
  offer_uid bigint not null references offers (uid) on delete cascade,
  group_uid bigint not null references ordering_groups (uid) on delete cascade,
  primary key (offer_uid, group_uid)
);
create index offer_groups_group on offer_groups (group_uid);
create index offer_groups_tenant on offer_groups (tenant_id, group_uid);

-- Whenever the condition action says so, the then-action runs.
create table ordering_rules (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  number bigint not null,
  code text not null default chance_code(),
  name text not null check (length(name) between 1 and 256),
  description text not null default '',
  enabled boolean not null default true,
  condition_uid bigint references actions (uid),
  action_uid bigint references actions (uid),
  unique (tenant_id, number),
  unique (tenant_id, code)
);
create unique index ordering_rules_name on ordering_rules (tenant_id, lower(name));
create index ordering_rules_condition on ordering_rules (condition_uid) where condition_uid is not null;
create index ordering_rules_action on ordering_rules (action_uid) where action_uid is not null;
