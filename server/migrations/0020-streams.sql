-- What live streams tell beside events, and answers kept for requests that are sent again (docs/native-v1.md).

-- States change in two ways. The engine's own (instances, operations) always come with an event in the same transaction,
-- so who is told of an event looks at what it names: nothing more is written for them. Everything else that a stream
-- tells happens rarely: it is noted here, in the transaction of the change. A row says that something changed, not what
-- it has become: readers look at the thing itself. Rows are kept for an hour.
create table changes (
  -- In one order with events: a reader of both goes on from one number (events/following.ts).
  id bigint not null default nextval('events_id_seq'),
  tenant_id bigint not null,
  -- `structure`: a deployment has other instances than before. `instance`: one was changed by hand.
  what text not null check (what in ('execution', 'deployment', 'structure', 'instance')),
  execution_uid bigint,
  deployment_uid bigint,
  -- Id of the execution, deployment or instance; the row that had it may be gone.
  subject text not null,
  -- The status that an execution moved to; `created` and `deleted` of what comes and goes.
  state text,
  -- Whose private thing it is; null: everybody in the tenant may know.
  private_to bigint,
  at timestamptz not null default clock_timestamp()
);
create index changes_id on changes (id);
create index changes_tenant on changes (tenant_id, id);
create index changes_at on changes (at);

-- Up to which id changes have been swept: who has not been told everything up to it has missed some.
create table changes_swept (
  only_row boolean primary key default true check (only_row),
  up_to bigint not null
);
insert into changes_swept (up_to) values (0);

-- Who notes holds the lock of those who append events, for the same reason (migration 0019). The notes are made when the
-- transaction commits, so that a long one does not hold it for long.
create function note_change(tenant bigint, what text, execution bigint, deployment bigint, subject text, state text, private_to bigint)
returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(677381, 1);
  insert into changes (tenant_id, what, execution_uid, deployment_uid, subject, state, private_to)
  values (tenant, what, execution, deployment, subject, state, private_to);
end
$$;

create function note_execution() returns trigger language plpgsql as $$
declare
  row record := case when tg_op = 'DELETE' then old else new end;
begin
  perform note_change(row.tenant_id, 'execution', row.uid, row.deployment_uid, row.id,
    case when tg_op = 'DELETE' then 'deleted' else row.status end, case when row.visibility = 'private' then row.created_by end);
  return null;
end
$$;
create constraint trigger executions_come_and_go after insert or delete on executions deferrable initially deferred
  for each row execute function note_execution();
-- A batch of the engine does not name the status, so it is not looked at here.
create constraint trigger executions_move after update of status on executions deferrable initially deferred
  for each row when (old.status is distinct from new.status) execute function note_execution();

create function note_deployment() returns trigger language plpgsql as $$
declare
  row record := case when tg_op = 'DELETE' then old else new end;
begin
  perform note_change(row.tenant_id, 'deployment', null, row.uid, row.id,
    case tg_op when 'DELETE' then 'deleted' when 'INSERT' then 'created' end, case when row.visibility = 'private' then row.created_by end);
  return null;
end
$$;
create constraint trigger deployments_come_and_go after insert or delete on deployments deferrable initially deferred
  for each row execute function note_deployment();
create constraint trigger deployments_move
  after update of display_name, description, visibility, blueprint_uid, health, installed, latest_execution_uid on deployments deferrable initially deferred
  for each row when ((old.display_name, old.description, old.visibility, old.blueprint_uid, old.health, old.installed, old.latest_execution_uid)
    is distinct from (new.display_name, new.description, new.visibility, new.blueprint_uid, new.health, new.installed, new.latest_execution_uid))
  execute function note_deployment();

-- Instances come and go with the numbers of their node or with another plan, and never without.
create function note_structure() returns trigger language plpgsql as $$
declare
  deployment bigint := case when tg_table_name = 'nodes' then (to_jsonb(new) ->> 'deployment_uid')::bigint else (to_jsonb(new) ->> 'uid')::bigint end;
begin
  perform note_change(d.tenant_id, 'structure', null, d.uid, d.id, null, case when d.visibility = 'private' then d.created_by end)
  from deployments d where d.uid = deployment;
  return null;
end
$$;
create constraint trigger nodes_move after update of instances, planned_instances on nodes deferrable initially deferred
  for each row execute function note_structure();
-- An update gives the deployment another plan, and with it all nodes anew.
create constraint trigger deployments_replanned after update of types on deployments deferrable initially deferred
  for each row execute function note_structure();

-- When an instance last changed. The engine writes it with each change of its own: every assignment of the next version in its
-- function gets one of the time beside it, which costs less than a trigger for each row.
alter table node_instances add updated_at timestamptz not null default now();
do $$
declare
  engine text := (select pg_get_functiondef(oid) from pg_proc where proname = 'engine_commit' and pronamespace = current_schema()::regnamespace);
begin
  execute replace(engine, 'version = i.version + 1', 'version = i.version + 1, updated_at = now()');
end
$$;

-- The answer to a request that came with an Idempotency-Key, for a day. A request claims its key before it does anything;
-- `changed` becomes true in the transaction of the change itself, and only for the claim that stands, so that of all who
-- carry the key one changes something, once, whatever dies in between.
create table kept_answers (
  tenant_id bigint not null references tenants (id) on delete cascade,
  user_id bigint not null references users (id) on delete cascade,
  key text not null,
  -- SHA-256 of method, path and body.
  digest bytea not null,
  claim uuid not null,
  claimed_until timestamptz not null,
  changed boolean not null default false,
  -- Null until there is an answer.
  status integer,
  body text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, user_id, key)
);
create index kept_answers_created on kept_answers (created_at);
