-- Operations that run elsewhere than in the process that walks their execution, and who runs them. Of the moment, all of it: snapshots carry
-- none, so nothing here refers to what they do carry; what an execution leaves is swept.

-- A process that serves pools. Rows of those that have not been seen for a day are swept.
create table pool_workers (
  uid           bigint generated always as identity primary key,
  name          text not null unique,
  kind          text not null check (kind in ('central', 'remote', 'agent')),
  pools         text[] not null,
  -- The only tenant that it works for. Null: every tenant.
  confined_to   bigint,
  host          text not null default '',
  version       text not null default '',
  -- How many operations it runs at once.
  room          integer not null,
  -- Seconds that it keeps what it holds without a word.
  lease         integer not null,
  registered_at timestamptz not null default now(),
  seen_at       timestamptz not null default now(),
  -- It has said goodbye.
  left_at       timestamptz
);

create table dispatched_operations (
  uid           bigint generated always as identity primary key,
  tenant_id     bigint not null,
  execution_uid bigint not null,
  -- Index in the execution's graph, and which of its starts.
  task          integer not null,
  attempt       integer not null,
  pool          text not null,
  -- Whose files the operation may read.
  blueprint_uid bigint not null,
  -- waiting: nobody has taken it. held: somebody works on it. ended: the outcome is here. lost: nobody knows how it went.
  state         text not null default 'waiting' check (state in ('waiting', 'held', 'ended', 'lost')),
  worker_uid    bigint references pool_workers (uid) on delete set null,
  -- Grows with each taking; whoever writes names it.
  lease         integer not null default 0,
  lease_until   timestamptz,
  -- Its holder knows of it. Until then nothing can have been done, and it may wait again for another.
  begun         boolean not null default false,
  -- Why the holder is to stop, and whether at once.
  abort         text check (abort in ('cancelled', 'killed', 'timeout')),
  at_once       boolean not null default false,
  -- Sealed under the master key: inputs hold secrets, outcomes may.
  work          bytea not null,
  outcome       bytea,
  sent_at       timestamptz not null default now(),
  held_at       timestamptz,
  unique (execution_uid, task, attempt)
) with (fillfactor = 70);
create index dispatched_operations_waiting on dispatched_operations (tenant_id, pool, uid) where state = 'waiting';
create index dispatched_operations_queue on dispatched_operations (pool, uid) where state = 'waiting';
create index dispatched_operations_held on dispatched_operations (worker_uid) where state = 'held';

-- What a holder says to the walk, and the walk's answers. A message is removed when what it says is durable, or its answer
-- has arrived.
create table dispatched_messages (
  uid           bigint generated always as identity primary key,
  operation_uid bigint not null references dispatched_operations (uid) on delete cascade,
  lease         integer not null,
  -- The holder's own count: one that is sent twice is kept once.
  number        integer not null,
  body          bytea not null,
  -- The walk has to answer.
  asks          boolean not null,
  answer        bytea,
  unique (operation_uid, lease, number)
);
