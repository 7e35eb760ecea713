import type { TenantId, UserId } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'the tenants themselves, and who is in them, belong to no tenant';

export const lockTenants = systemStatement<{ id: TenantId; name: string; title: string }>(
  'tenant_removal_lock',
  'select id, name, coalesce(title, name) as title from tenants order by id for update',
  WHY,
);

/** Who is in this tenant and in no other, and reaches none by a system role. */
export const selectOwnUsers = systemStatement<{ id: UserId; username: string }>(
  'tenant_removal_own_users',
  `select u.id, u.username from tenant_users tu join users u on u.id = tu.user_id
   where tu.tenant_id = $1 and u.system_role = 'member' and not u.builtin
     and not exists (select from tenant_users other where other.user_id = u.id and other.tenant_id <> $1)
   order by u.id`,
  WHY,
);

export const deleteUsers = systemStatement(
  'tenant_removal_delete_users',
  'delete from users where id = any($1::bigint[])',
  WHY,
);

export const deleteMemberships = systemStatement(
  'tenant_removal_delete_memberships',
  `with groups as (delete from tenant_user_groups where tenant_id = $1)
   delete from tenant_users where tenant_id = $1`,
  WHY,
);

export const deleteCounts = systemStatement(
  'tenant_removal_delete_counts',
  `with tallies as (delete from server_tallies where tenant_id = $1)
   delete from row_counts where tenant_id = $1`,
  WHY,
);
