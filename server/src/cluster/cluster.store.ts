import { systemStatement } from '../store/statement.js';

const WHY = 'the cluster is the installation itself and belongs to no tenant';

export interface ClusterRow {
  readonly initialized: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  /** Of the node whose process is master now. */
  readonly masterIp: string | null;
  readonly masterUrl: string | null;
}

export const selectCluster = systemStatement<ClusterRow>(
  'cluster_select',
  `select c.initialized_at is not null as initialized, c.options, n.host_ip as "masterIp", p.url as "masterUrl"
   from cluster c
   left join cluster_processes p on p.id = c.master and c.master_until > now()
   left join cluster_nodes n on n.id = p.node_id`,
  WHY,
);

/** Held while it is decided who belongs to the cluster. */
export const lockCluster = systemStatement<{ initialized: boolean }>(
  'cluster_lock',
  'select c.initialized_at is not null as initialized from cluster c for update',
  WHY,
);

export const updateInitialized = systemStatement<never>(
  'cluster_initialize',
  'update cluster set initialized_at = now()',
  WHY,
);

export const updateOptions = systemStatement<never>(
  'cluster_set_options',
  'update cluster set options = $1',
  WHY,
);

/** A node as it is told; `$1` of one node: its name, null for all. */
export interface NodeRow {
  readonly id: number;
  readonly name: string;
  readonly hostIp: string | null;
  readonly joined: boolean;
  readonly draining: boolean;
  /** Announced, with credentials that are still good. */
  readonly awaited: boolean;
  readonly online: boolean;
  readonly master: boolean;
  readonly processes: readonly ProcessRow[];
}

export interface ProcessRow {
  readonly role: 'all' | 'api' | 'worker';
  readonly pid: number;
  readonly url: string | null;
  readonly version: string;
  readonly startedAt: string;
}

export const selectNodes = systemStatement<NodeRow>(
  'cluster_select_nodes',
  `select n.id, n.name, n.host_ip as "hostIp", n.joined_at is not null as joined, n.draining_at is not null as draining,
     n.credentials_hash is not null and n.credentials_until > now() as awaited,
     coalesce(p.online, false) as online, coalesce(p.master, false) as master, coalesce(p.processes, '[]') as processes
   from cluster_nodes n
   left join lateral (
     select true as online, bool_or(p.id = c.master and c.master_until > now()) as master,
       json_agg(json_build_object('role', p.role, 'pid', p.pid, 'url', p.url, 'version', p.version, 'startedAt', p.started_at)
                order by p.started_at, p.id) as processes
     from cluster_processes p cross join cluster c
     where p.node_id = n.id and p.alive_until > now()
     group by p.node_id) p on true
   where n.removed_at is null and ($1::text is null or lower(n.name) = lower($1))
   order by n.created_at, n.id limit 1000`,
  WHY,
);

export const insertAnnounced = systemStatement<{ id: number }>(
  'cluster_announce_node',
  `insert into cluster_nodes (name, host_ip, credentials_hash, credentials_until)
   values ($1, $2, $3, now() + make_interval(secs => $4))
   on conflict (lower(name)) where removed_at is null do nothing returning id`,
  WHY,
);

/** The announced node whose credentials these are, used up by being read. */
export const takeAnnounced = systemStatement<{ id: number; name: string; hostIp: string | null }>(
  'cluster_take_announced',
  `delete from cluster_nodes n
   where n.credentials_hash = $1 and n.credentials_until > now() and n.joined_at is null and n.removed_at is null
   returning n.id, n.name, n.host_ip as "hostIp"`,
  WHY,
);

export const updateJoined = systemStatement<{ id: number }>(
  'cluster_join',
  `update cluster_nodes n set joined_at = coalesce(n.joined_at, now()), name = coalesce($2, n.name), host_ip = coalesce($3, n.host_ip)
   where n.id = $1 and n.removed_at is null and n.draining_at is null returning n.id`,
  WHY,
);

/** Whoever works already when a cluster is made goes on working. */
export const joinThoseOnline = systemStatement<{ name: string }>(
  'cluster_join_online',
  `update cluster_nodes n set joined_at = now()
   where n.joined_at is null and n.removed_at is null and n.key_hash is not null
     and exists (select from cluster_processes p where p.node_id = n.id and p.alive_until > now())
   returning n.name`,
  WHY,
);

export const updateDraining = systemStatement<never>(
  'cluster_drain',
  'update cluster_nodes set draining_at = coalesce(draining_at, now()) where id = $1',
  WHY,
);

/** A node that is draining and has no process any more is gone. */
export const removeDrained = systemStatement<{ name: string }>(
  'cluster_remove_drained',
  `update cluster_nodes n set removed_at = now(), credentials_hash = null
   where n.draining_at is not null and n.removed_at is null
     and not exists (select from cluster_processes p where p.node_id = n.id and p.alive_until > now())
   returning n.name`,
  WHY,
);

/** An announced node that nobody has come as. */
export const deleteAnnounced = systemStatement<never>(
  'cluster_delete_announced',
  'delete from cluster_nodes where id = $1 and key_hash is null',
  WHY,
);

export const insertLog = systemStatement<never>(
  'cluster_insert_log',
  'insert into cluster_log (message) values ($1)',
  WHY,
);

export const selectLog = systemStatement<{ id: number; message: string; microseconds: number }>(
  'cluster_select_log',
  `select l.id, l.message, (extract(epoch from l.at) * 1000000)::bigint as microseconds
   from (select * from cluster_log order by id desc limit 100) l order by l.id`,
  WHY,
);

// The side of a process.

export interface StandingRow {
  readonly nodeId: number;
  readonly node: string;
  readonly initialized: boolean;
  readonly joined: boolean;
  readonly draining: boolean;
  readonly removed: boolean;
}

/** The node of a key; made where there is none and the name is free. */
export const insertNode = systemStatement<never>(
  'cluster_insert_node',
  `insert into cluster_nodes (name, host_ip, key_hash) values ($1, $2, $3) on conflict do nothing`,
  WHY,
);

export const selectStanding = systemStatement<StandingRow>(
  'cluster_select_standing',
  `select n.id as "nodeId", n.name as node, c.initialized_at is not null as initialized, n.joined_at is not null as joined,
     n.draining_at is not null as draining, n.removed_at is not null as removed
   from cluster_nodes n cross join cluster c where n.key_hash = $1`,
  WHY,
);

/** Also the first one: a process that was forgotten in an outage is there again. `$8`: seconds until it counts as gone. */
export const beat = systemStatement<never>(
  'cluster_beat',
  `insert into cluster_processes (id, node_id, role, pid, url, version, started_at, alive_until)
   values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
   on conflict (id) do update set url = excluded.url, alive_until = excluded.alive_until`,
  WHY,
);

/** Becomes or stays master, where nobody else is. `$2`: seconds. */
export const takeMaster = systemStatement<{ taken: boolean }>(
  'cluster_take_master',
  `update cluster c set master = $1, master_until = now() + make_interval(secs => $2)
   from (select c.master is distinct from $1 as taken from cluster c for update) was
   where c.master = $1 or c.master is null or c.master_until < now()
     or not exists (select from cluster_processes p where p.id = c.master)
   returning was.taken`,
  WHY,
);

export const deleteProcess = systemStatement<never>(
  'cluster_delete_process',
  'delete from cluster_processes where id = $1',
  WHY,
);

/** Processes of a node, to tell those that are dead. */
export const selectPids = systemStatement<{ id: string; pid: number }>(
  'cluster_select_pids',
  'select id, pid from cluster_processes where node_id = $1',
  WHY,
);

/** What nobody will ask about: processes long gone, nodes that never joined and are gone, announcements that have expired. */
export const forgetGone = systemStatement<never>(
  'cluster_forget_gone',
  `with gone as (delete from cluster_processes where alive_until < now() - interval '1 hour')
   delete from cluster_nodes n
   where n.joined_at is null and n.removed_at is null and n.created_at < now() - interval '1 day'
     and (n.credentials_until is null or n.credentials_until < now())
     and not exists (select from cluster_processes p where p.node_id = n.id and p.alive_until > now() - interval '1 day')`,
  WHY,
);
