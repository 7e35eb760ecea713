-- Agents that are installed on hosts. Their credentials are those of workers elsewhere; of which host they are stands here, by name and not as a
-- reference, because a snapshot carries hosts and no credentials. Credentials of a host that is gone let nobody in (remote-workers.store.ts).
alter table worker_credentials add column host_instance text;
alter table worker_credentials add constraint worker_credentials_host check ((kind = 'agent') = (host_instance is not null));
-- The token, sealed under the master key, until an agent has come in with it: whoever makes a host asks for its script again when it is interrupted,
-- and the host may have been made with the first.
alter table worker_credentials add column sealed_token bytea;
create unique index worker_credentials_of_host on worker_credentials (confined_to, host_instance) where kind = 'agent';

-- What the machine is, as its worker tells.
alter table pool_workers add column system text not null default '';
