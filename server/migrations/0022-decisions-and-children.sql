-- What people decide about operations, and executions that start others and wait for them.

-- Who said what became of an operation that had not succeeded; `reason` says why. Empty again when it is started anew.
alter table operations add column decided_by text, add column decided_at timestamptz;

-- The execution that started this one and waits for it. No foreign key: whoever deletes the parent leaves an end behind that
-- nobody waits for.
alter table executions add column parent_uid bigint;
-- It is not to be claimed before its children have ended, unless a cancel has not reached them yet.
alter table executions add column awaits_children boolean not null default false;
create index executions_children on executions (parent_uid) where parent_uid is not null;
