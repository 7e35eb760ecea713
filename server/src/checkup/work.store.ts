import { systemStatement } from '../store/statement.js';

const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;
const WHY = 'whoever runs the installation asks about all of it, on its own machine';

export interface WorkersRow {
  /** Processes that may walk executions. */
  readonly workers: number;
  readonly master: boolean;
  /** Some node has joined, so others do not work unless they join. */
  readonly initialized: boolean;
}

export const selectWorkers = systemStatement<WorkersRow>(
  'checkup_workers',
  `select (select count(*) from cluster_processes p where p.alive_until > now() and p.role <> 'api')::integer as workers,
     coalesce(c.master_until > now(), false) as master, c.initialized_at is not null as initialized from cluster c`,
  WHY,
);

export interface WaitingRow {
  readonly tenant: string;
  readonly id: string;
  /** Seconds since it was asked for, or since its lease ran out. */
  readonly seconds: number;
}

/** The one that has waited longest for a worker, of tenants that may run something. */
export const selectOldestWaiting = systemStatement<WaitingRow>(
  'checkup_oldest_waiting',
  `select t.name as tenant, f.id, extract(epoch from now() - f.created_at)::double precision as seconds
   from tenants t cross join lateral (
     select x.id, x.created_at from executions x
     where x.tenant_id = t.id and x.status in ${ACTIVE} and x.worker is null and x.deployment_uid is not null
       and not x.awaits_children order by x.uid limit 1) f
   where t.running_limit is distinct from 0 order by f.created_at limit 1`,
  WHY,
);

/** Executions that nobody has taken over though their lease ran out more than `$1` seconds ago. */
export const selectAbandoned = systemStatement<WaitingRow>(
  'checkup_abandoned',
  `select t.name as tenant, x.id, extract(epoch from now() - x.lease_until)::double precision as seconds
   from executions x join tenants t on t.id = x.tenant_id
   where x.status in ${ACTIVE} and x.worker is not null and not x.awaits_children
     and x.lease_until < now() - make_interval(secs => $1)
   order by x.lease_until limit 100`,
  WHY,
);

export interface PoolRow {
  readonly pool: string;
  readonly operations: number;
  readonly seconds: number;
}

/** Pools that operations wait for and that nobody has served for as long as a worker keeps what it holds. */
export const selectUnserved = systemStatement<PoolRow>(
  'checkup_unserved_pools',
  `select o.pool, count(*)::integer as operations, extract(epoch from now() - min(o.sent_at))::double precision as seconds
   from dispatched_operations o
   where o.state = 'waiting' and not exists (
     select from pool_workers w where o.pool = any(w.pools) and w.left_at is null
       and (w.confined_to is null or w.confined_to = o.tenant_id)
       and w.seen_at > now() - make_interval(secs => greatest(w.lease, 1)))
   group by o.pool order by min(o.sent_at) limit 100`,
  WHY,
);

export interface AgentsRow {
  readonly agents: number;
  /** Of these, installed and without a word for as long as they keep what they hold. */
  readonly silent: number;
  readonly example: string | null;
}

/** Agents of hosts that are there and have come in once. */
export const selectAgents = systemStatement<AgentsRow>(
  'checkup_agents',
  `select count(*)::integer as agents, count(*) filter (where not a.alive)::integer as silent, min(a.name) filter (where not a.alive) as example
   from (
     select c.name, exists (select from pool_workers w where w.credential_uid = c.uid and w.left_at is null
       and w.seen_at > now() - make_interval(secs => w.lease)) as alive
     from worker_credentials c where c.kind = 'agent' and c.last_used_at is not null
       and exists (select from node_instances i where i.tenant_id = c.confined_to and i.id = c.host_instance)) a`,
  WHY,
);

/** Deployments whose latest execution has ended with an operation of which nobody knows whether it was done. */
export const selectUndecided = systemStatement<{ deployments: number; example: string | null }>(
  'checkup_undecided',
  `select count(*)::integer as deployments, min(u.id) as example from (
     select x.id from deployments d join executions x on x.uid = d.latest_execution_uid
     where x.status in ('failed', 'cancelled')
       and exists (select from operations o where o.execution_uid = x.uid and o.state = 'interrupted')
     limit 1000) u`,
  WHY,
);
