/** A tenant with an execution, and events of it at any time: what tests of events stand on. */
import type { TenantScope } from '../../src/caller.js';
import { appendEvents, type NewEvent } from '../../src/events/events.js';
import type { DeploymentUid, ExecutionUid, TenantId, UserId } from '../../src/ids.js';
import type { Pool } from '../../src/store/pool.js';
import type { Queryable } from '../../src/store/statement.js';

export interface Teller {
  readonly tenantId: TenantId;
  readonly executionUid: ExecutionUid;
  readonly executionId: string;
  readonly deploymentUid: DeploymentUid | null;
  readonly scope: TenantScope;
  /** As many events as there are times. */
  tell(times: readonly (Date | string)[], more?: Partial<NewEvent>, db?: Queryable): Promise<void>;
}

let tellers = 0;

export async function aTeller(pool: Pool): Promise<Teller> {
  tellers += 1;
  const { rows } = await pool.query<{ t: TenantId; u: UserId; x: ExecutionUid; id: string }>(
    `with t as (insert into tenants (name) values ($1) returning id),
       u as (insert into users (username, system_role) values ($1, 'member') returning id),
       x as (insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
         select t.id, gen_random_uuid(), 'install', 'f', 'started', '{}', u.id from t, u returning uid, id)
     select t.id as t, u.id as u, x.uid as x, x.id as id from t, u, x`,
    [`teller-${tellers}`],
  );
  const { t: tenantId, u: userId, x: executionUid, id: executionId } = rows[0]!;
  return {
    tenantId,
    executionUid,
    executionId,
    deploymentUid: null,
    scope: { tenantId, tenantName: `teller-${tellers}`, userId, seesPrivate: true },
    async tell(times, more = {}, db = pool) {
      const events = times.map(
        (at, n): NewEvent => ({
          kind: 'event',
          type: 'workflow_event',
          message: `event ${n}`,
          at: new Date(at).toISOString(),
          ...more,
        }),
      );
      await appendEvents(db, tenantId, { executionUid, deploymentUid: null }, events);
    },
  };
}

/** Partition -> rows in it. */
export async function partitionsOf(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; count: number }>(
    `select c.relname as name, (select coalesce(sum(e.events + e.logs), 0) from event_packs e where e.tableoid = c.oid)::integer as count
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'event_packs'::regclass order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

/** What counters say, by tenant and kind; and what there is. */
export async function countedAndThere(pool: Pool): Promise<[counted: unknown, there: unknown]> {
  const counted = await pool.query(
    `select tenant_id as tenant, kind, sum(n)::integer as hours, sum(w)::integer as weeks, sum(s)::integer as subjects from (
       select tenant_id, kind, count as n, 0 as w, 0 as s from event_hours union all select tenant_id, kind, 0, count, 0 from event_weeks
       union all select tenant_id, kind, 0, 0, count from event_subjects
       union all select tenant_id, kind, difference, difference, difference from event_differences) c
     group by 1, 2 having sum(n) <> 0 or sum(w) <> 0 or sum(s) <> 0 order by 1, 2`,
  );
  const there = await pool.query(
    `select tenant_id as tenant, kind, count(*)::integer as hours, count(*)::integer as weeks, count(*)::integer as subjects from events group by 1, 2 order by 1, 2`,
  );
  return [counted.rows, there.rows];
}
