import type { ExecutionUid, TenantId, UserId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { ErrandTask } from './errand-task.js';

export interface ErrandRow {
  readonly uid: number;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly orderUid: number;
  readonly orderNumber: number;
  readonly itemUid: number;
  readonly position: number;
  readonly deploymentId: string | null;
  readonly task: ErrandTask;
  readonly state: 'due' | 'begun' | 'ended';
  readonly tries: number;
  readonly executionUid: ExecutionUid | null;
  readonly ownerId: UserId;
  readonly owner: string;
  readonly groupUid: number;
  readonly groupName: string;
  readonly cancelWanted: boolean;
}

const COLUMNS = `r.uid, r.tenant_id as "tenantId", t.name as "tenantName", r.order_uid as "orderUid", o.number as "orderNumber",
  r.order_item_uid as "itemUid", i.position, r.deployment_id as "deploymentId", r.task, r.state, r.tries, r.execution_uid as "executionUid",
  u.id as "ownerId", u.username as owner, g.uid as "groupUid", g.name as "groupName",
  exists (select from jobs j where j.tenant_id = r.tenant_id and j.errand_uid = r.uid and j.cancel_wanted) as "cancelWanted"`;
const FROM = `order_errands r join orders o on o.uid = r.order_uid and o.tenant_id = r.tenant_id
  join order_items i on i.uid = r.order_item_uid and i.tenant_id = r.tenant_id
  join tenants t on t.id = r.tenant_id join users u on u.id = coalesce(o.recipient_id, o.owner_id)
  join ordering_groups g on g.uid = o.group_uid and g.tenant_id = r.tenant_id`;

/** `$2` order, `$3` item, `$4` kind, `$5` deployment, `$6` task. */
export const insertErrand = tenantStatement<{ uid: number }>(
  'errand_insert',
  `insert into order_errands (tenant_id, order_uid, order_item_uid, kind, deployment_id, task) values ($1, $2, $3, $4, $5, $6) returning uid`,
);

export const selectErrand = tenantStatement<ErrandRow>(
  'errand_select',
  `select ${COLUMNS} from ${FROM} where r.tenant_id = $1 and r.uid = $2`,
);

export const lockErrand = tenantStatement<{ state: ErrandRow['state'] }>(
  'errand_lock',
  'select r.state from order_errands r where r.tenant_id = $1 and r.uid = $2 for update',
);

/** One that is due and that nobody is at, for `$1` seconds. */
export const claimErrand = systemStatement<{ uid: number; tenantId: TenantId }>(
  'errand_claim',
  `update order_errands r set lease_until = now() + make_interval(secs => $1::double precision), tries = r.tries + 1
   from (select d.uid from order_errands d where d.state = 'due' and (d.lease_until is null or d.lease_until < now())
     order by d.uid limit 1 for update skip locked) due
   where r.uid = due.uid returning r.uid, r.tenant_id as "tenantId"`,
  'what approved orders need is done by the server itself, for all tenants',
);

/** `$2` errand: it is tried again in `$3` seconds. */
export const putOffErrand = tenantStatement<never>(
  'errand_put_off',
  `update order_errands r set lease_until = now() + make_interval(secs => $3::double precision) where r.tenant_id = $1 and r.uid = $2 and r.state = 'due'`,
);

/** What errand `$2` has waited for is there: it is due at once. */
export const hastenErrand = tenantStatement<never>(
  'errand_hasten',
  `update order_errands r set lease_until = null, tries = 0 where r.tenant_id = $1 and r.uid = $2 and r.state = 'due'`,
);

/** `$2` errand, `$3` execution. */
export const setBegun = tenantStatement<never>(
  'errand_set_begun',
  `update order_errands r set state = 'begun', execution_uid = $3, lease_until = null where r.tenant_id = $1 and r.uid = $2 and r.state = 'due'`,
);

export const setErrandEnded = tenantStatement<never>(
  'errand_set_ended',
  `update order_errands r set state = 'ended', lease_until = null where r.tenant_id = $1 and r.uid = $2`,
);

/** Errands of order `$2` that have not ended. */
export const countUnended = tenantStatement<{ count: number }>(
  'errand_count_unended',
  `select count(*) as count from order_errands r where r.tenant_id = $1 and r.order_uid = $2 and r.state <> 'ended'`,
);

/** Other errands than `$3` on deployment `$2` that have not ended. */
export const countOnDeployment = tenantStatement<{ count: number }>(
  'errand_count_on_deployment',
  `select count(*) as count from order_errands r where r.tenant_id = $1 and r.deployment_id = $2 and r.uid <> $3 and r.state <> 'ended'`,
);
