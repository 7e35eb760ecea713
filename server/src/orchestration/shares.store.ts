import type { TenantId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;

/** `$2`: what may wait where the tenant has no limit of its own; 0: any number. */
export const selectWaiting = tenantStatement<{ waiting: number; most: number }>(
  'share_waiting',
  `select coalesce((select sum(r.difference) from row_counts r where r.tenant_id = $1 and r.collection = 'executions waiting'), 0)::integer
       as waiting,
     coalesce(t.waiting_limit, $2::integer) as most
   from tenants t where t.id = $1`,
);

export interface ShareRow {
  readonly id: TenantId;
  readonly name: string;
  readonly runningLimit: number | null;
  readonly waitingLimit: number | null;
  readonly running: number;
  readonly waiting: number;
}

export const selectShare = systemStatement<ShareRow>(
  'share_of_tenant',
  `select t.id, t.name, t.running_limit as "runningLimit", t.waiting_limit as "waitingLimit",
     (select count(*) from executions x where x.tenant_id = t.id and x.status in ${ACTIVE} and x.worker is not null
        and x.lease_until >= now())::integer as running,
     coalesce((select sum(r.difference) from row_counts r where r.tenant_id = t.id and r.collection = 'executions waiting'), 0)::integer
       as waiting
   from tenants t where t.name = $1`,
  'who administers the installation asks for any tenant by its name',
);

/** A limit that is null is taken away, one that is `$3`/`$5` false is left as it is. */
export const updateShare = systemStatement<never>(
  'share_set',
  `update tenants t set running_limit = case when $2 then $3::integer else t.running_limit end,
     waiting_limit = case when $4 then $5::integer else t.waiting_limit end
   where t.name = $1`,
  'who administers the installation sets it for any tenant by its name',
);

/** Keeps others from changing limits of the tenant until the transaction ends. */
export const holdShare = systemStatement<never>(
  'share_hold',
  'select from tenants t where t.name = $1 for no key update',
  'who administers the installation sets it for any tenant by its name',
);
