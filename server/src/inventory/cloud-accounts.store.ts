import { sql } from 'kysely';
import type { JsonObject } from '../dsl/plan.js';
import type { UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export interface CloudAccountRow {
  readonly uid: number;
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly isCloud: boolean;
  readonly status: string;
  readonly statusReason: string | null;
  readonly providerAccount: string | null;
  readonly signIn: string;
  readonly settings: JsonObject;
  readonly hasSecrets: boolean;
  readonly ownerId: UserId | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastHarvestedAt: Date | null;
  /** Null: the one that its kind has by itself. */
  readonly strategyUid: number | null;
}

const COLUMNS = `a.uid, a.id, a.name, a.kind, a.is_cloud as "isCloud", a.status, a.status_reason as "statusReason",
  a.provider_account as "providerAccount", a.sign_in as "signIn", a.settings, a.has_secrets as "hasSecrets",
  a.owner_id as "ownerId", a.created_at as "createdAt", a.updated_at as "updatedAt", a.last_harvested_at as "lastHarvestedAt",
  a.strategy_uid as "strategyUid"`;

export const selectAccount = tenantStatement<CloudAccountRow>(
  'cloud_accounts_select',
  `select ${COLUMNS} from cloud_accounts a where a.tenant_id = $1 and a.uid = $2`,
);

export const selectAccountById = tenantStatement<CloudAccountRow>(
  'cloud_accounts_select_by_id',
  `select ${COLUMNS} from cloud_accounts a where a.tenant_id = $1 and a.id = $2::uuid`,
);

export const lockAccount = tenantStatement<CloudAccountRow>(
  'cloud_accounts_lock',
  `select ${COLUMNS} from cloud_accounts a where a.tenant_id = $1 and a.uid = $2 for no key update`,
);

/** The one of the platform itself. */
export const selectPlatformAccount = tenantStatement<CloudAccountRow>(
  'cloud_accounts_select_platform',
  `select ${COLUMNS} from cloud_accounts a where a.tenant_id = $1 and a.kind = 'platform'`,
);

export const insertPlatformAccount = tenantStatement(
  'cloud_accounts_insert_platform',
  `insert into cloud_accounts (tenant_id, name, kind, status, sign_in) values ($1, $2, 'platform', 'ready', 'none')
   on conflict do nothing`,
);

/** `$2` name, `$3` kind, `$4` a cloud, `$5` status, `$6` provider's account, `$7` sign-in, `$8` settings, `$9` whether it has secrets, `$10` owner, `$11` id. */
export const insertAccount = tenantStatement<{ uid: number }>(
  'cloud_accounts_insert',
  `insert into cloud_accounts
     (tenant_id, name, kind, is_cloud, status, provider_account, sign_in, settings, has_secrets, owner_id, id)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11) returning uid`,
);

/** Everything that may change, whole. */
export const updateAccount = tenantStatement(
  'cloud_accounts_update',
  `update cloud_accounts a set name = $3, status = $4, status_reason = $5, provider_account = $6, sign_in = $7,
     settings = $8::jsonb, has_secrets = $9, updated_at = now()
   where a.tenant_id = $1 and a.uid = $2`,
);

/** `$3` status, `$4` reason. */
export const updateStatus = tenantStatement(
  'cloud_accounts_update_status',
  `update cloud_accounts a set status = $3, status_reason = $4, updated_at = now() where a.tenant_id = $1 and a.uid = $2`,
);

export const updateHarvested = tenantStatement(
  'cloud_accounts_update_harvested',
  `update cloud_accounts a set status = $3, status_reason = $4, last_harvested_at = now()
   where a.tenant_id = $1 and a.uid = $2`,
);

export const deleteAccount = tenantStatement(
  'cloud_accounts_delete',
  'delete from cloud_accounts a where a.tenant_id = $1 and a.uid = $2',
);

/** What was kept about how many resources an account has: they add up to nothing after it is gone. */
export const deleteCounts = tenantStatement(
  'cloud_accounts_delete_counts',
  `delete from row_counts r where r.tenant_id = $1 and r.collection = concat('resources ', $2::bigint)`,
);

export const selectAllOf = tenantStatement<{ uid: number }>(
  'cloud_accounts_select_all',
  'select a.uid from cloud_accounts a where a.tenant_id = $1 order by a.uid for update',
);

export type CloudAccountField =
  | 'uid'
  /** As self-service calls it. */
  | 'number'
  | 'id'
  | 'name'
  | 'kind'
  | 'isCloud'
  | 'status'
  | 'statusReason'
  | 'providerAccount'
  | 'signIn'
  | 'settings'
  | 'roleArn'
  | 'ownerId'
  | 'owner'
  | 'createdAt'
  | 'updatedAt'
  | 'lastHarvestedAt'
  | 'resourceCount'
  | 'badgeCount'
  | 'strategy';

const RESOURCES = `(select coalesce(sum(c.difference), 0)::integer from row_counts c
  where c.tenant_id = a.tenant_id and c.collection = concat('resources ', a.uid))`;
const BADGES = '(select count(*)::integer from badges b where b.cloud_account_uid = a.uid)';

/** Both texts of a pair, with a character between them that neither can hold. */
const PAIR = `concat(b.key, E'\\x01', b.value)`;

export const ACCOUNT_LIST: ListSpec<CloudAccountField> = {
  from: 'cloud_accounts a left join users u on u.id = a.owner_id',
  driver: { table: 'cloud_accounts', alias: 'a', key: 'uid' },
  fields: {
    uid: { sql: 'a.uid', type: 'integer' },
    number: { sql: 'a.uid', type: 'integer' },
    id: { sql: 'a.id::text', type: 'text' },
    name: { sql: 'a.name', type: 'text' },
    kind: { sql: 'a.kind', type: 'text' },
    isCloud: { sql: 'a.is_cloud', type: 'boolean' },
    status: { sql: 'a.status', type: 'text' },
    statusReason: { sql: 'a.status_reason', type: 'text' },
    providerAccount: { sql: 'a.provider_account', type: 'text' },
    signIn: { sql: 'a.sign_in', type: 'text' },
    settings: { sql: 'a.settings', type: 'json' },
    roleArn: { sql: `a.settings ->> 'roleArn'`, type: 'text' },
    ownerId: { sql: 'a.owner_id', type: 'integer' },
    owner: { sql: 'u.username', type: 'text' },
    createdAt: { sql: 'a.created_at', type: 'time' },
    updatedAt: { sql: 'a.updated_at', type: 'time' },
    lastHarvestedAt: { sql: 'a.last_harvested_at', type: 'time' },
    resourceCount: { sql: RESOURCES, type: 'integer' },
    badgeCount: { sql: BADGES, type: 'integer' },
    strategy: { sql: 'a.strategy_uid', type: 'integer' },
  },
  confine: ownTenant('a', { visibility: false }),
  defaultSort: [{ field: 'uid' }],
  tieBreak: 'a.uid',
  search: ['name', 'providerAccount'],
  selections: {
    /** Values are `key \x01 value`. */
    'any-badge': (pairs) =>
      sql`exists (select from badges b where b.cloud_account_uid = a.uid and ${sql.raw(PAIR)} = any(${[...pairs]}::text[]))`,
    'every-badge': (pairs) =>
      sql`(select count(*) from badges b where b.cloud_account_uid = a.uid and ${sql.raw(PAIR)} = any(${[...pairs]}::text[])) = ${new Set(pairs).size}`,
    'some-badge': () => sql`exists (select from badges b where b.cloud_account_uid = a.uid)`,
  },
};
