import { systemStatement, tenantStatement } from '../store/statement.js';
import type { AccessKey } from './access-keys.js';

export interface RoleRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const ROLE = `r.id, r.name, r.description, r.created_at as "createdAt", r.updated_at as "updatedAt"`;

export const selectRoles = tenantStatement<RoleRow>(
  'access_select_roles',
  `select ${ROLE} from access_roles r where r.tenant_id = $1 order by lower(r.name) limit 1000`,
);

export const upsertRole = tenantStatement<RoleRow>(
  'access_upsert_role',
  `insert into access_roles as r (tenant_id, id, name, description) values ($1, coalesce($2, gen_random_uuid()), $3, $4)
   on conflict (id) do update set name = excluded.name, description = excluded.description, updated_at = now()
   where r.tenant_id = excluded.tenant_id returning ${ROLE}`,
);

export const deleteRole = tenantStatement<RoleRow>(
  'access_delete_role',
  `delete from access_roles r where r.tenant_id = $1 and r.id = $2 returning ${ROLE}`,
);

export const deleteRoleUses = tenantStatement(
  'access_delete_role_uses',
  `with given as (delete from member_roles m where m.tenant_id = $1 and m.role_id = $2)
   delete from role_keychains k where k.tenant_id = $1 and k.role_id = $2`,
);

export interface KeychainRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const KEYCHAIN = `k.id, k.name, (select u.uuid from users u where u.id = k.owner_id) as owner,
  k.created_at as "createdAt", k.updated_at as "updatedAt"`;

/** `$2`: of this role alone; null: all. */
export const selectKeychains = tenantStatement<KeychainRow>(
  'access_select_keychains',
  `select ${KEYCHAIN} from keychains k where k.tenant_id = $1
   and ($2::uuid is null or exists (select from role_keychains rk where rk.tenant_id = $1 and rk.keychain_uid = k.uid and rk.role_id = $2))
   order by k.updated_at desc limit 1000`,
);

export const insertKeychain = tenantStatement<KeychainRow>(
  'access_insert_keychain',
  `insert into keychains as k (tenant_id, name, owner_id) values ($1, $2, $3) returning ${KEYCHAIN}`,
);

export const updateKeychain = tenantStatement<KeychainRow>(
  'access_update_keychain',
  `update keychains k set name = $3, updated_at = now() where k.tenant_id = $1 and k.id = $2 returning ${KEYCHAIN}`,
);

export const deleteKeychain = tenantStatement<KeychainRow>(
  'access_delete_keychain',
  `delete from keychains k where k.tenant_id = $1 and k.id = $2 returning ${KEYCHAIN}`,
);

export const selectKeychainKeys = tenantStatement<{ keyId: string }>(
  'access_select_keychain_keys',
  `select kk.key_id as "keyId" from keychain_keys kk join keychains k on k.uid = kk.keychain_uid and k.tenant_id = kk.tenant_id
   where k.tenant_id = $1 and k.id = $2 limit 2000`,
);

export const insertKeychainKey = tenantStatement(
  'access_insert_keychain_key',
  `insert into keychain_keys (tenant_id, keychain_uid, key_id)
   select $1, k.uid, $3::uuid from keychains k where k.tenant_id = $1 and k.id = $2 on conflict do nothing`,
);

export const deleteKeychainKey = tenantStatement(
  'access_delete_keychain_key',
  `delete from keychain_keys kk using keychains k
   where kk.tenant_id = $1 and k.tenant_id = $1 and kk.keychain_uid = k.uid and k.id = $2 and kk.key_id = $3`,
);

export const insertRoleKeychain = tenantStatement(
  'access_insert_role_keychain',
  `insert into role_keychains (tenant_id, role_id, keychain_uid)
   select $1, $2::uuid, k.uid from keychains k where k.tenant_id = $1 and k.id = $3 on conflict do nothing`,
);

export const deleteRoleKeychain = tenantStatement(
  'access_delete_role_keychain',
  `delete from role_keychains rk using keychains k
   where rk.tenant_id = $1 and k.tenant_id = $1 and rk.keychain_uid = k.uid and rk.role_id = $2 and k.id = $3`,
);

export const selectMemberRoles = tenantStatement<{ roleId: string }>(
  'access_select_member_roles',
  `select mr.role_id as "roleId" from member_roles mr where mr.tenant_id = $1 and mr.user_id = $2`,
);

export const insertMemberRole = tenantStatement(
  'access_insert_member_role',
  'insert into member_roles (tenant_id, user_id, role_id) values ($1, $2, $3) on conflict do nothing',
);

export const deleteMemberRoles = tenantStatement(
  'access_delete_member_roles',
  'delete from member_roles mr where mr.tenant_id = $1 and mr.user_id = $2',
);

/** Keys that keychains give to any of the roles `$2`. */
export const selectGivenKeys = tenantStatement<{ keyId: string }>(
  'access_select_given_keys',
  `select distinct kk.key_id as "keyId" from role_keychains rk
   join keychain_keys kk on kk.keychain_uid = rk.keychain_uid and kk.tenant_id = rk.tenant_id
   where rk.tenant_id = $1 and rk.role_id = any($2::uuid[])`,
);

const KEYS_WHY = 'keys name rights and belong to no tenant';

export interface StoredKeyRow extends AccessKey {
  readonly owner: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const KEY = `k.id, k.category, k.subcategory, k.function, k.description, (select u.uuid from users u where u.id = k.owner_id) as owner,
  k.created_at as "createdAt", k.updated_at as "updatedAt"`;

export const selectStoredKeys = systemStatement<StoredKeyRow>(
  'access_select_keys',
  `select ${KEY} from access_keys k order by k.created_at desc limit 1000`,
  KEYS_WHY,
);

export const upsertStoredKey = systemStatement<StoredKeyRow>(
  'access_upsert_key',
  `insert into access_keys as k (id, category, subcategory, function, description, owner_id)
   values (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6)
   on conflict (id) do update set category = excluded.category, subcategory = excluded.subcategory,
     function = excluded.function, description = excluded.description, updated_at = now()
   returning ${KEY}`,
  KEYS_WHY,
);

export const deleteStoredKey = systemStatement<StoredKeyRow>(
  'access_delete_key',
  `delete from access_keys k where k.id = $1 returning ${KEY}`,
  KEYS_WHY,
);

/** The tenant role of a member, and locks the membership. */
export const lockMember = systemStatement<{ role: string }>(
  'access_lock_member',
  'select role from tenant_users where tenant_id = $1 and user_id = $2 for update',
  'who is in a tenant is asked before there is anything of the tenant',
);

export const updateMemberRole = systemStatement(
  'access_update_member_role',
  'update tenant_users set role = $3 where tenant_id = $1 and user_id = $2',
  'who is in a tenant is kept beside all tenants',
);

export const countManagers = systemStatement<{ count: number }>(
  'access_count_managers',
  `select count(*)::integer as count from tenant_users where tenant_id = $1 and role = 'manager' and user_id <> $2`,
  'who is in a tenant is kept beside all tenants',
);
