-- Servers of a cloud account that is not there any more are historical, whoever removes it: nobody can look at them again.
create function end_servers_of_account() returns trigger language plpgsql as $$
begin
  update servers s set status = 'historical', power = 'off', ended_at = now(), updated_at = now()
  where s.cloud_account_uid = old.uid and s.status <> 'historical';
  return old;
end
$$;
create trigger cloud_accounts_end_servers before delete on cloud_accounts for each row execute function end_servers_of_account();
