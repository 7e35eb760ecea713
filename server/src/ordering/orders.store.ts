import { sql } from 'kysely';
import type { TenantId, UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';
import type { AskedItem, ItemKind, ItemPlan } from './order-items.js';
import type { OrderStatus } from './order-state.js';
import type { RateUnit } from './rates.js';

export type OrderField =
  | 'uid'
  | 'number'
  | 'code'
  | 'name'
  | 'status'
  | 'summary'
  | 'groupNumber'
  | 'groupCode'
  | 'groupName'
  | 'ownerId'
  | 'ownerName'
  | 'rate'
  | 'createdAt'
  | 'submittedAt'
  | 'approvedAt'
  | 'endedAt';

/** @param seen groups whose orders the caller sees beside their own; null: all */
export function orderList(seen: readonly number[] | null): ListSpec<OrderField> {
  return {
    from: 'orders o join ordering_groups g on g.uid = o.group_uid join users u on u.id = o.owner_id',
    driver: { table: 'orders', alias: 'o', key: 'uid' },
    fields: {
      uid: { sql: 'o.uid', type: 'integer' },
      number: { sql: 'o.number', type: 'integer' },
      code: { sql: 'o.code', type: 'text' },
      name: { sql: 'o.name', type: 'text' },
      status: { sql: 'o.status', type: 'text' },
      summary: { sql: 'o.summary', type: 'text' },
      groupNumber: { sql: 'g.number', type: 'integer' },
      groupCode: { sql: 'g.code', type: 'text' },
      groupName: { sql: 'g.name', type: 'text' },
      ownerId: { sql: 'o.owner_id', type: 'integer' },
      ownerName: { sql: 'u.username', type: 'text' },
      rate: { sql: 'o.rate', type: 'integer' },
      createdAt: { sql: 'o.created_at', type: 'time' },
      submittedAt: { sql: 'o.submitted_at', type: 'time' },
      approvedAt: { sql: 'o.approved_at', type: 'time' },
      endedAt: { sql: 'o.ended_at', type: 'time' },
    },
    confine: (scope) =>
      seen === null
        ? sql`o.tenant_id = ${scope.tenantId}`
        : sql`o.tenant_id = ${scope.tenantId} and (o.owner_id = ${scope.userId} or o.group_uid = any(${seen}::bigint[]))`,
    defaultSort: [{ field: 'number' }],
    tieBreak: 'o.uid',
    search: ['name'],
  };
}

export interface PersonRef {
  readonly id: UserId;
  readonly username: string;
}

export interface OrderRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly status: OrderStatus;
  readonly summary: string;
  readonly groupUid: number;
  readonly groupNumber: number;
  readonly groupCode: string;
  readonly groupName: string;
  readonly groupPath: readonly number[];
  readonly groupAutoApproval: boolean;
  readonly owner: PersonRef;
  readonly recipient: PersonRef | null;
  readonly approvedBy: PersonRef | null;
  readonly createdAt: Date;
  readonly submittedAt: Date | null;
  readonly approvedAt: Date | null;
  readonly endedAt: Date | null;
  readonly comment: string;
  readonly rate: number;
  readonly rateUnit: RateUnit;
  readonly heldBy: readonly string[];
  readonly failures: readonly string[];
}

const person = (alias: string) =>
  `case when ${alias}.id is not null then json_build_object('id', ${alias}.id, 'username', ${alias}.username) end`;

const COLUMNS = `o.uid, o.number, o.code, o.name, o.status, o.summary, o.group_uid as "groupUid", g.number as "groupNumber", g.code as "groupCode",
  g.name as "groupName", to_json(g.path) as "groupPath", g.auto_approval as "groupAutoApproval", ${person('u')} as owner, ${person('r')} as recipient,
  ${person('a')} as "approvedBy", o.created_at as "createdAt", o.submitted_at as "submittedAt", o.approved_at as "approvedAt",
  o.ended_at as "endedAt", o.comment, o.rate::float8 as rate, o.rate_unit as "rateUnit", o.held_by as "heldBy", o.failures`;

const FROM = `orders o join ordering_groups g on g.uid = o.group_uid join users u on u.id = o.owner_id
  left join users r on r.id = o.recipient_id left join users a on a.id = o.approved_by`;

/** `$2` number, `$3` code, one of them null. */
export const selectOrder = tenantStatement<OrderRow>(
  'order_select',
  `select ${COLUMNS} from ${FROM} where o.tenant_id = $1 and (o.number = $2 or o.code = $3)`,
);

export const lockOrder = tenantStatement<OrderRow>(
  'order_lock',
  `select ${COLUMNS} from ${FROM} where o.tenant_id = $1 and o.uid = $2 for update of o`,
);

/** The open cart of user `$2` that is newest. */
export const selectCart = tenantStatement<OrderRow>(
  'order_select_cart',
  `select ${COLUMNS} from ${FROM} where o.tenant_id = $1 and o.owner_id = $2 and o.status = 'CART' order by o.uid desc limit 1`,
);

/** `$2` number, `$3` name, `$4` group, `$5` owner, `$6` recipient, `$7` who makes it, `$8` unit of rates. */
export const insertOrder = tenantStatement<{ uid: number }>(
  'order_insert',
  `insert into orders (tenant_id, number, name, group_uid, owner_id, recipient_id, created_by, rate_unit)
   values ($1, $2, $3, $4, $5, $6, $7, $8) returning uid`,
);

/** `$2` order, `$3` summary, `$4` rate. */
export const updateContent = tenantStatement<never>(
  'order_update_content',
  'update orders o set summary = $3, rate = $4, touched_at = now() where o.tenant_id = $1 and o.uid = $2',
);

/** `$2` order, `$3` status, `$4` what holds it. */
export const setSubmitted = tenantStatement<never>(
  'order_set_submitted',
  `update orders o set status = $3, held_by = $4, submitted_at = coalesce(o.submitted_at, now()), touched_at = now()
   where o.tenant_id = $1 and o.uid = $2`,
);

/** `$2` order, `$3` who; null: nobody had to be asked. */
export const setApproved = tenantStatement<never>(
  'order_set_approved',
  `update orders o set status = 'ACTIVE', approved_at = now(), approved_by = $3 where o.tenant_id = $1 and o.uid = $2`,
);

/** `$2` order, `$3` status, `$4` comment, `$5` who. */
export const setRefused = tenantStatement<never>(
  'order_set_refused',
  `update orders o set status = $3, comment = $4, ended_at = now() where o.tenant_id = $1 and o.uid = $2`,
);

/** `$2` order, `$3` status, `$4` why it failed. */
export const setEnded = tenantStatement<never>(
  'order_set_ended',
  `update orders o set status = $3, failures = $4, ended_at = now() where o.tenant_id = $1 and o.uid = $2 and o.status = 'ACTIVE'`,
);

export const deleteOrder = tenantStatement<never>(
  'order_delete',
  `delete from orders o where o.tenant_id = $1 and o.uid = $2 and o.status = 'CART'`,
);

/** Carts that nobody has touched for `$1` days. */
export const deleteForgotten = systemStatement<{
  number: number;
  tenantId: TenantId;
  tenant: string;
  items: readonly { readonly asked: AskedItem }[] | null;
}>(
  'order_delete_forgotten',
  `with gone as (delete from orders o where o.uid in (
     select f.uid from orders f where f.status = 'CART' and f.touched_at < now() - make_interval(days => $1::integer)
     order by f.touched_at limit 500 for update skip locked) returning o.number, o.tenant_id, o.uid)
   select g.number, g.tenant_id as "tenantId", t.name as tenant,
     (select json_agg(json_build_object('asked', i.asked)) from order_items i where i.tenant_id = g.tenant_id and i.order_uid = g.uid) as items
   from gone g join tenants t on t.id = g.tenant_id`,
  'carts are forgotten in every tenant; the server itself takes them away',
);

/** Orders of group `$2` on which something is still to happen. */
export const countOpen = tenantStatement<{ count: number }>(
  'order_count_open',
  `select count(*) as count from orders o where o.tenant_id = $1 and o.group_uid = $2 and o.status in ('CART', 'PENDING', 'ACTIVE')`,
);

export interface ItemRow {
  readonly uid: number;
  readonly orderUid: number;
  readonly position: number;
  readonly kind: ItemKind;
  readonly asked: AskedItem;
  readonly plan: ItemPlan;
  readonly rate: number;
}

export const selectItems = tenantStatement<ItemRow>(
  'order_items_select',
  `select i.uid, i.order_uid as "orderUid", i.position, i.kind, i.asked, i.plan, i.rate::float8 as rate
   from order_items i where i.tenant_id = $1 and i.order_uid = $2 order by i.position`,
);

export const selectItem = tenantStatement<ItemRow>(
  'order_item_select',
  `select i.uid, i.order_uid as "orderUid", i.position, i.kind, i.asked, i.plan, i.rate::float8 as rate
   from order_items i where i.tenant_id = $1 and i.uid = $2`,
);

/** `$2` order, `$3` kind, `$4` as asked, `$5` plan, `$6` rate: behind those that it has. */
export const insertItem = tenantStatement<{ uid: number }>(
  'order_item_insert',
  `insert into order_items (tenant_id, order_uid, position, kind, asked, plan, rate)
   select $1::bigint, $2::bigint, coalesce(max(i.position), 0) + 1, $3, $4, $5, $6 from order_items i where i.tenant_id = $1 and i.order_uid = $2
   returning uid`,
);

/** `$2` item, `$3` plan, `$4` rate. */
export const updatePlan = tenantStatement<never>(
  'order_item_update_plan',
  'update order_items i set plan = $3, rate = $4 where i.tenant_id = $1 and i.uid = $2',
);

/** `$2` id of a user who is there and active. */
export const selectPerson = tenantStatement<PersonRef>(
  'order_person',
  'select u.id, u.username from users u where $1::bigint is not null and u.id = $2 and u.active',
);

/** What the errands of order `$2` are to build or have built. */
export const selectBuilt = tenantStatement<{
  deploymentId: string | null;
  servers: readonly { readonly uid: number }[] | null;
}>(
  'order_built',
  `select e.deployment_id as "deploymentId", e.task -> 'servers' as servers from order_errands e
   where e.tenant_id = $1 and e.order_uid = $2 and e.kind = 'build' order by e.uid`,
);

/** Who may approve in group `$2` by a role there, above it, or in one of its approval groups. */
export const selectApprovers = tenantStatement<PersonRef>(
  'order_approvers',
  `select distinct u.id, u.username from ordering_groups g
   join ordering_members m on m.tenant_id = $1 join ordering_roles r on r.uid = m.role_uid join users u on u.id = m.user_id
   where g.tenant_id = $1 and r.tenant_id = $1 and g.uid = $2 and u.active and 'order.approve' = any(r.permissions)
     and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path))
       or exists (select from approval_groups a where a.tenant_id = $1 and a.group_uid = g.uid and a.approving_uid = m.group_uid))
   order by u.username limit 100`,
);

/** What an action is told of order `$2`. */
export const selectOrderFacts = tenantStatement<{
  number: number;
  name: string;
  status: string;
  summary: string;
  rate: number;
  group: string;
  owner: string;
}>(
  'orders_facts',
  `select o.number::integer as number, o.name, o.status, o.summary, o.rate::float8 as rate, g.name as "group", u.username as owner
   from orders o join ordering_groups g on g.uid = o.group_uid join users u on u.id = o.owner_id
   where o.tenant_id = $1 and g.tenant_id = $1 and o.uid = $2`,
);
