import { sql } from 'kysely';
import type { UserId } from '../ids.js';
import type { ListSpec } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type OrdererField =
  | 'number'
  | 'username'
  | 'name'
  | 'firstName'
  | 'lastName'
  | 'email'
  | 'superAdmin'
  | 'admin'
  | 'viewer'
  | 'active'
  | 'apiAccess'
  | 'lastActivity'
  | 'createdAt';

/** Roles of user `u` in tenant `t`, by themselves and through user groups. */
const ROLES = `(select tu.role from tenant_users tu where tu.user_id = u.id and tu.tenant_id = t.id
  union select tg.role from user_group_members m join tenant_user_groups tg on tg.group_id = m.group_id
  where m.user_id = u.id and tg.tenant_id = t.id)`;
const SYSTEM = (role: string) => `(u.system_role = '${role}' or exists (select from user_group_members m
  join user_groups ug on ug.id = m.group_id where m.user_id = u.id and ug.system_role = '${role}'))`;
/** As people call them. */
export const FULL_NAME = (user: string) => `coalesce(nullif(${user}.display_name, ''),
  nullif(trim(coalesce(${user}.first_name, '') || ' ' || coalesce(${user}.last_name, '')), ''), ${user}.username)`;

export const ordererList: ListSpec<OrdererField> = {
  from: 'users u cross join tenants t',
  fields: {
    number: { sql: 'u.id', type: 'integer' },
    username: { sql: 'u.username', type: 'text' },
    name: { sql: FULL_NAME('u'), type: 'text' },
    firstName: { sql: `coalesce(u.first_name, '')`, type: 'text' },
    lastName: { sql: `coalesce(u.last_name, '')`, type: 'text' },
    email: { sql: `coalesce(u.email, '')`, type: 'text' },
    superAdmin: { sql: SYSTEM('admin'), type: 'boolean' },
    admin: { sql: `(exists (select from ${ROLES} r where r.role = 'manager'))`, type: 'boolean' },
    viewer: { sql: SYSTEM('auditor'), type: 'boolean' },
    active: { sql: 'u.active', type: 'boolean' },
    apiAccess: { sql: 'u.api_access', type: 'boolean' },
    lastActivity: { sql: 'u.last_login_at', type: 'time' },
    createdAt: { sql: 'u.created_at', type: 'time' },
  },
  confine: (scope) => {
    const mine = sql`m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId}`;
    const here = sql`t.id = ${scope.tenantId} and (u.system_role <> 'member' or exists (select from ${sql.raw(ROLES)} r)
      or exists (select from ordering_users o where o.tenant_id = ${scope.tenantId} and o.user_id = u.id)
      or exists (select from ordering_members o where o.tenant_id = ${scope.tenantId} and o.user_id = u.id))`;
    if (scope.seesPrivate) return here;
    // Oneself, and the people of groups whose members one manages.
    return sql`t.id = ${scope.tenantId} and (u.id = ${scope.userId} or exists (
      select from ordering_members o join ordering_groups g on g.uid = o.group_uid
      join ordering_members m on m.group_uid = any(g.path) join ordering_roles r on r.uid = m.role_uid
      where o.tenant_id = ${scope.tenantId} and o.user_id = u.id and ${mine} and 'group.manage_members' = any(r.permissions)
        and (m.group_uid = g.uid or r.reaches_down)))`;
  },
  defaultSort: [{ field: 'number' }],
  tieBreak: 'u.id',
  search: ['username'],
};

/** `$2` user, `$3` the one who asks, `$4` whether they see all: the groups that the user is in. */
export const selectGroupsOfUser = tenantStatement<{ number: number; code: string; name: string }>(
  'orderers_groups',
  `select g.number::integer as number, g.code, g.name from ordering_groups g
   where g.tenant_id = $1 and exists (select from ordering_members m where m.tenant_id = $1 and m.user_id = $2 and m.group_uid = g.uid)
     and ($4 or $2 = $3 or exists (select from ordering_members m where m.tenant_id = $1 and m.user_id = $3 and m.group_uid = any(g.path)))
   order by g.number limit 10000`,
);

/** `$2` user: the groups in which they may order. */
export const selectOrderableGroups = tenantStatement<{ number: number; code: string; name: string }>(
  'orderers_orderable_groups',
  `select g.number::integer as number, g.code, g.name from ordering_groups g join group_types gt on gt.uid = g.type_uid
   where g.tenant_id = $1 and gt.may_order and exists (select from ordering_members m join ordering_roles r on r.uid = m.role_uid
     where m.tenant_id = $1 and m.user_id = $2 and 'order.submit' = any(r.permissions)
       and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path))))
   order by g.number limit 10000`,
);

/** `$2` user. */
export const insertOrderer = tenantStatement(
  'orderers_insert',
  'insert into ordering_users (tenant_id, user_id) values ($1, $2) on conflict do nothing',
);

export const selectUserId = systemStatement<{ id: UserId }>(
  'orderers_user_id',
  'select u.id::integer as id from users u where lower(u.username) = lower($1)',
  'users belong to no tenant; finds the one that was made in the same transaction',
);
