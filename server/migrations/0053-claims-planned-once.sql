-- A claim that finds nothing took as long as its plan takes to make: 1.5 ms where many executions wait, 0.05 ms of it to look. The
-- planner made a plan for each claim's own numbers, which are always alike. And where most of the table waits it read the table from
-- its beginning, where those stand that have ended, to find the first that waits.
alter function engine_claim set plan_cache_mode = force_generic_plan set enable_seqscan = off;
