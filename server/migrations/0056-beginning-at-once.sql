-- What an execution begins with is one statement: its deployment points to it, its plan is stored, and that it has begun is told. It was a transaction of
-- five questions and answers, and whoever has asked for an execution waits for each of them. The deployment is locked first, as everybody does. Null: the
-- fence or the number is not the one expected, and nothing was written.
create function engine_begin(execution bigint, held_fence bigint, plan json, operations integer, over integer, batch bigint, told json) returns text
language plpgsql set plan_cache_mode = force_generic_plan
as $$
declare
  begun record;
begin
  update deployments d set latest_execution_uid = execution, health = 'in-progress', updated_at = now()
  from executions x
  where x.uid = execution and x.fence = held_fence and x.batches = batch - 1
    and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
    and d.uid = x.deployment_uid and d.tenant_id = x.tenant_id;
  if not found then return null; end if;
  update executions x set graph = coalesce(x.graph, plan), total_operations = operations, finished_operations = over, batches = x.batches + 1,
    status = case when x.status = 'pending' then 'started' else x.status end, started_at = coalesce(x.started_at, now())
  where x.uid = execution and x.fence = held_fence and x.batches = batch - 1
    and x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')
  returning x.tenant_id, x.status into begun;
  if not found then raise exception using errcode = 'OR001', message = 'not the batch that is expected'; end if;
  if told::text <> '[]' then perform append_events(begun.tenant_id, told); end if;
  return begun.status;
exception when sqlstate 'OR001' then
  return null;
end
$$;
