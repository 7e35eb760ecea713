-- Executions without a deployment are work on the installation itself, few of which are not over at a time: their workers look for them four
-- times a second, and read all executions there ever were (110 ms at 100,000 of them) since `executions_active` is gone.
create index executions_of_installation on executions (uid)
  where deployment_uid is null
    and status in ('queued', 'pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling');
