-- Plugins that people upload: the wagon as it came, what it says of itself, and what it adds to the language.

create table plugins (
  uid bigint generated always as identity primary key,
  tenant_id bigint not null references tenants (id),
  -- A UUID unless a restored record says otherwise.
  id text not null unique check (length(id) between 1 and 256),
  visibility text not null default 'tenant' check (visibility in ('private', 'tenant', 'global')),
  created_by bigint not null references users (id),
  uploaded_at timestamptz not null default now(),
  title text not null,
  package_name text not null,
  package_version text not null,
  package_source text,
  -- The wagon's file name: with the package's name it says version, Python and platform.
  archive_name text not null,
  -- Null: any.
  supported_platform text,
  distribution text,
  distribution_version text,
  distribution_release text,
  wheels json not null default '[]',
  excluded_wheels json not null default '[]',
  supported_pythons json not null default '[]',
  -- As the plugin's YAML has them, unless somebody changed them: what blueprints that import it get.
  labels json not null default '{}',
  blueprint_labels json not null default '{}',
  resource_tags json not null default '{}',
  wagon bigint not null references blobs,
  -- What was uploaded, where the wagon came inside of it.
  upload bigint references blobs,
  unique (tenant_id, package_name, archive_name)
);
create index plugins_uploaded on plugins (tenant_id, uploaded_at, uid);
create index plugins_wagon on plugins (wagon);
create index plugins_upload on plugins (upload) where upload is not null;
create index plugins_created_by on plugins (created_by);
-- That no tenant has its own of the same names is checked under a lock.
create unique index plugins_global on plugins (package_name, archive_name) where visibility = 'global';

create trigger plugins_come after insert on plugins
  referencing new table as changed for each statement execute function count_rows();
create trigger plugins_go after delete on plugins
  referencing old table as changed for each statement execute function count_rows();

-- What a plugin adds to the language: one text for all of its versions, or one for each.
create table plugin_yamls (
  plugin_uid bigint not null references plugins (uid) on delete cascade,
  file text not null,
  -- Of `cloudify_dsl_1_x`; null: for all of them.
  minor integer,
  text text not null,
  primary key (plugin_uid, file)
);

-- Where a plugin is installed, or is to be.
create table plugin_installations (
  plugin_uid bigint not null references plugins (uid) on delete cascade,
  place text not null check (place in ('manager', 'agent')),
  name text not null check (length(name) between 1 and 256),
  state text not null check (state in ('pending-install', 'installing', 'installed', 'error', 'pending-uninstall',
    'uninstalling', 'uninstalled')),
  error text,
  changed_at timestamptz not null default now(),
  primary key (plugin_uid, place, name)
);
create index plugin_installations_pending on plugin_installations (place, name) where state in ('pending-install', 'pending-uninstall');

-- Which plugins a blueprint needs: those it imports, and those that run its operations and workflows.
create table blueprint_plugins (
  tenant_id bigint not null,
  blueprint_uid bigint not null references blueprints (uid) on delete cascade,
  package_name text not null,
  -- Null: any.
  package_version text,
  -- The one it was compiled from; null when it was not imported, or has been deleted by force.
  plugin_uid bigint references plugins (uid) on delete set null
);
create index blueprint_plugins_blueprint on blueprint_plugins (tenant_id, blueprint_uid);
create index blueprint_plugins_of on blueprint_plugins (blueprint_uid);
create index blueprint_plugins_plugin on blueprint_plugins (plugin_uid) where plugin_uid is not null;
create index blueprint_plugins_package on blueprint_plugins (package_name, package_version);
