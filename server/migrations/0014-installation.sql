-- What the whole installation is told to do, and tells those who work in it. No table of a tenant.

-- One row.
create table maintenance (
  sole         boolean primary key default true check (sole),
  -- Null: nobody has asked for maintenance.
  requested_at timestamptz,
  requested_by text,
  -- When nothing ran any more, and it began.
  activated_at timestamptz
);
insert into maintenance default values;

-- One row: what the environment of the installation is, for workflows.
create table provider_context (
  sole       boolean primary key default true check (sole),
  name       text not null,
  context    json not null,
  -- Null: nobody has set it yet, and it is what it was made with.
  updated_at timestamptz
);
insert into provider_context (name, context) values ('provider', '{"cloudify": {}}');
