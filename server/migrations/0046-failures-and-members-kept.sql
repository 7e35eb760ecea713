-- When the last failed sign-ins in a row were, oldest first: as many as lock an account must come within some minutes. No older
-- ones are kept than those that may still count.
alter table users add column failed_at timestamptz[] not null default '{}';

-- Members of a tenant are counted as they come and go (migration 0032); here also those of them who do not reach every tenant by
-- a system role, as the collection 'tenant_people'. Whether a member does stands in the membership, so that what is counted and
-- what it depends on are one row with one lock.
alter table tenant_users add column reaches_all boolean not null default false;
update tenant_users m set reaches_all = true from users u where u.id = m.user_id and u.system_role <> 'member';

-- The user is held: a change of their role waits for this membership, or this one for the change.
create function mark_reach_of_member() returns trigger language plpgsql as $$
begin
  select u.system_role <> 'member' into new.reaches_all from users u where u.id = new.user_id for key share;
  new.reaches_all := coalesce(new.reaches_all, false);
  return new;
end
$$;
create trigger tenant_users_reach before insert on tenant_users
  for each row execute function mark_reach_of_member();

create function mark_reach_of_user() returns trigger language plpgsql as $$
begin
  perform from users u where u.id = old.id for update;
  update tenant_users m set reaches_all = (new.system_role <> 'member') where m.user_id = old.id;
  return new;
end
$$;
create trigger users_reach before update of system_role on users
  for each row when ((old.system_role = 'member') <> (new.system_role = 'member'))
  execute function mark_reach_of_user();

create function count_people() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, 'tenant_people', count(*) from changed r where not r.reaches_all group by r.tenant_id;
  elsif tg_op = 'DELETE' then
    insert into row_counts (tenant_id, collection, difference)
    select r.tenant_id, 'tenant_people', -count(*) from changed r where not r.reaches_all group by r.tenant_id;
  else
    insert into row_counts (tenant_id, collection, difference)
    select b.tenant_id, 'tenant_people', sum(b.reaches_all::integer - a.reaches_all::integer)
    from before b join after a on a.user_id = b.user_id and a.tenant_id = b.tenant_id
    where a.reaches_all <> b.reaches_all group by b.tenant_id;
  end if;
  return null;
end
$$;
create trigger tenant_people_come after insert on tenant_users
  referencing new table as changed for each statement execute function count_people();
create trigger tenant_people_go after delete on tenant_users
  referencing old table as changed for each statement execute function count_people();
create trigger tenant_people_change after update on tenant_users
  referencing old table as before new table as after for each statement execute function count_people();
insert into row_counts (tenant_id, collection, difference)
  select tenant_id, 'tenant_people', count(*) from tenant_users where not reaches_all group by tenant_id;
