import type { UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';
import { inOwnGroups } from './rights.store.js';

export type GroupField =
  | 'number'
  | 'code'
  | 'name'
  | 'description'
  | 'type'
  | 'typeMayOrder'
  | 'autoApproval'
  | 'inheritParameters'
  | 'expiryAction'
  | 'expiryNoticeDays'
  | 'createdAt'
  | 'parent'
  | 'parentCode'
  | 'parentName';

export const groupList: ListSpec<GroupField> = {
  from: `ordering_groups g join group_types gt on gt.uid = g.type_uid left join ordering_groups p on p.uid = g.parent_uid`,
  fields: {
    number: { sql: 'g.number', type: 'integer' },
    code: { sql: 'g.code', type: 'name' },
    name: { sql: 'g.name', type: 'text' },
    description: { sql: 'g.description', type: 'text' },
    type: { sql: 'gt.name', type: 'text' },
    typeMayOrder: { sql: 'gt.may_order', type: 'boolean' },
    autoApproval: { sql: 'g.auto_approval', type: 'boolean' },
    inheritParameters: { sql: 'g.inherit_parameters', type: 'boolean' },
    expiryAction: { sql: 'g.expiry_action', type: 'text' },
    expiryNoticeDays: { sql: 'g.expiry_notice_days', type: 'integer' },
    createdAt: { sql: 'g.created_at', type: 'time' },
    parent: { sql: 'p.number', type: 'integer' },
    parentCode: { sql: 'p.code', type: 'text' },
    parentName: { sql: 'p.name', type: 'text' },
  },
  confine: inOwnGroups('g'),
  defaultSort: [{ field: 'number' }],
  tieBreak: 'g.uid',
  search: ['name'],
};

export interface GroupRow {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly typeUid: number;
  readonly mayOrder: boolean;
  readonly parentUid: number | null;
  readonly path: readonly number[];
  readonly autoApproval: boolean;
  readonly inheritParameters: boolean;
}

const GROUP = `g.uid::integer as uid, g.number::integer as number, g.code, g.name, g.type_uid::integer as "typeUid",
  gt.may_order as "mayOrder", g.parent_uid::integer as "parentUid", g.path::integer[] as path, g.auto_approval as "autoApproval",
  g.inherit_parameters as "inheritParameters"`;

/** `$2` number or `$3` code; `$4` user, `$5` whether they see all. */
export const selectGroup = tenantStatement<GroupRow>(
  'groups_select',
  `select ${GROUP} from ordering_groups g join group_types gt on gt.uid = g.type_uid
   where g.tenant_id = $1 and (g.number = $2 or g.code = $3) and ($5 or exists (select from ordering_members m
     where m.tenant_id = $1 and m.user_id = $4 and m.group_uid = any(g.path)))`,
);

/** `$2` keys; null: all. */
export const selectGroupsByKey = tenantStatement<GroupRow>(
  'groups_select_by_key',
  `select ${GROUP} from ordering_groups g join group_types gt on gt.uid = g.type_uid
   where g.tenant_id = $1 and ($2::bigint[] is null or g.uid = any($2)) order by g.number limit 10000`,
);

export const lockGroup = tenantStatement<{ uid: number }>(
  'groups_lock',
  'select g.uid::integer as uid from ordering_groups g where g.tenant_id = $1 and g.uid = $2 for update',
);

/** `$2` parent. */
export const selectSubgroups = tenantStatement<{ number: number; code: string; name: string }>(
  'groups_subgroups',
  `select g.number::integer as number, g.code, g.name from ordering_groups g
   where g.tenant_id = $1 and g.parent_uid = $2 order by g.number`,
);

export const insertGroup = tenantStatement<{ uid: number }>(
  'groups_insert',
  `insert into ordering_groups (tenant_id, number, name, description, type_uid, parent_uid, path, auto_approval)
   values ($1, $2, $3, $4, $5, $6, '{}', $7) returning uid::integer as uid`,
);

/** `$2` group, `$3` whether groups below it hold to what it says of parameters. */
export const setInheritance = tenantStatement(
  'groups_set_inheritance',
  'update ordering_groups g set inherit_parameters = $3 where g.tenant_id = $1 and g.uid = $2',
);

/** `$2` group, `$3` action, `$4` days; null: as the group above says. */
export const setExpiry = tenantStatement(
  'groups_set_expiry',
  'update ordering_groups g set expiry_action = $3, expiry_notice_days = $4 where g.tenant_id = $1 and g.uid = $2',
);

/** `$2` group. Its path ends in itself, whose key was not known before. */
export const updatePath = tenantStatement(
  'groups_update_path',
  `update ordering_groups g set path = coalesce((select p.path from ordering_groups p where p.tenant_id = $1 and p.uid = g.parent_uid), '{}') || g.uid
   where g.tenant_id = $1 and g.uid = $2`,
);

export const deleteGroup = tenantStatement(
  'groups_delete',
  'delete from ordering_groups g where g.tenant_id = $1 and g.uid = $2',
);

/** `$2` name. */
export const selectType = tenantStatement<{ uid: number; mayOrder: boolean }>(
  'groups_select_type',
  `select t.uid::integer as uid, t.may_order as "mayOrder" from group_types t where t.tenant_id = $1 and lower(t.name) = lower($2)`,
);

export const insertType = tenantStatement<{ uid: number }>(
  'groups_insert_type',
  `insert into group_types (tenant_id, name, may_order) values ($1, $2, $3)
   on conflict (tenant_id, lower(name)) do update set name = group_types.name returning uid::integer as uid`,
);

/** `$2` name, `$3` label, `$4` permissions, `$5` reaches down. */
export const insertRole = tenantStatement(
  'groups_insert_role',
  `insert into ordering_roles (tenant_id, name, label, permissions, reaches_down) values ($1, $2, $3, $4, $5)
   on conflict (tenant_id, name) do nothing`,
);

export interface RoleRow {
  readonly uid: number;
  readonly name: string;
  readonly label: string;
  readonly permissions: readonly string[];
  readonly reachesDown: boolean;
}

export const selectRoles = tenantStatement<RoleRow>(
  'groups_select_roles',
  `select r.uid::integer as uid, r.name, r.label, r.permissions, r.reaches_down as "reachesDown"
   from ordering_roles r where r.tenant_id = $1 order by r.uid`,
);

/** `$2` name, `$3` permissions. */
export const updateRole = tenantStatement(
  'groups_update_role',
  'update ordering_roles set permissions = $3 where tenant_id = $1 and name = $2',
);

/** `$2` group, `$3` user, `$4` names of roles. */
export const insertMember = tenantStatement(
  'groups_insert_member',
  `insert into ordering_members (tenant_id, group_uid, user_id, role_uid)
   select $1, $2, $3, r.uid from ordering_roles r where r.tenant_id = $1 and r.name = any($4::text[]) on conflict do nothing`,
);

/** `$2` group, `$3` user. */
export const deleteMember = tenantStatement(
  'groups_delete_member',
  'delete from ordering_members m where m.tenant_id = $1 and m.group_uid = $2 and m.user_id = $3',
);

export interface MemberRow {
  readonly userId: UserId;
  readonly username: string;
  readonly roles: readonly string[];
}

export const selectMembers = tenantStatement<MemberRow>(
  'groups_members',
  `select u.id::integer as "userId", u.username, array_agg(r.name order by r.uid) as roles
   from ordering_members m join users u on u.id = m.user_id join ordering_roles r on r.uid = m.role_uid
   where m.tenant_id = $1 and m.group_uid = $2 group by u.id, u.username order by u.id`,
);

/** `$2` environments, `$3` group. */
export const insertGroupEnvironments = tenantStatement(
  'groups_insert_environments',
  `insert into group_environments (tenant_id, group_uid, environment_uid)
   select $1, $3, e.uid from ordering_environments e where e.tenant_id = $1 and e.uid = any($2::bigint[]) on conflict do nothing`,
);

/** `$2` group, `$3` group whose approvers approve for it. */
export const insertApprovalGroup = tenantStatement(
  'groups_insert_approval',
  `insert into approval_groups (tenant_id, group_uid, approving_uid) values ($1, $2, $3) on conflict do nothing`,
);

/** `$2` group: what the servers in it cost, which approved orders have put there. */
export const selectRateOfGroup = tenantStatement<{ rate: number }>(
  'groups_rate',
  `select coalesce(sum(h.rate), 0)::float8 as rate from quota_holds h
   where h.tenant_id = $1 and h.group_path @> array[$2::bigint] and h.group_path[cardinality(h.group_path)] = $2`,
);
