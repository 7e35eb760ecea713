import { systemStatement } from '../store/statement.js';

const WHY = 'about the database as a whole; nothing of any tenant is in it';

export interface ServerRow {
  readonly version: number;
  readonly fsync: string;
  readonly synchronousCommit: string;
  readonly fullPageWrites: string;
  readonly mostConnections: number;
  readonly reserved: number;
  readonly connections: number;
  /** Milliseconds since 1970 on the database's clock, when it answered. */
  readonly clock: number;
  readonly standby: boolean;
}

export const selectServer = systemStatement<ServerRow>(
  'checkup_server',
  `select current_setting('server_version_num')::integer as version, current_setting('fsync') as fsync,
     current_setting('synchronous_commit') as "synchronousCommit", current_setting('full_page_writes') as "fullPageWrites",
     current_setting('max_connections')::integer as "mostConnections",
     current_setting('superuser_reserved_connections')::integer as reserved,
     (select count(*) from pg_stat_activity a where a.backend_type = 'client backend')::integer as connections,
     extract(epoch from clock_timestamp()) * 1000 as clock, pg_is_in_recovery() as standby`,
  WHY,
);

export const selectProcesses = systemStatement<{ role: string; version: string; name: string }>(
  'checkup_processes',
  `select p.role, p.version, n.name from cluster_processes p join cluster_nodes n on n.id = p.node_id
   where p.alive_until > now() order by n.name, p.started_at`,
  WHY,
);

export interface TableRow {
  readonly name: string;
  readonly live: number;
  readonly dead: number;
}

/** Tables with many rows that are dead and not cleared away, by PostgreSQL's own estimates. */
export const selectDeadRows = systemStatement<TableRow>(
  'checkup_dead_rows',
  `select s.relname as name, s.n_live_tup as live, s.n_dead_tup as dead from pg_stat_user_tables s
   where s.n_dead_tup >= $1 and s.n_dead_tup > s.n_live_tup * $2::double precision order by s.n_dead_tup desc limit 10`,
  WHY,
);

/** Until when there are partitions for events, and how many lie where no partition takes them. */
export const selectPartitions = systemStatement<{ ahead: number | null; strays: number }>(
  'checkup_partitions',
  `select extract(epoch from (select max(to_date(substr(c.relname, 9), 'YYYYMMDD')::timestamp at time zone 'UTC' + interval '168 hours')
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'event_packs'::regclass and c.relname ~ '^events_w\\d{8}$') - now())::double precision / 86400 as ahead,
     (select count(*) from (select from events_other limit 10001) o)::integer as strays`,
  WHY,
);

export const applied = systemStatement<{ number: number; name: string; digest: string }>(
  'checkup_migrations',
  'select m.number, m.name, m.digest from migrations m order by m.number',
  WHY,
);
