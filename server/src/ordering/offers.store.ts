import { sql } from 'kysely';
import type { JsonObject } from '../dsl/plan.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export type OfferField =
  | 'number'
  | 'code'
  | 'name'
  | 'description'
  | 'position'
  | 'icon'
  | 'orderable'
  | 'anyGroup'
  | 'createdAt'
  | 'blueprint'
  | 'resourceType'
  | 'resourceTypeCode'
  | 'resourceTypeName'
  | 'resourceTypeLabel';

export const offerList: ListSpec<OfferField> = {
  from: `offers o left join resource_types rt on rt.uid = o.resource_type_uid left join blueprints b on b.uid = o.blueprint_uid`,
  fields: {
    number: { sql: 'o.number', type: 'integer' },
    code: { sql: 'o.code', type: 'name' },
    name: { sql: 'o.name', type: 'text' },
    description: { sql: 'o.description', type: 'text' },
    position: { sql: 'o.position', type: 'integer' },
    icon: { sql: 'o.icon', type: 'text' },
    orderable: { sql: 'o.orderable', type: 'boolean' },
    anyGroup: { sql: 'o.any_group', type: 'boolean' },
    createdAt: { sql: 'o.created_at', type: 'time' },
    blueprint: { sql: 'b.id', type: 'text' },
    resourceType: { sql: 'rt.number', type: 'integer' },
    resourceTypeCode: { sql: 'rt.code', type: 'text' },
    resourceTypeName: { sql: 'rt.name', type: 'text' },
    resourceTypeLabel: { sql: 'rt.label', type: 'text' },
  },
  confine: (scope) => {
    const inTenant = sql`o.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    const mine = sql`m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId}`;
    return sql`${inTenant} and ((o.any_group and exists (select from ordering_members m where ${mine}))
      or exists (select from offer_groups og join ordering_groups g on g.uid = og.group_uid
        join ordering_members m on m.group_uid = any(g.path) where og.offer_uid = o.uid and og.tenant_id = ${scope.tenantId} and ${mine}))`;
  },
  defaultSort: [{ field: 'number' }],
  tieBreak: 'o.uid',
  search: ['name'],
};

export interface OfferRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly position: number;
  readonly icon: string;
  readonly orderable: boolean;
  readonly anyGroup: boolean;
  readonly resourceTypeUid: number | null;
  /** Id of the uploaded blueprint that it deploys. */
  readonly blueprint: string | null;
  readonly parameters: readonly JsonObject[];
}

const OFFER = `o.uid::integer as uid, o.number::integer as number, o.code, o.name, o.description, o.position, o.icon, o.orderable,
  o.any_group as "anyGroup", o.resource_type_uid::integer as "resourceTypeUid", b.id as blueprint, o.parameters`;

/** `$2` number or `$3` code; `$4` user, `$5` whether they see all. */
export const selectOffer = tenantStatement<OfferRow>(
  'offers_select',
  `select ${OFFER} from offers o left join blueprints b on b.uid = o.blueprint_uid
   where o.tenant_id = $1 and (o.number = $2 or o.code = $3) and ($5
     or (o.any_group and exists (select from ordering_members m where m.tenant_id = $1 and m.user_id = $4))
     or exists (select from offer_groups og join ordering_groups g on g.uid = og.group_uid
       join ordering_members m on m.tenant_id = $1 and m.group_uid = any(g.path) where og.offer_uid = o.uid and m.user_id = $4))`,
);

/** `$2` name. */
export const selectOfferByName = tenantStatement<OfferRow>(
  'offers_by_name',
  `select ${OFFER} from offers o left join blueprints b on b.uid = o.blueprint_uid
   where o.tenant_id = $1 and lower(o.name) = lower($2)`,
);

/** `$2` path of a group: what it may order. */
export const selectOffersOfGroup = tenantStatement<OfferRow>(
  'offers_of_group',
  `select ${OFFER} from offers o left join blueprints b on b.uid = o.blueprint_uid
   where o.tenant_id = $1 and o.orderable and (o.any_group or exists (
     select from offer_groups og where og.tenant_id = $1 and og.offer_uid = o.uid and og.group_uid = any($2::bigint[])))
   order by o.position, o.number limit 10000`,
);

/** `$2` offer, `$3` user, `$4` whether they see all. */
export const selectGroupsOfOffer = tenantStatement<{
  uid: number;
  number: number;
  code: string;
  name: string;
}>(
  'offers_groups',
  `select g.uid::integer as uid, g.number::integer as number, g.code, g.name
   from offer_groups og join ordering_groups g on g.uid = og.group_uid
   where og.tenant_id = $1 and og.offer_uid = $2 and ($4 or exists (select from ordering_members m
     where m.tenant_id = $1 and m.user_id = $3 and m.group_uid = any(g.path))) order by g.number`,
);

export interface OfferItemRow {
  readonly uid: number;
  readonly code: string;
  readonly phase: 'build' | 'manage' | 'teardown';
  readonly name: string;
  readonly description: string;
  readonly kind: 'server' | 'action' | 'offer' | 'network' | 'loadbalancer';
  readonly position: number;
  readonly shownOnOrderForm: boolean;
  readonly inParallel: boolean;
  readonly continueOnFailure: boolean;
  readonly actionUid: number | null;
  readonly actionName: string | null;
  readonly actionNumber: number | null;
  readonly actionKind: string | null;
  readonly actionInputs: readonly JsonObject[] | null;
  readonly nestedName: string | null;
  readonly settings: JsonObject;
}

/** `$2` offer. */
export const selectOfferItems = tenantStatement<OfferItemRow>(
  'offer_items_select',
  `select i.uid::integer as uid, i.code, i.phase, i.name, i.description, i.kind, i.position, i.shown_on_order_form as "shownOnOrderForm",
     i.in_parallel as "inParallel", i.continue_on_failure as "continueOnFailure", i.action_uid::integer as "actionUid",
     a.name as "actionName", a.number::integer as "actionNumber", a.kind as "actionKind", a.inputs as "actionInputs",
     n.name as "nestedName", i.settings
   from offer_items i left join actions a on a.uid = i.action_uid left join offers n on n.uid = i.nested_uid
   where i.tenant_id = $1 and i.offer_uid = $2 order by i.phase, i.position, i.uid`,
);

export const insertOffer = tenantStatement<{ uid: number }>(
  'offers_insert',
  `insert into offers (tenant_id, number, code, name, description, position, icon, orderable, any_group, resource_type_uid, blueprint_uid, parameters)
   values ($1, $2, coalesce($3, chance_code()), $4, $5, $6, $7, $8, $9, $10, $11, $12) returning uid::integer as uid`,
);

/** `$2` offer and all that can change of it. */
export const updateOffer = tenantStatement(
  'offers_update',
  `update offers set description = $3, position = $4, icon = $5, orderable = $6, any_group = $7, resource_type_uid = $8,
     blueprint_uid = $9, parameters = $10 where tenant_id = $1 and uid = $2`,
);

export const insertOfferItem = tenantStatement(
  'offer_items_insert',
  `insert into offer_items (tenant_id, offer_uid, phase, name, description, kind, position, shown_on_order_form, in_parallel,
     continue_on_failure, action_uid, nested_uid, settings)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);

export const deleteOfferItems = tenantStatement(
  'offer_items_delete',
  'delete from offer_items i where i.tenant_id = $1 and i.offer_uid = $2',
);

/** `$2` offer, `$3` groups. */
export const insertOfferGroups = tenantStatement(
  'offer_groups_insert',
  `insert into offer_groups (tenant_id, offer_uid, group_uid)
   select $1, $2, g.uid from ordering_groups g where g.tenant_id = $1 and g.uid = any($3::bigint[]) on conflict do nothing`,
);

export const deleteOffer = tenantStatement(
  'offers_delete',
  'delete from offers o where o.tenant_id = $1 and o.uid = $2',
);

/** `$2` code. */
export const selectOfferByCode = tenantStatement<{ uid: number }>(
  'offers_by_code',
  'select o.uid::integer as uid from offers o where o.tenant_id = $1 and o.code = $2',
);
