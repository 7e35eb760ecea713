-- Room for what an execution rewrites. An operation is written when it begins and once more when it ends; an instance goes through four states in an
-- install. A page that was filled to seven tenths has no room for the second version, which then goes to another page and into every index:
-- so it went with half of the operations and a third of the instances. Filled to half, it stays beside the first, and so do those after it, in the room
-- of what nobody sees any more. Pages that are full already stay as they are.
alter table operations set (fillfactor = 50);
alter table node_instances set (fillfactor = 50);

-- Each of a batch's instances and operations is looked for once: nothing of what is found is worth being remembered.
do $$
declare
  engine regprocedure := (select p.oid from pg_proc p where p.proname = 'engine_commit' and p.pronamespace = current_schema()::regnamespace);
begin
  execute format('alter function %s set enable_memoize = off', engine);
end
$$;
