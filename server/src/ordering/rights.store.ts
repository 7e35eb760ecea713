import { type RawBuilder, sql } from 'kysely';
import type { UserId } from '../ids.js';
import type { ListScope } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

/** `$2` user, `$3` permission: groups in which a role gives it, there or from above. */
export const selectGroupsWith = tenantStatement<{ uid: number }>(
  'rights_groups_with',
  `select g.uid::integer as uid from ordering_groups g where g.tenant_id = $1 and exists (
     select from ordering_members m join ordering_roles r on r.uid = m.role_uid
     where m.tenant_id = $1 and m.user_id = $2 and $3 = any(r.permissions)
       and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path))))`,
);

/** `$2` user, `$3` group: what the user may do in it. Approvers of its approval groups approve there too. */
export const selectPermissionsIn = tenantStatement<{ permission: string }>(
  'rights_permissions_in',
  `select distinct p.permission from ordering_groups g
   join ordering_members m on m.tenant_id = $1 and m.user_id = $2
   join ordering_roles r on r.uid = m.role_uid
   cross join lateral unnest(r.permissions) as p (permission)
   where g.tenant_id = $1 and g.uid = $3 and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path)))
   union
   select 'order.approve' from approval_groups a
   join ordering_members m on m.tenant_id = $1 and m.group_uid = a.approving_uid and m.user_id = $2
   join ordering_roles r on r.uid = m.role_uid
   where a.tenant_id = $1 and a.group_uid = $3 and 'order.approve' = any(r.permissions)`,
);

/** `$2` user. */
export const selectIsMember = tenantStatement<{ member: boolean }>(
  'rights_is_member',
  `select exists (select from ordering_members m where m.tenant_id = $1 and m.user_id = $2) as member`,
);

/** `$2` users, `$3` group: those who may order in it. */
export const selectRequestors = tenantStatement<{ userId: UserId }>(
  'rights_requestors',
  `select distinct m.user_id::integer as "userId" from ordering_groups g
   join ordering_members m on m.tenant_id = $1 and m.user_id = any($2::bigint[])
   join ordering_roles r on r.uid = m.role_uid
   where g.tenant_id = $1 and g.uid = $3 and 'order.submit' = any(r.permissions)
     and (m.group_uid = g.uid or (r.reaches_down and m.group_uid = any(g.path)))`,
);

/** For lists of what belongs to a group: those that the caller is in, or in one above. `group` is an alias of ordering_groups. */
export function inOwnGroups(group: string): (scope: ListScope) => RawBuilder<unknown> {
  const g = sql.raw(group);
  return (scope) => {
    const inTenant = sql`${g}.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    return sql`${inTenant} and exists (select from ordering_members m where m.tenant_id = ${scope.tenantId}
      and m.user_id = ${scope.userId} and m.group_uid = any(${g}.path))`;
  };
}

/** For lists of what everybody in some group may see. `alias` is of the table that is listed. */
export function toMembers(alias: string): (scope: ListScope) => RawBuilder<unknown> {
  const table = sql.raw(alias);
  return (scope) => {
    const inTenant = sql`${table}.tenant_id = ${scope.tenantId}`;
    if (scope.seesPrivate) return inTenant;
    return sql`${inTenant} and exists (select from ordering_members m
      where m.tenant_id = ${scope.tenantId} and m.user_id = ${scope.userId})`;
  };
}

/** For lists that only those see who see everything. `alias` is of the table that is listed. */
export function toReaders(alias: string): (scope: ListScope) => RawBuilder<unknown> {
  const table = sql.raw(alias);
  return (scope) => (scope.seesPrivate ? sql`${table}.tenant_id = ${scope.tenantId}` : sql`false`);
}
