import { sql } from 'kysely';
import type { JsonObject } from '../dsl/plan.js';
import type { UserId } from '../ids.js';
import { type ListSpec, ownTenant } from '../store/list.js';
import { tenantStatement } from '../store/statement.js';

export interface ResourceRow {
  readonly uid: number;
  readonly cloudAccountUid: number;
  readonly type: string;
  readonly region: string;
  readonly providerId: string;
  readonly nativeId: string | null;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly facts: JsonObject;
  readonly refersTo: readonly { readonly type: string; readonly providerId: string }[];
  readonly createdAt: Date | null;
  readonly discoveredAt: Date;
  readonly modifiedAt: Date;
  readonly ownerId: UserId | null;
}

const COLUMNS = `r.uid, r.cloud_account_uid as "cloudAccountUid", r.type, r.region, r.provider_id as "providerId",
  r.native_id as "nativeId", r.name, r.tags, r.facts, r.refers_to as "refersTo", r.created_at as "createdAt",
  r.discovered_at as "discoveredAt", r.modified_at as "modifiedAt", r.owner_id as "ownerId"`;

/** `$2` account, `$3` type, `$4` provider's id, `$5` region or null for any. */
export const selectResource = tenantStatement<ResourceRow>(
  'resources_select',
  `select ${COLUMNS} from inventory_resources r
   where r.tenant_id = $1 and r.cloud_account_uid = $2 and r.type = $3 and r.provider_id = $4
     and ($5::text is null or r.region = $5) and r.destroyed_at is null order by r.uid limit 1`,
);

/** Things of the account `$2` that any of the pairs `$3` (type) and `$4` (provider's id) names. */
export const selectReferred = tenantStatement<ResourceRow>(
  'resources_select_referred',
  `select ${COLUMNS} from inventory_resources r
   join unnest($3::text[], $4::text[]) as one(type, provider_id) on one.type = r.type and one.provider_id = r.provider_id
   where r.tenant_id = $1 and r.cloud_account_uid = $2 and r.destroyed_at is null order by r.type, r.name, r.uid limit 500`,
);

export interface PresentRow {
  readonly uid: number;
  readonly type: string;
  readonly region: string;
  readonly providerId: string;
  readonly digest: Buffer;
  readonly destroyed: boolean;
}

/** Everything of an account, gone or there. */
export const selectPresent = tenantStatement<PresentRow>(
  'resources_select_present',
  `select r.uid, r.type, r.region, r.provider_id as "providerId", r.digest, r.destroyed_at is not null as destroyed
   from inventory_resources r where r.tenant_id = $1 and r.cloud_account_uid = $2 order by r.uid`,
);

/** `$3` rows as JSON: those that were destroyed come back with a new time of discovery. */
export const upsertResources = tenantStatement(
  'resources_upsert',
  `insert into inventory_resources (tenant_id, cloud_account_uid, type, region, provider_id, native_id, name, tags, facts,
     refers_to, digest, created_at)
   select $1, $2, one.type, one.region, one."providerId", one."nativeId", one.name, one.tags, one.facts,
     one."refersTo", decode(one.digest, 'hex'), one."createdAt"
   from jsonb_to_recordset($3::jsonb) as one(type text, region text, "providerId" text, "nativeId" text, name text,
     tags jsonb, facts jsonb, "refersTo" jsonb, digest text, "createdAt" timestamptz)
   on conflict (cloud_account_uid, type, region, provider_id) do update set
     native_id = excluded.native_id, name = excluded.name, tags = excluded.tags, facts = excluded.facts,
     refers_to = excluded.refers_to, digest = excluded.digest, created_at = excluded.created_at, modified_at = now(),
     discovered_at = case when inventory_resources.destroyed_at is null then inventory_resources.discovered_at else now() end,
     destroyed_at = null`,
);

export const destroyResources = tenantStatement(
  'resources_destroy',
  `update inventory_resources r set destroyed_at = now() where r.tenant_id = $1 and r.uid = any($2::bigint[])`,
);

export const setOwner = tenantStatement(
  'resources_set_owner',
  'update inventory_resources r set owner_id = $3 where r.tenant_id = $1 and r.uid = any($2::bigint[])',
);

export const upsertHarvest = tenantStatement(
  'harvests_upsert',
  `insert into harvests (tenant_id, cloud_account_uid, job, region, started_at, ended_at, status, error)
   values ($1, $2, $3, $4, $5, now(), $6, $7)
   on conflict (cloud_account_uid, job, region) do update set started_at = excluded.started_at,
     ended_at = excluded.ended_at, status = excluded.status, error = excluded.error`,
);

export interface HarvestRow {
  readonly job: string;
  readonly region: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly status: string;
  readonly error: string | null;
}

export const selectHarvests = tenantStatement<HarvestRow>(
  'harvests_select',
  `select h.job, h.region, h.started_at as "startedAt", h.ended_at as "endedAt", h.status, h.error
   from harvests h where h.tenant_id = $1 and h.cloud_account_uid = $2 order by h.job, h.region`,
);

/** How many of each type, of accounts `$2` (null: of all). */
export const countByType = tenantStatement<{ type: string; count: number }>(
  'resources_count_by_type',
  `select r.type, count(*)::integer as count from inventory_resources r
   where r.tenant_id = $1 and r.destroyed_at is null and ($2::bigint[] is null or r.cloud_account_uid = any($2))
     and ($3::jsonb is null or r.tags @> $3)
   group by r.type order by r.type`,
);

/** How many resources belong to each of the users `$2`. */
export const countOwned = tenantStatement<{ ownerId: UserId; count: number }>(
  'resources_count_owned',
  `select r.owner_id as "ownerId", count(*)::integer as count from inventory_resources r
   where r.tenant_id = $1 and r.owner_id = any($2::bigint[]) and r.destroyed_at is null group by r.owner_id`,
);

export type ResourceField =
  | 'uid'
  | 'type'
  | 'region'
  | 'providerId'
  | 'nativeId'
  | 'name'
  | 'tags'
  | 'facts'
  | 'createdAt'
  | 'discoveredAt'
  | 'modifiedAt'
  | 'account'
  | 'accountName'
  | 'accountKind'
  | 'accountStatus'
  | 'accountProvider'
  | 'ownerId';

export const RESOURCE_LIST: ListSpec<ResourceField> = {
  from: 'inventory_resources r join cloud_accounts a on a.uid = r.cloud_account_uid',
  driver: { table: 'inventory_resources', alias: 'r', key: 'uid' },
  fields: {
    uid: { sql: 'r.uid', type: 'integer' },
    type: { sql: 'r.type', type: 'text' },
    region: { sql: 'r.region', type: 'text' },
    providerId: { sql: 'r.provider_id', type: 'text' },
    nativeId: { sql: 'r.native_id', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    tags: { sql: 'r.tags', type: 'json' },
    facts: { sql: 'r.facts', type: 'json' },
    createdAt: { sql: 'r.created_at', type: 'time' },
    discoveredAt: { sql: 'r.discovered_at', type: 'time' },
    modifiedAt: { sql: 'r.modified_at', type: 'time' },
    account: { sql: 'r.cloud_account_uid', type: 'integer' },
    accountName: { sql: 'a.name', type: 'text' },
    accountKind: { sql: 'a.kind', type: 'text' },
    accountStatus: { sql: 'a.status', type: 'text' },
    accountProvider: { sql: 'a.provider_account', type: 'text' },
    ownerId: { sql: 'r.owner_id', type: 'integer' },
  },
  confine: (scope) => {
    const [own] = [ownTenant('r', { visibility: false })(scope)].flat();
    return sql`${own} and r.destroyed_at is null`;
  },
  defaultSort: [{ field: 'uid' }],
  tieBreak: 'r.uid',
  search: ['name', 'providerId'],
  selections: {
    after: ([uid]) => sql`r.uid > ${uid}::bigint`,
    accounts: (uids) => sql`r.cloud_account_uid = any(${[...uids]}::bigint[])`,
    /** One value: the pairs as a JSON object. */
    tags: ([pairs]) => sql`r.tags @> ${pairs}::jsonb`,
  },
};
