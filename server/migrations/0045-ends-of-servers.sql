-- What ends with a server, or with its time.

-- What it holds of quotas is given back, whoever finds that it is gone: the one who took it away, a sync, a handler that is removed.
create function release_holds() returns trigger language plpgsql as $$
begin
  delete from quota_holds h where h.server_uid = old.uid;
  return null;
end
$$;
create trigger servers_over after update of status on servers
  for each row when (new.status = 'historical' and old.status <> 'historical') execute function release_holds();
create trigger servers_deleted after delete on servers for each row execute function release_holds();
delete from quota_holds h using servers s where s.uid = h.server_uid and s.status = 'historical';

-- What becomes of the servers of a group on the day they expire, and so many days before that their owners are told.
-- Null: as the group above it says, and at the top as the settings do.
alter table ordering_groups
  add column expiry_action text check (expiry_action in ('notify', 'power-off', 'delete')),
  add column expiry_notice_days integer check (expiry_notice_days between 0 and 365);
-- The day that was told of, and the one that was acted on: another day is another expiry.
alter table servers add column expiry_noticed_for date, add column expiry_handled_for date;
drop index servers_expires;
create index servers_expires on servers (expires_on) where expires_on is not null and status <> 'historical'
  and expiry_handled_for is distinct from expires_on;

-- Parts of hostnames. Where the extension is not to be had, they are looked for in all names of the tenant, in an index.
do $$
begin
  create extension if not exists pg_trgm;
  create index servers_hostname_parts on servers using gin (hostname gin_trgm_ops);
exception when insufficient_privilege or undefined_file or feature_not_supported or undefined_object then
  raise notice 'pg_trgm is not to be had: parts of hostnames have no index';
end
$$;
