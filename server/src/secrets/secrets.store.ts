import type { JsonObject } from '../dsl/plan.js';
import type { TenantId, UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

export type Visibility = 'private' | 'tenant' | 'global';

export interface SecretRow {
  readonly uid: number;
  readonly tenantId: TenantId;
  readonly tenantName: string;
  readonly key: string;
  readonly visibility: Visibility;
  readonly creatorId: UserId;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly hidden: boolean;
  readonly schema: JsonObject | null;
  readonly sealed: Buffer;
  readonly sealedKey: Buffer;
  readonly masterKey: string;
}

const COLUMNS = `s.uid, s.tenant_id as "tenantId", t.name as "tenantName", s.key, s.visibility,
  s.created_by as "creatorId", u.username as "createdBy", s.created_at as "createdAt", s.updated_at as "updatedAt",
  s.hidden, s.schema, s.sealed, s.sealed_key as "sealedKey", s.master_key as "masterKey"`;
const FROM = `secrets s join tenants t on t.id = s.tenant_id join users u on u.id = s.created_by`;
/** `$3` is the user, `$4` whether they see other people's private ones. */
const SEEN = `((s.tenant_id = $1 and (s.visibility <> 'private' or s.created_by = $3 or $4)) or s.visibility = 'global')`;

/** The tenant's own that the user may see, or a global one. */
export const selectSecret = tenantStatement<SecretRow>(
  'secrets_select',
  `select ${COLUMNS} from ${FROM} where s.key = $2 and ${SEEN} order by s.tenant_id = $1 desc`,
);

export const lockSecret = tenantStatement<SecretRow>(
  'secrets_lock',
  `select ${COLUMNS} from ${FROM} where s.key = $2 and ${SEEN} order by s.tenant_id = $1 desc for no key update of s`,
);

/** Of the keys in `$2`, those that the user may see. */
export const selectSeenKeys = tenantStatement<{ key: string }>(
  'secrets_select_seen_keys',
  `select s.key from secrets s where s.key = any($2::text[]) and ${SEEN}`,
);

/** The lock under which keys are taken and made global. */
export const lockKey = systemStatement(
  'secrets_lock_key',
  `select pg_advisory_xact_lock(hashtextextended('secret ' || $1, 0))`,
  'keys of global secrets are unique over all tenants',
);

/**
 * What holds the key `$1` against the tenant `$2`: its own, a global one, and, for one that is to be global (`$3`), any
 * other tenant's. The tenant's own comes first; of the others one is enough.
 */
export const selectHolders = systemStatement<{ tenantId: TenantId }>(
  'secrets_select_holders',
  `select tenant_id as "tenantId" from secrets
   where key = $1 and (tenant_id = $2 or visibility = 'global' or $3)
   order by tenant_id = $2 desc limit 2`,
  'keys of global secrets are unique over all tenants',
);

export const insertSecret = tenantStatement(
  'secrets_insert',
  `insert into secrets (tenant_id, key, visibility, created_by, hidden, schema, sealed, sealed_key, master_key)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);

export const updateSecret = tenantStatement(
  'secrets_update',
  `update secrets set visibility = $3, hidden = $4, schema = $5, sealed = $6, sealed_key = $7, master_key = $8, updated_at = now()
   where tenant_id = $1 and uid = $2`,
);

export const deleteSecret = tenantStatement(
  'secrets_delete',
  'delete from secrets where tenant_id = $1 and uid = $2',
);

/** The fingerprint that holds for the store: the given one where none was pinned before. */
export const pinMasterKey = systemStatement<{ fingerprint: string }>(
  'secrets_pin_master_key',
  `insert into secrets_master_key (fingerprint) values ($1)
   on conflict (one) do update set fingerprint = secrets_master_key.fingerprint returning fingerprint`,
  'one master key serves all tenants',
);

/** The master key that new values go under; rotation, which changes it, waits for whoever holds it. */
export const holdMasterKey = systemStatement<{ fingerprint: string }>(
  'secrets_hold_master_key',
  'select fingerprint from secrets_master_key for share',
  'one master key serves all tenants',
);

export const replaceMasterKey = systemStatement(
  'secrets_replace_master_key',
  'update secrets_master_key set fingerprint = $1, pinned_at = now() where fingerprint <> $1',
  'one master key serves all tenants',
);

export interface KeyRow {
  readonly uid: number;
  readonly tenantId: TenantId;
  readonly key: string;
  readonly sealedKey: Buffer;
  readonly masterKey: string;
}
const KEY_COLUMNS = 'uid, tenant_id as "tenantId", key, sealed_key as "sealedKey", master_key as "masterKey"';
/** Values of no tenant (safe.ts): their place is a key of the tenant that nobody has, and their uids are above all secrets'. */
const SAFE_COLUMNS =
  'uid, 0::bigint as "tenantId", place as key, sealed_key as "sealedKey", master_key as "masterKey"';
const WHY_KEYS = 'keys of values are sealed anew in every tenant alike; no value is opened';

/** Of rows whose key is not under `$1`, at most `$2`, locked. */
export const lockKeysNotUnder = systemStatement<KeyRow>(
  'secrets_lock_keys_not_under',
  `select ${KEY_COLUMNS} from secrets where master_key <> $1 order by uid limit $2 for no key update`,
  WHY_KEYS,
);

export const lockSafeKeysNotUnder = systemStatement<KeyRow>(
  'secrets_lock_safe_keys_not_under',
  `select ${SAFE_COLUMNS} from sealed_values where master_key <> $1 order by uid limit $2 for no key update`,
  WHY_KEYS,
);

/** Behind the row `$1`, at most `$2`. */
export const selectKeysAfter = systemStatement<KeyRow>(
  'secrets_select_keys_after',
  `select ${KEY_COLUMNS} from secrets where uid > $1
   union all select ${SAFE_COLUMNS} from sealed_values where uid > $1 order by uid limit $2`,
  WHY_KEYS,
);

export const selectKeys = systemStatement<KeyRow>(
  'secrets_select_keys',
  `select ${KEY_COLUMNS} from secrets where uid = any($1::bigint[])
   union all select ${SAFE_COLUMNS} from sealed_values where uid = any($1::bigint[])`,
  WHY_KEYS,
);

/** `$1` rows, `$2` their keys sealed anew, `$3` the master key that they are under now. */
export const updateKeys = systemStatement(
  'secrets_update_keys',
  `with k as (select * from unnest($1::bigint[], $2::bytea[]) as k(uid, sealed_key)),
   safe as (update sealed_values v set sealed_key = k.sealed_key, master_key = $3 from k where v.uid = k.uid)
   update secrets s set sealed_key = k.sealed_key, master_key = $3 from k where s.uid = k.uid`,
  WHY_KEYS,
);

export const masterKeysInUse = systemStatement<{ masterKey: string; rows: number }>(
  'secrets_master_keys_in_use',
  `select master_key as "masterKey", count(*)::integer as rows
   from (select master_key from secrets union all select master_key from sealed_values) kept group by master_key order by 1`,
  WHY_KEYS,
);

/** Of rows that a list has just told the caller of. */
export const selectByUids = systemStatement<SecretRow>(
  'secrets_select_by_uids',
  `select ${COLUMNS} from ${FROM} where s.uid = any($1::bigint[]) order by s.uid`,
  'the keys come from a list that was confined to what the caller may see',
);

/** Puts back when, by whom and when last it was written. `$3` name, `$4` and `$5` times; null: as it is. */
export const putRecord = tenantStatement(
  'secrets_put_record',
  `update secrets set created_by = coalesce((select u.id from users u where lower(u.username) = lower($3)), created_by),
     created_at = coalesce($4::timestamptz, created_at), updated_at = coalesce($5::timestamptz, updated_at)
   where tenant_id = $1 and key = $2`,
);

export const selectUser = systemStatement<{ there: boolean }>(
  'secrets_select_user',
  'select exists (select from users where lower(username) = lower($1)) as there',
  'users belong to no tenant',
);

export type SecretField =
  | 'key'
  | 'visibility'
  | 'tenantName'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt'
  | 'hidden'
  | 'schema';

export const SECRET_LIST: ListSpec<SecretField> = {
  from: FROM,
  driver: { table: 'secrets', alias: 's', key: 'uid' },
  fields: {
    key: { sql: 's.key', type: 'text' },
    visibility: { sql: 's.visibility', type: 'text' },
    tenantName: { sql: 't.name', type: 'text' },
    createdBy: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 's.created_at', type: 'time' },
    updatedAt: { sql: 's.updated_at', type: 'time' },
    hidden: { sql: 's.hidden', type: 'boolean' },
    schema: { sql: 's.schema', type: 'json' },
  },
  confine: ownTenant('s', { visibility: true }),
  defaultSort: [{ field: 'createdAt' }],
  tieBreak: 's.uid',
  search: ['key'],
};

/** The same, for what is carried away row by row. */
export const EXPORT_LIST: ListSpec<SecretField | 'uid'> = {
  ...SECRET_LIST,
  fields: { ...SECRET_LIST.fields, uid: { sql: 's.uid', type: 'integer' } },
};
