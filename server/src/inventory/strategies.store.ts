import { tenantStatement } from '../store/statement.js';

export interface StrategyRow {
  readonly uid: number;
  readonly name: string;
  readonly kind: string;
  readonly accounts: number;
}

export const selectStrategies = tenantStatement<StrategyRow>(
  'strategies_select',
  `select s.uid, s.name, s.kind,
     (select count(*) from cloud_accounts a where a.tenant_id = $1 and a.strategy_uid = s.uid)::integer as accounts
   from harvest_strategies s where s.tenant_id = $1 order by s.uid`,
);

export const countByKind = tenantStatement<{ kind: string; accounts: number }>(
  'strategies_count_by_kind',
  `select a.kind, count(*)::integer as accounts from cloud_accounts a
   where a.tenant_id = $1 and a.is_cloud and a.strategy_uid is null group by a.kind`,
);

export const insertStrategy = tenantStatement<{ uid: number }>(
  'strategies_insert',
  'insert into harvest_strategies (tenant_id, name, kind) values ($1, $2, $3) on conflict do nothing returning uid',
);

export const assignStrategy = tenantStatement(
  'strategies_assign',
  `update cloud_accounts a set strategy_uid = $3, updated_at = now()
   where a.tenant_id = $1 and a.uid = any($2::bigint[])`,
);

export const assignByBadges = tenantStatement(
  'strategies_assign_by_badges',
  `update cloud_accounts a set strategy_uid = $3, updated_at = now()
   where a.tenant_id = $1 and a.kind = $2 and exists (
     select from badges b join unnest($4::text[], $5::text[]) as one(key, value) on one.key = b.key and one.value = b.value
     where b.tenant_id = $1 and b.cloud_account_uid = a.uid)`,
);

export const deleteStrategies = tenantStatement(
  'strategies_delete_all',
  'delete from harvest_strategies s where s.tenant_id = $1',
);
