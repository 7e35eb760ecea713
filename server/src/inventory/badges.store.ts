import { tenantStatement } from '../store/statement.js';

export interface BadgeRow {
  readonly key: string;
  readonly value: string;
  readonly generated: boolean;
}

export const selectBadges = tenantStatement<BadgeRow>(
  'badges_select',
  `select b.key, b.value, b.generated from badges b where b.tenant_id = $1 and b.cloud_account_uid = $2 order by b.key`,
);

/** `$3` keys, `$4` values. A key that is there gets the new value. */
export const upsertBadges = tenantStatement(
  'badges_upsert',
  `insert into badges (tenant_id, cloud_account_uid, key, value)
   select $1, $2, one.key, one.value from unnest($3::text[], $4::text[]) as one(key, value)
   on conflict (cloud_account_uid, key) do update set value = excluded.value, generated = false`,
);

/** All that people gave. */
export const deleteBadges = tenantStatement(
  'badges_delete',
  'delete from badges b where b.tenant_id = $1 and b.cloud_account_uid = $2 and not b.generated',
);

/** `$3` keys, `$4` values: pairs that are there as they are named. */
export const deleteBadgePairs = tenantStatement(
  'badges_delete_pairs',
  `delete from badges b using unnest($3::text[], $4::text[]) as one(key, value)
   where b.tenant_id = $1 and b.cloud_account_uid = $2 and b.key = one.key and b.value = one.value`,
);

/** `$2` accounts; null: of all. */
export const countBadges = tenantStatement<{ uid: number; count: number }>(
  'badges_count',
  `select a.uid, (select count(*) from badges b where b.tenant_id = $1 and b.cloud_account_uid = a.uid)::integer as count
   from cloud_accounts a where a.tenant_id = $1 and a.is_cloud and ($2::bigint[] is null or a.uid = any($2)) order by a.uid`,
);
