/** What probes and metrics ask of the store: does it answer, is its schema ours, how much is going on. */
import { type Migration, readMigrations } from './migrate.js';
import type { Pool } from './pool.js';
import { systemStatement } from './statement.js';

export interface StoreHealth {
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  /** Names of migrations that this version has and the database lacks. */
  missingMigrations(): Promise<string[]>;
  /** What is under way and waits, in the whole installation. */
  activity(): Promise<Activity>;
  connections(): { readonly total: number; readonly idle: number; readonly waiting: number };
}

export interface Activity {
  /** Executions that a worker has, by status. */
  readonly taken: readonly { readonly status: string; readonly held: number; readonly expired: number }[];
  readonly operations: { readonly finished: number; readonly unfinished: number };
  /** Of the tenants with the most executions that wait; of those beyond, under no name, without an age. */
  readonly waiting: readonly {
    readonly tenant: string | null;
    readonly count: number;
    readonly oldest: number | null;
  }[];
  /** Operations that were sent to pools. */
  readonly dispatched: readonly {
    readonly pool: string | null;
    readonly state: string;
    readonly count: number;
  }[];
  /** Events that were ever written; a crash of the database may skip some numbers. */
  readonly events: number;
}

const WHY = 'counts for the operator; of tenants no more than their names is in them';
const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
/** Tenants, and pools, that are told by name. */
const NAMED = 20;

// By the partial index of what workers have, which is little whatever waits.
const countTaken = systemStatement<{
  status: string;
  held: number;
  expired: number;
  finished: number;
  total: number;
}>(
  'health_taken',
  `select x.status, count(*) filter (where x.lease_until >= now())::integer as held,
     count(*) filter (where x.lease_until is null or x.lease_until < now())::integer as expired,
     sum(x.finished_operations)::double precision as finished, sum(x.total_operations)::double precision as total
   from executions x where x.status in ${ACTIVE} and x.worker is not null group by x.status`,
  WHY,
);

// From maintained counts, and one look into an index for each tenant that is named: nothing that waits is counted.
const countWaiting = systemStatement<{ tenant: string | null; count: number; oldest: number | null }>(
  'health_waiting',
  `with waiting as (
     select r.tenant_id, sum(r.difference) as count from row_counts r where r.collection = 'executions waiting'
     group by r.tenant_id having sum(r.difference) > 0),
   ranked as (select w.*, row_number() over (order by w.count desc, w.tenant_id) as place from waiting w)
   select t.name as tenant, k.count::integer as count, (
       select extract(epoch from now() - o.created_at)::double precision from (
         select x.created_at from executions x where x.tenant_id = k.tenant_id and x.status in ${ACTIVE} and x.worker is null
         order by x.uid limit 1) o) as oldest
   from ranked k join tenants t on t.id = k.tenant_id where k.place <= $1
   union all
   select null, sum(k.count)::integer, null from ranked k where k.place > $1 having count(*) > 0`,
  WHY,
);

const countDispatched = systemStatement<{ pool: string | null; state: string; count: number }>(
  'health_dispatched',
  `with counted as (
     select o.pool, o.state, count(*)::integer as count from dispatched_operations o where o.state in ('waiting', 'held') group by o.pool, o.state),
   ranked as (select c.*, dense_rank() over (order by c.pool) as place from counted c)
   select k.pool, k.state, k.count from ranked k where k.place <= $1
   union all
   select null, k.state, sum(k.count)::integer from ranked k where k.place > $1 group by k.state`,
  WHY,
);

const countEvents = systemStatement<{ events: number }>(
  'health_events',
  `select w.count + coalesce((select sum(d.difference) from event_differences d where d.difference > 0), 0)::bigint as events from events_written w`,
  WHY,
);

const ping = systemStatement<{ ok: number }>('health_ping', 'select 1 as ok', 'touches no table');

const applied = systemStatement<{ number: number }>(
  'health_migrations',
  'select number from migrations order by number',
  'the list of migrations belongs to no tenant',
);

export function storeHealth(pool: Pool, migrations: readonly Migration[] = readMigrations()): StoreHealth {
  return {
    ping: async () => {
      await ping.one(pool);
    },
    missingMigrations: async () => {
      const numbers = new Set((await applied.all(pool)).map((row) => row.number));
      return migrations.filter((each) => !numbers.has(each.number)).map((each) => each.name);
    },
    activity: async () => {
      const taken = await countTaken.all(pool);
      const sum = (of: (row: (typeof taken)[number]) => number) =>
        taken.reduce((total, row) => total + of(row), 0);
      const finished = sum((row) => row.finished);
      return {
        taken,
        operations: { finished, unfinished: sum((row) => row.total) - finished },
        waiting: await countWaiting.all(pool, [NAMED]),
        dispatched: await countDispatched.all(pool, [NAMED]),
        events: (await countEvents.one(pool))!.events,
      };
    },
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
  };
}
