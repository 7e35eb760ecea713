-- How many rows a tenant has in a collection, kept as differences that nobody waits for: counting ten thousand rows takes
-- longer than reading a page of them, and a counter row for each tenant would make its writers wait for each other.
-- Exact at any moment: a difference commits with the rows it counts. A chore folds differences into sums (store/row-counts.ts).

create table row_counts (
  tenant_id bigint not null,
  -- Name of the table.
  collection text not null,
  difference bigint not null
);
create index row_counts_of on row_counts (tenant_id, collection) include (difference);

create function count_rows() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, tg_table_name, count(*) from changed r group by r.tenant_id;
  else
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, tg_table_name, -count(*) from changed r group by r.tenant_id;
  end if;
  return null;
end
$$;

create trigger deployments_come after insert on deployments
  referencing new table as changed for each statement execute function count_rows();
create trigger deployments_go after delete on deployments
  referencing old table as changed for each statement execute function count_rows();
create trigger executions_come after insert on executions
  referencing new table as changed for each statement execute function count_rows();
create trigger executions_go after delete on executions
  referencing old table as changed for each statement execute function count_rows();
create trigger blueprints_come after insert on blueprints
  referencing new table as changed for each statement execute function count_rows();
create trigger blueprints_go after delete on blueprints
  referencing old table as changed for each statement execute function count_rows();
insert into row_counts (tenant_id, collection, difference)
  select tenant_id, 'deployments', count(*) from deployments group by tenant_id
  union all select tenant_id, 'executions', count(*) from executions group by tenant_id
  union all select tenant_id, 'blueprints', count(*) from blueprints group by tenant_id;
